"""The worker behind a training job: starts the process, polls the run folder twice a second, and passes on orders."""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from PySide6.QtCore import Signal

from s3n_core.errors import S3NError
from s3n_core.runs.control import send_order
from s3n_core.runs.ending import end_run
from s3n_core.runs.following import RunChange, RunFollower
from s3n_core.runs.run_directory import is_run
from s3n_core.runs.run_state import RunState, ShownStatus
from s3n_core.runs.trash import move_to_trash
from s3n_core.system.engine_process import start_process
from s3n_core.system.locks import is_live, is_training
from s3n_core.system.processes import process_is_alive
from s3n_gui.background.processes import engine_environment, how_it_ended, interrupt, kill, leave, log_file
from s3n_gui.background.worker_thread import Worker

_TERMINATION_SECONDS = 10.0
_DISCARD_SECONDS = 10.0
_TAIL_BYTES = 8192


@dataclass(frozen=True)
class RunOrder:
    """An order to the training process.

    Attributes:
        order: As in `s3n_core.runs.control`.
        grace_seconds: Time after which the process is terminated if it still trains; None: never.
    """

    order: Literal["pause", "resume", "stop", "stop-now", "discard"]
    grace_seconds: float | None = None


@dataclass(frozen=True)
class Preparation:
    """The progress of a command that does not have a run folder yet.

    Attributes:
        what: What it is doing: "Finding the range of values".
        done: Number of images done.
        total: Number of all images that it concerns.
        seconds_left: Estimated time left, in seconds; None while unknown.
    """

    what: str
    done: int
    total: int
    seconds_left: float | None = None


@dataclass(frozen=True)
class Ending:
    """How a watched training ended.

    Attributes:
        status: The displayed status of the run.
        discarded: Whether the run was moved to the trash or deleted.
        sentence: What happened, if the run folder does not record it; may be empty.
        error: What went wrong, if the run folder does not record it.
    """

    status: ShownStatus
    discarded: bool = False
    sentence: str = ""
    error: S3NError | None = None


