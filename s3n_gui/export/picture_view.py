"""A view of one image that can be zoomed and panned; the image fits the view until the user zooms."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from s3n_gui.appearance.theme import theme, tokens

_LARGEST = 8.0
_STEP = 1.25
_MARGIN = 12
_DIMMED = 0.45


class PictureView(QWidget):
    """Shows one image.

    Signals:
        scale_changed: Widget pixels per image pixel.
    """

    scale_changed = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._image = QImage()
        self._small = QImage()
        self._scale: float | None = None  # None: fits the view
        self._centre = QPointF(0.5, 0.5)  # the point in the middle of the view, as fractions of the image's size
        self._grip: QPointF | None = None
        self._dimmed = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(200, 150)
        self.setAccessibleName("Preview of the first file")
        self.setToolTip("Zoom with the wheel or + and -, drag to move, press 0 to fit, 1 for actual size")
        theme().changed.connect(self.update)

    def show_image(self, image: QImage | None) -> None:
        """Show another image at the same position and scale; None shows nothing."""
        self._image = image if image is not None else QImage()
        self._small = QImage()
        self.update()
        self.scale_changed.emit(self.scale)

    def set_dimmed(self, dimmed: bool) -> None:
        """Dim the image while it is being updated."""
        if dimmed != self._dimmed:
            self._dimmed = dimmed
            self.update()

    @property
    def scale(self) -> float:
        """Widget pixels per image pixel."""
        return self._scale if self._scale is not None else self._whole_scale()

    def show_whole(self) -> None:
        """Fit the image to the view."""
        self._scale, self._centre = None, QPointF(0.5, 0.5)
        self._changed()

    def show_own_size(self) -> None:
        """Zoom to the actual size: one image pixel per device pixel."""
        self._scale = 1.0 / self.devicePixelRatioF()
        self._hold()
        self._changed()

    def zoom(self, factor: float, at: QPointF | None = None) -> None:
        """Zoom by a factor; the point ``at`` stays where it is."""
        if self._image.isNull():
            return
        at = at if at is not None else QPointF(self.width() / 2, self.height() / 2)
        before = self._frame()
        place = QPointF((at.x() - before.left()) / before.width(), (at.y() - before.top()) / before.height())
        whole = self._whole_scale()
        scale = min(max(self.scale * factor, whole), max(_LARGEST, whole))
        self._scale = None if scale <= whole * 1.001 else scale
        width, height = self._image.width() * self.scale, self._image.height() * self.scale
        self._centre = QPointF(
            place.x() + (self.width() / 2 - at.x()) / width, place.y() + (self.height() / 2 - at.y()) / height
        )
        self._hold()
        self._changed()

    def sizeHint(self) -> QSize:
        """Return the preferred size, in pixels."""
        return QSize(640, 480)

    def _whole_scale(self) -> float:
        if self._image.isNull():
            return 1.0
        room = (max(self.width() - 2 * _MARGIN, 16), max(self.height() - 2 * _MARGIN, 16))
        return min(room[0] / self._image.width(), room[1] / self._image.height(), 1.0)

    def _frame(self) -> QRectF:
        width, height = self._image.width() * self.scale, self._image.height() * self.scale
        left = self.width() / 2 - self._centre.x() * width
        return QRectF(left, self.height() / 2 - self._centre.y() * height, width, height)

    def _hold(self) -> None:
        """Keep the image in the view, per axis: centred if it is smaller, without gaps if it is larger."""
        kept = []
        sides = (
            (self._centre.x(), self._image.width(), self.width()),
            (self._centre.y(), self._image.height(), self.height()),
        )
        for centre, pixels, room in sides:
            half = (room - 2 * _MARGIN) / 2 / max(pixels * self.scale, 1e-6)
            kept.append(0.5 if half >= 0.5 else min(max(centre, half), 1 - half))
        self._centre = QPointF(*kept)

    def _changed(self) -> None:
        self.update()
        self.scale_changed.emit(self.scale)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom at the mouse."""
        self.zoom(_STEP ** (event.angleDelta().y() / 120), event.position())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Start to pan."""
        if event.button() == Qt.MouseButton.LeftButton and self._scale is not None:
            self._grip = event.position()
            self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Pan."""
        if self._grip is not None:
            frame, moved = self._frame(), event.position() - self._grip
            self._grip = event.position()
            self._centre -= QPointF(moved.x() / frame.width(), moved.y() / frame.height())
            self._hold()
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End panning."""
        self._grip = None
        self.unsetCursor()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Switch between fit and actual size at that point."""
        if self._scale is None:
            self.zoom(1.0 / self.devicePixelRatioF() / self.scale, event.position())
        else:
            self.show_whole()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Zoom and pan with the keyboard."""
        match event.key():
            case Qt.Key.Key_Plus | Qt.Key.Key_Equal:
                self.zoom(_STEP)
            case Qt.Key.Key_Minus:
                self.zoom(1 / _STEP)
            case Qt.Key.Key_0:
                self.show_whole()
            case Qt.Key.Key_1:
                self.show_own_size()
            case Qt.Key.Key_Left | Qt.Key.Key_Right | Qt.Key.Key_Up | Qt.Key.Key_Down if self._scale is not None:
                frame, step = self._frame(), 60
                right = {Qt.Key.Key_Left: -step, Qt.Key.Key_Right: step}.get(Qt.Key(event.key()), 0)
                down = {Qt.Key.Key_Up: -step, Qt.Key.Key_Down: step}.get(Qt.Key(event.key()), 0)
                self._centre += QPointF(right / frame.width(), down / frame.height())
                self._hold()
                self.update()
            case _:
                super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the image in the view."""
        super().resizeEvent(event)
        self._small = QImage()
        self._hold()
        self.scale_changed.emit(self.scale)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the background and the image."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(tokens().image_ground))
        if not self._image.isNull():
            painter.setOpacity(_DIMMED if self._dimmed else 1.0)
            frame = self._frame()
            if self._scale is None and self.scale < 1:  # scaled once in high quality, so that text stays legible
                size = (frame.size() * self.devicePixelRatioF()).toSize()
                if self._small.size() != size:
                    mode = Qt.TransformationMode.SmoothTransformation
                    self._small = self._image.scaled(size, Qt.AspectRatioMode.IgnoreAspectRatio, mode)
                painter.drawImage(frame, self._small)
            else:
                painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self.scale < 3)
                painter.drawImage(frame, self._image)
        painter.end()
