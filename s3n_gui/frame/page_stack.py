"""The area that shows one page at a time; each page is created on first use and scrolls where it lacks room."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent, QUndoGroup
from PySide6.QtWidgets import QFrame, QScrollArea, QStackedWidget, QWidget
from shiboken6 import isValid

from s3n_gui.frame.pages import PageEntry, Studio
from s3n_gui.state.window_layout import WindowLayout
from s3n_gui.widgets.page import Page


class PageStack(QStackedWidget):
    """Creates pages and shows one of them.

    Signals:
        page_shown: The name of the page that is now visible.
        commands_changed: The commands of the visible page may have changed.
        state_changed: The name of a page whose state to keep has changed.
    """

    page_shown = Signal(str)
    commands_changed = Signal()
    state_changed = Signal(str)

    def __init__(
        self, entries: Sequence[PageEntry], studio: Studio, layout: WindowLayout, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("pageArea")
        self._entries = {entry.name: entry for entry in entries}
        self._studio, self._layout = studio, layout
        self._made: dict[str, Page] = {}
        self._areas: dict[str, _PageArea] = {}
        self._current = ""
        self._focused: dict[str, QWidget] = {}  # the widget of each hidden page that had the focus last
        self.undo_group = QUndoGroup(self)
        """The undo stacks of all pages; Edit > Undo uses that of the visible page."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all pages, in the order of the rail."""
        return tuple(self._entries)

    @property
    def current_name(self) -> str:
        """The name of the visible page; "" before the first."""
        return self._current

    def title(self, name: str) -> str:
        """Return the title of a page."""
        return self._entries[name].title

    def page(self, name: str) -> Page:
        """Return a page, creating it and restoring its state on first use."""
        if name not in self._made:
            page = self._entries[name].factory(self._studio)
            kept = self._layout.get(f"page-{name}")
            if isinstance(kept, dict):
                page.restore_state(kept)
            self._made[name] = page
            page.commands_changed.connect(self.commands_changed)
            page.state_changed.connect(partial(self.state_changed.emit, name))
            self._areas[name] = area = _PageArea(self)
            self.addWidget(area)
            area.setWidget(page)
            stack = page.undo_stack()
            if stack is not None:
                self.undo_group.addStack(stack)
        return self._made[name]

    def show_page(self, name: str) -> None:
        """Show a page; the visible page and unknown names are ignored."""
        if name not in self._entries or name == self._current:
            return
        page = self.page(name)
        if self._current:
            focused = self._made[self._current].focusWidget()  # hiding the page moves the focus on within it
            if focused is not None:
                self._focused[self._current] = focused
        self.setCurrentWidget(self._areas[name])
        self._current = name
        self.undo_group.setActiveStack(page.undo_stack())  # type: ignore[arg-type]  # None is allowed
        self.page_shown.emit(name)

    def focus_current(self) -> None:
        """Move the focus to where it was on the visible page, or to the page itself on its first visit."""
        page = self.page(self._current)
        before = self._focused.pop(self._current, None) or page.focusWidget()
        works = before is not None and before is not page and isValid(before) and before.isVisible()
        target = before if works and before is not None and before.isEnabled() else page.first_focus()
        target.setFocus(Qt.FocusReason.OtherFocusReason)

    def keep_state(self) -> None:
        """Store the state of all pages in the layout, for the next start."""
        for name in self._made:
            self.keep_state_of(name)

    def keep_state_of(self, name: str) -> None:
        """Store the state of one page, which was created before."""
        self._layout.keep(f"page-{name}", self._made[name].save_state())

    def shut_down(self) -> None:
        """Stop processes, threads and timers of all pages."""
        for page in self._made.values():
            page.shut_down()


class _PageArea(QScrollArea):
    """An area that a page fills; where large text or a small window leave too little room, it scrolls."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Tell the page its room."""
        page = self.widget()
        if isinstance(page, Page):
            page.show_for(self.maximumViewportSize())
        super().resizeEvent(event)
