import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from s3n_core.datasets.loading import Batch, Sample, load_batches
from s3n_core.errors import OutOfMemory, UnreadableImage
from s3n_core.models.batches import FittingPieces, over_batches, over_images
from s3n_core.system.distributed import Team

BROKEN = {0, 5, 8, 9, 10, 11}


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    """23 images; image i has the grey value 10 i and is i + 2 pixels wide. Some cannot be read."""
    made = []
    for i in range(23):
        path = tmp_path / f"{i}.png"
        if i in BROKEN:
            path.write_bytes(b"junk")
        else:
            Image.new("RGB", (i + 2, 5), (10 * i,) * 3).save(path)
        made.append(Sample(path, f"{i}.png"))
    return made


@pytest.fixture(autouse=True)
def no_thread_stays() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


def view(image: Image.Image, _: int) -> np.ndarray:
    return np.asarray(image.resize((4, 4)))


def values(batch: Batch) -> Sequence[tuple[int, list[int]]]:
    """Return each loaded image's grey value and size."""
    return list(zip(batch.images[:, 0, 0, 0].tolist(), batch.sizes.tolist(), strict=True))


def loop(samples: list[Sample], work=values, **options):
    return over_images(samples, view, work, device="cpu", precision="float32", **{"batch_size": 4} | options)


def test_results_come_in_the_order_of_the_images(samples: list[Sample]) -> None:
    with closing(loop(samples)) as batches:
        pairs = [pair for results in batches for pair in results]
    assert [position for position, _ in pairs] == list(range(23))
    for position, result in pairs:
        if position in BROKEN:
            assert isinstance(result, UnreadableImage)
            assert result.path == samples[position].path
        else:
            assert result == (10 * position, [position + 2, 5])


def test_it_goes_on_where_it_stopped(samples: list[Sample]) -> None:
    assert [[position for position, _ in results] for results in loop(samples, start=17)] == [
        [17, 18, 19, 20],
        [21, 22],
    ]
    assert list(loop(samples, start=23)) == []


class Member(Team):
    """A team member whose gather only stores its argument."""

    def gather(self, value):
        return [value]


@pytest.mark.parametrize(
    ("rank", "shares"),
    [
        (0, [range(1, 5), range(13, 17)]),
        (1, [range(5, 9), range(17, 21)]),
        (2, [range(9, 13), range(21, 23)]),
    ],
)
def test_batches_go_round_among_processes(samples: list[Sample], rank: int, shares: list[range]) -> None:
    rounds = [[position for position, _ in results] for results in loop(samples, start=1, team=Member(rank, 3))]
    assert rounds == [list(share) for share in shares]


def test_every_process_asks_as_often(samples: list[Sample]) -> None:
    rounds = [list(loop(samples[:9], team=Member(rank, 2))) for rank in (0, 1)]
    assert [len(results) for results in rounds] == [2, 2]
    assert rounds[1][1] == [], "the last batch is the first process's"


def test_a_batch_that_does_not_fit_is_halved_and_the_size_remembered(samples: list[Sample]) -> None:
    sizes: list[int] = []

    def work(batch: Batch) -> Sequence[tuple[int, list[int]]]:
        sizes.append(len(batch))
        if len(batch) > 2:
            raise torch.OutOfMemoryError
        return values(batch)

    whole = [pair for results in loop(samples[12:], batch_size=5) for pair in results]
    assert [pair for results in loop(samples[12:], work, batch_size=5) for pair in results] == whole
    assert sizes == [5, 2, 2, 1, 2, 2, 1, 1]


def test_one_image_that_does_not_fit_is_an_error_with_a_remedy(samples: list[Sample]) -> None:
    def work(batch: Batch) -> list[int]:
        raise MemoryError

    with pytest.raises(OutOfMemory, match="choose the device cpu"):
        list(loop(samples, work))


def test_what_fits_is_known_to_the_next_loop(samples: list[Sample]) -> None:
    sizes: list[int] = []

    def work(batch: Batch) -> Sequence[str]:
        sizes.append(len(batch))
        if len(batch) > 3:
            raise torch.OutOfMemoryError
        return batch.names

    pieces = FittingPieces()
    for _ in range(2):
        loaded = load_batches(samples[12:18], view, 6)
        ((batch, names),) = over_batches(loaded, work, device="cpu", precision="float32", pieces=pieces)
        assert names == list(batch.names)
    assert sizes == [6, 3, 3, 3, 3]


def test_work_is_done_without_gradients_and_the_caller_keeps_its_own(samples: list[Sample]) -> None:
    def work(batch: Batch) -> list[tuple[bool, bool]]:
        return [(torch.is_inference_mode_enabled(), torch.is_autocast_enabled("cpu"))] * len(batch)

    for precision, cast in (("float32", False), ("bfloat16", True)):
        job = over_images(samples[12:], view, work, device="cpu", precision=precision, batch_size=4)
        with closing(job) as batches:
            for results in batches:
                assert {result for _, result in results} == {(True, cast)}
                assert not torch.is_inference_mode_enabled()
                assert not torch.is_autocast_enabled("cpu")


def test_stopping_early_leaves_no_thread(samples: list[Sample]) -> None:
    batches = loop(samples, batch_size=1, workers=2)
    next(batches)
    batches.close()
