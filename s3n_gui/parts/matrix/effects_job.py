"""What hiding each part costs each class, as the open atlas keeps it; and the job that measures it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot

from s3n_core.errors import S3NError
from s3n_core.parts.class_effects import ClassEffects, class_effects
from s3n_gui.background.command_job import CommandJob
from s3n_gui.background.jobs import Job, JobList
from s3n_gui.background.tasks import Tasks
from s3n_gui.parts.atlas_content import AtlasContent
from s3n_gui.state.settings import Settings


class EffectsJob(QObject):
    """The effects, and the job, of which there is at most one. No widgets.

    Signals:
        read: ``effects`` has changed.
        changed: The job began, made progress, or ended.
        failed: The job failed, or the effects could not be read; the `S3NError`.
        measured: The job has ended, and the atlas keeps more comparisons than before.
    """

    read = Signal()
    changed = Signal()
    failed = Signal(object)
    measured = Signal()

    def __init__(self, settings: Settings, jobs: JobList, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._settings, self._jobs = settings, jobs
        self._content: AtlasContent | None = None
        self.effects: ClassEffects | None = None
        """Of the open atlas, in the order of its matrix; None before they are read."""
        self.job: Job | None = None
        self._atlas: Path | None = None
        self._new = False
        self._tasks = Tasks(self)
        self._tasks.done.connect(self._on_read)
        self._tasks.failed.connect(self._on_not_read)

    def show_content(self, content: AtlasContent | None) -> None:
        """Read the effects of another atlas, or of the same after an edit."""
        self._content, self.effects = content, None
        self._tasks.forget("effects")
        self.read.emit()
        self._read()

    def start(self) -> None:
        """Measure the classes that are left; nothing if some are being measured."""
        if self.job is not None or self._content is None:
            return
        device, atlas = self._settings.device, self._content.atlas.path
        arguments = ["parts", "matrix", str(atlas), "--measure", *(["--device", device] if device != "auto" else [])]
        job = CommandJob("Measuring classes by parts", arguments)
        job.changed.connect(self.changed)
        job.printed.connect(self._on_printed)
        job.failed.connect(self.failed)
        job.ended.connect(self._on_ended)
        self.job, self._atlas, self._new = job, atlas, False
        self._jobs.add(job)
        job.start()
        self.changed.emit()

    @property
    def is_measuring(self) -> bool:
        """Whether the open atlas is being measured."""
        return self.job is not None and self._content is not None and self._content.atlas.path == self._atlas

    def cancel(self) -> None:
        """Stop measuring; the classes that are done are kept."""
        if self.job is not None:
            self.job.cancel()

    def is_ready(self) -> bool:
        """Return whether the effects are read."""
        return not self._tasks.is_open("effects")

    def shut_down(self) -> None:
        """Stop reading, and let go of the job, which belongs to the job list."""
        if self.job is not None:
            self.job.ended.disconnect(self._on_ended)
            self.job = None
        self._tasks.close()

    def _read(self) -> None:
        if self._content is not None:
            self._tasks.run("effects", partial(class_effects, self._content.atlas, self._content.matrix))

    @Slot(object)
    def _on_printed(self, value: dict[str, Any]) -> None:
        """Show each class as soon as it is measured."""
        if value.get("event") == "measured" and not value.get("problem"):
            self._new = True
            if self.is_measuring:
                self._read()

    @Slot(str, object)
    def _on_read(self, name: str, effects: ClassEffects) -> None:
        self.effects = effects
        self.read.emit()

    @Slot(str, object)
    def _on_not_read(self, name: str, error: Exception) -> None:
        self.failed.emit(
            error if isinstance(error, S3NError) else S3NError("The atlas could not be read; see the log.")
        )

    @Slot(str)
    def _on_ended(self, status: str) -> None:
        self.job = None
        self.changed.emit()
        if self._new:
            self.measured.emit()  # pairs and answers are read again
