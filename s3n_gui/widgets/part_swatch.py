"""The swatch of a part: a small square in its colour, beside its name."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPixmap

from s3n_core.parts.atlas.part_place import PartPlace
from s3n_gui.appearance.part_colours import part_colour
from s3n_gui.appearance.theme import px, tokens

SIDE = 10
"""Side of a swatch, before the user's text scale."""


def place_colour(place: PartPlace) -> str:
    """Return the colour of a peak's part in the current theme, ``#RRGGBB``; grey where it has none."""
    return part_colour(place.part, tokens(), background=place.background or place.part < 0)


def draw_swatch(painter: QPainter, left: float, middle: float, colour: str) -> float:
    """Draw a swatch in a line of text.

    Args:
        painter: The painter.
        left: Its left edge.
        middle: The middle of the line.
        colour: ``#RRGGBB``.

    Returns:
        Where the text after it begins.
    """
    side = px(SIDE)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colour))
    painter.drawRoundedRect(QRectF(QPointF(left, middle - side / 2), QPointF(left + side, middle + side / 2)), 2, 2)
    return left + side + px(5)


def swatch(colour: str, ratio: float = 1.0) -> QPixmap:
    """Return a swatch as a picture for lists and tables.

    Args:
        colour: ``#RRGGBB``.
        ratio: Device pixels per pixel.
    """
    side = px(SIDE)
    found = QPixmap(round(side * ratio), round(side * ratio))
    found.setDevicePixelRatio(ratio)
    found.fill(Qt.GlobalColor.transparent)
    painter = QPainter(found)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    draw_swatch(painter, 0, side / 2, colour)
    painter.end()
    return found
