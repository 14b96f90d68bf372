"""The confusion matrix widget: true classes in rows, predicted ones in columns; a click on a cell shows its images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from s3n_core.evaluation.intervals import share_text
from s3n_gui.appearance.theme import px, theme
from s3n_gui.appearance.wording import tip_text
from s3n_gui.prediction.accuracy.matrix_drawing import MatrixDrawing, shaded
from s3n_gui.prediction.accuracy.matrix_frame import Cell, MatrixFrame

_STEP = 1.25
_DRAG = 4  # pixels that a click may move before it becomes a drag
_ARROWS = {Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0), Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1)}


class ConfusionView(QWidget):
    """The matrix, one square per pair of classes; rows are normalised for the shading, so rare classes show as well.

    Signals:
        cell_chosen: A true and a predicted class (indices in the shown order) whose images to show.
        cell_opened: The same on a double click: inspect one of the images.
        pointed: A description of the cell under the mouse or the keyboard cursor; empty if there is none.
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
        self.setAccessibleDescription("Move with the arrow keys, show a cell's images with Enter, zoom with + and -")
        theme().changed.connect(self._on_theme)

    def show_counts(self, counts: NDArray[Any], names: Sequence[str]) -> None:
        """Show counts by true class (rows) and predicted class (columns), with class names in the same order."""
        other = len(names) != len(self._names)
        self._counts, self._names = counts, names
        if other:
            self._at = self.chosen = None
            self._frame = MatrixFrame(len(names), self._field(), largest=px(48))
        self._image = shaded(self._counts)
        self._point(self._at)

    def set_labelled(self, labelled: bool) -> None:
        """Label each row and column with its class name, or only the two axes."""
        self._labelled = labelled
        self._frame = MatrixFrame(len(self._names), self._field(), largest=px(48))
        self.update()

    def mark(self, cell: Cell | None) -> None:
        """Mark the cell whose images are shown."""
        self.chosen = cell
        self.update()

    def choose(self, cell: Cell | None) -> None:
        """Mark the cell whose images are shown, and scroll to it."""
        self.mark(cell)
        if cell is not None:
            self._set_frame(self._frame.showing(cell))

    @property
    def frame(self) -> MatrixFrame:
        """The layout of the cells."""
        return self._frame

    def text_of(self, cell: Cell) -> str:
        """Return the description of a cell."""
        count, images = int(self._counts[cell]), int(self._counts[cell[0]].sum())
        if cell[0] == cell[1]:
            return f"{self._names[cell[0]]}, predicted correctly: {share_text(count, images)}"
        return f"{self._names[cell[0]]}, predicted as {self._names[cell[1]]}: {share_text(count, images)}"

    def show_whole(self) -> None:
        """Zoom out."""
        self._set_frame(self._frame.whole())

    def sizeHint(self) -> QSize:
        """Return a square size."""
        return QSize(px(220), px(180))

    # -- mouse and keys ------------------------------------------------------------------------------------------------

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Describe the cell under the mouse, or pan while a button is down."""
        place = event.position()
        if self._pressed is not None:
            moved = place - self._pressed
            if self._dragged or moved.manhattanLength() > _DRAG:
                self._dragged, self._pressed = True, place
                self._set_frame(self._frame.moved(moved.x(), moved.y()))
            return
        self._point(self._frame.cell_at(place))

    def leaveEvent(self, event: QEvent) -> None:
        """Clear the cell under the mouse."""
        if not self.hasFocus():
            self._point(None)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Start a click or a drag; a click takes effect on release."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed, self._dragged = event.position(), False

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Choose the clicked cell."""
        cell = self._frame.cell_at(event.position())
        if self._pressed is not None and not self._dragged and cell is not None:
            self.cell_chosen.emit(*cell)
        self._pressed = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Request to inspect one of the cell's images."""
        cell = self._frame.cell_at(event.position())
        if cell is not None and self._counts[cell]:
            self.cell_opened.emit(*cell)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom around the mouse."""
        self._set_frame(self._frame.zoomed(_STEP ** (event.angleDelta().y() / 120), event.position()))
        self._point(self._frame.cell_at(event.position()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move with the arrow keys, show images with Enter or Space, zoom with + and -."""
        if not self._names:
            super().keyPressEvent(event)
        elif event.key() in _ARROWS:
            row, column = self._at or (0, 0)
            down, right = _ARROWS[Qt.Key(event.key())] if self._at is not None else (0, 0)
            last = len(self._names) - 1
            cell = min(max(row + down, 0), last), min(max(column + right, 0), last)
            self._set_frame(self._frame.showing(cell))
            self._point(cell)
            if not self._labelled:  # as under the mouse
                place = self._frame.box(cell).bottomRight().toPoint()
                QToolTip.showText(self.mapToGlobal(place), self.text_of(cell), self)
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
        """Remove the keyboard cursor."""
        self._point(None)
        super().focusOutEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit the field to the new size."""
        super().resizeEvent(event)
        self._frame = self._frame.in_field(self._field())

    def _point(self, cell: Cell | None) -> None:
        if cell is not None and max(cell) >= len(self._names):
            cell = None
        self._at = cell
        words = "" if cell is None else self.text_of(cell)
        self.setToolTip(tip_text(words if not self._labelled else ""))
        self.pointed.emit(words)
        self.update()

    def _set_frame(self, frame: MatrixFrame) -> None:
        if frame != self._frame:
            self._frame = frame
            self.update()

    # -- drawing -------------------------------------------------------------------------------------------------------

    def _field(self) -> QRectF:
        """Return the field of the matrix: the widget without the margins for labels."""
        if self._labelled:
            left, top = min(px(170), round(0.28 * self.width())), min(px(120), round(0.28 * self.height()))
        else:
            left, top = px(18), px(16)
        room = QRectF(left, top, max(self.width() - left - 2, 1), max(self.height() - top - 2, 1))
        if self._labelled:
            return room
        side = min(room.width(), room.height())  # the small matrix is a centred square
        return QRectF(room.left() + (room.width() - side) / 2, room.top(), side, side)

    def _on_theme(self) -> None:
        self._frame = MatrixFrame(len(self._names), self._field(), largest=px(48))
        self._image = shaded(self._counts)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the matrix."""
        if len(self._names):
            painter = QPainter(self)
            drawing = MatrixDrawing(self._frame, self._counts, self._names, self._image, self._at, self.chosen)
            drawing.draw(painter, labelled=self._labelled)
            painter.end()
