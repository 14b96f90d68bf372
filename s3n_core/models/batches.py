"""Batches that fit the device: what suits it to begin with, and halved where its memory is too small."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

import torch

from s3n_core.errors import OutOfMemory
from s3n_core.models.devices import is_out_of_memory

_Result = TypeVar("_Result")
_log = logging.getLogger(__name__)


def default_batch_size(device: str) -> int:
    """Return the images in a batch that suit a device: a card wants many, a CPU's caches few."""
    return 8 if device == "cpu" else 32


class ShrinkingStep:
    """Works on batches in pieces that fit the device's memory, found by halving."""

    def __init__(self) -> None:
        self._limit: int | None = None

    def over(self, count: int, work: Callable[[slice], _Result]) -> list[_Result]:
        """Return what ``work`` returns for consecutive pieces of a batch of ``count``, the whole batch where it fits.

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
                        "The device has too little free memory for one image; close other programs that use it, "
                        "or choose the device cpu."
                    ) from error
                out_of_memory = True
            else:
                out_of_memory = False
                start += size
            if out_of_memory:  # outside the handler, whose error would keep the pass's tensors alive
                self._limit = size // 2
                _log.warning("too little memory for %d images at once: going on with %d", size, self._limit)
                if torch.cuda.is_available():
                    torch.cuda.empty_cache()
        return results
