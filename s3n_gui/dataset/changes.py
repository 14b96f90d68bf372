"""The undo commands of the Data page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from PySide6.QtGui import QUndoCommand

from s3n_core.datasets.assignment import Assignment
from s3n_core.datasets.tags import Tags
from s3n_gui.appearance.wording import count_text

_Kept = TypeVar("_Kept", bound=Assignment | Tags)


class LeaveOut(QUndoCommand):
    """Leave images out of training, or include them again."""

    def __init__(self, mark: Callable[[frozenset[int], bool], bool], images: frozenset[int], out: bool) -> None:
        verb = "leaving out" if out else "including"
        super().__init__(f"{verb} {count_text(len(images), 'image')}")
        self._mark, self._images, self._out = mark, images, out

    def redo(self) -> None:
        """Apply the change; one that cannot be saved becomes obsolete."""
        self.setObsolete(not self._mark(self._images, self._out))

    def undo(self) -> None:
        """Revert the change."""
        self.setObsolete(not self._mark(self._images, not self._out))


class Replace(QUndoCommand, Generic[_Kept]):
    """Replace what is kept beside the images by another state of it: in which split they are, or their tags."""

    def __init__(self, keep: Callable[[_Kept, _Kept], bool], text: str, before: _Kept, after: _Kept) -> None:
        super().__init__(text)
        self._keep, self._before, self._after = keep, before, after

    def redo(self) -> None:
        """Apply the change; one that cannot be saved becomes obsolete."""
        self.setObsolete(not self._keep(self._before, self._after))

    def undo(self) -> None:
        """Revert the change."""
        self.setObsolete(not self._keep(self._after, self._before))
