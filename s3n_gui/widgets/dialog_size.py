"""The size of a dialog: as wanted, but never larger than its window, because text may be large and screens small."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QDialog


def fit_in_window(dialog: QDialog, wanted: QSize) -> None:
    """Give a dialog the wanted size in pixels, within the size of the window that it belongs to."""
    window = dialog.parentWidget()
    dialog.resize(wanted if window is None else wanted.boundedTo(window.window().size()))
