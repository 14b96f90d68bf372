"""Changes that can be undone: of the numbers, and of one image's peaks."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtGui import QUndoCommand

from s3n_core.inspection.peak import PeakEdit
from s3n_core.inspection.settings import InspectionSettings
from s3n_gui.inspector.inspection_state import InspectionState

_NUMBERS, _PEAKS = 1, 2


class ChangeNumbers(QUndoCommand):
    """Other numbers for the method.

    Args:
        state: The page's state.
        numbers: The new numbers.
        text: What was done, for the Edit menu ("Change delta").
        gesture: Steps of one gesture (a slider that is dragged) share it and are undone together; None stands alone.
    """

    def __init__(
        self, state: InspectionState, numbers: InspectionSettings, text: str, gesture: str | None = None
    ) -> None:
        super().__init__(text)
        self._state, self._before, self._after, self._gesture = state, state.numbers, numbers, gesture

    def id(self) -> int:
        """Tell Qt which changes may become one."""
        return -1 if self._gesture is None else _NUMBERS

    def mergeWith(self, other: QUndoCommand) -> bool:
        """Take in the next step of the same gesture."""
        if not isinstance(other, ChangeNumbers) or other._gesture != self._gesture:
            return False
        self._after = other._after
        self.setObsolete(self._before == self._after)
        return True

    def redo(self) -> None:
        """Make the change."""
        self._state.set_numbers(self._after)

    def undo(self) -> None:
        """Take it back."""
        self._state.set_numbers(self._before)


class ChangePeaks(QUndoCommand):
    """Other edits of one image's peaks. Undone while another image is shown, that image is shown again.

    Args:
        state: The page's state.
        image: The image.
        edits: The new edits.
        text: What was done ("Move peak").
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
        """Tell Qt which changes may become one."""
        return -1 if self._gesture is None else _PEAKS

    def mergeWith(self, other: QUndoCommand) -> bool:
        """Take in the next step of the same gesture."""
        same = isinstance(other, ChangePeaks) and (other._gesture, other._image) == (self._gesture, self._image)
        if not same or not isinstance(other, ChangePeaks):
            return False
        self._after = other._after
        self.setObsolete(self._before == self._after)
        return True

    def redo(self) -> None:
        """Make the change."""
        self._state.choose_image(self._image)
        self._state.set_edits(self._image, self._after)

    def undo(self) -> None:
        """Take it back."""
        self._state.choose_image(self._image)
        self._state.set_edits(self._image, self._before)
