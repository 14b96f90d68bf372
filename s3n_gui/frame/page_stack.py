"""The area that shows one page at a time; a page is made when it is asked for first."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtGui import QUndoGroup
from PySide6.QtWidgets import QStackedWidget, QWidget

from s3n_gui.frame.pages import PageEntry, Studio
from s3n_gui.state.window_layout import WindowLayout
from s3n_gui.widgets.page import Page


class PageStack(QStackedWidget):
    """Makes pages and shows one of them.

    Signals:
        page_shown: The name of the page that is shown now.
        commands_changed: The page that is shown may offer other commands.
    """

    page_shown = Signal(str)
    commands_changed = Signal()

    def __init__(
        self, entries: Sequence[PageEntry], studio: Studio, layout: WindowLayout, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("pageArea")
        self._entries = {entry.name: entry for entry in entries}
        self._studio, self._layout = studio, layout
        self._made: dict[str, Page] = {}
        self._current = ""
        self.undo_group = QUndoGroup(self)
        """What Edit > Undo works on: the stack of the page that is shown."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all pages, in the order of the rail."""
        return tuple(self._entries)

    @property
    def current_name(self) -> str:
        """The name of the page that is shown; "" before the first."""
        return self._current

    def title(self, name: str) -> str:
        """Return the word of a page."""
        return self._entries[name].title

    def page(self, name: str) -> Page:
        """Return a page; it is made when it is asked for first."""
        if name not in self._made:
            page = self._entries[name].factory(self._studio)
            kept = self._layout.get(f"page-{name}")
            if isinstance(kept, dict):
                page.restore_state(kept)
            self._made[name] = page
            page.commands_changed.connect(self.commands_changed)
            self.addWidget(page)
            stack = page.undo_stack()
            if stack is not None:
                self.undo_group.addStack(stack)
        return self._made[name]

    def show_page(self, name: str) -> None:
        """Show a page; the one that is shown already, or a name that is no page, changes nothing."""
        if name not in self._entries or name == self._current:
            return
        page = self.page(name)
        self.setCurrentWidget(page)
        self._current = name
        self.undo_group.setActiveStack(page.undo_stack())  # type: ignore[arg-type]  # None is allowed
        self.page_shown.emit(name)

    def keep_state(self) -> None:
        """Put what the pages want back at the next start into the layout."""
        for name, page in self._made.items():
            self._layout.keep(f"page-{name}", page.save_state())

    def shut_down(self) -> None:
        """End processes, threads and timers of all pages."""
        for page in self._made.values():
            page.shut_down()
