"""The tick or cross beside a predicted class: whether it equals the label, in shape and colour."""

from __future__ import annotations

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen

from s3n_gui.appearance.theme import tokens


def draw_verdict(painter: QPainter, place: QPointF, correct: bool, colour: str = "", scale: float = 1.0) -> None:
    """Draw a green tick or a red cross, about 9 pixels wide at ``scale`` 1, around a place.

    Args:
        painter: The painter.
        place: The middle.
        correct: A tick if true, else a cross.
        colour: ``#RRGGBB`` instead of the state's colour, on a coloured ground.
        scale: Factor of the size.
    """
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    shade = QColor(colour or (tokens().good if correct else tokens().bad))
    painter.setPen(QPen(shade, 1.8 * scale, c=Qt.PenCapStyle.RoundCap))
    path, x, y, unit = QPainterPath(), place.x(), place.y(), 4 * scale
    if correct:
        path.moveTo(x - unit, y)
        path.lineTo(x - unit / 4, y + 0.75 * unit)
        path.lineTo(x + 1.25 * unit, y - unit)
    else:
        for sign in (-1, 1):
            path.moveTo(x - unit, y - unit * sign)
            path.lineTo(x + unit, y + unit * sign)
    painter.drawPath(path)
