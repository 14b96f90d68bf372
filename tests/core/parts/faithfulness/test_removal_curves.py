"""Formulas of removal curves, on cases with known answers."""

import numpy as np
import pytest

from s3n_core.parts.faithfulness.removal_curves import (
    FRACTIONS,
    area_under,
    random_order,
    relative_drop,
    removal_order,
    removed,
)


def test_the_area_under_a_curve_is_its_mean_height() -> None:
    assert area_under([0, 1], [0.3, 0.3]) == pytest.approx(0.3)
    assert area_under([0, 1], [1, 0]) == 0.5
    assert area_under([0, 0.1, 1], [1, 0, 0]) == pytest.approx(0.05)  # real fractions, not steps
    assert area_under([0, 0.2, 1], [1, 0.8, 0]) == pytest.approx(0.5)
    assert area_under(FRACTIONS, FRACTIONS) == pytest.approx(0.5)


@pytest.mark.parametrize(("fractions", "values"), [([0], [1]), ([0, 0], [1, 1]), ([0, 1], [1]), ([1, 0], [1, 1])])
def test_no_curve(fractions: list[float], values: list[float]) -> None:
    with pytest.raises(ValueError, match="two points"):
        area_under(fractions, values)


def test_the_relative_drop_is_what_the_first_loses_more() -> None:
    assert relative_drop((0.8, 0.1), (0.5, 0.3)) == pytest.approx(0.5)
    assert relative_drop((0.8, 0.1), (0.7, 0.0)) == pytest.approx(0.0)  # both lose alike
    assert relative_drop((0.5, 0.5), (1.0, 0.0)) == pytest.approx(-1.0)


def test_the_largest_values_are_removed_first() -> None:
    order = removal_order(np.array([[0.0, 2.0], [-1.0, 2.0]]))
    assert order.tolist() == [1, 3, 0, 2]
    assert removed(order, 0.5, (2, 2)).tolist() == [[False, True], [False, True]]
    assert not removed(order, 0.0, (2, 2)).any()
    assert removed(order, 1.0, (2, 2)).all()
    assert [removed(np.arange(400), fraction, (20, 20)).mean() for fraction in FRACTIONS] == list(FRACTIONS)


def test_random_patches_lie_inside_first() -> None:
    inside = np.zeros((6, 5), dtype=bool)
    inside[2:4, 1:4] = True
    orders = [random_order(np.random.default_rng(seed), inside) for seed in range(5)]
    for order in orders:
        assert sorted(order.tolist()) == list(range(30))
        assert inside.reshape(-1)[order[:6]].all()
    assert len({tuple(order[:6].tolist()) for order in orders}) > 1
