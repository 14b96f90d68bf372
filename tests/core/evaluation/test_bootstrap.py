"""Bootstrap intervals over images: the same draws whatever is drawn at once, in bounded memory."""

import tracemalloc
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from s3n_core.evaluation import bootstrap
from s3n_core.evaluation.bootstrap import interval_over_images, middle
from s3n_core.system.seeding import keyed_generator

DRAWS = 2000


def share(drawn: NDArray[np.float64]) -> Any:
    return drawn[..., 0].sum(axis=-1) / np.maximum(drawn[..., 1].sum(axis=-1), 1)


def median(drawn: NDArray[np.float64]) -> Any:
    return np.median(drawn, axis=-1)


@pytest.mark.parametrize("at_once", [1, 1000, 2_000_000])
@pytest.mark.parametrize("count", [10, 11, 64, 257, 1023, 3001])
def test_an_interval_is_that_of_draws_from_one_call(count: int, at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "_AT_ONCE", at_once)
    values = np.random.default_rng(count).normal(size=count)
    pairs = np.random.default_rng(count).integers(0, 9, (count, 2)).astype(np.float64)
    drawn = keyed_generator(0, "some", "key").integers(0, count, (DRAWS, count))
    assert interval_over_images(values, "some", "key") == middle(values[drawn].mean(axis=1))
    assert interval_over_images(values, "some", "key", statistic=median) == middle(median(values[drawn]))
    assert interval_over_images(pairs, "some", "key", statistic=share) == middle(share(pairs[drawn]))


def test_draws_in_blocks_go_on_where_the_last_ended() -> None:
    """What the intervals rest on, of NumPy itself: with and without half of a 64-bit number left over between two blocks."""
    for count in (10, 13, 255, 1001, 4096):
        whole = keyed_generator(0, "blocks").integers(0, count, (DRAWS, count))
        for rows in (1, 3, 700):
            generator = keyed_generator(0, "blocks")
            blocks = [
                generator.integers(0, count, (min(rows, DRAWS - start), count)) for start in range(0, DRAWS, rows)
            ]
            assert np.array_equal(np.concatenate(blocks), whole)


def test_many_images_need_no_more_memory() -> None:
    values = np.random.default_rng(0).random(20_000)
    tracemalloc.start()
    try:
        found = interval_over_images(values, "memory")
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found is not None
    assert found[0] < values.mean() < found[1]
    assert most < 100e6  # two arrays of 2000 x 20,000 are 640 MB


def test_no_interval_without_enough_images_or_where_a_draw_has_no_value() -> None:
    assert interval_over_images(np.zeros(9), "few") is None
    values = np.arange(12.0)
    assert interval_over_images(values, "none", statistic=lambda drawn: np.where(drawn[:, 0] == 3, np.nan, 1)) is None
