"""Undo commands for the method's parameters and for one image's peaks."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtGui import QUndoCommand

from s3n_core.inspection.peak import PeakEdit
from s3n_core.inspection.settings import InspectionSettings
from s3n_gui.inspector.inspection_state import InspectionState

_NUMBERS, _PEAKS = 1, 2


class ChangeNumbers(QUndoCommand):
    """A change of the method's parameters.

    Args:
        state: The page's state.
        numbers: The new parameters.
        text: The description for the Edit menu ("Change delta").
        gesture: Shared by the steps of one gesture (a slider drag), which are undone together; None for no gesture.
    """

    def __init__(
        self, state: InspectionState, numbers: InspectionSettings, text: str, gesture: str | None = None
    ) -> None:
        super().__init__(text)
        self._state, self._before, self._after, self._gesture = state, state.numbers, numbers, gesture

    def id(self) -> int:
        """Return the id by which Qt finds commands that may merge."""
        return -1 if self._gesture is None else _NUMBERS

    def mergeWith(self, other: QUndoCommand) -> bool:
        """Merge the next step of the same gesture."""
        if not isinstance(other, ChangeNumbers) or other._gesture != self._gesture:
            return False
        self._after = other._after
        self.setObsolete(self._before == self._after)
        return True

    def redo(self) -> None:
        """Apply the change."""
        self._state.set_numbers(self._after)

    def undo(self) -> None:
        """Revert the change."""
        self._state.set_numbers(self._before)


class ChangePeaks(QUndoCommand):
    """A change of one image's peak edits. Undo and redo first show that image again if another one is shown.

    Args:
        state: The page's state.
        image: The image.
        edits: The new edits.
        text: The description for the Edit menu ("Move peak").
        gesture: As in `ChangeNumbers`.
    """

    def __init__(
        self,
        state: InspectionState,
        image: Path,
        edits: tuple[PeakEdit, ...],
        text: str,
        gesture: str | None = None,
    ) -> None:
        super().__init__(text)
        self._state, self._image, self._gesture = state, image, gesture
        self._before, self._after = state.edits, edits

    def id(self) -> int:
        """Return the id by which Qt finds commands that may merge."""
        return -1 if self._gesture is None else _PEAKS

    def mergeWith(self, other: QUndoCommand) -> bool:
        """Merge the next step of the same gesture."""
        same = isinstance(other, ChangePeaks) and (other._gesture, other._image) == (self._gesture, self._image)
        if not same or not isinstance(other, ChangePeaks):
            return False
        self._after = other._after
        self.setObsolete(self._before == self._after)
        return True

    def redo(self) -> None:
        """Apply the change."""
        self._state.choose_image(self._image)
        self._state.set_edits(self._image, self._after)

    def undo(self) -> None:
        """Revert the change."""
        self._state.choose_image(self._image)
        self._state.set_edits(self._image, self._before)
