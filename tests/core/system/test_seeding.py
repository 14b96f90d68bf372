"""Keyed randomness: draws depend only on their key."""

import numpy as np
import pytest

from s3n_core.system.seeding import epoch_order, keyed_generator, peak_draws


def test_a_key_gives_the_same_numbers_for_ever() -> None:
    """The numbers of the first version: any others would change every training run and every prediction with draws."""
    assert keyed_generator(1, "a", 2).integers(0, 1000, 5).tolist() == [529, 669, 209, 618, 884]
    assert epoch_order(7, 3, 8).tolist() == [4, 5, 1, 6, 2, 0, 3, 7]
    draws = peak_draws(7, 3, ["birds/one.jpg"], 2).ravel().tolist()
    assert draws == pytest.approx([0.54617393, 0.52591020, 0.45131266, 0.71141207], rel=1e-6)


def test_every_part_of_a_key_counts() -> None:
    keys = [(1, 2), (2, 1), (12,), (1, "2"), ("1", 2), (1, 2, "")]
    assert len({keyed_generator(*key).random() for key in keys}) == len(keys)


def test_draws_differ_by_seed_epoch_and_sample_and_by_nothing_else() -> None:
    both = peak_draws(0, 0, ["a.jpg", "b.jpg"], 31)
    assert both.shape == (2, 31, 31)
    assert both.dtype == np.float32
    assert both.min() >= 0
    assert both.max() < 1
    assert np.array_equal(both[1], peak_draws(0, 0, ["b.jpg"], 31)[0])
    for other in (both[1], peak_draws(0, 1, ["a.jpg"], 31)[0], peak_draws(1, 0, ["a.jpg"], 31)[0]):
        assert not np.array_equal(both[0], other)


def test_orders_differ_by_seed_and_epoch() -> None:
    orders = [epoch_order(0, 0, 50).tolist(), epoch_order(0, 1, 50).tolist(), epoch_order(1, 0, 50).tolist()]
    assert all(sorted(order) == list(range(50)) for order in orders)
    assert len({tuple(order) for order in orders}) == 3
