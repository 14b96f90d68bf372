"""Crops in as many lines as they need, in a column that scrolls."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QToolTip, QWidget

from s3n_gui.appearance.theme import px, theme, tokens
from s3n_gui.background.thumbnails import ThumbnailLoader
from s3n_gui.parts.crop import Crop, PathOf, paint_crop
from s3n_gui.parts.crops.crop_cursor import CropCursor
from s3n_gui.widgets.column_scroll_area import ColumnScrollArea

_GAP = 4


class CropGrid(ColumnScrollArea):
    """The crops.

    Signals:
        opened: A `Crop` was double-clicked, or Enter was pressed.
    """

    opened = Signal(object)

    def __init__(self, thumbnails: ThumbnailLoader, path_of: PathOf, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._inside = _Crops(thumbnails, path_of)
        self._inside.opened.connect(self.opened)
        self._inside.reached.connect(self._show_place)
        self.setWidget(self._inside)

    @property
    def crops(self) -> tuple[Crop, ...]:
        """The crops that are shown."""
        return self._inside.crops

    @property
    def surface(self) -> QWidget:
        """The widget that the crops are painted in."""
        return self._inside

    def crop_at(self, place: QPoint) -> Crop | None:
        """Return the crop at a place of the surface; None beside all crops."""
        return self._inside.crop_at(place)

    def current_place(self) -> tuple[Crop, QRect] | None:
        """Return the crop that the keys have reached, and its rectangle on the surface; None without crops."""
        return self._inside.current_place()

    def show_crops(self, crops: Sequence[Crop]) -> None:
        """Show other crops."""
        self._inside.show_crops(crops)
        self.verticalScrollBar().setValue(0)

    def _show_place(self, place: QRect) -> None:
        """Scroll to a crop."""
        middle = place.center()
        self.ensureVisible(middle.x(), middle.y(), place.width() // 2 + _GAP, place.height() // 2 + _GAP)


class _Crops(QWidget):
    opened = Signal(object)
    reached = Signal(QRect)

    def __init__(self, thumbnails: ThumbnailLoader, path_of: PathOf, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._thumbnails, self._path_of = thumbnails, path_of
        self.crops: tuple[Crop, ...] = ()
        self._cursor = CropCursor()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Crops")
        thumbnails.ready.connect(self._on_thumbnail)
        thumbnails.failed.connect(self._on_thumbnail)
        theme().changed.connect(self._resized)

    def show_crops(self, crops: Sequence[Crop]) -> None:
        self.crops, self._cursor.at = tuple(crops), 0
        self._resized()

    def current_place(self) -> tuple[Crop, QRect] | None:
        at = self._cursor.at
        return (self.crops[at], self._place(at)) if self.crops else None

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        for number, crop in enumerate(self.crops):
            place = self._place(number)
            if place.intersects(event.rect()):
                paint_crop(painter, QRectF(place), crop, self._thumbnails.image(self._path_of(crop.file)))
                first = number == 0 and len(self.crops) > 1 and bool(self.crops[1].note)  # what the others are like
                if first or (self.hasFocus() and number == self._cursor.at):
                    painter.setPen(QPen(QColor(tokens().accent), 2))
                    painter.drawRoundedRect(place.adjusted(1, 1, -1, -1), 4, 4)
        painter.end()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._resized()

    def event(self, event: QEvent) -> bool:
        """Show the name of the image under the mouse."""
        if isinstance(event, QHelpEvent):
            hit = self.crop_at(event.pos())
            if hit is not None:
                QToolTip.showText(event.globalPos(), f"{hit.file}\n{hit.note}".strip(), self)
            return True
        return super().event(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        hit = self.crop_at(event.position().toPoint())
        if hit is not None:
            self._cursor.at = self.crops.index(hit)
            self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        found = self.current_place()
        if found is not None and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.opened.emit(found[0])
        elif found is not None and self._cursor.take(event.key(), len(self.crops), self._columns):
            self.reached.emit(self._place(self._cursor.at))
            self.update()
        else:
            super().keyPressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        hit = self.crop_at(event.position().toPoint())
        if hit is not None and event.button() == Qt.MouseButton.LeftButton:
            self.opened.emit(hit)

    def crop_at(self, at: QPoint) -> Crop | None:
        return next((crop for number, crop in enumerate(self.crops) if self._place(number).contains(at)), None)

    @property
    def _columns(self) -> int:
        return max(1, (self.width() + _GAP) // (px(68) + _GAP))

    def _place(self, number: int) -> QRect:
        side = (self.width() + _GAP) // self._columns - _GAP
        row, column = divmod(number, self._columns)
        return QRect(column * (side + _GAP), row * (side + _GAP), side, side)

    def _resized(self) -> None:
        last = self._place(len(self.crops) - 1).bottom() + 1 if self.crops else 0
        self.setMinimumHeight(last)
        self.update()

    def _on_thumbnail(self, *_: object) -> None:
        self.update()
