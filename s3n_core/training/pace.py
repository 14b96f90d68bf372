"""How fast a training goes: seconds of work, without those of pauses, and the time that is left."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Pace:
    """A clock that stands still in a pause, and the smoothed time of a batch.

    Attributes:
        batch_seconds: Seconds a batch takes; 0 while unknown.
    """

    def __init__(self) -> None:
        self._paused = 0.0
        self.batch_seconds = 0.0

    def now(self) -> float:
        """Return the seconds worked since some fixed moment."""
        return time.monotonic() - self._paused

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Let the clock stand still while the block runs."""
        began = time.monotonic()
        try:
            yield
        finally:
            self._paused += time.monotonic() - began

    def batch_took(self, seconds: float) -> None:
        """Count a batch, the last ones most."""
        self.batch_seconds = seconds if self.batch_seconds == 0 else 0.9 * self.batch_seconds + 0.1 * seconds

    def images_per_second(self, batch_size: int) -> float:
        """Return the pace in batches of that size."""
        return batch_size / max(self.batch_seconds, 1e-9)
