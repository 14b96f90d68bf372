"""Between a training and the world: orders that reach it, the state that it shows, the log that it writes."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil

from s3n_core.errors import S3NError
from s3n_core.runs.control import OrderReader
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.runs.run_state import RunState, RunStatus
from s3n_core.training.checkpoints import Place
from s3n_core.training.events import Event, Paused, Resumed

PAUSE_POLL = 0.1  # seconds between two looks for an order while paused


class Halt(Exception):
    """Raised inside the loop when an order ends the training.

    Attributes:
        status: "stopped" or "discarded".
    """

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status


class Steering:
    """Reads the orders of a run and writes its state.

    Args:
        run: The run, its lock held.
        stop_requested: Whether the process itself wants to stop (Ctrl+C).
    """

    def __init__(self, run: RunDirectory, stop_requested: Callable[[], bool]) -> None:
        self._run = run
        self._orders = OrderReader(run.path)
        self._stop_requested = stop_requested
        self._stopping = False
        process = psutil.Process()
        self._state = RunState(status="starting", pid=process.pid, process_created=process.create_time())
        self._place = Place()

    def follow(self, place: Place, epochs: int, batches: int) -> None:
        """From now on write the epoch, the batch and the best epoch from ``place``, which the training changes."""
        self._place = place
        self._state = replace(self._state, epochs=epochs, batches=batches)

    def write(self, status: RunStatus, **fields: Any) -> None:
        """Write ``state.json``.

        Args:
            status: What the training does.
            fields: Fields of `RunState`; what is not given is empty, but for the pace, which stays.

        Raises:
            OutputError: If the disk does not take it.
        """
        where = self._place
        if self._stopping and status == "running":
            status = "stopping"
        self._state = replace(
            self._state,
            status=status,
            message="",
            epoch=where.epoch,
            batch=where.batch,
            best_epoch=where.best_epoch,
            best_accuracy=where.best_accuracy,
        )
        self._state = replace(self._state, **fields)
        # What is shown while it runs is replaced many times a minute; the last word must survive a power failure.
        self._run.write_state(self._state, durable=status in ("finished", "stopped", "failed", "discarded"))

    def last_word(self, message: str) -> None:
        """Write that the training failed, and why; where even that fails, the run shows as interrupted."""
        with suppress(S3NError):
            self.write("failed", message=message)

    def obey(self, *, inside_batch: bool) -> Generator[Event, None, None]:
        """Look for an order and follow it: a pause holds here.

        A stop waits for the end of the batch, since a checkpoint inside one could not be resumed exactly; stopping at once and
        discarding do not wait.

        Raises:
            Halt: If the training ends here.
        """
        order = self._orders.poll()
        if order == "pause" and not self._stop_requested():
            self.write("paused", message="Paused.")
            yield Paused()
            while order not in ("resume", "stop", "stop-now", "discard") and not self._stop_requested():
                time.sleep(PAUSE_POLL)
                order = self._orders.poll()
            self.write("running")
            yield Resumed()
        if order == "discard":
            raise Halt("discarded")
        if order == "stop-now":
            raise Halt("stopped")
        if order == "stop" or self._stop_requested():
            self._stopping = True
            self.write("stopping", message="Stopping after this batch.")
        if self._stopping and not inside_batch:
            raise Halt("stopped")


@contextmanager
def run_log(path: Path) -> Iterator[None]:
    """Write what the engine logs into the run's own log while it trains."""
    logger = logging.getLogger("s3n_core")
    handler = logging.FileHandler(path, encoding="utf-8", errors="backslashreplace")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)
        handler.close()
