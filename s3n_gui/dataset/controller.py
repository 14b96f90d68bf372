"""What the page Data knows and does, without widgets: filter, findings, left out images, what is held out."""

from __future__ import annotations

import gc
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QUndoStack

from s3n_core.datasets.left_out import write_left_out
from s3n_core.datasets.records import DataSet
from s3n_core.errors import S3NError
from s3n_gui.background.command_job import CommandJob
from s3n_gui.background.jobs import JobList
from s3n_gui.dataset.changes import LeaveOut
from s3n_gui.dataset.findings import Finding, findings_of, problems_by_image
from s3n_gui.dataset.holding_out import planned_uses
from s3n_gui.dataset.image_filter import ImageFilter
from s3n_gui.dataset.peek import first_images
from s3n_gui.dataset.survey import TEST, Survey, survey
from s3n_gui.dataset.tasks import Tasks
from s3n_gui.session import HeldOut, Session

_LARGE = 50_000  # images
_NOTHING: NDArray[np.intp] = np.empty(0, np.intp)


class DataController(QObject):
    """The page's state.

    Signals:
        survey_changed: Another data set is prepared (or none is open).
        listed_changed: Other images are listed.
        marks_changed: What is known of images (use, findings, left out) is different; the list is not.
        findings_changed: There are other findings, or an audit began or ended.
        busy_changed: Whether a data set is being prepared.
    """

    survey_changed = Signal()
    listed_changed = Signal()
    marks_changed = Signal()
    findings_changed = Signal()
    busy_changed = Signal(bool)

    def __init__(self, session: Session, jobs: JobList, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._jobs = session, jobs
        self.undo_stack = QUndoStack(self)
        self.survey: Survey | None = None
        self.uses: NDArray[np.uint8] = np.empty(0, np.uint8)
        self.left_out: frozenset[int] = frozenset()
        self.findings: tuple[Finding, ...] | None = None
        self.is_peek = False
        """Whether only the first images are there, of a folder that is still being read: to look at, no more."""
        self.listed = _NOTHING
        self.filter = ImageFilter()
        self._trouble: dict[int, tuple[str, ...]] = {}
        self._audit: CommandJob | None = None
        self._tasks = Tasks(self)
        self._tasks.done.connect(self._on_done)
        self._tasks.failed.connect(self._on_failed)
        session.data_set_changed.connect(self._on_data_set)
        session.held_out_changed.connect(self._on_held_out)
        self._on_data_set(session.data_set)

    # -- the data set ----------------------------------------------------------------------------------------------------

    @property
    def is_busy(self) -> bool:
        """Whether something is being prepared."""
        return self._tasks.is_open("survey") or self._tasks.is_open("uses") or self._tasks.is_open("findings")

    def _on_data_set(self, data_set: DataSet | None) -> None:
        if self._audit is not None:
            self._audit.cancel()
            self._audit = None
        for name in ("survey", "uses", "findings"):
            self._tasks.forget(name)
        if data_set is None:
            self._take_over(None)
        else:
            self._tasks.run("survey", lambda: _prepare(data_set))
        self.busy_changed.emit(data_set is not None)

    def peek(self, folder: Path) -> None:
        """Show the first images of a folder while it is being read, where nothing else is shown."""
        if self.survey is None:
            self._tasks.run("peek", lambda: survey(first_images(folder)))

    def drop_peek(self) -> None:
        """The folder could not be read: show nothing again."""
        self._tasks.forget("peek")
        if self.is_peek:
            self._take_over(None)

    def _take_over(self, prepared: Survey | None, *, peek: bool = False) -> None:
        self.survey, self.findings, self._trouble, self.is_peek = prepared, None, {}, peek
        self.filter = ImageFilter()
        self.uses = prepared.uses if prepared is not None else np.empty(0, np.uint8)
        self.left_out = prepared.left_out if prepared is not None else frozenset()
        self.listed = np.arange(len(prepared)) if prepared is not None else _NOTHING
        self.undo_stack.clear()
        self.survey_changed.emit()
        self.listed_changed.emit()
        self.findings_changed.emit()
        if prepared is not None and not peek:
            if prepared.notice:
                self._session.report_error(prepared.notice)
            self._plan()

    def trouble_of(self, image: int) -> tuple[str, ...]:
        """Return what the audit found against an image, as clauses."""
        return self._trouble.get(image, ())

    # -- filter ----------------------------------------------------------------------------------------------------------

    def set_filter(self, **changes: Any) -> None:
        """Change parts of the filter, by their names in ``ImageFilter``."""
        wanted = replace(self.filter, **changes)
        if wanted != self.filter:
            self.filter = wanted
            self._list()

    def _list(self) -> None:
        if self.survey is not None:
            listed = self.filter.apply(self.survey, self.uses, self.findings or (), self.left_out)
            if not np.array_equal(listed, self.listed):
                self.listed = listed
            self.listed_changed.emit()

    # -- leaving out -----------------------------------------------------------------------------------------------------

    def may_be_left_out(self, image: int) -> bool:
        """Return whether an image would be learned from at all; test images are not, and stay in the test."""
        return self.survey is not None and bool(self.survey.uses[image] != TEST)

    def leave_out(self, images: Collection[int], *, out: bool = True) -> None:
        """Leave images out of training, or take them back; Edit > Undo takes it back."""
        if self.survey is None or self.is_peek:
            return
        wanted = {image for image in images if self.may_be_left_out(image)}
        changed = wanted - self.left_out if out else wanted & self.left_out
        if changed:
            self.undo_stack.push(LeaveOut(self._mark, frozenset(changed), out))

    def _mark(self, images: frozenset[int], out: bool) -> bool:
        if self.survey is None:
            return False
        marked = self.left_out | images if out else self.left_out - images
        try:
            write_left_out(self.survey.data_set.root, (self.survey.record(index).name for index in marked))
        except S3NError as error:
            self._session.report_error(str(error))
            return False
        self.left_out = marked
        self._plan()
        if self.filter.trouble == "left-out":
            self._list()
        self.marks_changed.emit()
        self.findings_changed.emit()
        return True

    # -- holding out -----------------------------------------------------------------------------------------------------

    @property
    def held_out(self) -> HeldOut:
        """What share of the training images is held out, by which draw."""
        return self._session.held_out

    def set_held_out(self, fraction: float, seed: int) -> None:
        """Choose the share, in [0, 0.5], and the draw; the page Train starts from them."""
        self._session.held_out = HeldOut(fraction, seed)

    def _on_held_out(self) -> None:
        if self.survey is not None and not self.is_peek:
            self._plan()

    def _plan(self) -> None:
        prepared, left_out, held_out = self.survey, self.left_out, self.held_out
        assert prepared is not None
        self._tasks.run("uses", lambda: planned_uses(prepared, left_out, held_out))

    # -- audit -----------------------------------------------------------------------------------------------------------

    @property
    def audit_job(self) -> CommandJob | None:
        """The audit that runs now."""
        return self._audit

    def check(self) -> None:
        """Look at every image of the data set, in a process of its own."""
        if self.survey is None or self.is_peek or self._audit is not None:
            return
        data_set = self.survey.data_set
        arguments = ("audit", str(data_set.root), f"--format={data_set.format}")
        job = CommandJob(f"Checking {data_set.root.name}", arguments)
        self._audit = job
        job.succeeded.connect(self._on_audit)
        job.failed.connect(self._on_audit_failed)
        job.ended.connect(self._on_audit_ended)
        self._jobs.add(job)
        job.start()
        self.findings_changed.emit()

    @Slot(object)
    def _on_audit(self, report: dict[str, Any] | None) -> None:
        if self.sender() is self._audit and self.survey is not None:
            prepared, told = self.survey, report or {}
            self._tasks.run("findings", lambda: findings_of(told, prepared))

    @Slot(str)
    def _on_audit_failed(self, sentence: str) -> None:
        if self.sender() is self._audit:
            self._audit = None
            self._session.report_error(sentence)
            self.findings_changed.emit()

    @Slot(str)
    def _on_audit_ended(self, status: str) -> None:
        if self.sender() is self._audit and status == "cancelled":  # what else there is has its own signal
            self._audit = None
            self.findings_changed.emit()

    # -- background ------------------------------------------------------------------------------------------------------

    @Slot(str, object)
    def _on_done(self, name: str, result: Any) -> None:
        if name == "peek":
            if self.survey is None and len(result):
                self._take_over(result, peek=True)
        elif name == "survey":
            self._tasks.forget("peek")
            self._take_over(result)
            self.busy_changed.emit(False)
        elif name == "uses":
            self.uses = result
            if self.filter.use is not None:
                self._list()
            self.marks_changed.emit()
        elif name == "findings":
            self._audit, self.findings, self._trouble = None, result, problems_by_image(result)
            if self.filter.trouble not in (None, "left-out"):
                self._list()
            self.marks_changed.emit()
            self.findings_changed.emit()

    @Slot(str, str)
    def _on_failed(self, name: str, sentence: str) -> None:
        if name == "findings":
            self._audit = None
            self.findings_changed.emit()
        self._session.report_error(f"The data set could not be looked through ({sentence}); the log has the details.")
        self.busy_changed.emit(False)

    def close(self) -> None:
        """Wait for what runs; the audit ends with the list of jobs."""
        self._tasks.close()


def _prepare(data_set: DataSet) -> Survey:
    prepared = survey(data_set)
    if len(prepared) >= _LARGE:
        # Else each full collection walks over a million records and stops the window for a fifth of a second. They hold no
        # cycles: they go when nobody refers to them, collected or not.
        gc.freeze()
    return prepared
