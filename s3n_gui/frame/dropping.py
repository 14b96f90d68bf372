"""Opening of files and folders that are dropped on the window."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QWidget

from s3n_gui.state.opening import Opener
from s3n_gui.state.session import Session


class Dropping(QObject):
    """Opens files and folders that are dropped anywhere on a window."""

    def __init__(self, window: QWidget, session: Session, opener: Opener) -> None:
        super().__init__(window)
        self._window, self._session, self._opener = window, session, opener
        window.setAcceptDrops(True)
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Handle drops of local files and folders; pass on all other events."""
        if isinstance(event, QDragEnterEvent):
            if any(url.isLocalFile() for url in event.mimeData().urls()):
                event.acceptProposedAction()
                self._show(True)
            return True
        if event.type() == QEvent.Type.DragLeave:
            self._show(False)
            return True
        if isinstance(event, QDropEvent) and event.type() == QEvent.Type.Drop:
            self._show(False)
            self._open(event)
            return True
        return super().eventFilter(watched, event)

    def _open(self, event: QDropEvent) -> None:
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            self._opener.open_path(paths[0])
            if len(paths) > 1:
                self._session.report_notice(f"{len(paths)} items were dropped; only {paths[0].name} was opened.")

    def _show(self, over: bool) -> None:
        from s3n_gui.widgets.drop_zone import DropZone

        for zone in self._window.findChildren(DropZone):
            zone.show_over(over)
