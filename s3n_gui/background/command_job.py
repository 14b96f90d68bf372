"""Jobs that run an engine command: predict, evaluate, export, audit."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from s3n_core.errors import ProgramDefect, S3NError
from s3n_core.system.engine_process import engine_command
from s3n_gui.appearance.wording import error_text
from s3n_gui.background.command_process import CommandProcess
from s3n_gui.background.jobs import Job
from s3n_gui.background.processes import how_it_ended, log_file
from s3n_gui.background.worker_thread import WorkerThread

GRACE_SECONDS = 10.0
_CLOSING_SECONDS = 1.5
_KEPT_LINES = 20


class CommandJob(Job):
    """Runs one command in its own process and turns its JSON output into signals.

    Cancelling interrupts the process like Ctrl+C, so that it saves its results; it is killed if it does not end within
    the grace period. A job ends with the window: predictions and exports resume when they are started again.
    """

    printed = Signal(object)
    """A dict that the command printed: one per progress report, or a single one at the end."""
    said = Signal(str)
    """A line that the command wrote to stderr."""
    succeeded = Signal(object, object)
    """The job succeeded: the last dict that it printed, or None; and the job."""
    failed = Signal(object, object)
    """The job failed: the `S3NError`, and the job."""

    def __init__(
        self,
        title: str,
        arguments: Sequence[str],
        parent: QObject | None = None,
        *,
        prefix: Sequence[str] = (),
        grace_seconds: float = GRACE_SECONDS,
        long_job: bool = True,
    ) -> None:
        """Prepare a job; `start` starts it.

        Args:
            title: The displayed title.
            arguments: The arguments of ``s3n``; ``--json`` is added to its options. Names that may begin with a hyphen
                follow ``--``.
            parent: The Qt parent.
            prefix: A prefix that runs the command elsewhere (`engine_command`).
            grace_seconds: How long a cancelled job may take to end by itself.
            long_job: Whether it gets low priority; False where the user waits for the answer.
        """
        super().__init__(title, parent)
        options = list(arguments)
        options.insert(options.index("--") if "--" in options else len(options), "--json")
        command = engine_command(*options, prefix=prefix)
        self._log = log_file("jobs")
        self._worker = CommandProcess(command, self._log, long_job=long_job)
        self._worker.printed.connect(self._on_printed)
        self._worker.said.connect(self._on_said)
        self._worker.crashed.connect(self._on_crashed)
        self._thread = WorkerThread(self._worker)
        self._thread.finished.connect(self._on_finished)
        self._grace = QTimer(self, singleShot=True, interval=round(grace_seconds * 1000))
        self._grace.timeout.connect(self._on_grace_over)
        self._last: dict[str, Any] | None = None
        self._crash = ""
        self._error: S3NError | None = None
        self._words: deque[str] = deque(maxlen=_KEPT_LINES)

    @property
    def pid(self) -> int | None:
        """The id of the process; None before it has started."""
        return None if self._worker.process is None else self._worker.process.pid

    def start(self) -> None:
        """Start the process."""
        if self.status == "waiting":
            self._report(status="running")
            self._thread.start()

    def cancel(self) -> None:
        """Ask the process to stop and save its results; kill it after the grace period."""
        if self.status == "waiting":
            self._end("cancelled", "Cancelled before it started.")
        elif self.status == "running":
            self._report(status="stopping", text="stopping", fraction=self.fraction)
            self._worker.stop()
            self._grace.start()

    def close(self) -> None:
        """End the job now, after a moment in which it can save its results."""
        self._grace.stop()
        if self.status in ("running", "stopping"):
            self._worker.stop()
            self._worker.end(after_seconds=_CLOSING_SECONDS)
        self._thread.wait()
        if self.is_active:
            self._end("cancelled", "Stopped because the window was closed.")

    @Slot(object)
    def _on_printed(self, value: dict[str, Any]) -> None:
        if value.get("event") == "failed":
            self._error = S3NError.from_dict(value)
            return
        self._last = value
        done, total = value.get("done"), value.get("total")
        if self.status == "running" and isinstance(done, int) and isinstance(total, int) and total > 0:
            self._report(
                text=f"{done} of {total}",
                fraction=min(done / total, 1.0),
                seconds_left=_seconds_left(value, done, total),
            )
        self.printed.emit(value)

    @Slot(str)
    def _on_said(self, line: str) -> None:
        self._words.append(line)
        self.said.emit(line)

    @Slot(str)
    def _on_crashed(self, what: str) -> None:
        self._crash = what

    @Slot()
    def _on_grace_over(self) -> None:
        self._worker.end()  # a direct call, because the worker's thread is busy reading

    @Slot()
    def _on_finished(self) -> None:
        self._grace.stop()
        code = self._worker.code
        last_word = self._words[-1] if self._words else ""
        if self._worker.problem or self._crash:
            self._fail(
                self._worker.problem or ProgramDefect(f"The job failed because of a bug in the window ({self._crash}).")
            )
        elif code == 0:
            self._end("done", last_word)
            self.succeeded.emit(self._last, self)
        elif self.status == "stopping":
            self._end("cancelled", last_word or "Stopped.")
        else:
            self._fail(self._error or self._unexpected(code))

    def _unexpected(self, code: int | None) -> S3NError:
        how = "its process cannot be ended" if code is None else how_it_ended(code)
        return S3NError(
            f"{self.title} ended unexpectedly ({how}). What it has written is kept. See the log {self._log}."
        )

    def _fail(self, error: S3NError) -> None:
        self._end("failed", error_text(error))
        self.failed.emit(error, self)


def _seconds_left(value: dict[str, Any], done: int, total: int) -> float | None:
    """Return the command's own estimate, else one from its pace; None if neither is known."""
    said, seconds, resumed = value.get("seconds_left"), value.get("seconds"), value.get("resumed", 0)
    if isinstance(said, int | float):
        return float(said)
    if isinstance(seconds, int | float) and isinstance(resumed, int) and done > resumed:
        return float(seconds) / (done - resumed) * (total - done)
    return None
