"""The user's choices about images: left out, or moved to a split. Saved at once, undoable. No widgets."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QUndoStack

from s3n_core.datasets.assignment import Assignment, read_assignment, write_assignment
from s3n_core.datasets.left_out import change_left_out
from s3n_core.datasets.records import DataSet
from s3n_core.datasets.splits import SplitName
from s3n_core.errors import S3NError
from s3n_gui.appearance.wording import count_text, percent_text
from s3n_gui.background.tasks import Tasks
from s3n_gui.dataset.changes import LeaveOut, Replace
from s3n_gui.dataset.survey import TEST, UNLABELLED, USE_WORDS, Survey
from s3n_gui.dataset.uses import Choices, Planner, Uses
from s3n_gui.state.session import Session, ValidationShare

_NOTHING: NDArray[np.uint8] = np.empty(0, np.uint8)


class Planning(QObject):
    """The choices for the open data set, and the resulting use of each image.

    Signals:
        changed: A choice changed, or the resulting uses have been computed.
        assigned: A ``DataSet``: the open one, with its images in other splits.
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
        """The use of each image, uint8 (N,), an index into ``USES``; ``given``: before validation images are drawn."""
        self.left_out: frozenset[int] = frozenset()
        self.assignment = Assignment()
        tasks.done.connect(self._on_done)
        session.validation_changed.connect(self._on_validation)

    def show_survey(self, survey: Survey | None, *, provisional: bool = False) -> None:
        """Reset for another data set, or for none; a provisional preview allows no choices."""
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
        """Return whether an image is not in the test split; test images are never used for training."""
        return bool(0 <= image < len(self.given) and self.given[image] != TEST)

    def leave_out(self, images: Collection[int], *, out: bool = True) -> None:
        """Leave images out of training, or include them again; undoable."""
        if self._survey is None:
            return
        wanted = {image for image in images if self.may_be_left_out(image)}
        changed = wanted - self.left_out if out else wanted & self.left_out
        if changed:
            self.undo_stack.push(LeaveOut(self._mark, frozenset(changed), out))

    def _mark(self, images: frozenset[int], out: bool) -> bool:
        if self._survey is None:
            return False
        names = [self._survey.record(index).name for index in images]
        try:
            marked = change_left_out(self._survey.data_set.root, names, out=out)
        except S3NError as error:
            self._session.report_error(str(error), cause="data")
            return False
        self.left_out = self._survey.indices(marked)
        self._plan()
        self.changed.emit()
        self._session.report_left_out()
        return True

    # -- assigning -------------------------------------------------------------------------------------------------------

    @property
    def by_hand(self) -> int:
        """The number of images that the user has moved to a split."""
        return len(self.assignment.parts)

    def split_of(self, image: int) -> SplitName | None:
        """Return the split that the user has moved an image to, or None."""
        return None if self._survey is None else self.assignment.parts.get(self._survey.record(image).name)

    def may_be_assigned(self, image: int) -> bool:
        """Return whether an image has a label; without one it belongs to no split."""
        return self._survey is not None and bool(self._survey.uses[image] != UNLABELLED)

    def use_for(self, images: Collection[int], split: SplitName | None) -> None:
        """Move images to a split, or, with None, back to the data set's own; undoable."""
        if self._survey is None:
            return
        names = [self._survey.record(image).name for image in images if self.may_be_assigned(image)]
        parts = {name: kept for name, kept in self.assignment.parts.items() if name not in set(names)}
        if split is not None:
            parts |= dict.fromkeys(names, split)
        where = "back to the data set's own split" if split is None else f"to {USE_WORDS[split].lower()}"
        self._assign(f"moving {count_text(len(names), 'image')} {where}", replace(self.assignment, parts=parts))

    def forget_splits(self) -> None:
        """Move all images back to the data set's own split, or to the drawn one; undoable."""
        text = f"clearing the splits of {count_text(self.by_hand, 'image')}"
        self._assign(text, replace(self.assignment, parts={}))

    def set_test_share(self, share: float, seed: int) -> None:
        """Set the test share, in [0, 0.9], and its seed, for a data set without a split of its own; undoable."""
        self._assign(
            f"setting the test share to {percent_text(share)}",
            replace(self.assignment, test_share=share, test_seed=seed),
        )

    def _assign(self, text: str, wanted: Assignment) -> None:
        if wanted != self.assignment:
            self.undo_stack.push(Replace(self._keep, text, self.assignment, wanted))

    def _keep(self, before: Assignment, after: Assignment) -> bool:
        if self._survey is None:
            return False
        root = self._survey.data_set.root
        try:
            wanted = read_assignment(root).merged(before, after)  # another window may have moved other images
            write_assignment(root, wanted)
        except S3NError as error:
            self._session.report_error(str(error), cause="data")
            self.changed.emit()  # the fields show the unchanged values again
            return False
        self.assignment = wanted
        self._plan()
        self.changed.emit()
        return True

    # -- validation ------------------------------------------------------------------------------------------------------

    @property
    def validation(self) -> ValidationShare:
        """The validation share of the training images, and its seed."""
        return self._session.validation

    def set_validation(self, fraction: float, seed: int) -> None:
        """Set the validation share, in [0, 0.5], and its seed; the Train page starts from them."""
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
