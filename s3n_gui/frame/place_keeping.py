"""Saving of the place where the user is, soon after each change, so that a window that is killed finds it again."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer

from s3n_gui.frame.page_stack import PageStack
from s3n_gui.state.last_place import LastPlaces
from s3n_gui.state.session import Session
from s3n_gui.state.window_layout import WindowLayout

_SOON_MS = 500


class PlaceKeeping(QObject):
    """Saves place and page states half a second after the first of several changes, and at the end.

    Args:
        session: Whose data set, model, run and image are kept.
        pages: Whose visible page, and the state of each page, are kept.
        places: Knows the place.
        layout: The file.
        parent: The window.
    """

    def __init__(
        self, session: Session, pages: PageStack, places: LastPlaces, layout: WindowLayout, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._pages, self._places, self._layout = pages, places, layout
        self._changed: set[str] = set()
        self._closed = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_SOON_MS)
        self._timer.timeout.connect(self.keep)
        for signal in (session.data_set_changed, session.model_changed, session.run_changed, session.image_changed):
            signal.connect(self._on_change)
        pages.page_shown.connect(self._on_change)
        pages.state_changed.connect(self._on_state)

    def keep(self) -> None:
        """Save now."""
        for name in self._changed:
            self._pages.keep_state_of(name)
        self._changed.clear()
        self._places.keep()
        self._layout.write()

    def close(self) -> None:
        """Save a last time; later changes belong to the closing of the window."""
        self._closed = True
        self._timer.stop()
        self.keep()

    def _on_change(self, *_: object) -> None:
        if not self._timer.isActive() and not self._closed:
            self._timer.start()

    def _on_state(self, name: str) -> None:
        self._changed.add(name)
        self._on_change()
