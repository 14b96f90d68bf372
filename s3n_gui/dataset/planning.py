"""What a person decides about images: left out, or for training, validation or test. Kept at once, undoable, without widgets."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QUndoStack

from s3n_core.datasets.assignment import Assignment, write_assignment
from s3n_core.datasets.left_out import write_left_out
from s3n_core.datasets.records import DataSet
from s3n_core.datasets.splits import SplitPart
from s3n_core.errors import S3NError
from s3n_gui.appearance.wording import count_text, percent_text
from s3n_gui.background.tasks import Tasks
from s3n_gui.dataset.changes import Assign, LeaveOut
from s3n_gui.dataset.survey import TEST, UNLABELLED, USE_WORDS, Survey
from s3n_gui.dataset.uses import Choices, Planner, Uses
from s3n_gui.state.session import Session, ValidationShare

_NOTHING: NDArray[np.uint8] = np.empty(0, np.uint8)


class Planning(QObject):
    """The choices for the open data set, and what follows from them for each image.

    Signals:
        changed: Something was chosen, or what follows from it is known now.
        assigned: A ``DataSet``: the open one, with its images in other parts.
    """

    changed = Signal()
    assigned = Signal(object)

    def __init__(self, session: Session, tasks: Tasks, parent: QObject) -> None:
        super().__init__(parent)
        self._session, self._tasks = session, tasks
        self._survey: Survey | None = None
        self._planner: Planner | None = None
        self._data_set: DataSet | None = None
        self.undo_stack = QUndoStack(self)
        self.uses, self.given = _NOTHING, _NOTHING
        """What becomes of each image: uint8 (N,), an index into ``USES``; and before validation images are drawn."""
        self.left_out: frozenset[int] = frozenset()
        self.assignment = Assignment()
        tasks.done.connect(self._on_done)
        session.validation_changed.connect(self._on_validation)

    def show_survey(self, survey: Survey | None, *, provisional: bool = False) -> None:
        """Begin anew with another data set, or with none; nothing can be chosen of first images."""
        self._tasks.forget("uses")
        self.uses = self.given = _NOTHING if survey is None else survey.uses
        self.left_out = frozenset() if survey is None else survey.left_out
        self.assignment = Assignment() if survey is None else survey.assignment
        self.undo_stack.clear()
        self._survey = None if provisional else survey
        self._planner = None if self._survey is None else Planner(self._survey)
        self._data_set = None if self._survey is None else self._survey.data_set
        self._plan()

    # -- leaving out -----------------------------------------------------------------------------------------------------

    def may_be_left_out(self, image: int) -> bool:
        """Return whether an image would be learned from at all; test images are not, and stay in the test."""
        return bool(0 <= image < len(self.given) and self.given[image] != TEST)

    def leave_out(self, images: Collection[int], *, out: bool = True) -> None:
        """Leave images out of training, or take them back; Edit > Undo takes it back."""
        if self._survey is None:
            return
        wanted = {image for image in images if self.may_be_left_out(image)}
        changed = wanted - self.left_out if out else wanted & self.left_out
        if changed:
            self.undo_stack.push(LeaveOut(self._mark, frozenset(changed), out))

    def _mark(self, images: frozenset[int], out: bool) -> bool:
        if self._survey is None:
            return False
        marked = self.left_out | images if out else self.left_out - images
        try:
            write_left_out(self._survey.data_set.root, (self._survey.record(index).name for index in marked))
        except S3NError as error:
            self._session.report_error(str(error))
            return False
        self.left_out = marked
        self._plan()
        self.changed.emit()
        return True

    # -- assigning -------------------------------------------------------------------------------------------------------

    @property
    def by_hand(self) -> int:
        """How many images a person has assigned."""
        return len(self.assignment.parts)

    def part_of(self, image: int) -> SplitPart | None:
        """Return the part that a person has assigned an image to."""
        return None if self._survey is None else self.assignment.parts.get(self._survey.record(image).name)

    def may_be_assigned(self, image: int) -> bool:
        """Return whether an image has a label, without which it can be neither learned from nor tested on."""
        return self._survey is not None and bool(self._survey.uses[image] != UNLABELLED)

    def use_for(self, images: Collection[int], part: SplitPart | None) -> None:
        """Assign images to a part, or, with None, to what the data set says of them; Edit > Undo takes it back."""
        if self._survey is None:
            return
        names = [self._survey.record(image).name for image in images if self.may_be_assigned(image)]
        parts = {name: kept for name, kept in self.assignment.parts.items() if name not in set(names)}
        if part is not None:
            parts |= dict.fromkeys(names, part)
        where = "back to the data set's own split" if part is None else f"to {USE_WORDS[part].lower()}"
        self._assign(f"moving {count_text(len(names), 'image')} {where}", replace(self.assignment, parts=parts))

    def forget_parts(self) -> None:
        """Assign all images as the data set says, or as the draw has it."""
        text = f"clearing the splits of {count_text(self.by_hand, 'image')}"
        self._assign(text, replace(self.assignment, parts={}))

    def set_test_share(self, share: float, seed: int) -> None:
        """Choose the share to test on, and the draw, for a data set without a split."""
        self._assign(
            f"setting the test share to {percent_text(share)}",
            replace(self.assignment, test_share=share, test_seed=seed),
        )

    def _assign(self, text: str, wanted: Assignment) -> None:
        if wanted != self.assignment:
            self.undo_stack.push(Assign(self._keep, text, self.assignment, wanted))

    def _keep(self, wanted: Assignment) -> bool:
        if self._survey is None:
            return False
        try:
            write_assignment(self._survey.data_set.root, wanted)
        except S3NError as error:
            self._session.report_error(str(error))
            self.changed.emit()  # fields show what holds still
            return False
        self.assignment = wanted
        self._plan()
        self.changed.emit()
        return True

    # -- validation ------------------------------------------------------------------------------------------------------

    @property
    def validation(self) -> ValidationShare:
        """What share of the training images is for validation, by which draw."""
        return self._session.validation

    def set_validation(self, fraction: float, seed: int) -> None:
        """Choose the share, in [0, 0.5], and the draw; the page Train starts from them."""
        self._session.validation = ValidationShare(fraction, seed)

    def _on_validation(self) -> None:
        self._plan()

    def _plan(self) -> None:
        planner = self._planner
        if planner is not None:
            choices = Choices(left_out=self.left_out, assignment=self.assignment, validation=self.validation)
            self._tasks.run("uses", lambda: planner.uses(choices))

    @Slot(str, object)
    def _on_done(self, name: str, result: Uses) -> None:
        if name != "uses" or self._survey is None:
            return
        self.uses, self.given = result.now, result.given
        if result.data_set is not self._data_set:
            self._data_set = result.data_set
            self.assigned.emit(result.data_set)
        self.changed.emit()
