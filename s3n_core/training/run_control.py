"""Between a training and the world: orders that reach it, the state that it shows, the log that it writes."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from s3n_core.errors import RunError, S3NError
from s3n_core.runs.control import Order, OrderReader
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.runs.run_state import RunState, RunStatus
from s3n_core.system.atomic_files import output_error
from s3n_core.system.distributed import Team
from s3n_core.system.processes import process_created
from s3n_core.training.events import Event, Paused, Resumed
from s3n_core.training.training_progress import TrainingProgress

PAUSE_POLL = 0.1  # seconds between two looks for an order while paused
_LAST_WORDS: frozenset[RunStatus] = frozenset({"finished", "stopped", "failed", "discarded"})


class TrainingClock:
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
        """Return the speed in batches of that size."""
        return batch_size / max(self.batch_seconds, 1e-9)


class Halt(Exception):
    """Raised inside the loop when an order ends the training.

    Attributes:
        status: "stopped" or "discarded".
    """

    def __init__(self, status: Literal["stopped", "discarded"]) -> None:
        super().__init__(status)
        self.status = status


class RunControl:
    """Reads the orders of a run and writes its state; of several processes the leader does, for all.

    Args:
        run: The run, its lock held.
        stop_requested: Whether the process itself wants to stop (Ctrl+C).
        team: The processes at work.

    Attributes:
        clock: The training's clock, which stands still in a pause.
    """

    def __init__(self, run: RunDirectory, stop_requested: Callable[[], bool], team: Team) -> None:
        self._run = run
        self._team = team
        self._orders = OrderReader(run.path)
        self._stop_requested = stop_requested
        self._stopping = False
        self.clock = TrainingClock()
        # What an earlier process has reached is shown until this one has loaded it.
        self._state = replace(
            _last_state(run),
            status="starting",
            pid=os.getpid(),
            process_created=process_created(),
            seconds_left=None,
        )
        self._progress: TrainingProgress | None = None

    @property
    def ended(self) -> bool:
        """Whether the last word has been written."""
        return self._state.status in _LAST_WORDS

    def follow(self, progress: TrainingProgress, epochs: int, batches: int) -> None:
        """From now on write the epoch, the batch and the best epoch from ``progress``, which the training changes."""
        self._progress = progress
        self._state = replace(self._state, epochs=epochs, batches=batches)

    def write(self, status: RunStatus, **fields: Any) -> None:
        """Write ``state.json``.

        Args:
            status: What the training does.
            fields: Fields of `RunState`; what is not given is empty, but for the speed, which stays.

        Raises:
            OutputError: If the disk does not take it.
        """
        if self._stopping and status == "running":
            status = "stopping"
        ended = status in _LAST_WORDS
        self._state = replace(self._state, status=status, message="", failure=None)
        if ended:
            self._state = replace(self._state, seconds_left=None)
        if self._progress is not None:
            self._state = replace(
                self._state,
                epoch=self._progress.epoch,
                batch=self._progress.batch,
                best_epoch=self._progress.best_epoch,
                best_accuracy=self._progress.best_accuracy,
            )
        self._state = replace(self._state, **fields)
        # What is shown while it runs is replaced many times a minute; the last word must survive a power failure.
        if self._team.leads:
            self._run.write_state(self._state, durable=ended)

    def last_word(self, status: Literal["stopped"], message: str) -> None:
        """Write how the training ended unless that has been said; where even that fails, the run shows as interrupted."""
        if not self.ended:
            with suppress(S3NError):
                self.write(status, message=message)

    def fail(self, error: S3NError) -> None:
        """Write which error ended the training, as `last_word` does."""
        if not self.ended:
            with suppress(S3NError):
                self.write("failed", message=str(error), failure=error.to_dict())

    def obey(self, *, inside_batch: bool) -> Generator[Event, None, None]:
        """Look for an order and follow it: a pause holds here.

        A stop waits for the end of the batch, since a checkpoint inside one could not be resumed exactly; stopping at once and
        discarding do not wait.

        Raises:
            Halt: If the training ends here.
        """
        order, stop_requested = self._look()
        if order == "pause" and not stop_requested:
            self.write("paused", message="Paused.")
            yield Paused()
            with self.clock.pause():
                while order not in ("resume", "stop", "stop-now", "discard") and not stop_requested:
                    time.sleep(PAUSE_POLL)
                    order, stop_requested = self._look()
            self.write("running")
            yield Resumed()
        if order == "discard":
            raise Halt("discarded")
        if order == "stop-now":
            raise Halt("stopped")
        if order == "stop" or stop_requested:
            self._stopping = True
            self.write("stopping", message="Stopping after this batch.")
        if self._stopping and not inside_batch:
            raise Halt("stopped")

    def _look(self) -> tuple[Order | None, bool]:
        """Return the order that came, and whether any process wants to stop: the same in all, at the same place."""
        answers = self._team.gather((self._orders.poll() if self._team.leads else None, self._stop_requested()))
        return answers[0][0], any(stop for _, stop in answers)


def _last_state(run: RunDirectory) -> RunState:
    try:
        return run.read_state() or RunState(status="starting")
    except RunError:
        return RunState(status="starting")  # it is about to be written anew


class _QuietHandler(logging.FileHandler):
    """A log file that keeps silent about a full disk: the training itself says so, in a sentence."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Let the message go."""


@contextmanager
def run_log(path: Path) -> Iterator[None]:
    """Write what the engine logs into the run's own log while it trains.

    Raises:
        OutputError: If the log cannot be opened.
    """
    logger = logging.getLogger("s3n_core")
    try:
        handler = _QuietHandler(path, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise output_error(path, error) from error
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)
        with suppress(OSError):  # a full disk may refuse the last buffered words
            handler.close()
