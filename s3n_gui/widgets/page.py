"""The base class of pages: a widget with hooks that the frame calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QResizeEvent, QUndoStack
from PySide6.QtWidgets import QWidget


class Page(QWidget):
    """Base class of all pages. Overriding a hook is optional.

    Signals:
        commands_changed: ``commands`` returns other commands; the frame calls it again.
        state_changed: ``save_state`` returns something else that should not be lost; the frame keeps it.
    """

    commands_changed = Signal()
    state_changed = Signal()

    def commands(self) -> Mapping[str, Callable[[], object]]:
        """Return the page's commands, by the ids of their rows in ``actions.py``.

        The frame enables these actions in menus and shortcuts while the page is visible.
        """
        return {}

    def show_for(self, room: QSize) -> None:
        """Show or hide what depends on the size of the visible area, in pixels; the page scrolls if it is larger.

        The frame calls it before the page is resized; the page's own size may already be its minimum.
        """

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Tell a page that is a window of its own what its room is."""
        super().resizeEvent(event)
        if self.isWindow():
            self.show_for(event.size())

    def heightForWidth(self, width: int) -> int:
        """Return the least height at a width: the page scrolls only below it, not below its preferred height."""
        layout = self.layout()
        return -1 if layout is None else layout.totalMinimumHeightForWidth(width)

    def undo_stack(self) -> QUndoStack | None:
        """Return the stack for Edit > Undo and Redo while the page is visible."""
        return None

    def first_focus(self) -> QWidget:
        """Return the widget that has the focus on the first visit."""
        return self

    def show_demo(self) -> None:
        """Show the demo content, stored results first, without delay; for ``--demo`` and ``--screenshot``."""

    def is_ready(self) -> bool:
        """Return whether all content is drawn; ``--screenshot`` waits for it (20 s at most)."""
        return True

    def save_state(self) -> dict[str, Any]:
        """Return the state to restore at the next start (sizes of panes, choices), as JSON values."""
        return {}

    def restore_state(self, state: Mapping[str, Any]) -> None:
        """Restore what ``save_state`` returned, perhaps in another version: ignore unknown values, never raise."""

    def shut_down(self) -> None:
        """Stop the processes, threads and timers of the page; the window closes afterwards."""
