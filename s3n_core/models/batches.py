"""The loop from images to what is made of them, for every job that asks a network: prediction, evaluation, export, validation.

The work on a batch (a pass of the network and what is kept of it) comes from the caller. The loop loads batches ahead, runs the
work without gradients and in the precision asked for, halves a batch that the device's memory cannot hold, keeps the order of the
images, names those that cannot be read, and shares the images among several processes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from typing import TypeVar

import numpy as np
import torch
from PIL import Image

from s3n_core.datasets.loading import Batch, Sample, View, load_batches, read_sample
from s3n_core.errors import OutOfMemory, UnreadableImage
from s3n_core.models.devices import autocast, is_out_of_memory
from s3n_core.system.distributed import ALONE, Team

_Result = TypeVar("_Result")
_log = logging.getLogger(__name__)


def default_batch_size(device: str) -> int:
    """Return the images in a batch that suit a device: a card wants many, a CPU's caches few."""
    return 8 if device == "cpu" else 32


def over_images(
    samples: Sequence[Sample],
    view: View,
    work: Callable[[Batch], Sequence[_Result]],
    *,
    device: str,
    precision: str,
    batch_size: int | None = None,
    workers: int | None = None,
    prefetch: int = 2,
    start: int = 0,
    team: Team = ALONE,
    read: Callable[[Sample], Image.Image] = read_sample,
) -> Generator[list[tuple[int, _Result | UnreadableImage]], None, None]:
    """Load images and work on them, batch by batch, in constant memory.

    Close the generator (``contextlib.closing``) to stop early; no thread is left behind.

    Args:
        samples: All images.
        view: Makes the view of one decoded image; called from several threads at once.
        work: Returns a result for each image of a batch, called as by `over_batches`. In a team results must pickle.
        device: "cpu", "cuda" or "mps": where the work is done.
        precision: Of the network's layers.
        batch_size: Images in a batch; None: what suits the device.
        workers: Loading threads; see `load_batches`.
        prefetch: Batches that are loaded ahead.
        start: Position of the first image to work on.
        team: The processes at work, all of which call this with the same arguments: the batches go round among them, and
            every process gets all results.
        read: Decodes one sample.

    Returns:
        A generator of (position, result) pairs, those of one batch of each process at a time, in the order of the samples. For
        an image that cannot be read the result is the error that says why.

    Raises:
        OutOfMemory: The device has too little memory for one image.
        DeviceError: There are fewer cards than processes.
    """
    team.require_cards(device)
    size = batch_size or default_batch_size(device)
    positions = np.arange(start, len(samples))
    own = positions[(positions - start) // size % team.size == team.rank]
    loaded = load_batches(samples, view, size, order=own, workers=workers, prefetch=prefetch, read=read)
    with closing(over_batches(loaded, work, device=device, precision=precision)) as batches:
        for _ in range(start, len(samples), size * team.size):  # as often in every process, whoever gets the last batch
            done = next(batches, None)
            pairs = [] if done is None else _in_order(*done)
            yield [pair for part in team.gather(pairs) for pair in part]


def over_batches(
    batches: Generator[Batch, None, None],
    work: Callable[[Batch], Sequence[_Result]],
    *,
    device: str,
    precision: str,
    pieces: FittingPieces | None = None,
) -> Generator[tuple[Batch, list[_Result]], None, None]:
    """Work on batches that are loaded elsewhere.

    Args:
        batches: The batches; closed at the end.
        work: Returns a result for each image of a batch, or of a piece of it where the whole does not fit. Called without
            gradients and in ``precision``; what runs out of memory in it is begun anew with fewer images.
        device: "cpu", "cuda" or "mps": where the work is done.
        precision: Of the network's layers.
        pieces: Remembers what fits from one call to the next.

    Returns:
        A generator of each batch with the results of the images in it that could be read.

    Raises:
        OutOfMemory: The device has too little memory for one image.
    """
    pieces = pieces or FittingPieces()

    def some(batch: Batch, piece: slice) -> Sequence[_Result]:
        # Left before every yield: whoever follows must not find torch in inference mode.
        with torch.inference_mode(), autocast(device, precision):
            return work(batch.piece(piece))

    with closing(batches):
        for batch in batches:
            parts = pieces.over(len(batch), lambda piece, batch=batch: some(batch, piece))  # type: ignore[misc]
            yield batch, [result for part in parts for result in part]


class FittingPieces:
    """Does work in pieces that fit the device's memory, found by halving: the one place where asking a network runs out of it."""

    def __init__(self) -> None:
        self._limit: int | None = None

    def over(self, count: int, work: Callable[[slice], _Result]) -> list[_Result]:
        """Return what ``work`` returns for consecutive pieces of ``count`` images, for all at once where they fit.

        Raises:
            OutOfMemory: One image is too much.
        """
        results: list[_Result] = []
        start = 0
        while start < count:
            size = min(self._limit or count, count - start)
            try:
                results.append(work(slice(start, start + size)))
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                if size == 1:
                    raise OutOfMemory(
                        "The device does not have enough free memory for one image. Close other programs that use it, "
                        "or choose the device cpu."
                    ) from error
                out_of_memory = True
            else:
                out_of_memory = False
                start += size
            if out_of_memory:  # outside the handler, whose error would keep the pass's tensors alive
                self._limit = size // 2
                _log.warning("not enough memory for %d images at once; continuing with %d", size, self._limit)
                if torch.cuda.is_available():
                    torch.cuda.empty_cache()
        return results


def within_memory(work: Callable[[], _Result]) -> _Result:
    """Do work on one image.

    Raises:
        OutOfMemory: The device has too little memory for it.
    """
    (result,) = FittingPieces().over(1, lambda _: work())
    return result


def _in_order(batch: Batch, results: Iterable[_Result]) -> list[tuple[int, _Result | UnreadableImage]]:
    """Return results and errors of a batch with their positions, in the order of the samples."""
    read: list[tuple[int, _Result | UnreadableImage]] = list(zip(batch.positions.tolist(), results, strict=True))
    return sorted([*read, *zip(batch.error_positions.tolist(), batch.errors, strict=True)], key=lambda pair: pair[0])
