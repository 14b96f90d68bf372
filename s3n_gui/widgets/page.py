"""What every page of the window is: a widget with a few hooks that the frame calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtGui import QUndoStack
from PySide6.QtWidgets import QWidget


class Page(QWidget):
    """Base of all pages. Each hook may stay as it is.

    Signals:
        commands_changed: ``commands`` returns others now; the frame asks again.
    """

    commands_changed = Signal()

    def commands(self) -> Mapping[str, Callable[[], object]]:
        """Return what the actions of this page do: the ids of rows in ``actions.py`` and methods.

        The frame enables these rows in menus and shortcuts while the page is shown.
        """
        return {}

    def undo_stack(self) -> QUndoStack | None:
        """Return the stack that Edit > Undo and Redo work on while the page is shown."""
        return None

    def show_demo(self) -> None:
        """Show the demo content (stored results first, so that it is there at once); for ``--demo`` and ``--screenshot``."""

    def is_ready(self) -> bool:
        """Return whether all content is drawn; ``--screenshot`` waits for it (20 s at most)."""
        return True

    def save_state(self) -> dict[str, Any]:
        """Return what should come back at the next start (sizes of panes, choices), as JSON values."""
        return {}

    def restore_state(self, state: Mapping[str, Any]) -> None:
        """Take what ``save_state`` returned, perhaps in another version: ignore what is unknown, never raise."""

    def shut_down(self) -> None:
        """End processes, threads and timers that the page started; the window closes after that."""
