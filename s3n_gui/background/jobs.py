"""Long jobs as the window shows them: what each one is, how far it is, and a way to stop it."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QObject, Signal

JobStatus = Literal["waiting", "running", "stopping", "done", "failed", "cancelled"]

ACTIVE: frozenset[JobStatus] = frozenset({"waiting", "running", "stopping"})


class Job(QObject):
    """Something that takes long. Subclasses do the work and report with `_report` and `_end`, in the window's thread.

    A job that is discarded while it is active must be closed first; `JobList.close` does so for all.
    """

    changed = Signal(object)
    """Any of the properties is another: the job itself."""
    ended = Signal(str, object)
    """The job is over: its last status, and the job itself. Sent once."""

    def __init__(self, title: str, parent: QObject | None = None) -> None:
        """Name a job for people, for example "Predicting photos"."""
        super().__init__(parent)
        self._title = title
        self._status: JobStatus = "waiting"
        self._text = ""
        self._fraction: float | None = None
        self._seconds_left: float | None = None
        self._sentence = ""

    @property
    def title(self) -> str:
        """What it does, for people."""
        return self._title

    @property
    def status(self) -> JobStatus:
        """What it is doing or how it ended."""
        return self._status

    @property
    def is_active(self) -> bool:
        """Whether it is not over yet."""
        return self._status in ACTIVE

    @property
    def text(self) -> str:
        """A short note on where it is: "312 of 1000, 9.1 images/s"."""
        return self._text

    @property
    def fraction(self) -> float | None:
        """How much is done, in [0, 1]; None while that is unknown."""
        return self._fraction

    @property
    def seconds_left(self) -> float | None:
        """An estimate; None while that is unknown."""
        return self._seconds_left

    @property
    def sentence(self) -> str:
        """Its last word: what became of it, or the error."""
        return self._sentence

    def cancel(self) -> None:
        """Ask it to stop and keep what it has; `ended` follows."""
        raise NotImplementedError

    def close(self) -> None:
        """Leave no thread behind, waiting a moment for it; called when the window closes."""

    def _report(
        self,
        *,
        status: JobStatus | None = None,
        text: str | None = None,
        fraction: float | None = None,
        seconds_left: float | None = None,
    ) -> None:
        """Take over what is known now; None keeps status and text, and makes fraction and time unknown."""
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
    """The window's jobs, the oldest first: what the jobs tray shows."""

    added = Signal(object)
    removed = Signal(object)
    changed = Signal(object)
    """A job in the list has changed."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs: list[Job] = []

    def jobs(self) -> tuple[Job, ...]:
        """Return all jobs."""
        return tuple(self._jobs)

    def active(self) -> tuple[Job, ...]:
        """Return the jobs that are not over."""
        return tuple(job for job in self._jobs if job.is_active)

    def add(self, job: Job) -> None:
        """Show a job and own it."""
        if job in self._jobs:
            return
        job.setParent(self)
        job.changed.connect(self.changed)
        self._jobs.append(job)
        self.added.emit(job)

    def remove(self, job: Job) -> None:
        """Forget a job that is over.

        Raises:
            ValueError: It is still active.
        """
        if job.is_active:
            raise ValueError(f"{job.title!r} is still {job.status}")
        self._jobs.remove(job)
        job.changed.disconnect(self.changed)
        job.close()
        self.removed.emit(job)
        job.deleteLater()

    def clear_ended(self) -> None:
        """Forget all that is over."""
        for job in self.jobs():
            if not job.is_active:
                self.remove(job)

    def close(self) -> None:
        """End every job's thread, and every process but trainings: these go on, and the next window finds them."""
        for job in self._jobs:
            job.close()
