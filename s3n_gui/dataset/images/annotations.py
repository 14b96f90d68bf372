"""Boxes and parts drawn over an image, visible on any background."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from s3n_core.datasets.records import Box, Part
from s3n_gui.appearance.theme import font
from s3n_gui.appearance.tokens import ANNOTATION

Place = Callable[[float, float], QPointF]
"""Maps (x, y) in pixels of the original image to widget coordinates."""


def paint_box(painter: QPainter, box: Box, place: Place) -> None:
    """Draw the outline of a box."""
    frame = QRectF(place(box.x, box.y), place(box.x + box.width, box.y + box.height))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for colour, width in ((QColor(0, 0, 0, 130), 3.5), (QColor(ANNOTATION), 1.5)):
        painter.setPen(QPen(colour, width))
        painter.drawRoundedRect(frame, 2, 2)


def paint_part(painter: QPainter, part: Part, place: Place, *, named: bool, room: QRectF) -> None:
    """Draw a part as a dot, with its name beside it if ``named``.

    Args:
        painter: The painter, with antialiasing on.
        part: The part.
        place: Maps image pixels to widget coordinates.
        named: Whether to show the part's name.
        room: The rectangle that the name must not leave.
    """
    at = place(part.x, part.y)
    painter.setPen(QPen(QColor(0, 0, 0, 150), 1.5))
    painter.setBrush(QColor(ANNOTATION))
    painter.drawEllipse(at, 4.0, 4.0)
    if not named:
        return
    painter.setFont(font("caption"))
    metrics = QFontMetricsF(painter.font())
    width, height = metrics.horizontalAdvance(part.name) + 12, metrics.height() + 6
    label = QRectF(min(at.x() + 8, room.right() - width - 4), max(at.y() - height - 6, room.top() + 4), width, height)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(20, 22, 26, 215))
    painter.drawRoundedRect(label, 4, 4)
    painter.setPen(QColor("#FFFFFF"))
    painter.drawText(label, int(Qt.AlignmentFlag.AlignCenter), part.name)
