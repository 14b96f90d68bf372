"""The whole photograph of a crop with a ring around its place: beside the mouse, or large over the tab."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QWidget

from s3n_core.datasets.records import readable_name
from s3n_gui.appearance.theme import font, px, tokens
from s3n_gui.background.thumbnails import ThumbnailLoader
from s3n_gui.parts.crop import Crop, PathOf, paint_photo

_SMALL = 300
_GAP = 8


class PhotoTip(QFrame):
    """The photograph beside the mouse."""

    def __init__(self, thumbnails: ThumbnailLoader, path_of: PathOf, parent: QWidget) -> None:
        super().__init__(parent)
        self._over = parent
        self._thumbnails, self._path_of = thumbnails, path_of
        self.crop: Crop | None = None
        self.setProperty("floats", True)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        thumbnails.ready.connect(self._on_thumbnail)
        self.hide()

    def show_crop(self, crop: Crop | None, beside: QRect) -> None:
        """Show a crop's photograph beside a rectangle of the parent; None hides it."""
        self.crop = crop
        self.setVisible(crop is not None)
        if crop is None:
            return
        parent, side = self._over, px(_SMALL)
        scale = side / max(crop.width, crop.height, 1)
        size = QSize(round(crop.width * scale), round(crop.height * scale) + px(24))
        left = beside.right() + _GAP
        if left + size.width() > parent.width():
            left = max(beside.left() - _GAP - size.width(), 0)
        top = min(max(beside.center().y() - size.height() // 2, 0), max(parent.height() - size.height(), 0))
        self.setGeometry(QRect(QPoint(left, top), size))
        self.raise_()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the photograph and what is known of the place."""
        if self.crop is None:
            return
        painter, colours = QPainter(self), tokens()
        painter.fillRect(self.rect(), QColor(colours.card))
        room = QRectF(0, 0, self.width(), self.height() - px(24))
        paint_photo(painter, room, self.crop, self._thumbnails.image(self._path_of(self.crop.file)))
        painter.setFont(font("caption"))
        painter.setPen(QColor(colours.quiet))
        words = QRect(px(6), self.height() - px(24), self.width() - px(12), px(24))
        text = self.crop.note or readable_name(self.crop.file)
        elided = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, words.width())
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, elided)
        painter.setPen(QColor(colours.strong_border))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    def _on_thumbnail(self, path: Path) -> None:
        self.update()


class LargePhoto(QFrame):
    """The photograph over the whole tab.

    Signals:
        closed: It was closed.
        stepped: Left (-1) or Right (1) was pressed.
        opened: Enter or a double click: inspect it.
    """

    closed = Signal()
    stepped = Signal(int)
    opened = Signal(object)

    def __init__(self, images: ThumbnailLoader, path_of: PathOf, parent: QWidget) -> None:
        super().__init__(parent)
        self._over = parent
        self._images, self._path_of = images, path_of
        self.crop: Crop | None = None
        self.setProperty("floats", True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Photograph with the place of the part")
        parent.installEventFilter(self)
        images.ready.connect(self._on_image)
        self.hide()

    def show_crop(self, crop: Crop) -> None:
        """Show a crop's photograph."""
        self.crop = crop
        self.setGeometry(self._over.rect())
        if not self.isVisible():
            self.show()
        self.setFocus(Qt.FocusReason.PopupFocusReason)
        self.raise_()
        self.update()

    def close_it(self) -> None:
        """Close it."""
        if self.isVisible():
            self.hide()
            self.closed.emit()

    def crop_at(self, place: QPoint) -> Crop | None:
        """Return the crop, wherever it is asked for."""
        return self.crop

    def current_place(self) -> tuple[Crop, QRect] | None:
        """Return the crop and the whole rectangle; None without one."""
        return None if self.crop is None else (self.crop, self.rect())

    def is_ready(self) -> bool:
        """Return whether the photograph is loaded, or nothing is shown."""
        return not self.isVisible() or self.crop is None or self._images.is_settled(self._path_of(self.crop.file))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space and Escape close, Enter inspects, arrows step."""
        key = event.key()
        if key in (Qt.Key.Key_Space, Qt.Key.Key_Escape):
            self.close_it()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.opened.emit(self.crop)
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self.stepped.emit(1 if key == Qt.Key.Key_Right else -1)
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click closes it; the right button opens the menu."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.close_it()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Keep covering the tab."""
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self.setGeometry(self._over.rect())
        return super().eventFilter(watched, event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the photograph on the neutral grey of images."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(tokens().image_ground))
        if self.crop is not None:
            foot = px(28)
            room = QRectF(self.rect()).adjusted(16, 16, -16, -16 - foot)
            paint_photo(painter, room, self.crop, self._images.image(self._path_of(self.crop.file)))
            painter.setFont(font("body"))
            painter.setPen(QColor("#E7EAF0"))
            text = " · ".join(filter(None, (readable_name(self.crop.file), self.crop.note)))
            text += "    Arrow keys: other crops · Alt: place hidden · Enter: inspect · Space: close"
            words = QRect(16, self.height() - foot - 8, self.width() - 32, foot)
            elided = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideMiddle, words.width())
            painter.drawText(words, Qt.AlignmentFlag.AlignCenter, elided)
        painter.end()

    def _on_image(self, path: Path) -> None:
        self.update()
