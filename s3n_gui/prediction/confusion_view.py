"""Who is taken for whom: known classes downwards, answers to the right; a cell shows its images."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QHelpEvent, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from s3n_gui.theme import number_font, px, theme, tokens
from s3n_gui.tokens import mixed
from s3n_gui.wording import count_text

_STEPS = 64
_ARROWS = {Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0), Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1)}


class ConfusionView(QWidget):
    """The matrix, one square a pair of classes; rows are shares of the images of a class, so rare classes show as well.

    Signals:
        cell_chosen: The indices (into the shown classes) of a known class and an answer.
    """

    cell_chosen = Signal(int, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._counts: NDArray[Any] = np.zeros((0, 0), dtype=np.int64)
        self._names: list[str] = []
        self._image = QImage()
        self._at: tuple[int, int] | None = None
        self.chosen: tuple[int, int] | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(px(80))
        self.setAccessibleName("Confusion matrix")
        self.setAccessibleDescription("Arrows move between cells, Enter shows the images of a cell")
        theme().changed.connect(self._paint_image)

    def show_counts(self, counts: NDArray[Any], names: list[str]) -> None:
        """Show a table of images by known class (rows) and answer (columns), and the classes' names."""
        self._counts, self._names = counts, names
        if self._at is not None and max(self._at) >= len(names):
            self._at = None
        self._paint_image()

    def choose(self, cell: tuple[int, int] | None) -> None:
        """Mark the cell whose images are shown."""
        self.chosen = cell
        self.update()

    def text_of(self, cell: tuple[int, int]) -> str:
        """Return a cell in words."""
        images = count_text(int(self._counts[cell]), "image")
        if cell[0] == cell[1]:
            return f"{self._names[cell[0]]}: {images} right"
        return f"{self._names[cell[0]]}, taken for {self._names[cell[1]]}: {images}"

    def sizeHint(self) -> QSize:
        """A square."""
        return QSize(px(220), px(180))

    # -- places ----------------------------------------------------------------------------------------------------------

    def _field(self) -> QRectF:
        """The square that the matrix fills, whole pixels a cell where there is room for it."""
        count = max(len(self._names), 1)
        top, left = px(16), px(18)
        side = float(min(self.width() - left - 2, self.height() - top - 2))
        side = side // count * count if side >= count else side
        return QRectF(left + max((self.width() - left - side) // 2, 0), top, side, side)

    def cell_at(self, place: QPoint) -> tuple[int, int] | None:
        """Return the cell under a place of this widget."""
        field, count = self._field(), len(self._names)
        if not count or not field.contains(place):
            return None
        row = int((place.y() - field.top()) / field.height() * count)
        column = int((place.x() - field.left()) / field.width() * count)
        return (row, column) if max(row, column) < count else None

    def _box(self, cell: tuple[int, int]) -> QRectF:
        field, count = self._field(), len(self._names)
        size = field.width() / count
        return QRectF(field.left() + cell[1] * size, field.top() + cell[0] * size, size, size)

    # -- mouse and keys --------------------------------------------------------------------------------------------------

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Mark the cell under the mouse."""
        self._go_to(self.cell_at(event.position().toPoint()))

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is under the mouse."""
        if not self.hasFocus():
            self._go_to(None)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Show the images of a cell."""
        cell = self.cell_at(event.position().toPoint())
        if cell is not None and event.button() == Qt.MouseButton.LeftButton:
            self.cell_chosen.emit(*cell)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move with arrows, show with Enter or Space."""
        if not self._names:
            super().keyPressEvent(event)
        elif event.key() in _ARROWS:
            row, column = self._at or (0, 0)
            down, right = _ARROWS[Qt.Key(event.key())] if self._at is not None else (0, 0)
            last = len(self._names) - 1
            self._go_to((min(max(row + down, 0), last), min(max(column + right, 0), last)))
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self._at is not None:
            self.cell_chosen.emit(*self._at)
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """The mark goes with the focus."""
        self._go_to(None)
        super().focusOutEvent(event)

    def event(self, event: QEvent) -> bool:
        """Say the cell under the mouse."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            cell = self.cell_at(event.pos())
            QToolTip.showText(event.globalPos(), self.text_of(cell) if cell else "", self)
            return True
        return super().event(event)

    def _go_to(self, cell: tuple[int, int] | None) -> None:
        if cell != self._at:
            self._at = cell
            self.setAccessibleDescription(self.text_of(cell) if cell else "")
            self.update()

    # -- drawing ---------------------------------------------------------------------------------------------------------

    def _paint_image(self) -> None:
        count, colours = len(self._names), tokens()
        if count:
            shares = self._counts / np.maximum(self._counts.sum(axis=1, keepdims=True), 1)
            steps = np.ceil(shares**0.5 * (_STEPS - 1)).astype(np.uint8)  # small shares must be seen
            diagonal = np.eye(count, dtype=bool)
            cells = np.where(diagonal, steps + _STEPS, steps)
            image = QImage(
                np.ascontiguousarray(cells).tobytes(), count, count, count, QImage.Format.Format_Indexed8
            ).copy()
            table = []
            for end in (colours.bad, colours.good):
                ramp = [mixed(colours.card, end, 0.12 + 0.88 * step / (_STEPS - 1)) for step in range(_STEPS)]
                ramp[0] = colours.page if end == colours.bad else mixed(colours.page, colours.border, 0.5)
                table += [QColor(colour).rgb() for colour in ramp]
            image.setColorTable(table)
            self._image = image
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the matrix, and numbers where they fit."""
        count, colours, field = len(self._names), tokens(), self._field()
        if not count:
            return
        painter = QPainter(self)
        painter.drawImage(field, self._image)
        size = field.width() / count
        painter.setPen(QPen(QColor(colours.card), 1))
        if size >= 6:
            for line in range(1, count):
                at = round(line * size)
                painter.drawLine(int(field.left()), int(field.top()) + at, int(field.right()), int(field.top()) + at)
                painter.drawLine(int(field.left()) + at, int(field.top()), int(field.left()) + at, int(field.bottom()))
        painter.setFont(number_font("caption"))
        if size >= painter.fontMetrics().horizontalAdvance("00") + 4 and size >= painter.fontMetrics().height():
            for row, column in zip(*np.nonzero(self._counts), strict=True):
                strong = self._counts[row, column] / max(self._counts[row].sum(), 1) > 0.25
                painter.setPen(QColor("#FFFFFF" if strong else colours.text))
                painter.drawText(self._box((row, column)), Qt.AlignmentFlag.AlignCenter, str(self._counts[row, column]))
        painter.setPen(QColor(colours.quiet))
        painter.drawText(
            QRectF(field.left(), 0, field.width(), field.top() - 2), Qt.AlignmentFlag.AlignHCenter, "predicted"
        )
        painter.save()
        painter.translate(field.left() - 4, field.center().y())
        painter.rotate(-90)
        painter.drawText(
            QRectF(-field.height() / 2, -px(16), field.height(), px(16)), Qt.AlignmentFlag.AlignCenter, "label"
        )
        painter.restore()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for cell, colour, width in ((self._at, colours.text, 1.0), (self.chosen, colours.accent, 2.0)):
            if cell is not None and max(cell) < count:
                painter.setPen(QPen(QColor(colour), width))
                painter.drawRect(self._box(cell).adjusted(-0.5, -0.5, 0.5, 0.5))
        painter.end()
