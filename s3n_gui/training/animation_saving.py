"""Saving of a run's snapshots as an animated GIF: asks for a file and runs the export command."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QWidget

from s3n_core.errors import S3NError
from s3n_gui.background.command_job import CommandJob
from s3n_gui.background.jobs import JobList
from s3n_gui.state.session import Session
from s3n_gui.widgets.saving_place import ask_where_to_save


class AnimationSaver(QObject):
    """Saves one animation at a time."""

    def __init__(self, session: Session, jobs: JobList, window: QWidget) -> None:
        super().__init__(window)
        self._session, self._jobs, self._window = session, jobs, window
        self._file: Path | None = None
        self.job: CommandJob | None = None

    def ask(self, run: Path) -> None:
        """Ask where to save a run's animation, and start writing it."""
        if self.job is not None and self.job.is_active:
            self._session.report_notice("An animation is being saved; wait until it is done.")
            return
        proposed = str(Path.home() / f"{run.name}.gif")
        file, _ = ask_where_to_save(self._window, "Save as animation", proposed, {"Animation (*.gif)": ".gif"})
        if file is not None:
            self.save(run, file)

    def save(self, run: Path, file: Path) -> None:
        """Write a run's animation in a background job."""
        self._file = file
        self.job = CommandJob(f"Animating {run.name}", ("animate", str(run), "--out", str(file)))
        self._session.end_cause("saving")
        self.job.failed.connect(self._on_failed)
        self.job.succeeded.connect(self._on_succeeded)
        self._jobs.add(self.job)
        self.job.start()

    @Slot(object)
    def _on_failed(self, error: S3NError) -> None:
        self._session.report_error(error, cause="saving")

    @Slot(object)
    def _on_succeeded(self, _: object) -> None:
        self._session.report_notice(f"Animation saved: {self._file}.")
