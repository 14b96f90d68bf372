"""Batch loading: ordered, complete, bounded in memory, and cleaned up when abandoned."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from s3n_core.datasets.loading import Batch, Sample, load_batches
from s3n_core.datasets.threaded_map import threaded_map, worker_count


def value_view(image: Image.Image, position: int) -> NDArray[np.uint8]:
    return np.asarray(image.resize((4, 4)))


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    """23 images; image i has the grey value 10 i. Images 5 and 8 to 11 cannot be read."""
    made = []
    for i in range(23):
        path = tmp_path / f"{i}.png"
        if i in (5, 8, 9, 10, 11):
            path.write_bytes(b"junk" if i % 2 else b"")
        else:
            Image.new("RGB", (6, 5), (10 * i,) * 3).save(path)
        made.append(Sample(path, f"class/{i}.png", i % 3))
    return made


@pytest.fixture(autouse=True)
def no_thread_stays() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


def check(batches: list[Batch], order: list[int]) -> None:
    bad = {5, 8, 9, 10, 11}
    assert [p for b in batches for p in b.positions.tolist()] == [p for p in order if p not in bad]
    assert [p for b in batches for p in b.error_positions.tolist()] == [p for p in order if p in bad]
    for batch in batches:
        assert batch.images.dtype == np.uint8
        assert batch.images.shape[0] == len(batch) == len(batch.names) == len(batch.positions)
        np.testing.assert_array_equal(batch.images[:, 0, 0, 0], 10 * batch.positions)
        assert batch.labels is not None
        np.testing.assert_array_equal(batch.labels, batch.positions % 3)
        assert batch.names == tuple(f"class/{p}.png" for p in batch.positions)
        assert [error.path.name for error in batch.errors] == [f"{p}.png" for p in batch.error_positions]


@pytest.mark.parametrize("workers", [0, 1, 4])
@pytest.mark.parametrize("prefetch", [0, 2])
def test_all_in_order(samples: list[Sample], workers: int, prefetch: int) -> None:
    batches = list(load_batches(samples, value_view, 4, workers=workers, prefetch=prefetch))
    check(batches, list(range(23)))
    assert [len(batch) for batch in batches] == [4, 3, 0, 4, 4, 3]
    assert batches[2].images.shape == (0, 4, 4, 3)  # all four are unreadable, yet the batch is yielded
    assert len(batches[2].errors) == 4


def test_a_given_order(samples: list[Sample]) -> None:
    order = np.random.default_rng(0).permutation(23)[:15]
    check(list(load_batches(samples, value_view, 4, order=order)), order.tolist())


def test_order_does_not_depend_on_speed(samples: list[Sample]) -> None:
    def slow_first(image: Image.Image, position: int) -> NDArray[np.uint8]:
        time.sleep(0.02 if position % 4 == 0 else 0)
        return value_view(image, position)

    check(list(load_batches(samples, slow_first, 4, workers=4)), list(range(23)))


def test_first_batch_unreadable(samples: list[Sample]) -> None:
    batches = list(load_batches(samples[8:12], value_view, 4, workers=1))
    assert [batch.images.shape for batch in batches] == [(0, 0, 0, 3)]
    assert batches[0].labels is not None
    assert batches[0].labels.dtype == batches[0].positions.dtype == np.int64


def test_without_labels(samples: list[Sample]) -> None:
    unlabelled = [Sample(sample.path, sample.name) for sample in samples[:4]]
    assert [batch.labels for batch in load_batches(unlabelled, value_view, 2)] == [None, None]


def test_nothing_to_load() -> None:
    assert list(load_batches([], value_view, 4)) == []


def test_other_exceptions_reach_the_caller(samples: list[Sample]) -> None:
    def broken(image: Image.Image, position: int) -> NDArray[np.uint8]:
        if position == 6:
            raise ZeroDivisionError("a defect, not a bad file")
        return value_view(image, position)

    batches = load_batches(samples, broken, 4, workers=2)
    assert next(batches).positions.tolist() == [0, 1, 2, 3]
    with pytest.raises(ZeroDivisionError, match="a defect"):
        next(batches)


@pytest.mark.parametrize("taken", [0, 1, 2])
def test_closing_early_leaves_no_thread(samples: list[Sample], taken: int) -> None:
    started = []

    def counted(image: Image.Image, position: int) -> NDArray[np.uint8]:
        started.append(position)
        time.sleep(0.005)
        return value_view(image, position)

    with closing(load_batches(samples * 20, counted, 4, workers=2, prefetch=2)) as batches:
        for _ in range(taken):
            next(batches)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("s3n-")]
    assert len(started) <= (taken + 2) * 4  # loads not yet started are never started


def test_memory_is_bounded(samples: list[Sample]) -> None:
    """While the caller works on a batch, only ``prefetch`` batches are loaded ahead."""
    good = [sample for sample in samples if sample.name != "class/5.png"][:5] * 20
    started = []

    def counted(image: Image.Image, position: int) -> NDArray[np.uint8]:
        started.append(position)
        return value_view(image, position)

    with closing(load_batches(good, counted, 4, workers=2, prefetch=2)) as batches:
        for number in range(1, 6):
            next(batches)
            time.sleep(0.02)
            assert len(started) <= (number + 2) * 4


@pytest.mark.parametrize("wrong", [{"batch_size": 0}, {"batch_size": 1, "prefetch": -1}])
def test_refuses_at_once(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least"):
        load_batches([], value_view, **wrong)


def test_worker_policy() -> None:
    assert [worker_count(cores) for cores in (1, 2, 4, 8, 16, 64)] == [1, 2, 4, 6, 12, 16]
    assert worker_count() >= 1


def test_threaded_map_takes_items_as_needed() -> None:
    taken = []

    def items() -> Iterator[int]:
        for i in range(1000):
            taken.append(i)
            yield i

    with closing(threaded_map(lambda i: i * i, items(), workers=2, ahead=5)) as squares:
        assert [next(squares) for _ in range(3)] == [0, 1, 4]
    assert len(taken) <= 3 + 5
    assert list(threaded_map(str, range(3), workers=0)) == ["0", "1", "2"]
