"""A base widget for zooming and panning one image with wheel, pinch, drag, double-click and keys."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSizeF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QNativeGestureEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from s3n_gui.widgets.images.camera import Camera

ZOOM_WORDS = (
    "Zoom with the wheel, + and -; move by dragging or with the arrow keys; double-click or press 0 to show all"
)

_STEP = 1.25  # zoom factor per wheel notch or key press
_STRIDE = 0.1  # fraction of the view per arrow key press
_ARROWS = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1)}
_ZOOMS = {Qt.Key.Key_Plus: _STEP, Qt.Key.Key_Equal: _STEP, Qt.Key.Key_Minus: 1 / _STEP}


class Zoomed(QWidget):
    """The base class; subclasses implement `plane` and paint their image at `picture_rect`.

    Signals:
        camera_changed: The user zoomed or panned; carries the new ``Camera``.
    """

    camera_changed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._camera = Camera()
        self._grip: QPointF | None = None

    @property
    def camera(self) -> Camera:
        """The current camera."""
        return self._camera

    def plane(self) -> QSizeF:
        """Return the image's size in its own units; empty without an image."""
        raise NotImplementedError

    def look(self, camera: Camera) -> None:
        """Set the camera without emitting ``camera_changed``."""
        self._camera = camera
        held = Qt.CursorShape.OpenHandCursor if self._grip is None else Qt.CursorShape.ClosedHandCursor
        self.setCursor(Qt.CursorShape.ArrowCursor if camera.fits else held)
        self.update()

    def picture_rect(self) -> QRectF:
        """Return the rectangle of the whole image in widget coordinates, even outside the widget; empty without one."""
        plane = self.plane()
        if plane.isEmpty():
            return QRectF()
        shown = self._camera.shown(QRectF(QPointF(), plane), QSizeF(self.size()))
        scale = self.width() / shown.width()
        return QRectF(-shown.x() * scale, -shown.y() * scale, plane.width() * scale, plane.height() * scale)

    def on_screen(self, x: float, y: float) -> QPointF:
        """Return the widget coordinates of a point of the image, given in the image's units."""
        place, plane = self.picture_rect(), self.plane()
        return QPointF(
            place.left() + x / plane.width() * place.width(), place.top() + y / plane.height() * place.height()
        )

    def event(self, event: QEvent) -> bool:
        """Zoom on a pinch gesture of the touchpad."""
        if isinstance(event, QNativeGestureEvent) and event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
            self._zoom(1 + event.value(), event.position())
            return True
        return super().event(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom around the mouse."""
        self._zoom(_STEP ** (event.angleDelta().y() / 120), event.position())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Start to pan."""
        if event.button() == Qt.MouseButton.LeftButton and not self._camera.fits:
            self._grip = event.position()
            self.look(self._camera)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Pan."""
        if self._grip is not None:
            offset, self._grip = self._grip - event.position(), event.position()
            self._move(offset)
        self.update()  # redraws what depends on the mouse position

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End panning."""
        self._grip = None
        self.look(self._camera)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Fit the image to the widget."""
        self._person_looks(Camera())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Zoom and pan with the keyboard."""
        key = Qt.Key(event.key())
        if key in _ZOOMS:
            self._zoom(_ZOOMS[key], QRectF(self.rect()).center())
        elif key == Qt.Key.Key_0:
            self._person_looks(Camera())
        elif key in _ARROWS and not self._camera.fits:
            dx, dy = _ARROWS[key]
            self._move(QPointF(dx * _STRIDE * self.width(), dy * _STRIDE * self.height()))
        else:
            super().keyPressEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        """Redraw what depends on the mouse position."""
        self.update()

    def _zoom(self, factor: float, around: QPointF) -> None:
        place = self.picture_rect()
        if not place.isEmpty():
            x, y = (around.x() - place.x()) / place.width(), (around.y() - place.y()) / place.height()
            self._person_looks(self._camera.zoomed(factor, x, y))

    def _move(self, offset: QPointF) -> None:
        place = self.picture_rect()
        if not place.isEmpty():
            self._person_looks(self._camera.moved(offset.x() / place.width(), offset.y() / place.height()))

    def _person_looks(self, camera: Camera) -> None:
        if camera != self._camera:
            self.look(camera)
            self.camera_changed.emit(camera)
