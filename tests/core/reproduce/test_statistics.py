"""Statistics over images and seeds, on cases with known answers."""

import numpy as np
import pytest

from s3n_core.evaluation.bootstrap import crossed_means
from s3n_core.reproduce.statistics import difference, holm_lower_bounds, interval, paired, table_of, too_few_seeds


def test_only_common_images_and_seeds_are_compared():
    ours = {0: {"a": 1.0, "b": 0.0, "c": 1.0}, 1: {"a": 1.0, "b": 1.0, "c": 1.0}}
    theirs = {1: {"a": 0.0, "b": 1.0}, 2: {"a": 0.0, "b": 0.0}}
    values = paired(ours, theirs)
    assert values is not None
    assert values.tolist() == [[1.0, 0.0]]
    assert table_of(ours).tolist() == [[1.0, 0.0, 1.0], [1.0, 1.0, 1.0]]
    assert paired(ours, {5: {"a": 1.0}}) is None
    assert paired({0: {"a": 1.0}}, {0: {"b": 1.0}}) is None
    assert difference(ours, {5: {}}) is None


def test_an_interval_is_that_of_the_normal_approximation():
    values = (np.random.default_rng(1).random((1, 400)) < 0.8).astype(float)
    found = interval(values)
    half = 1.96 * np.sqrt(values.mean() * (1 - values.mean()) / 400)
    assert found.mean == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - half, abs=0.01)
    assert found.high == pytest.approx(values.mean() + half, abs=0.01)
    same = interval(np.ones((3, 10)))
    assert (same.mean, same.low, same.high) == (1.0, 1.0, 1.0)


def test_seeds_widen_an_interval():
    alike = np.tile(np.tile([1.0, 0.0], 50), (4, 1))
    apart = np.array([[1.0] * 100, [0.0] * 100, [1.0] * 100, [0.0] * 100])
    assert crossed_means(apart).std() > 3 * crossed_means(alike).std()


def test_fewer_than_three_seeds_are_too_few_for_a_verdict():
    assert too_few_seeds(1) == "there is 1 seed, and fewer than 3 say too little about how much trainings vary"
    assert too_few_seeds(2).startswith("there are 2 seeds, and ")
    assert too_few_seeds(3) == ""
    values = np.random.default_rng(3).normal(size=(2, 1))  # (what the reason says: half of the variance with two)
    assert crossed_means(values).var() == pytest.approx(values.var(ddof=1) / 2 / 2, rel=0.1)


def test_the_smallest_bound_is_divided_by_the_number_of_controls():
    generator = np.random.default_rng(2)
    strong, weak = (generator.normal(mean, 1.0, (1, 400)) for mean in (0.4, 0.1))
    bounds = holm_lower_bounds({"weak": weak, "strong": strong})
    means = crossed_means(strong)
    assert bounds["strong"] == pytest.approx(np.percentile(means, 100 * 0.025 / 2))
    assert bounds["weak"] == pytest.approx(np.percentile(crossed_means(weak), 100 * 0.025), abs=1e-12)
    assert bounds["strong"] < interval(strong).low, "wider than the interval of one alone"


def test_after_one_that_is_not_better_no_other_counts():
    worse, better = np.full((1, 50), -0.1), np.tile([0.0, 0.02], 25)[None]
    assert holm_lower_bounds({"better": better})["better"] > 0
    bounds = holm_lower_bounds({"worse": worse, "noise": np.tile([1.0, -1.0], 25)[None], "better": better})
    assert bounds["better"] > 0, "it is the first in order"
    assert bounds["noise"] <= 0
    assert bounds["worse"] == pytest.approx(-0.1)
