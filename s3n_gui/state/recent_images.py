"""Remembers the images that the user has looked at, not those that only passed by."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, QTimer

from s3n_core.datasets.records import displayed_class
from s3n_gui.state.opening import data_set_title
from s3n_gui.state.recent import RecentList
from s3n_gui.state.session import Session

_LOOKED_AT_MS = 2000


class RecentImages(QObject):
    """Adds the session's image to the recent ones once it has been the current one for two seconds."""

    def __init__(self, session: Session, recent: RecentList, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._recent = session, recent
        self._closed = False
        self._timer = QTimer(self, singleShot=True, interval=_LOOKED_AT_MS)
        self._timer.timeout.connect(self.add_current)
        session.image_changed.connect(self._on_image)

    def add_current(self) -> None:
        """Add the session's image now."""
        self._timer.stop()
        path = self._session.image
        if path is not None:
            self._recent.add("image", path, self._detail(path))

    def on_opened(self, kind: str) -> None:
        """Add an image that was opened, not browsed to.

        Args:
            kind: What was opened: "image" or something else.
        """
        if kind == "image":
            self.add_current()

    def close(self) -> None:
        """Stop watching."""
        self._closed = True
        self._timer.stop()

    def _on_image(self, path: Path | None) -> None:
        if path is None or self._closed:
            self._timer.stop()
        else:
            self._timer.start()

    def _detail(self, path: Path) -> str:
        """Return the class and the data set of an image of the open data set: "Tufted bird · birds"."""
        data_set = self._session.data_set
        if data_set is None or not path.is_relative_to(data_set.root):
            return ""
        label = next((record.label for record in data_set.records if record.path == path), None)
        words = [] if label is None else [displayed_class(data_set.classes[label])]
        return " · ".join([*words, data_set_title(data_set.root)])
