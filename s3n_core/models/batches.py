"""The batch loop of every job that runs a network over images: prediction, evaluation, export, validation.

The caller supplies the work on a batch (a forward pass and what is kept of it). The loop prefetches batches, runs the
work without gradients in the requested precision, halves a batch that does not fit the device's memory, keeps the order
of the images, reports those that cannot be read, and distributes the images over several processes.
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
from s3n_core.models.device_memory import is_out_of_memory, return_unused_memory
from s3n_core.models.devices import autocast
from s3n_core.system.distributed import ALONE, Team

_Result = TypeVar("_Result")
_log = logging.getLogger(__name__)


def default_batch_size(device: str) -> int:
    """Return a batch size that suits a device: large for a GPU, small for a CPU because of its caches."""
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
    """Load images and process them batch by batch, in constant memory.

    Close the generator (``contextlib.closing``) to stop early; no thread is left behind.

    Args:
        samples: All images.
        view: Makes the view of one decoded image; called from several threads at once.
        work: Returns a result for each image of a batch; see `over_batches`. In a team the results must be picklable.
        device: "cpu", "cuda" or "mps".
        precision: Precision of the network's layers.
        batch_size: Images per batch; None: `default_batch_size` of the device.
        workers: Loading threads; see `load_batches`.
        prefetch: Batches that are loaded ahead.
        start: Position of the first image to process.
        team: The cooperating processes, all of which call this with the same arguments: batches are dealt out in turn,
            and every process gets all results.
        read: Decodes one sample.

    Returns:
        A generator of lists of (position, result) pairs in the order of the samples; each list covers one batch of each
        process. The result of an image that cannot be read is the error.

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
        for _ in range(start, len(samples), size * team.size):  # the same number of times in every process
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
    """Process batches that are loaded elsewhere.

    Args:
        batches: The batches; closed at the end.
        work: Returns a result for each image of a batch, or of a piece of it if the whole does not fit. Called without
            gradients and in ``precision``; called again with fewer images if it runs out of memory.
        device: "cpu", "cuda" or "mps".
        precision: Precision of the network's layers.
        pieces: Remembers between calls how many images fit.

    Returns:
        A generator of each batch with the results of its readable images.

    Raises:
        OutOfMemory: The device has too little memory for one image.
    """
    pieces = pieces or FittingPieces()

    def some(batch: Batch, piece: slice) -> Sequence[_Result]:
        # Exited before every yield: the consumer must not run in inference mode.
        with torch.inference_mode(), autocast(device, precision):
            return work(batch.piece(piece))

    with closing(batches):
        for batch in batches:
            parts = pieces.over(len(batch), lambda piece, batch=batch: some(batch, piece))  # type: ignore[misc]
            yield batch, [result for part in parts for result in part]


class FittingPieces:
    """Runs work in pieces that fit the device's memory, found by halving; only this class handles out-of-memory."""

    def __init__(self) -> None:
        self._limit: int | None = None

    def over(self, count: int, work: Callable[[slice], _Result]) -> list[_Result]:
        """Return the results of ``work`` for consecutive pieces of ``count`` images, a single piece if they all fit.

        Raises:
            OutOfMemory: Even one image does not fit.
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
            if out_of_memory:  # outside the handler: its exception keeps the tensors of the forward pass alive
                self._limit = size // 2
                _log.warning("not enough memory for %d images at once; continuing with %d", size, self._limit)
                return_unused_memory()
        return results


def within_memory(work: Callable[[], _Result]) -> _Result:
    """Run work on one image, turning an out-of-memory error into `OutOfMemory`.

    Raises:
        OutOfMemory: The device has too little memory for it.
    """
    (result,) = FittingPieces().over(1, lambda _: work())
    return result


def _in_order(batch: Batch, results: Iterable[_Result]) -> list[tuple[int, _Result | UnreadableImage]]:
    """Return the results and errors of a batch with their positions, in the order of the samples."""
    read: list[tuple[int, _Result | UnreadableImage]] = list(zip(batch.positions.tolist(), results, strict=True))
    return sorted([*read, *zip(batch.error_positions.tolist(), batch.errors, strict=True)], key=lambda pair: pair[0])
