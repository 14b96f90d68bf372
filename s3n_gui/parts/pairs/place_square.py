"""Where a part lies: all of its peaks on the normalised object, or image, as a square."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from s3n_gui.appearance.part_colours import part_colour
from s3n_gui.appearance.theme import px, tokens

_MOST = 1500
"""So many peaks are drawn, evenly chosen."""


class PlaceSquare(QWidget):
    """The square, with a dot a peak in the part's colour, and a cross at their mean."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._places: NDArray[np.float64] = np.zeros((0, 2))
        self._part, self._background = 0, False
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Where the part lies")

    def show_places(self, places: NDArray[np.float64], part: int, *, background: bool) -> None:
        """Show where a part lies.

        Args:
            places: Its peaks (x, y), as fractions of the square's width and height; shape (n, 2).
            part: Its number.
            background: Whether it is background.
        """
        self._part, self._background = part, background
        step = max(len(places) // _MOST, 1)
        self._places = places[::step]
        if len(places):
            x, y = places.mean(axis=0)
            self.setAccessibleDescription(f"Mean place: {100 * x:.0f} % from the left, {100 * y:.0f} % from the top")
        self.update()

    def sizeHint(self) -> QSize:
        """Return a square."""
        return QSize(px(132), px(132))

    def minimumSizeHint(self) -> QSize:
        """Return the same."""
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the square."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        side = min(self.width(), self.height()) - 2
        room = QRectF((self.width() - side) / 2, 1, side, side)
        colours = tokens()
        painter.fillRect(room, QColor(colours.page))
        painter.setPen(QPen(QColor(colours.border), 1))
        painter.drawRect(room)
        for share in (1 / 3, 2 / 3):
            across, down = room.left() + share * side, room.top() + share * side
            painter.drawLine(QPointF(across, room.top()), QPointF(across, room.bottom()))
            painter.drawLine(QPointF(room.left(), down), QPointF(room.right(), down))
        if len(self._places):
            dot = QColor(part_colour(self._part, colours, background=self._background))
            dot.setAlphaF(max(0.25, min(0.8, 60 / len(self._places))))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(dot)
            inside = np.clip(self._places, 0, 1)
            for x, y in inside.tolist():
                painter.drawEllipse(QPointF(room.left() + x * side, room.top() + y * side), 2.5, 2.5)
            x, y = inside.mean(axis=0).tolist()
            centre = QPointF(room.left() + x * side, room.top() + y * side)
            painter.setPen(QPen(QColor(colours.text), 2))
            reach = px(6)
            painter.drawLine(centre - QPointF(reach, 0), centre + QPointF(reach, 0))
            painter.drawLine(centre - QPointF(0, reach), centre + QPointF(0, reach))
        painter.end()
