"""Drawing and encoding the files of an export's images beside the network, in processes that do not load torch."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from s3n_core.export.image_files import ExportedImage, FileContents
from s3n_core.system.processes import usable_cores
from s3n_core.system.worker_pools import worker_pool

T = TypeVar("T")

_MOST_PROCESSES = 16
_LEAST_IMAGES = 64  # starting a process takes as long as drawing a dozen sheets
# With two, 96 sheets take 1.12 times as long in processes: the network and the drawing use both anyway.
_LEAST_CORES = 3
_AHEAD = 2  # images per process that wait, so that no process does


def drawing_processes(images: int) -> int:
    """Return the number of processes that are worth starting to draw so many images; 0 for few of them."""
    cores = usable_cores()
    return 0 if images < _LEAST_IMAGES or cores < _LEAST_CORES else min(cores, _MOST_PROCESSES)


def drawn_in_order(
    contents: FileContents, images: Iterable[tuple[T, ExportedImage | None]], processes: int
) -> Generator[tuple[T, dict[str, bytes]], None, None]:
    """Create the files of images while the next images are being inspected.

    Args:
        contents: Creates the contents.
        images: Pairs of anything and an image, or None if there is nothing to draw. No more are taken than are soon drawn.
        processes: Number of processes to start; 0: this process draws. They end with the generator, or with this process.

    Returns:
        A generator of each pair's first value and the image's contents by ending, in the order of ``images``.
    """
    if not processes:
        for value, image in images:
            yield value, {} if image is None else contents.of(image)
        return
    pending: deque[tuple[T, ExportedImage | None, Future[dict[str, bytes]] | None]] = deque()

    def first() -> tuple[T, dict[str, bytes]]:
        value, image, future = pending.popleft()
        if image is None:
            return value, {}
        try:
            return value, contents.of(image) if future is None else future.result()
        except BrokenProcessPool:  # a process was killed, mostly because memory is scarce: go on without
            return value, contents.of(image)

    with worker_pool(processes) as pool:
        for value, image in images:
            try:
                future = None if image is None else pool.submit(contents.of, image)
            except BrokenProcessPool:
                future = None
            pending.append((value, image, future))
            while pending and (len(pending) > _AHEAD * processes or pending[0][2] is None or pending[0][2].done()):
                yield first()
        while pending:
            yield first()
