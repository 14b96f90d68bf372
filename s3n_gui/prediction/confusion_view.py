"""Who is taken for whom: known classes downwards, answers to the right; a cell shows its images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from s3n_gui.prediction.matrix_frame import Cell, MatrixFrame
from s3n_gui.theme import font, number_font, px, theme, tokens
from s3n_gui.tokens import mixed
from s3n_gui.wording import count_text, percent_text

_SHADES = 64
_STEP = 1.25
_DRAG = 4  # pixels that the mouse may move in a press
_ARROWS = {Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0), Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1)}


class ConfusionView(QWidget):
    """The matrix, one square a pair of classes; shades are shares of a class's images, so rare classes show as well.

    Signals:
        cell_chosen: A known class and an answer (places in the shown order) whose images are wanted.
        cell_opened: The same by a double click: one of the images is to be looked into.
        pointed: What is under the mouse or the keys, as a sentence; empty where nothing is.
    """

    cell_chosen = Signal(int, int)
    cell_opened = Signal(int, int)
    pointed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._counts: NDArray[Any] = np.zeros((0, 0), dtype=np.int64)
        self._names: Sequence[str] = ()
        self._image = QImage()
        self._frame = MatrixFrame(0, QRectF())
        self._labelled = False
        self._at: Cell | None = None
        self._pressed: QPointF | None = None
        self._dragged = False
        self.chosen: Cell | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(px(120), px(80))
        self.setAccessibleName("Confusion matrix")
        self.setAccessibleDescription("Arrows move between cells, Enter shows the images of a cell, + and - zoom")
        theme().changed.connect(self._on_theme)

    def show_counts(self, counts: NDArray[Any], names: Sequence[str]) -> None:
        """Show images by known class (rows) and answer (columns), and the classes' names, in the order to be shown."""
        other = len(names) != len(self._names)
        self._counts, self._names = counts, names
        if other:
            self._at = self.chosen = None
            self._frame = MatrixFrame(len(names), self._field(), largest=px(48))
        self._make_image()
        self._point(self._at)

    def set_labelled(self, labelled: bool) -> None:
        """Write the classes' names beside the rows and columns, or only what these are."""
        self._labelled = labelled
        self._frame = MatrixFrame(len(self._names), self._field(), largest=px(48))
        self.update()

    def choose(self, cell: Cell | None) -> None:
        """Mark the cell whose images are shown, and bring it into view."""
        self.chosen = cell
        if cell is not None:
            self._set_frame(self._frame.showing(cell))
        self.update()

    @property
    def frame(self) -> MatrixFrame:
        """Where the cells lie."""
        return self._frame

    def text_of(self, cell: Cell) -> str:
        """Return a cell in words."""
        count, images = int(self._counts[cell]), int(self._counts[cell[0]].sum())
        of = f"{count:,} of {count_text(images, 'image')}"
        share = f" ({percent_text(count / images)})" if images else ""
        if cell[0] == cell[1]:
            return f"{self._names[cell[0]]}: {of} right{share}"
        return f"{self._names[cell[0]]}, taken for {self._names[cell[1]]}: {of}{share}"

    def show_whole(self) -> None:
        """Zoom out."""
        self._set_frame(self._frame.whole())

    def sizeHint(self) -> QSize:
        """A square."""
        return QSize(px(220), px(180))

    # -- mouse and keys --------------------------------------------------------------------------------------------------

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Say what is under the mouse; drag."""
        place = event.position()
        if self._pressed is not None:
            moved = place - self._pressed
            if self._dragged or moved.manhattanLength() > _DRAG:
                self._dragged, self._pressed = True, place
                self._set_frame(self._frame.moved(moved.x(), moved.y()))
            return
        self._point(self._frame.cell_at(place))

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is under the mouse."""
        if not self.hasFocus():
            self._point(None)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A press chooses a cell when it ends, unless it becomes a drag."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed, self._dragged = event.position(), False

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Show the images of a cell."""
        cell = self._frame.cell_at(event.position())
        if self._pressed is not None and not self._dragged and cell is not None:
            self.cell_chosen.emit(*cell)
        self._pressed = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Look into one of the images."""
        cell = self._frame.cell_at(event.position())
        if cell is not None and self._counts[cell]:
            self.cell_opened.emit(*cell)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom at the mouse."""
        self._set_frame(self._frame.zoomed(_STEP ** (event.angleDelta().y() / 120), event.position()))
        self._point(self._frame.cell_at(event.position()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move with arrows, show with Enter or Space, zoom with + and -."""
        if not self._names:
            super().keyPressEvent(event)
        elif event.key() in _ARROWS:
            row, column = self._at or (0, 0)
            down, right = _ARROWS[Qt.Key(event.key())] if self._at is not None else (0, 0)
            last = len(self._names) - 1
            cell = min(max(row + down, 0), last), min(max(column + right, 0), last)
            self._set_frame(self._frame.showing(cell))
            self._point(cell)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self._at is not None:
            self.cell_chosen.emit(*self._at)
        elif event.key() in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus):
            factor = 1 / _STEP if event.key() == Qt.Key.Key_Minus else _STEP
            at = None if self._at is None else self._frame.box(self._at).center()
            self._set_frame(self._frame.zoomed(factor, at))
        elif event.key() == Qt.Key.Key_0:
            self.show_whole()
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """The mark goes with the focus."""
        self._point(None)
        super().focusOutEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The field grows with the view."""
        super().resizeEvent(event)
        self._frame = self._frame.in_field(self._field())

    def _point(self, cell: Cell | None) -> None:
        if cell is not None and max(cell) >= len(self._names):
            cell = None
        self._at = cell
        words = "" if cell is None else self.text_of(cell)
        self.setToolTip(words if not self._labelled else "")
        self.pointed.emit(words)
        self.update()

    def _set_frame(self, frame: MatrixFrame) -> None:
        if frame != self._frame:
            self._frame = frame
            self.update()

    # -- drawing ---------------------------------------------------------------------------------------------------------

    def _field(self) -> QRectF:
        """Return the room of the matrix, beside the words."""
        if self._labelled:
            left, top = min(px(170), round(0.28 * self.width())), min(px(120), round(0.28 * self.height()))
        else:
            left, top = px(18), px(16)
        room = QRectF(left, top, max(self.width() - left - 2, 1), max(self.height() - top - 2, 1))
        if self._labelled:
            return room
        side = min(room.width(), room.height())  # small, it stands in the middle
        return QRectF(room.left() + (room.width() - side) / 2, room.top(), side, side)

    def _on_theme(self) -> None:
        self._frame = MatrixFrame(len(self._names), self._field(), largest=px(48))
        self._make_image()
        self.update()

    def _make_image(self) -> None:
        count, colours = len(self._names), tokens()
        if count:
            shares = self._counts / np.maximum(self._counts.sum(axis=1, keepdims=True), 1)
            steps = np.ceil(shares**0.5 * (_SHADES - 1)).astype(np.uint8)  # small shares must be seen
            cells = np.where(np.eye(count, dtype=bool), steps + _SHADES, steps)
            data = np.ascontiguousarray(cells).tobytes()
            image = QImage(data, count, count, count, QImage.Format.Format_Indexed8).copy()
            table = []
            for end, least in ((colours.bad, 0.3), (colours.good, 0.12)):  # a single mistake must be seen, at any size
                ramp = [mixed(colours.card, end, least + (1 - least) * step / (_SHADES - 1)) for step in range(_SHADES)]
                ramp[0] = colours.page if end == colours.bad else mixed(colours.page, colours.border, 0.5)
                table += [QColor(colour).rgb() for colour in ramp]
            image.setColorTable(table)
            self._image = image

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the matrix, its names, and numbers where they fit."""
        if not len(self._names):
            return
        painter = QPainter(self)
        frame, area = self._frame, self._frame.area
        painter.setClipRect(area.adjusted(-1, -1, 1, 1))
        source = QRectF(frame.left, frame.top, area.width() / frame.cell, area.height() / frame.cell)
        painter.drawImage(area, self._image, source)
        self._draw_lines(painter)
        self._draw_numbers(painter)
        self._draw_cells(painter)
        painter.setClipping(False)
        if self._labelled:
            self._draw_names(painter, area, down=True)
            self._draw_names(painter, area, down=False)
        else:
            self._draw_words(painter, area)
        painter.end()

    def _draw_lines(self, painter: QPainter) -> None:
        frame, area = self._frame, self._frame.area
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
        frame = self._frame
        painter.setFont(number_font("caption"))
        metrics = painter.fontMetrics()
        rows, columns = frame.rows(), frame.columns()
        if not rows or not columns or frame.cell < metrics.height():
            return
        part = self._counts[rows.start : rows.stop, columns.start : columns.stop]
        for row, column in np.argwhere(part > 0).tolist():
            text = f"{part[row, column]}"
            if metrics.horizontalAdvance(text) > frame.cell - 2:
                continue
            cell = row + rows.start, column + columns.start
            strong = part[row, column] / max(self._counts[cell[0]].sum(), 1) > 0.25
            painter.setPen(QColor("#FFFFFF" if strong else tokens().text))
            painter.drawText(frame.box(cell), Qt.AlignmentFlag.AlignCenter, text)

    def _draw_cells(self, painter: QPainter) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for cell, colour, width in ((self._at, tokens().text, 1.0), (self.chosen, tokens().accent, 2.0)):
            if cell is not None and max(cell) < len(self._names):
                painter.setPen(QPen(QColor(colour), width))
                box = self._frame.box(cell)
                grown = max((5 - box.width()) / 2, 0.5)  # a cell of two pixels must be found again
                painter.drawRect(box.adjusted(-grown, -grown, grown, grown))

    def _draw_words(self, painter: QPainter, area: QRectF) -> None:
        painter.setFont(number_font("caption"))
        painter.setPen(QColor(tokens().quiet))
        top = QRectF(area.left(), 0, area.width(), area.top() - 2)
        painter.drawText(top, Qt.AlignmentFlag.AlignHCenter, "predicted")
        painter.save()
        painter.translate(area.left() - 4, area.center().y())
        painter.rotate(-90)
        side = QRectF(-area.height() / 2, -px(16), area.height(), px(16))
        painter.drawText(side, Qt.AlignmentFlag.AlignCenter, "label")
        painter.restore()

    def _draw_names(self, painter: QPainter, area: QRectF, *, down: bool) -> None:
        """Write the names of the rows (``down``) or columns: each where there is room, else every so many; the pointed one."""
        frame, colours = self._frame, tokens()
        painter.setFont(font("caption"))
        metrics = painter.fontMetrics()
        line = metrics.height()
        seen = frame.rows() if down else frame.columns()
        every = max(math.ceil(line / frame.cell), 1)
        pointed = None if self._at is None else self._at[0 if down else 1]
        named = [at for at in seen if at % every == 0]
        if pointed is not None and pointed in seen:
            # Those beside the pointed one make room for it.
            named = [at for at in named if abs(at - pointed) * frame.cell >= line or at == pointed]
            named = sorted({*named, pointed})
        for at in named:
            middle = frame.box((at, 0)).center().y() if down else frame.box((0, at)).center().x()
            strong = at == pointed
            painter.setFont(font("caption", semibold=strong))
            painter.setPen(QColor(colours.text if strong else colours.quiet))
            room = (area.left() if down else area.top()) - 10
            text = painter.fontMetrics().elidedText(self._names[at], Qt.TextElideMode.ElideMiddle, int(room))
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
