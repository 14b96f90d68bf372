"""The box beside the cursor: all validation and training values of the chart under it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from s3n_gui.appearance.eliding import elided_name
from s3n_gui.appearance.theme import font, number_font, px, tokens
from s3n_gui.training.curves.chart_legend import Entry

_INSIDE, _STROKE, _BETWEEN = 8, 14, 12


class ValueBox(QWidget):
    """An overlay on the curves that is transparent to the mouse."""

    def __init__(self, over: QWidget) -> None:
        super().__init__(over)
        self._over = over
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._title = ""
        self._heads: tuple[str, ...] = ("",)
        self._entries: tuple[Entry, ...] = ()
        self.hide()

    def show_values(self, epoch: float, entries: Sequence[Entry], place: QPointF) -> None:
        """Show values beside a point.

        Args:
            epoch: The epoch under the cursor.
            entries: The lines to show; an empty sequence hides the box.
            place: The cursor's position in the widget below the box, in pixels.
        """
        if not entries:
            self.hide()
            return
        metrics = QFontMetricsF(number_font("caption"))
        self._title = f"Epoch {max(epoch, 0.0):.2f}"
        self._heads = ("validation", "training") if any(len(entry.values) > 1 for entry in entries) else ("",)
        self._entries = tuple(replace(entry, label=elided_name(entry.label, metrics, px(150))) for entry in entries)
        columns = self._columns()
        width = sum(columns) + _BETWEEN * (len(columns) - 1) + 2 * _INSIDE
        rows = 1 + len(entries) + (1 if any(self._heads) else 0)
        height = rows * self._line() + 2 * _INSIDE - 4
        over = self._over.rect()
        left = place.x() + px(14)
        if left + width > over.right():
            left = place.x() - px(14) - width
        top = min(max(over.top(), place.y() - height / 2), max(over.top(), over.bottom() - height))
        self.setGeometry(round(max(over.left(), left)), round(top), round(width), round(height))
        self.update()
        self.show()
        self.raise_()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw a card with one row per line."""
        now = tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(now.strong_border), 1))
        painter.setBrush(QColor(now.card))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        columns, line, top = self._columns(), self._line(), float(_INSIDE - 2)
        painter.setFont(font("caption", semibold=True))
        painter.setPen(QColor(now.text))
        painter.drawText(QRectF(_INSIDE, top, self.width(), line), Qt.AlignmentFlag.AlignVCenter, self._title)
        top += line
        right = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
        painter.setFont(number_font("caption"))
        if any(self._heads):
            painter.setPen(QColor(now.quiet))
            for left, width, head in zip(self._lefts(columns)[1:], columns[1:], self._heads, strict=False):
                painter.drawText(QRectF(left, top, width, line), right, head)
            top += line
        for entry in self._entries:
            painter.setPen(QPen(entry.colour, 2.4, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawLine(QPointF(_INSIDE + 1, top + line / 2), QPointF(_INSIDE + _STROKE - 4, top + line / 2))
            painter.setPen(QColor(now.text))
            label = QRectF(_INSIDE + _STROKE, top, columns[0], line)
            painter.drawText(label, Qt.AlignmentFlag.AlignVCenter, entry.label)
            for left, width, value in zip(self._lefts(columns)[1:], columns[1:], entry.values, strict=False):
                painter.drawText(QRectF(left, top, width, line), right, value)
            top += line
        painter.end()

    def _line(self) -> float:
        return QFontMetricsF(number_font("caption")).lineSpacing() + 2

    def _columns(self) -> list[float]:
        metrics = QFontMetricsF(number_font("caption"))
        labels = [metrics.horizontalAdvance(entry.label) + _STROKE for entry in self._entries]
        title = QFontMetricsF(font("caption", semibold=True)).horizontalAdvance(self._title)
        columns = [max([0.0, *labels])]
        for index, head in enumerate(self._heads):
            texts = [head, *(entry.values[index] for entry in self._entries if index < len(entry.values))]
            columns.append(max(metrics.horizontalAdvance(text) for text in texts))
        wanting = title - sum(columns) - _BETWEEN * (len(columns) - 1)
        columns[0] += max(0.0, wanting)
        return columns

    def _lefts(self, columns: Sequence[float]) -> list[float]:
        lefts, left = [], float(_INSIDE)
        for width in columns:
            lefts.append(left)
            left += width + _BETWEEN
        return lefts
