"""Edits of an atlas, one after the other in a background thread, each of which can be undone and made again."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from functools import partial

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QUndoCommand, QUndoStack

from s3n_core.errors import S3NError
from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.atlas.part_edits import PartEdit
from s3n_gui.background.tasks import Tasks
from s3n_gui.parts.atlas_content import AtlasContent, content_of

Change = Callable[[Atlas], object]


class PartEdits(QObject):
    """Edits the open atlas.

    Signals:
        edited: The `AtlasContent` after an edit; the object before it has not changed.
        failed: An edit could not be made; the `S3NError`.
    """

    edited = Signal(object)
    failed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.stack = QUndoStack(self)
        self._journal: _Journal | None = None
        self._number = self._first = 0  # of the next edit, and of the first one of this atlas
        self._tasks = Tasks(self)
        self._tasks.done.connect(self._on_done)
        self._tasks.failed.connect(self._on_failed)

    def begin(self, content: AtlasContent | None) -> None:
        """Edit another atlas from now on; earlier edits are still made, but cannot be undone here any more."""
        self._first = self._number
        self.stack.clear()
        self._journal = None if content is None else _Journal(content)

    def make(self, text: str, change: Change) -> None:
        """Make an edit.

        Args:
            text: What it does, for Edit > Undo: "Rename part 3".
            change: Edits an atlas; called in a background thread.
        """
        if self._journal is not None:
            self.stack.push(_Command(text, change, self))

    def refresh(self) -> None:
        """Compute anew what the page shows, after something else in the atlas's folder has changed."""
        self.run(_nothing)

    @property
    def is_busy(self) -> bool:
        """Whether an edit is being made."""
        first = max(self._number - 50, self._first)
        return any(self._tasks.is_open(f"edit {number}") for number in range(first, self._number))

    def wait(self) -> None:
        """Wait until all edits are made, those of earlier atlases too. Thread-safe."""
        self._tasks.wait()

    def close(self) -> None:
        """Make all edits that were asked for, and show none any more."""
        self._tasks.wait()
        self._tasks.close()

    def run(self, change: Change) -> None:
        """Change the atlas in the background, after all earlier changes; for the commands of the stack."""
        if self._journal is not None:
            self._tasks.run(f"edit {self._number}", partial(self._journal.apply, change))
            self._number += 1

    @Slot(str, object)
    def _on_done(self, name: str, content: AtlasContent) -> None:
        if self._is_of_this_atlas(name):
            self.edited.emit(content)

    @Slot(str, object)
    def _on_failed(self, name: str, error: Exception) -> None:
        if self._is_of_this_atlas(name):
            self.stack.clear()  # what it holds no longer matches the journal
        self.failed.emit(
            error if isinstance(error, S3NError) else S3NError("The part could not be edited; see the log.")
        )

    def _is_of_this_atlas(self, name: str) -> bool:
        return int(name.removeprefix("edit ")) >= self._first


def _nothing(atlas: Atlas) -> None:
    """Change nothing."""


class _Journal:
    """The newest state of an atlas; used in the tasks' one thread."""

    def __init__(self, content: AtlasContent) -> None:
        self._content = content

    def apply(self, change: Change) -> AtlasContent:
        atlas = copy(self._content.atlas)  # what is shown keeps the state before
        change(atlas)
        self._content = content_of(atlas, self._content.records, self._content.root, before=self._content)
        return self._content


class _Command(QUndoCommand):
    """One edit."""

    def __init__(self, text: str, change: Change, edits: PartEdits) -> None:
        super().__init__(text)
        self._change, self._edits = change, edits
        self._made: PartEdit | None = None

    def redo(self) -> None:
        """Make the edit, or make it again."""
        self._edits.run(self._forth)

    def undo(self) -> None:
        """Undo the edit."""
        self._edits.run(self._back)

    def _forth(self, atlas: Atlas) -> None:
        if self._made is None:
            self._change(atlas)
            self._made = atlas.parts.edits[-1]
        else:
            atlas.redo(self._made)

    def _back(self, atlas: Atlas) -> None:
        if self._made is not None:  # else it failed, and the last edit is another one
            atlas.undo(self._made)
