"""The window's geometry and the state of each page, saved across restarts."""

from __future__ import annotations

import json
import logging
from contextlib import suppress
from pathlib import Path
from typing import Any

from PySide6.QtCore import QByteArray, QRect
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMainWindow

from s3n_core.errors import S3NError
from s3n_core.system.atomic_files import write_json
from s3n_gui.state.settings import settings_path

_log = logging.getLogger(__name__)
_LEAST_VISIBLE = 120  # pixels of the title bar that must be on a screen, so that the user can drag the window


class WindowLayout:
    """The window's geometry and the state of its pages, in a small JSON file; a broken file counts as empty."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path if path is not None else settings_path().with_name("places.json")
        self._content: dict[str, Any] = {}
        with suppress(OSError, ValueError, RecursionError):
            content = json.loads(self.path.read_bytes())
            if isinstance(content, dict):
                self._content = content

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value stored under ``name``."""
        return self._content.get(name, default)

    def keep(self, name: str, value: Any) -> None:
        """Store a JSON value in memory; ``write`` saves it."""
        self._content[name] = value

    def write(self) -> None:
        """Write the file; a failure is only logged."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_json(self.path, self._content, durable=False)
        except (OSError, S3NError, ValueError, TypeError) as error:
            _log.warning("the layout of the window could not be saved (%s)", error)


def keep_geometry(window: QMainWindow, layout: WindowLayout) -> None:
    """Store the window's geometry in the layout."""
    layout.keep("geometry", bytes(window.saveGeometry().toBase64().data()).decode("ascii"))


def restore_geometry(window: QMainWindow, layout: WindowLayout, width: int, height: int) -> None:
    """Restore the window's geometry; without one that is still on a screen, centre the window on the primary screen.

    Args:
        window: The window, not yet shown.
        layout: The saved layout.
        width: The default width, in pixels.
        height: The default height, in pixels.
    """
    kept = layout.get("geometry")
    restored = isinstance(kept, str) and window.restoreGeometry(QByteArray.fromBase64(kept.encode("ascii", "ignore")))
    if restored and _can_be_caught(window.frameGeometry()):
        return
    screen = QGuiApplication.primaryScreen()
    available = screen.availableGeometry() if screen is not None else QRect(0, 0, width, height)
    size = available.size().boundedTo(QRect(0, 0, width, height).size())
    place = QRect(available.topLeft(), size)
    place.moveCenter(available.center())
    window.setGeometry(place)


def _can_be_caught(frame: QRect) -> bool:
    title_bar = QRect(frame.left(), frame.top(), frame.width(), 30)
    for screen in QGuiApplication.screens():
        visible = screen.availableGeometry().intersected(title_bar)
        if visible.width() >= _LEAST_VISIBLE and visible.height() >= 10:
            return True
    return False
