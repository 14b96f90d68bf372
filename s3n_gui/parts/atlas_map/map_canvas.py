"""The map: moved and zoomed with the mouse or the keys, points are chosen by a click, a lasso, or Enter."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from s3n_gui.appearance.part_colours import part_colour
from s3n_gui.appearance.theme import px, theme, tokens
from s3n_gui.parts.atlas_map.point_image import Window, inside, paint_points

MOST_MOVING = 60_000
"""While the map moves, a sample of so many points is painted."""

_REST = 120  # milliseconds after the last movement until all points are painted
_CLICK = 5  # pixels that the mouse moves in a click
_REACH = 12.0  # pixels between the mouse and a point that is clicked
_MARGIN = 16  # pixels between the edge and a point that the keys have reached
_ARROWS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}
"""Where the arrow keys lead: right and down."""
_STEP = 60  # pixels that the map moves by with Shift and an arrow key


class MapCanvas(QWidget):
    """The map.

    Signals:
        chosen: The rows, int64 (n,), that the user has chosen by a lasso; none: nothing is chosen any more.
        clicked: The row that was clicked, or reached with the keys and chosen with Enter.
        reached: The row that the keys have reached.

    Attributes:
        waiting: Whether the points are still being prepared.
    """

    chosen = Signal(object)
    clicked = Signal(int)
    reached = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._points = np.empty((0, 2), dtype=np.float32)
        self._groups = np.empty(0, dtype=np.int64)
        self._rows = np.empty(0, dtype=np.int64)
        self._sample = np.empty(0, dtype=np.int64)
        self._background = frozenset[int]()
        self._count, self._part, self._marked = 0, -1, -1
        self._current = -1  # the index of the point that the keys have reached
        self._window = Window(0, 0, 1)
        self._fitted = True
        self._image: QImage | None = None
        self._quick = False
        self._lasso: list[QPointF] = []
        self._drag: QPointF | None = None
        self.waiting = False
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_REST)
        self._rest.timeout.connect(self._on_rest)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(px(80), px(80))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setAccessibleName("Map of all peaks")
        theme().changed.connect(self._renew)

    def show_points(
        self,
        points: NDArray[np.float32],
        groups: NDArray[np.int64],
        rows: NDArray[np.int64],
        background: frozenset[int],
    ) -> None:
        """Show other points.

        Args:
            points: Their positions, float32 (n, 2).
            groups: The part of each, (n,).
            rows: What each is called in the signals, (n,).
            background: The parts that hold background, which are grey.
        """
        moved = len(points) != len(self._points) or not np.array_equal(points, self._points)
        self._points, self._groups, self._rows, self._background = points, groups, rows, background
        self.waiting = False
        self._count = int(groups.max(initial=-1)) + 1
        self._sample = np.random.default_rng(0).permutation(len(points))[:MOST_MOVING]
        if moved:
            self._marked, self._current, self._lasso, self._fitted = -1, -1, [], True
        self._renew()

    def select_part(self, part: int) -> None:
        """Show the points of a part above all others, which fade; -1 for none."""
        if part != self._part:
            self._part = part
            self._renew()

    def mark(self, row: int) -> None:
        """Mark a point; -1 for none."""
        self._marked = row
        self.update()

    def is_ready(self) -> bool:
        """Return whether all points are painted."""
        return self._image is not None and not self._quick

    def fit(self) -> None:
        """Show all points."""
        self._fitted = True
        self._renew()

    def place_of(self, row: int) -> QPointF | None:
        """Return where a point is in this widget, or None."""
        at = np.flatnonzero(self._rows == row)
        if not at.size:
            return None
        x, y = self._window.to_pixels(self._points[at[:1]], self._size)[0].tolist()
        return QPointF(x / self._ratio, y / self._ratio)

    # -- painting ----------------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the points, the lasso, the marked point and that which the keys have reached."""
        if self._image is None:
            self._image = self._painted()
        painter = QPainter(self)
        painter.drawImage(QRectF(self.rect()), self._image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.waiting:
            painter.setPen(QColor(tokens().quiet))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, "Preparing...")
        if len(self._lasso) > 1:
            accent = QColor(tokens().accent)
            painter.setPen(QPen(accent, 1.5))
            accent.setAlpha(30)
            painter.setBrush(accent)
            painter.drawPolygon(QPolygonF(self._lasso))
        place = self.place_of(self._marked) if self._marked >= 0 else None
        if place is not None:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            for colour, width in ((tokens().page, 4.0), (tokens().text, 2.0)):
                painter.setPen(QPen(QColor(colour), width))
                painter.drawEllipse(place, 7, 7)
        if self.hasFocus() and self._current >= 0:
            x, y = (self._pixels(self._current) / self._ratio).tolist()
            painter.setBrush(Qt.BrushStyle.NoBrush)
            for colour, width in ((tokens().page, 4.0), (tokens().accent, 2.0)):
                painter.setPen(QPen(QColor(colour), width))
                painter.drawEllipse(QPointF(x, y), 11, 11)
        painter.end()

    def _painted(self) -> QImage:
        if self._fitted:
            self._window = Window.around(self._points, self._size)
        card = QColor(tokens().card)
        some = self._sample if self._quick else slice(None)
        found = [
            QColor(part_colour(part, tokens(), background=part in self._background)) for part in range(self._count)
        ]
        colours = np.array([(one.red(), one.green(), one.blue()) for one in found], dtype=np.uint8).reshape(-1, 3)
        faded = np.arange(self._count) != self._part if 0 <= self._part < self._count else None
        pixels = paint_points(
            self._points[some],
            self._groups[some],
            colours,
            (card.red(), card.green(), card.blue()),
            self._window,
            self._size,
            faded=faded,
            quick=self._quick,
        )
        height, width = pixels.shape[:2]
        return QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_RGBX8888).copy()

    def _renew(self) -> None:
        self._image = None
        self.update()

    def _move(self, window: Window) -> None:
        """Show another part of the map, quickly while it moves."""
        self._window, self._fitted = window, False
        self._quick = len(self._points) > MOST_MOVING
        if self._quick:
            self._rest.start()
        self._renew()

    def _on_rest(self) -> None:
        self._quick = False
        self._renew()

    @property
    def _ratio(self) -> float:
        return self.devicePixelRatioF()

    @property
    def _size(self) -> tuple[int, int]:
        return max(1, round(self.width() * self._ratio)), max(1, round(self.height() * self._ratio))

    # -- mouse and keys ----------------------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Paint at the new size."""
        self._renew()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom at the mouse."""
        at = event.position() * self._ratio
        factor = 1.0015 ** event.angleDelta().y()
        self._move(self._window.zoomed(factor, at.x(), at.y(), self._size))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a lasso or, with the right or middle button, a movement."""
        self._drag = event.position()
        self._lasso = [event.position()] if event.button() == Qt.MouseButton.LeftButton else []

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Draw the lasso, or move the map."""
        if self._drag is None:
            return
        if self._lasso:
            self._lasso.append(event.position())
            self.update()
            return
        step = (event.position() - self._drag) * self._ratio
        self._drag = event.position()
        self._move(self._window.moved(step.x(), step.y()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Choose what the lasso holds, or the point that was clicked."""
        lasso, self._lasso, self._drag = self._lasso, [], None
        if not lasso or event.button() != Qt.MouseButton.LeftButton:
            return
        self.update()
        reach = max((point - lasso[0]).manhattanLength() for point in lasso)
        if reach <= _CLICK:
            self._click(event.position())
            return
        size = self._size
        corners = [self._window.to_map(point.x() * self._ratio, point.y() * self._ratio, size) for point in lasso]
        self.chosen.emit(self._rows[inside(np.array(corners), self._points)])

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Show all points."""
        self.fit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go from point to point with the arrows, choose one with Enter; zoom with + - 0, move with Shift and the arrows."""
        width, height = self._size
        factors = {Qt.Key.Key_Plus: 1.25, Qt.Key.Key_Minus: 0.8}
        key = Qt.Key(event.key())
        if key in factors:
            self._move(self._window.zoomed(factors[key], width / 2, height / 2, self._size))
        elif key in _ARROWS and event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            right, down = _ARROWS[key]
            self._move(self._window.moved(-_STEP * right, -_STEP * down))
        elif key in _ARROWS and len(self._points):
            self._go(*_ARROWS[key])
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._current >= 0:
            self.clicked.emit(int(self._rows[self._current]))
        elif key == Qt.Key.Key_0:
            self.fit()
        elif key == Qt.Key.Key_Escape:
            self.chosen.emit(np.empty(0, dtype=np.int64))
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show a point from which the arrow keys go on."""
        super().focusInEvent(event)
        if event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason):
            self._go(0, 0)

    def _go(self, right: int, down: int) -> None:
        """Reach the nearest point to the right or the left, above or below; (0, 0): stay, or begin in the middle."""
        if not len(self._points):
            return
        pixels, size = self._window.to_pixels(self._points, self._size), np.array(self._size)
        if self._current < 0:
            at = np.flatnonzero(self._rows == self._marked)
            middle = np.abs(pixels - size / 2).max(axis=1)
            self._current = int(at[0]) if self._marked >= 0 and at.size else int(middle.argmin())
        elif right or down:
            away = pixels - pixels[self._current]
            along = away @ np.array([right, down], dtype=np.float32)
            across = np.abs(away @ np.array([down, right], dtype=np.float32))
            there = np.flatnonzero((along > 0) & (across <= along))
            if there.size:
                self._current = int(there[(along[there] + across[there]).argmin()])
        place = self._pixels(self._current)
        if ((place < _MARGIN * self._ratio) | (place > size - _MARGIN * self._ratio)).any():
            self._move(self._window.moved(*(size / 2 - place).tolist()))
        self.update()
        self.reached.emit(int(self._rows[self._current]))

    def _pixels(self, index: int) -> NDArray[np.float32]:
        """Return where a point is, (x, y) in pixels of the screen."""
        found: NDArray[np.float32] = self._window.to_pixels(self._points[index : index + 1], self._size)[0]
        return found

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing is pointed at any more."""
        self.setToolTip("")

    def _click(self, at: QPointF) -> None:
        if not len(self._points):
            return
        x, y = self._window.to_map(at.x() * self._ratio, at.y() * self._ratio, self._size)
        distances = np.abs(self._points - np.array([x, y], dtype=np.float32)).max(axis=1)
        nearest = int(distances.argmin())
        if distances[nearest] * self._window.scale <= _REACH * self._ratio:
            self.clicked.emit(int(self._rows[nearest]))
