"""The marks of a chart: tinted bands of epochs behind the curves, and labels of bands and best epoch above them."""

from __future__ import annotations

from collections.abc import Sequence

import pyqtgraph as pg
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from s3n_gui.appearance.theme import font, tokens

Band = tuple[float, float, str]
"""Start and end in epochs, and the label."""


class Bands(pg.GraphicsObject):  # type: ignore[misc]
    """Tinted bands of epochs behind the curves."""

    def __init__(self) -> None:
        super().__init__()
        self._bands: Sequence[Band] = ()
        self.setZValue(-20)

    def show_bands(self, bands: Sequence[Band]) -> None:
        """Replace the bands."""
        self._bands = tuple(bands)
        self.setVisible(bool(bands))
        self.update()

    def boundingRect(self) -> QRectF:
        """Return the visible range."""
        return QRectF(self.viewRect())

    def viewTransformChanged(self) -> None:
        """Update for another visible range."""
        self.prepareGeometryChange()

    def paint(self, painter: QPainter, *_: object) -> None:
        """Draw."""
        seen, fill = self.viewRect(), QColor(tokens().accent)
        for index, (start, end, _word) in enumerate(self._bands):
            fill.setAlphaF(0.05 if index % 2 else 0.09)
            painter.fillRect(QRectF(start, seen.top(), end - start, seen.height()), fill)


class Marks(pg.GraphicsWidget):  # type: ignore[misc]
    """The labels of the bands and of the best epoch, in a strip above the curves."""

    def __init__(self, box: pg.ViewBox) -> None:
        super().__init__()
        self._box = box
        self._bands: Sequence[Band] = ()
        self._best: float | None = None
        box.sigXRangeChanged.connect(self._on_range)

    def show_bands(self, bands: Sequence[Band]) -> None:
        """Replace the bands."""
        self._bands = tuple(bands)
        self.update()

    def show_best(self, place: float | None) -> None:
        """Mark the best epoch, or none."""
        self._best = place
        self.update()

    def paint(self, painter: QPainter, *_: object) -> None:
        """Draw."""
        area = self.rect()
        (low, high), _values = self._box.viewRange()
        scale = area.width() / (high - low)
        taken = QRectF()
        painter.setFont(font("caption"))
        metrics = painter.fontMetrics()
        if self._best is not None and low <= self._best <= high:
            word = "best"
            width = metrics.horizontalAdvance(word)
            left = min(max((self._best - low) * scale - width / 2, 0.0), area.width() - width)
            taken = QRectF(left, 0, width, area.height())
            painter.setPen(QColor(tokens().good_text))
            painter.drawText(taken, Qt.AlignmentFlag.AlignCenter, word)
        painter.setPen(QColor(tokens().quiet))
        for start, end, word in self._bands:
            left, right = max(0.0, (start - low) * scale), min(area.width(), (end - low) * scale)
            room = QRectF(left + 3, 0, metrics.horizontalAdvance(word), area.height())
            if room.right() <= right and not room.intersects(taken.adjusted(-3, 0, 3, 0)):
                painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, word)

    def _on_range(self, *_: object) -> None:
        self.update()
