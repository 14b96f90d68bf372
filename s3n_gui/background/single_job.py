"""A command of the engine of which one runs at most."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal, Slot

from s3n_gui.background.command_job import CommandJob
from s3n_gui.background.jobs import Job, JobList


class SingleJob(QObject):
    """The command's job while it runs. No widgets.

    Signals:
        changed: It began, made progress, or ended.
        printed: A dict that it printed.
        failed: It failed; the `S3NError`.
        ended: It has ended, with its final status; ``job`` is None again.
        succeeded: It has succeeded, after ``ended``; the last dict that it printed, or None.
    """

    changed = Signal()
    printed = Signal(object)
    failed = Signal(object)
    ended = Signal(str)
    succeeded = Signal(object)

    def __init__(self, jobs: JobList, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self.job: Job | None = None

    def run(self, title: str, arguments: Sequence[str]) -> None:
        """Run a command; only while none runs.

        Args:
            title: The displayed title.
            arguments: The arguments of ``s3n``.
        """
        job = CommandJob(title, arguments)
        job.changed.connect(self.changed)
        job.printed.connect(self.printed)
        job.failed.connect(self.failed)
        job.ended.connect(self._on_ended)
        job.succeeded.connect(self.succeeded)
        self.job = job
        self._jobs.add(job)
        job.start()
        self.changed.emit()

    def cancel(self) -> None:
        """Ask the command to stop and keep what it has done."""
        if self.job is not None:
            self.job.cancel()

    def shut_down(self) -> None:
        """Let go of the job, which belongs to the job list."""
        if self.job is not None:
            self.job.ended.disconnect(self._on_ended)
            self.job = None

    @Slot(str)
    def _on_ended(self, status: str) -> None:
        self.job = None
        self.ended.emit(status)
        self.changed.emit()
