"""A sparkline: a small curve without axes."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from s3n_gui.appearance.theme import px, theme, tokens


class Sparkline(QWidget):
    """Draws values from left to right, scaled to its height."""

    def __init__(self, what: str, parent: QWidget | None = None) -> None:
        """Create an empty sparkline.

        Args:
            what: What the curve shows, for its tooltip and for screen readers.
            parent: The widget that owns it.
        """
        super().__init__(parent)
        self._what = what
        self._values: tuple[float, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme().changed.connect(self.update)
        self.show_values(())

    def show_values(self, values: Sequence[float]) -> None:
        """Draw these values; non-finite ones are skipped."""
        self._values = tuple(value for value in values if value - value == 0)
        last = f", {self._values[-1]:.3g} now" if self._values else ""
        self.setToolTip(self._what + last)
        self.setAccessibleName(self._what + last)
        self.update()

    def sizeHint(self) -> QSize:
        """Return the preferred size."""
        return QSize(px(160), px(44))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the curve, a light fill below it, and a dot at its end."""
        if len(self._values) < 2:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        low, high = min(self._values), max(self._values)
        span = (high - low) or 1.0
        width, height = self.width() - 8, self.height() - 8
        points = [
            QPointF(4 + width * index / (len(self._values) - 1), 4 + height * (high - value) / span)
            for index, value in enumerate(self._values)
        ]
        accent, ground = QColor(tokens().accent), QColor(tokens().accent)
        ground.setAlphaF(0.10)
        base = [QPointF(points[-1].x(), self.height()), QPointF(points[0].x(), self.height())]
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ground)
        painter.drawPolygon(QPolygonF([*points, *base]))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(accent, 1.5, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin))
        painter.drawPolyline(QPolygonF(points))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(accent)
        painter.drawEllipse(points[-1], 3, 3)
        painter.end()
