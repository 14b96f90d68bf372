"""Painting of a confusion matrix: shades, lines, and the numbers and names that fit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QImage, QPainter, QPen

from s3n_gui.appearance.theme import font, number_font, px, tokens
from s3n_gui.appearance.tokens import TYPE_SCALE, ink_on, mixed
from s3n_gui.prediction.accuracy.matrix_frame import Cell, MatrixFrame

_SHADES = 64
_LEAST_TYPE = 9  # pixels


@dataclass(frozen=True, eq=False)
class MatrixDrawing:
    """A confusion matrix to paint.

    Attributes:
        frame: The layout of the cells.
        counts: Images by true class (rows) and predicted class (columns).
        names: The class names.
        shades: One pixel per cell (`shaded`).
        at: The cell under the mouse or the keyboard cursor.
        chosen: The cell whose images are shown.
    """

    frame: MatrixFrame
    counts: NDArray[Any]
    names: Sequence[str]
    shades: QImage
    at: Cell | None
    chosen: Cell | None

    def draw(self, painter: QPainter, *, labelled: bool) -> None:
        """Draw the matrix with the class names, or only with the axis labels."""
        frame, area = self.frame, self.frame.area
        painter.setClipRect(area.adjusted(-1, -1, 1, 1))
        source = QRectF(frame.left, frame.top, area.width() / frame.cell, area.height() / frame.cell)
        painter.drawImage(area, self.shades, source)
        self._draw_lines(painter)
        self._draw_numbers(painter)
        self._draw_cells(painter)
        painter.setClipping(False)
        if labelled:
            self._draw_names(painter, area, down=True)
            self._draw_names(painter, area, down=False)
        else:
            self._draw_words(painter, area)

    def _draw_lines(self, painter: QPainter) -> None:
        frame, area = self.frame, self.frame.area
        if frame.cell < 6:
            return
        painter.setPen(QPen(QColor(tokens().card), 1))
        for row in frame.rows():
            y = frame.box((row, 0)).top()
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
        for column in frame.columns():
            x = frame.box((0, column)).left()
            painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))

    def _draw_numbers(self, painter: QPainter) -> None:
        """Write the count into each visible cell that is not empty and has room for it."""
        frame = self.frame
        rows, columns = frame.rows(), frame.columns()
        if not rows or not columns:
            return
        part = self.counts[rows.start : rows.stop, columns.start : columns.stop]
        if not part.any():
            return
        font = count_font(f"{part.max()}", frame.cell)
        if font is None:
            return
        painter.setFont(font)
        metrics = painter.fontMetrics()
        for row, column in np.argwhere(part > 0).tolist():
            text = f"{part[row, column]}"
            if metrics.horizontalAdvance(text) > frame.cell - 2:
                continue
            cell = row + rows.start, column + columns.start
            painter.setPen(QColor(ink_on(self.shades.pixelColor(cell[1], cell[0]).name())))
            painter.drawText(frame.box(cell), Qt.AlignmentFlag.AlignCenter, text)

    def _draw_cells(self, painter: QPainter) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for cell, colour, width in ((self.at, tokens().text, 1.0), (self.chosen, tokens().accent, 2.0)):
            if cell is not None and max(cell) < len(self.names):
                painter.setPen(QPen(QColor(colour), width))
                box = self.frame.box(cell)
                grown = max((5 - box.width()) / 2, 0.5)  # keeps a cell of two pixels visible
                painter.drawRect(box.adjusted(-grown, -grown, grown, grown))

    def _draw_words(self, painter: QPainter, area: QRectF) -> None:
        painter.setFont(number_font("caption"))
        painter.setPen(QColor(tokens().quiet))
        lacking = painter.fontMetrics().horizontalAdvance("predicted") + 2 - area.width()
        grow = max(lacking / 2, 0.0)  # a small matrix is narrower than the word
        top = QRectF(area.left() - grow, 0, area.width() + 2 * grow, area.top() - 2)
        painter.drawText(top, Qt.AlignmentFlag.AlignHCenter, "predicted")
        painter.save()
        painter.translate(area.left() - 4, area.center().y())
        painter.rotate(-90)
        side = QRectF(-area.height() / 2, -px(16), area.height(), px(16))
        painter.drawText(side, Qt.AlignmentFlag.AlignCenter, "label")
        painter.restore()

    def _draw_names(self, painter: QPainter, area: QRectF, *, down: bool) -> None:
        """Write the names of the rows (``down``) or columns: as many as fit, and always the pointed one."""
        frame, colours = self.frame, tokens()
        painter.setFont(font("caption"))
        metrics = painter.fontMetrics()
        line = metrics.height()
        seen = frame.rows() if down else frame.columns()
        every = max(math.ceil(line / frame.cell), 1)
        pointed = None if self.at is None else self.at[0 if down else 1]
        named = [at for at in seen if at % every == 0]
        if pointed is not None and pointed in seen:
            # Names next to the pointed one make room for it.
            named = [at for at in named if abs(at - pointed) * frame.cell >= line or at == pointed]
            named = sorted({*named, pointed})
        for at in named:
            middle = frame.box((at, 0)).center().y() if down else frame.box((0, at)).center().x()
            strong = at == pointed
            painter.setFont(font("caption", semibold=strong))
            painter.setPen(QColor(colours.text if strong else colours.quiet))
            room = (area.left() if down else area.top()) - 10
            text = painter.fontMetrics().elidedText(self.names[at], Qt.TextElideMode.ElideMiddle, int(room))
            if down:
                box = QRectF(2, middle - line / 2, room, line)
                painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text)
                painter.drawLine(QPointF(area.left() - 5, middle), QPointF(area.left() - 2, middle))
                continue
            painter.drawLine(QPointF(middle, area.top() - 5), QPointF(middle, area.top() - 2))
            painter.save()
            painter.translate(middle, area.top() - 8)
            painter.rotate(-90)
            box = QRectF(0, -line / 2, room, line)
            painter.drawText(box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)
            painter.restore()


def count_font(longest: str, cell: float) -> QFont | None:
    """Return the font for the counts: the largest in which the longest one fits into a cell; None if none can be read.

    In the smallest font, counts that do not fit are left out.

    Args:
        longest: The longest count.
        cell: Side of a cell, in pixels.
    """
    made = number_font("caption")
    for pixels in range(px(TYPE_SCALE["caption"]), px(_LEAST_TYPE) - 1, -1):
        made.setPixelSize(pixels)
        metrics = QFontMetricsF(made)
        if metrics.horizontalAdvance(longest) <= cell - 2 and metrics.capHeight() <= cell - 3:
            return made
    return made if QFontMetricsF(made).capHeight() <= cell - 3 else None


def shaded(counts: NDArray[Any]) -> QImage:
    """Return one pixel per cell: its share of its row's images, green on the diagonal and red elsewhere."""
    count, colours = len(counts), tokens()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    steps = np.ceil(shares**0.5 * (_SHADES - 1)).astype(np.uint8)  # the square root keeps small shares visible
    cells = np.where(np.eye(count, dtype=bool), steps + _SHADES, steps)
    data = np.ascontiguousarray(cells).tobytes()
    image = QImage(data, count, count, count, QImage.Format.Format_Indexed8).copy()
    table = []
    for end, least in ((colours.bad, 0.3), (colours.good, 0.12)):  # a single mistake must be visible at any size
        ramp = [mixed(colours.card, end, least + (1 - least) * step / (_SHADES - 1)) for step in range(_SHADES)]
        ramp[0] = colours.page if end == colours.bad else mixed(colours.page, colours.border, 0.5)
        table += [QColor(colour).rgb() for colour in ramp]
    image.setColorTable(table)
    return image
