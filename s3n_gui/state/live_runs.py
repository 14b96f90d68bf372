"""The live runs of the runs folder as jobs, including those started elsewhere or before the window."""

from __future__ import annotations

import logging
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from s3n_gui.background.jobs import JobList
from s3n_gui.background.training_job import TrainingJob
from s3n_gui.state.runs_watch import RunsSeen, RunsWatch
from s3n_gui.state.settings import Settings

_log = logging.getLogger(__name__)


class LiveRuns(QObject):
    """Keeps every live run of the runs folder in the job list.

    Signals:
        failed: A sentence for the banner: the runs folder cannot be read.
        readable: The runs folder has been read.
    """

    failed = Signal(str)
    readable = Signal()

    def __init__(self, settings: Settings, jobs: JobList, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs, self._settings = jobs, settings
        self.watch = RunsWatch(settings.runs_root, self)
        self.watch.changed.connect(self._on_seen)
        settings.changed.connect(self._on_setting)

    def begin(self) -> None:
        """Start watching the runs folder."""
        self.watch.begin()

    def active(self) -> tuple[TrainingJob, ...]:
        """Return the active trainings."""
        return tuple(job for job in self._jobs.active() if isinstance(job, TrainingJob))

    def job_of(self, run: Path) -> TrainingJob:
        """Return the job of a run, creating one that follows it if there is none."""
        for job in self.active():
            if job.run_path == run:
                return job
        job = TrainingJob.follow(run)
        self._jobs.add(job)
        return job

    def stop_all(self) -> None:
        """Stop every training after its current batch and keep its model."""
        for job in self.active():
            job.stop_and_keep()

    def leave_all(self) -> None:
        """Stop following all trainings; they continue in the background."""
        for job in self.active():
            job.leave()

    def close(self) -> None:
        """Stop watching the runs folder."""
        self.watch.close()

    def _on_setting(self, name: str) -> None:
        if name == "runs_folder":
            self.watch.move_to(self._settings.runs_root)

    def _on_seen(self, seen: RunsSeen) -> None:
        if seen.problem:
            self.failed.emit(seen.problem)
        else:
            self.readable.emit()
        for run in seen.live():
            self.job_of(run.path)
