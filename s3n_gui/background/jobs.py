"""Long-running jobs as the window shows them: title, progress, and a way to stop them."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QObject, Signal

JobStatus = Literal["waiting", "running", "stopping", "done", "failed", "cancelled"]

ACTIVE: frozenset[JobStatus] = frozenset({"waiting", "running", "stopping"})


class Job(QObject):
    """A long-running job. Subclasses do the work and report with `_report` and `_end`, in the GUI thread.

    Close an active job before you discard it; `JobList.close` does so for all.
    """

    changed = Signal(object)
    """A property changed; carries the job."""
    ended = Signal(str, object)
    """The job has ended: its final status, and the job. Emitted once."""

    def __init__(self, title: str, parent: QObject | None = None) -> None:
        """Create a job with a displayed title, for example "Predicting photos"."""
        super().__init__(parent)
        self._title = title
        self._status: JobStatus = "waiting"
        self._text = ""
        self._fraction: float | None = None
        self._seconds_left: float | None = None
        self._sentence = ""

    @property
    def title(self) -> str:
        """The displayed title."""
        return self._title

    @property
    def status(self) -> JobStatus:
        """The current or final status."""
        return self._status

    @property
    def is_active(self) -> bool:
        """Whether the job has not ended."""
        return self._status in ACTIVE

    @property
    def text(self) -> str:
        """A short note on the progress: "312 of 1000, 9.1 images/s"."""
        return self._text

    @property
    def fraction(self) -> float | None:
        """The progress, in [0, 1]; None while unknown."""
        return self._fraction

    @property
    def seconds_left(self) -> float | None:
        """The estimated remaining time, in seconds; None while unknown."""
        return self._seconds_left

    @property
    def sentence(self) -> str:
        """The final message: the result or the error."""
        return self._sentence

    def cancel(self) -> None:
        """Ask the job to stop and keep its results; `ended` follows."""
        raise NotImplementedError

    def close(self) -> None:
        """End all threads of the job, waiting briefly for them; called when the window closes."""

    def _report(
        self,
        *,
        status: JobStatus | None = None,
        text: str | None = None,
        fraction: float | None = None,
        seconds_left: float | None = None,
    ) -> None:
        """Update the job; None keeps status and text, and makes fraction and remaining time unknown."""
        now = (status or self._status, self._text if text is None else text, fraction, seconds_left)
        if now != (self._status, self._text, self._fraction, self._seconds_left):
            self._status, self._text, self._fraction, self._seconds_left = now
            self.changed.emit(self)

    def _end(self, status: JobStatus, sentence: str = "") -> None:
        if not self.is_active:
            return
        self._status, self._sentence, self._seconds_left = status, sentence, None
        if status == "done":
            self._fraction = 1.0
        self.changed.emit(self)
        self.ended.emit(status, self)


class JobList(QObject):
    """The window's jobs, oldest first."""

    added = Signal(object)
    removed = Signal(object)
    changed = Signal(object)
    """A job in the list changed; carries the job."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs: list[Job] = []

    def jobs(self) -> tuple[Job, ...]:
        """Return all jobs."""
        return tuple(self._jobs)

    def active(self) -> tuple[Job, ...]:
        """Return the jobs that have not ended."""
        return tuple(job for job in self._jobs if job.is_active)

    def add(self, job: Job) -> None:
        """Add a job and take ownership of it."""
        if job in self._jobs:
            return
        job.setParent(self)
        job.changed.connect(self.changed)
        self._jobs.append(job)
        self.added.emit(job)

    def remove(self, job: Job) -> None:
        """Remove an ended job.

        Raises:
            ValueError: The job is still active.
        """
        if job.is_active:
            raise ValueError(f"{job.title!r} is still {job.status}")
        self._jobs.remove(job)
        job.changed.disconnect(self.changed)
        job.close()
        self.removed.emit(job)
        job.deleteLater()

    def clear_ended(self) -> None:
        """Remove all ended jobs."""
        for job in self.jobs():
            if not job.is_active:
                self.remove(job)

    def close(self) -> None:
        """Close all jobs. Trainings continue in the background, and the next window finds them; other processes end."""
        for job in self._jobs:
            job.close()
