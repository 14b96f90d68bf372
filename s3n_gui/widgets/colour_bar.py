"""A colour bar with tick labels, and a mark at the value under the cursor."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize
from PySide6.QtGui import QColor, QFontMetrics, QImage, QPainter, QPaintEvent, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from s3n_core.inspection.map_display import ValueRange
from s3n_gui.appearance.theme import number_font, px, theme, tokens

_BAR_HEIGHT = 6


class ColourBar(QWidget):
    """The palette from the lowest to the highest value, with a few tick labels below."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._limits: ValueRange | None = None
        self._table: NDArray[np.uint8] | None = None
        self._value: float | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Colour bar")
        theme().changed.connect(self._on_theme_changed)

    def set_range(self, limits: ValueRange | None, table: NDArray[np.uint8] | None) -> None:
        """Set the range and the palette, uint8 (256, 3); None shows nothing but keeps the space."""
        self._limits, self._table = limits, table
        if limits is not None:
            self.setAccessibleDescription(", ".join(text for _, text in limits.ticks()))
        self.update()

    def set_value(self, value: float | None) -> None:
        """Mark a value; None removes the mark."""
        if value != self._value:
            self._value = value
            self.update()

    def sizeHint(self) -> QSize:
        """Return the size that shows all tick labels."""
        return QSize(120, _BAR_HEIGHT + 6 + number_font_height())

    def minimumSizeHint(self) -> QSize:
        """Return the smallest useful size."""
        return QSize(40, self.sizeHint().height())

    def _on_theme_changed(self) -> None:
        self.updateGeometry()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw bar, tick labels and mark."""
        if self._limits is None or self._table is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        bar = QRectF(1, 2, self.width() - 2, _BAR_HEIGHT)
        row = np.ascontiguousarray(self._table[:1] if self._limits.flat else self._table)
        ramp = QImage(row.data, len(row), 1, 3 * len(row), QImage.Format.Format_RGB888)
        painter.drawImage(bar, ramp)
        painter.setFont(number_font("caption"))
        metrics = painter.fontMetrics()
        most = 4 if self.width() > px(200) else 2 if self.width() > px(110) else 1
        taken = -1e9
        ticks = self._limits.ticks(most)
        for index in (0, len(ticks) - 1, *range(1, len(ticks) - 1)) if len(ticks) > 1 else (0,):
            value, text = ticks[index]
            x = bar.x() + float(self._limits.share(value)) * bar.width()
            width = metrics.horizontalAdvance(text)
            left = min(max(x - width / 2, 0), self.width() - width)
            inner = 0 < index < len(ticks) - 1
            if inner and left < taken + 6:
                continue
            if index != len(ticks) - 1:
                taken = left + width
            painter.setPen(QColor(tokens().quiet))
            painter.drawText(QPointF(left, bar.bottom() + 3 + metrics.ascent()), text)
        if self._value is not None and not self._limits.flat:
            x = bar.x() + float(self._limits.share(self._value)) * bar.width()
            painter.setPen(QColor(tokens().card))
            painter.setBrush(QColor(tokens().text))
            tip = bar.bottom() - 1
            painter.drawPolygon(QPolygonF([QPointF(x, tip), QPointF(x - 4, tip + 6), QPointF(x + 4, tip + 6)]))
        painter.end()


def number_font_height() -> int:
    """Return the line height of a caption, in pixels."""
    return QFontMetrics(number_font("caption")).height()
