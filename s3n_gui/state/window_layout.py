"""Where things stood: the window's geometry and what each page wants back, kept over restarts."""

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
_LEAST_VISIBLE = 120  # Pixels of the title bar that must lie on a screen, so that the window can be caught.


class WindowLayout:
    """Geometry of the window and what its pages want back, in a small JSON file; a broken one counts as empty."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path if path is not None else settings_path().with_name("places.json")
        self._content: dict[str, Any] = {}
        with suppress(OSError, ValueError, RecursionError):
            content = json.loads(self.path.read_bytes())
            if isinstance(content, dict):
                self._content = content

    def get(self, name: str, default: Any = None) -> Any:
        """Return what was kept under ``name``."""
        return self._content.get(name, default)

    def keep(self, name: str, value: Any) -> None:
        """Keep a JSON value; ``write`` puts it on the disk."""
        self._content[name] = value

    def write(self) -> None:
        """Write the file; where that is not possible the next start simply begins at the defaults."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_json(self.path, self._content, durable=False)
        except (OSError, S3NError, ValueError, TypeError) as error:
            _log.warning("the layout of the window could not be kept (%s)", error)


def keep_geometry(window: QMainWindow, layout: WindowLayout) -> None:
    """Remember where the window stands."""
    layout.keep("geometry", bytes(window.saveGeometry().toBase64().data()).decode("ascii"))


def restore_geometry(window: QMainWindow, layout: WindowLayout, width: int, height: int) -> None:
    """Put the window where it stood, or in the middle of the screen where that place is no longer on one.

    Args:
        window: The window, not yet shown.
        layout: What was kept.
        width: Its width where nothing is known, in pixels.
        height: Its height where nothing is known.
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
