"""The legend of a chart: each line's colour, name, and value under the cursor or last value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from s3n_gui.appearance.theme import number_font, px, theme, tokens

_GAP, _STROKE, _BETWEEN, _LEAST_BETWEEN = 4, 9, 9, 4
_SAMPLE = "00.0"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a chart.

    Attributes:
        colour: The colour of its curve.
        label: Its name.
        values: The validation and the training value, as far as they are measured.
    """

    colour: QColor
    label: str
    values: tuple[str, ...] = ()


_Way = tuple[Sequence[Entry], int]


class ChartLegend(QWidget):
    """One or two lines of entries.

    If both values do not fit, it shows the first one; then the first value of the first entry only, and then only names.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._entries: tuple[Entry, ...] = ()
        self._empty, self._lines = "", 1
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        theme().changed.connect(self._fit)
        self._fit()

    def show_entries(self, entries: Sequence[Entry], empty: str = "no values yet") -> None:
        """Replace the entries; ``empty`` is shown while none of them has a value."""
        if (tuple(entries), empty) != (self._entries, self._empty):
            self._entries, self._empty = tuple(entries), empty
            self.update()

    def room_for(self, labels: Sequence[str]) -> float:
        """Return the width of entries with these names and one value each, independent of the values."""
        metrics = QFontMetricsF(self.font())
        words = sum(metrics.horizontalAdvance(f"{label} {_SAMPLE}") for label in labels)
        return float(words + len(labels) * (px(_STROKE) + _GAP) + max(0, len(labels) - 1) * px(_BETWEEN))

    def set_lines(self, lines: int) -> None:
        """Set the number of lines: 1, or 2 with the first entry on a line of its own."""
        if lines != self._lines:
            self._lines = lines
            self.updateGeometry()
            self.update()

    def sizeHint(self) -> QSize:
        """Return the height of all lines."""
        return QSize(px(60), self._lines * (self.fontMetrics().lineSpacing() + 2))

    def changeEvent(self, event: QEvent) -> None:
        """Update the height for another font."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self.updateGeometry()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw as many values as fit."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        metrics = QFontMetricsF(self.font())
        shown = [entry for entry in self._entries if entry.values]
        if not shown:
            painter.setPen(QColor(tokens().faint))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter, self._empty)
        elif self._lines == 1:
            fewer = [shown[0], *(replace(entry, values=()) for entry in shown[1:])]
            ways = [(shown, 2), (shown, 1), (fewer, 2), (fewer, 1), (shown, 0)]
            self._draw_line(painter, metrics, ways, 0.0, float(self.height()))
        else:
            half = self.height() / 2
            self._draw_line(painter, metrics, [(shown[:1], 2), (shown[:1], 1), (shown[:1], 0)], 0.0, half)
            self._draw_line(painter, metrics, [(shown[1:], 2), (shown[1:], 1), (shown[1:], 0)], half, half)
        painter.end()

    def _draw_line(
        self, painter: QPainter, metrics: QFontMetricsF, ways: Sequence[_Way], top: float, height: float
    ) -> None:
        """Draw the first of several ways that fits, close together if that helps: entries, and values of each."""
        tried = [(*way, between) for way in ways for between in (px(_BETWEEN), px(_LEAST_BETWEEN))]
        shown, most, between = next((way for way in tried if self._width(metrics, *way) <= self.width()), tried[-1])
        left, middle = 0.0, top + height / 2
        for entry in shown:
            painter.setPen(QPen(entry.colour, 2.4, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawLine(QPointF(left + 1, middle), QPointF(left + px(_STROKE) - 1, middle))
            left += px(_STROKE) + _GAP
            for index, text in enumerate((entry.label, *entry.values[:most])):
                painter.setPen(QColor(tokens().text if index == 1 else tokens().quiet))
                width = metrics.horizontalAdvance(text)
                room = QRectF(left, top, min(width, self.width() - left) + 1, height)
                painter.drawText(
                    room,
                    Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine,
                    metrics.elidedText(text, Qt.TextElideMode.ElideRight, room.width()),
                )
                left += width + _GAP
            left += between - _GAP

    def _width(self, metrics: QFontMetricsF, entries: Sequence[Entry], values: int, between: int) -> float:
        texts = (text for entry in entries for text in (entry.label, *entry.values[:values]))
        words = sum(metrics.horizontalAdvance(text) + _GAP for text in texts)
        return float(words + len(entries) * (px(_STROKE) + between) - between)

    def _fit(self) -> None:
        self.setFont(number_font("caption"))
        self.update()