class RunWatch(Worker):
    """Watches one run until it is no longer trained, or until `leave` is called.

    Args:
        run_path: The run folder; with a command it need not exist yet.
        command: The command that trains the run; None watches a training that was started elsewhere.
        log_name: Name of the log file for the command's output.
    """

    changed = Signal(object)
    """The run folder changed: a `RunChange`."""
    preparing = Signal(object)
    """The command has made progress before there is a run folder: a `Preparation`."""
    refused = Signal(object)
    """An order could not be sent: the `S3NError`."""
    ended = Signal(object)
    """The training ended: an `Ending`; not emitted after `leave`."""

    def __init__(self, run_path: Path, command: Sequence[str] | None, log_name: str) -> None:
        super().__init__()
        self._run_path = run_path
        self._command = command
        self._log = log_file(log_name)
        self._log_start = 0
        self._follower = RunFollower(run_path)
        self._orders: deque[RunOrder] = deque()
        self._end_at: float | None = None
        self._discarding = False
        self._seen = False
        self._before: RunChange | None = None  # what an earlier process has left
        self._ended_by_force = self._interrupted = False
        self._preparation: Preparation | None = None

    def order(self, order: RunOrder) -> None:
        """Queue an order. Thread-safe."""
        self._orders.append(order)
        self._follower.wake()

    def leave(self) -> None:
        """Stop watching; the training continues. Thread-safe."""
        self._follower.close()

    def work(self) -> None:
        """Start the command, if any, and watch the run."""
        process: subprocess.Popen[bytes] | None = None
        try:
            if self._command is not None:
                with contextlib.suppress(OSError):
                    self._log_start = self._log.stat().st_size
                process = start_process(self._command, log=self._log, long_job=True, environment=engine_environment())
            self._watch(process)
        except S3NError as error:
            self.ended.emit(Ending("failed", error=error))
        finally:
            if process is not None:
                leave(process)

    def _watch(self, process: subprocess.Popen[bytes] | None) -> None:
        while not self._follower.closed:
            # Polled before the folder is read, so that everything an ended process has written is seen.
            code = None if process is None else process.poll()
            over = code is not None
            change = self._look()
            if process is None and not change.live:
                over = True
            if over and not is_training(self._run_path):
                self.ended.emit(self._ending(change, code))
                return
            if process is not None and not self._seen:
                self._follow_preparation()
            process = None if code is not None else process  # another process has taken over the run
            while self._orders:
                self._pass_on(self._orders.popleft(), process)
            if self._end_at is not None and time.monotonic() >= self._end_at:
                self._end_at = None
                self._end_by_force(process)
            self._follower.wait()
        while self._orders:  # "stop" just before the window was closed
            self._pass_on(self._orders.popleft(), process)

    def _look(self) -> RunChange:
        change = self._follower.poll()
        self._before = self._before or change
        self._seen = self._seen or not change.gone
        if change.changed and not change.gone:
            self.changed.emit(change)
        return change

    def _pass_on(self, order: RunOrder, process: subprocess.Popen[bytes] | None) -> None:
        try:
            send_order(self._run_path, order.order)
        except S3NError as error:
            # A process that has not locked the run yet accepts no orders, but it can be interrupted.
            if order.grace_seconds is None or process is None or is_live(self._run_path):
                self.refused.emit(error)
                return
            self._interrupted = True
            interrupt(process)
        self._discarding = order.order == "discard"
        if order.grace_seconds is not None:
            self._end_at = time.monotonic() + order.grace_seconds

    def _end_by_force(self, process: subprocess.Popen[bytes] | None) -> None:
        self._ended_by_force = True
        try:
            ending = end_run(self._run_path, _TERMINATION_SECONDS)
        except S3NError as error:
            self.refused.emit(error)
            return
        if ending == "gone" and process is not None:
            kill(process)

    def _follow_preparation(self) -> None:
        said = self._last_logged("progress")
        if said is None:
            return
        done, total, left = (said.get(name) for name in ("done", "total", "seconds_left"))
        if not isinstance(done, int) or not isinstance(total, int) or total < 1:
            return
        found = Preparation(str(said.get("what", "")), done, total, left if isinstance(left, int | float) else None)
        if found != self._preparation:
            self._preparation = found
            self.preparing.emit(found)

    def _ending(self, change: RunChange, code: int | None) -> Ending:
        if change.gone and not self._seen and self._interrupted and self._said() is None:
            return Ending("stopped", sentence="Stopped before the training began; no run was made.")
        if self._discarding:
            return self._discarded(change.state)
        if change.gone and self._seen:
            return Ending("discarded", discarded=True, sentence="The run was moved to the trash or deleted.")
        if change.gone:
            # The run folder was never created; the command has printed why.
            return Ending("failed", error=self._said() or self._unexpected(code))
        if self._ended_by_force:
            sentence = (
                "The training did not stop in time and was terminated. Resume it to continue from its last checkpoint."
            )
            return Ending(change.status, sentence=sentence)
        # A resume that could not begin has recorded nothing: the folder shows how the training ended the time before.
        began = self._before is None or change.state != self._before.state
        if not began and self._interrupted and self._said() is None:
            return Ending(change.status, sentence="Stopped before the training began.")
        if code is not None and code not in (0, 130) and (not began or change.status in ("interrupted", "stopped")):
            return Ending(change.status, error=self._said() or self._unexpected(code))
        return Ending(change.status)

    def _discarded(self, state: RunState | None) -> Ending:
        # The process itself moves the run after releasing its lock, unless it was terminated.
        deadline = time.monotonic() + _DISCARD_SECONDS
        while is_run(self._run_path) and _is_alive(state) and time.monotonic() < deadline and not self._follower.closed:
            time.sleep(0.05)
        if is_run(self._run_path):
            try:
                move_to_trash(self._run_path, self._run_path.parent)
            except S3NError as error:
                return Ending("stopped", error=error)
        return Ending("discarded", discarded=True)

    def _unexpected(self, code: int | None) -> S3NError:
        how = "" if code is None else f" ({how_it_ended(code)})"
        remedy = "Resume it to continue from its last checkpoint. " if is_run(self._run_path) else ""
        return S3NError(f"The training process ended unexpectedly{how}. {remedy}See the log {self._log}.")

    def _said(self) -> S3NError | None:
        """Return the error that the command logged last, or None."""
        said = self._last_logged("failed")
        return None if said is None else S3NError.from_dict(said)

    def _last_logged(self, event: str) -> dict[str, Any] | None:
        """Return what the command logged last of a kind of event, or None."""
        try:
            with self._log.open("rb") as file:
                file.seek(0, 2)
                file.seek(max(self._log_start, file.tell() - _TAIL_BYTES))
                lines = file.read().decode("utf-8", "replace").splitlines()
        except OSError:
            return None
        for line in reversed(lines):
            with contextlib.suppress(ValueError):
                value = json.loads(line)
                if isinstance(value, dict) and value.get("event") == event:
                    return value
        return None


def _is_alive(state: RunState | None) -> bool:
    """Return whether the process that wrote a state still runs on this machine."""
    if state is None or state.pid is None or state.process_created is None:
        return False
    return process_is_alive(state.pid, state.process_created)
