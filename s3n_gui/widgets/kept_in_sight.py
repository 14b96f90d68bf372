"""Keeping in sight what a list or a grid shows, while it or its rows get another size."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QPoint, QRect, QSize
from PySide6.QtWidgets import QAbstractItemView

from s3n_gui.widgets.model_index import AnyIndex


@contextmanager
def kept_in_sight(view: QAbstractItemView, first: AnyIndex, room: QSize) -> Iterator[None]:
    """Keep the current row where it is, and whole, if it is in sight; else the first visible row, wherever the current one is.

    Args:
        view: A view that scrolls by pixels.
        first: The first row that is at least partly visible.
        room: The size of the viewport before the change.
    """
    current = view.currentIndex()
    seen = view.visualRect(current).intersects(QRect(QPoint(), room))
    kept = current if seen else first
    before = view.visualRect(kept)
    yield
    after, bar = view.visualRect(kept), view.verticalScrollBar()
    if not before.isEmpty():
        hidden = min(before.top(), 0) / before.height()  # the share of it above the view's edge
        bar.setValue(bar.value() + after.top() - max(before.top(), 0) - round(hidden * after.height()))
    if seen:
        view.scrollTo(current)
