"""A command that measures something of an atlas and keeps it there, of which one runs at most."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from s3n_gui.background.command_job import CommandJob
from s3n_gui.background.jobs import Job, JobList
from s3n_gui.state.settings import Settings


class AtlasJob(QObject):
    """The job. No widgets.

    Signals:
        changed: It began, made progress, or ended.
        failed: It failed; the `S3NError`.
        measured: It has ended, and the atlas keeps something new.
    """

    changed = Signal()
    failed = Signal(object)
    measured = Signal()

    def __init__(self, settings: Settings, jobs: JobList, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._settings, self._jobs = settings, jobs
        self.job: Job | None = None
        self._atlas: Path | None = None

    def is_of(self, atlas: Path) -> bool:
        """Return whether an atlas is being measured."""
        return self.job is not None and self._atlas == atlas

    def cancel(self) -> None:
        """Stop measuring."""
        if self.job is not None:
            self.job.cancel()

    def shut_down(self) -> None:
        """Let go of the job, which belongs to the job list."""
        if self.job is not None:
            self.job.ended.disconnect(self._on_ended)
            self.job = None

    def _run(self, title: str, command: str, atlas: Path, options: Sequence[str] = ()) -> None:
        """Start ``s3n parts COMMAND ATLAS`` on the device of the settings."""
        device = self._settings.device
        on_device = ["--device", device] if device != "auto" else []
        job = CommandJob(title, ["parts", command, str(atlas), *options, *on_device])
        job.changed.connect(self.changed)
        job.printed.connect(self._on_printed)
        job.failed.connect(self.failed)
        job.ended.connect(self._on_ended)
        self.job, self._atlas = job, atlas
        self._jobs.add(job)
        job.start()
        self.changed.emit()

    def _has_measured(self, status: str) -> bool:
        """Return whether the atlas keeps something new, when the job has ended."""
        return status == "done"

    @Slot(object)
    def _on_printed(self, value: dict[str, object]) -> None:
        """Take what the command has printed."""

    @Slot(str)
    def _on_ended(self, status: str) -> None:
        self.job = None
        self.changed.emit()
        if self._has_measured(status):
            self.measured.emit()
