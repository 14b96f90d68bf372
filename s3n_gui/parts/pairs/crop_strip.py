"""A few crops in a line: for examples and counter-examples."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from s3n_gui.appearance.theme import px, theme, tokens
from s3n_gui.background.thumbnails import ThumbnailLoader
from s3n_gui.parts.crop import Crop, PathOf, paint_crop
from s3n_gui.parts.crops.crop_cursor import CropCursor

_GAP = 4
_SIDEWAYS = (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Home, Qt.Key.Key_End)


class CropStrip(QWidget):
    """The crops, as many as fit into its width, in one line.

    Signals:
        pointed: The `Crop` under the mouse and its rectangle in this widget; None where there is none.
        opened: A `Crop` was double-clicked, or Enter was pressed.
    """

    pointed = Signal(object, QRect)
    opened = Signal(object)

    def __init__(self, thumbnails: ThumbnailLoader, path_of: PathOf, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._thumbnails, self._path_of = thumbnails, path_of
        self.crops: tuple[Crop, ...] = ()
        self._over, self._cursor = -1, CropCursor()
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName("Crops")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        thumbnails.ready.connect(self._on_thumbnail)
        thumbnails.failed.connect(self._on_thumbnail)
        theme().changed.connect(self.updateGeometry)

    def show_crops(self, crops: Sequence[Crop]) -> None:
        """Show other crops."""
        self.crops = tuple(crops)
        self._over, self._cursor.at = -1, 0
        self.setVisible(bool(crops))
        self.update()

    def crop_at(self, place: QPoint) -> Crop | None:
        """Return the crop at a place; None beside all crops."""
        hit = self._hit(place)
        return self.crops[hit] if hit >= 0 else None

    def current_place(self) -> tuple[Crop, QRect] | None:
        """Return the crop that the keys have reached, and its rectangle; None without crops."""
        at = min(self._cursor.at, self._fitting - 1)
        return (self.crops[at], self._place(at)) if self.crops else None

    def sizeHint(self) -> QSize:
        """Return the size of four crops."""
        return QSize(4 * self._side + 3 * _GAP, self._side)

    def minimumSizeHint(self) -> QSize:
        """Return the size of two crops."""
        return QSize(2 * self._side + _GAP, self._side)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the crops that fit."""
        painter = QPainter(self)
        for number in range(self._fitting):
            crop, place = self.crops[number], self._place(number)
            paint_crop(painter, QRectF(place), crop, self._thumbnails.image(self._path_of(crop.file)))
            if number == self._over or (self.hasFocus() and number == self._cursor.at):
                painter.setPen(QPen(QColor(tokens().accent), 2))
                painter.drawRoundedRect(place.adjusted(1, 1, -1, -1), 4, 4)
        painter.end()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go from crop to crop, and open one."""
        found = self.current_place()
        if found is not None and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.opened.emit(found[0])
        elif event.key() in _SIDEWAYS and self._cursor.take(event.key(), self._fitting, self._fitting):
            self.update()
        else:
            super().keyPressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Track the mouse."""
        self._point(self._hit(event.position().toPoint()))

    def leaveEvent(self, event: QEvent) -> None:
        """Forget the mouse."""
        self._point(-1)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Open a crop."""
        hit = self._hit(event.position().toPoint())
        if hit >= 0 and event.button() == Qt.MouseButton.LeftButton:
            self.opened.emit(self.crops[hit])

    @property
    def _side(self) -> int:
        return px(52)

    @property
    def _fitting(self) -> int:
        return min(max((self.width() + _GAP) // (self._side + _GAP), 1), len(self.crops))

    def _place(self, number: int) -> QRect:
        return QRect(number * (self._side + _GAP), 0, self._side, self._side)

    def _hit(self, place: QPoint) -> int:
        return next((number for number in range(self._fitting) if self._place(number).contains(place)), -1)

    def _point(self, over: int) -> None:
        if over != self._over:
            self._over = over
            self.pointed.emit(self.crops[over] if over >= 0 else None, self._place(max(over, 0)))
            self.update()

    def _on_thumbnail(self, path: Path) -> None:
        self.update()
