"""The job that measures how steady the parts of the open atlas are."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from s3n_gui.background.command_job import CommandJob
from s3n_gui.background.jobs import Job, JobList
from s3n_gui.state.settings import Settings


class SteadinessJob(QObject):
    """The job, of which there is at most one. No widgets.

    Signals:
        changed: It began, made progress, or ended.
        failed: It failed; the `S3NError`.
        measured: It is done, and the atlas keeps the result.
    """

    changed = Signal()
    failed = Signal(object)
    measured = Signal()

    def __init__(self, settings: Settings, jobs: JobList, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._settings, self._jobs = settings, jobs
        self.job: Job | None = None
        self._atlas: Path | None = None

    def start(self, atlas: Path, other: Path | None = None) -> None:
        """Measure the parts of an atlas; nothing if one is being measured.

        Args:
            atlas: Its folder.
            other: That of an atlas of another model; what is measured already is then not measured again.
        """
        if self.job is not None:
            return
        device = self._settings.device
        beside = ["--with", str(other)] if other is not None else []
        arguments = ["parts", "steady", str(atlas), *beside, *(["--device", device] if device != "auto" else [])]
        job = CommandJob("Measuring how steady parts are", arguments)
        job.changed.connect(self.changed)
        job.failed.connect(self.failed)
        job.ended.connect(self._on_ended)
        self.job, self._atlas = job, atlas
        self._jobs.add(job)
        job.start()
        self.changed.emit()

    def is_of(self, atlas: Path) -> bool:
        """Return whether an atlas is being measured."""
        return self.job is not None and self._atlas == atlas

    def cancel(self) -> None:
        """Stop measuring; nothing is kept."""
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
        self.changed.emit()
        if status == "done":
            self.measured.emit()
