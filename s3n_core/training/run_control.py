"""The training's interface to the outside: the orders it receives, the state it reports, and its log."""

from __future__ import annotations

import logging
import os
import platform
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, TypeVar

from s3n_core.errors import RunError, S3NError
from s3n_core.runs.control import Order, OrderReader
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.runs.run_state import RunState, RunStatus
from s3n_core.system.atomic_files import output_error
from s3n_core.system.distributed import Team
from s3n_core.system.processes import process_created
from s3n_core.training.events import Event, Paused, Resumed
from s3n_core.training.recipe import Recipe
from s3n_core.training.training_progress import TrainingProgress

T = TypeVar("T")

PAUSE_POLL = 0.1  # seconds between checks for an order while paused
_LAST_WORDS: frozenset[RunStatus] = frozenset({"finished", "stopped", "failed", "discarded"})


class TrainingClock:
    """A clock that stops during pauses, and a moving average of the time per batch.

    Attributes:
        batch_seconds: Smoothed seconds per batch; 0 while unknown.
    """

    def __init__(self) -> None:
        self._paused = 0.0
        self.batch_seconds = 0.0

    def now(self) -> float:
        """Return the seconds since a fixed time, without pauses."""
        return time.monotonic() - self._paused

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Stop the clock while the block runs."""
        began = time.monotonic()
        try:
            yield
        finally:
            self._paused += time.monotonic() - began

    def batch_took(self, seconds: float) -> None:
        """Update the exponential moving average of the time per batch."""
        self.batch_seconds = seconds if self.batch_seconds == 0 else 0.9 * self.batch_seconds + 0.1 * seconds

    def images_per_second(self, batch_size: int) -> float:
        """Return the training speed for a batch size."""
        return batch_size / max(self.batch_seconds, 1e-9)


class Halt(Exception):
    """Raised inside the loop if an order ends the training.

    Attributes:
        status: "stopped" or "discarded".
    """

    def __init__(self, status: Literal["stopped", "discarded"]) -> None:
        super().__init__(status)
        self.status = status


class RunControl:
    """Reads the orders to a run and writes its state; in distributed training, the leader does so for all processes.

    Args:
        run: The run; its lock is held.
        stop_requested: Returns whether this process has been asked to stop (Ctrl+C).
        team: The processes that train together.

    Attributes:
        clock: The training's clock, which stops during pauses.
    """

    def __init__(self, run: RunDirectory, stop_requested: Callable[[], bool], team: Team) -> None:
        self._run = run
        self._team = team
        self._orders = OrderReader(run.path)
        self._stop_requested = stop_requested
        self._stopping = False
        self.clock = TrainingClock()
        # Until the checkpoint is loaded, show the progress of the earlier process.
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
        """Whether a final status has been written."""
        return self._state.status in _LAST_WORDS

    def follow(self, progress: TrainingProgress, epochs: int, batches: int, device: str) -> None:
        """From now on, take epoch, batch and best epoch from ``progress``, which the training updates in place.

        Args:
            progress: The progress.
            epochs: Total number of epochs.
            batches: Batches per epoch.
            device: The device that is trained on; a speed that was measured elsewhere is no longer reported.
        """
        self._progress = progress
        host = platform.node() if self._team.size == 1 else None
        if (device, host) != (self._state.device, self._state.host):
            self._state = replace(self._state, images_per_second=None)
        self._state = replace(self._state, epochs=epochs, batches=batches, device=device, host=host)

    def still_finished(self, progress: TrainingProgress, recipe: Recipe) -> None:
        """Write the state of a run in which nothing is left to do; its process may have been killed before it did so.

        Raises:
            OutputError: If the file cannot be written.
        """
        self._progress = progress
        self.write("finished", message=progress.ended("finished", recipe).message, epochs=recipe.epochs)

    def write(self, status: RunStatus, **fields: Any) -> None:
        """Write ``state.json``.

        Args:
            status: The new status.
            fields: Other fields of `RunState` to change. Message and failure are cleared unless given.

        Raises:
            OutputError: If the file cannot be written.
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
        # The state is replaced many times a minute while training; only the final one must survive a power failure.
        if self._team.leads:
            self._run.write_state(self._state, durable=ended)

    def last_word(self, status: Literal["stopped"], message: str) -> None:
        """Write the final status unless one has been written. If this fails, the run appears as interrupted."""
        if not self.ended:
            with suppress(S3NError):
                self.write(status, message=message)

    def fail(self, error: S3NError) -> None:
        """Write the error that ended the training, like `last_word`."""
        if not self.ended:
            with suppress(S3NError):
                self.write("failed", message=str(error), failure=error.to_dict())

    def obey(self, news: T, *, inside_batch: bool) -> Generator[Event, None, list[T]]:
        """Check for an order and carry it out; a pause waits here.

        A stop takes effect at the end of the batch, because a checkpoint inside one could not be resumed exactly. The
        orders "stop-now" and "discard" take effect at once.

        Args:
            news: What this process has to tell the others; it travels in the message that the order needs anyway.
            inside_batch: Whether the batch at hand is only partly done.

        Returns:
            The news of every process, by rank.

        Raises:
            Halt: If an order ends the training.
        """
        order, stop_requested, told = self._look(news)
        if order == "pause" and not stop_requested:
            self.write("paused", message="Paused.")
            yield Paused()
            with self.clock.pause():
                while order not in ("resume", "stop", "stop-now", "discard") and not stop_requested:
                    time.sleep(PAUSE_POLL)
                    order, stop_requested, _ = self._look(None)
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
        return told

    def _look(self, news: T) -> tuple[Order | None, bool, list[T]]:
        """Return the new order, whether any process has been asked to stop, and the news of all: the same to all processes."""
        order = self._orders.poll() if self._team.leads else None
        answers = self._team.gather((order, self._stop_requested(), news))
        return answers[0][0], any(stop for _, stop, _ in answers), [told for _, _, told in answers]


def _last_state(run: RunDirectory) -> RunState:
    try:
        return run.read_state() or RunState(status="starting")
    except RunError:
        return RunState(status="starting")  # a damaged state is about to be overwritten


class _QuietHandler(logging.FileHandler):
    """A log file handler that ignores write errors, such as a full disk: the training itself reports them."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Drop the message."""


@contextmanager
def run_log(path: Path) -> Iterator[None]:
    """Write the engine's log messages to the run's log file while the block runs.

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
        with suppress(OSError):  # a full disk may refuse the last buffered messages
            handler.close()
