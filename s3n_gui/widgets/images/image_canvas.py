"""An image with an overlaid map and marks, drawn by pyqtgraph; `image_view` adds mouse and keyboard.

Zoom and pan go through a `Camera`, so that several views can be synchronized through `camera_changed`.
"""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSizeF, Signal
from PySide6.QtGui import QPainter, QResizeEvent
from PySide6.QtWidgets import QFrame, QGraphicsItem, QWidget

from s3n_gui.appearance.theme import number_font
from s3n_gui.appearance.tokens import IMAGE_GROUND
from s3n_gui.widgets.images.camera import Camera
from s3n_gui.widgets.images.image_pyramid import ImagePyramid
from s3n_gui.widgets.images.marks import Marks, draw_cursor, draw_marks, draw_readout


class _SmoothImage(pg.ImageItem):  # type: ignore[misc]
    """An image that is interpolated unless ``smooth`` is off, for single pixels at high zoom.

    Its rendering is cached, so that a cursor or a peak that moves over it does not redraw it.
    """

    def __init__(self) -> None:
        super().__init__(axisOrder="row-major")
        self.setCacheMode(QGraphicsItem.CacheMode.DeviceCoordinateCache)
        self.smooth = True

    def paint(self, painter: QPainter, *args: object) -> None:
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self.smooth)
        super().paint(painter, *args)


class ImageCanvas(pg.GraphicsView):  # type: ignore[misc]
    """One image; all coordinates are in the units of the rectangle that ``set_picture`` gives it.

    Signals:
        camera_changed: The user zoomed or panned; carries the new ``Camera``.
    """

    camera_changed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, background=IMAGE_GROUND)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self._box = pg.ViewBox(enableMenu=False, enableMouse=False, invertY=True, defaultPadding=0)
        self._box.disableAutoRange()
        self.setCentralItem(self._box)
        self._base = _SmoothImage()
        self._map = _SmoothImage()
        self._box.addItem(self._base, ignoreBounds=True)
        self._box.addItem(self._map, ignoreBounds=True)
        self._pyramid: ImagePyramid | None = None
        self._rect = QRectF()
        self._shown_map: tuple[NDArray[np.floating] | None, QRectF, NDArray[np.uint8] | None] = (None, QRectF(), None)
        self._camera = Camera()
        self._marks = Marks()
        self._cursor: QPointF | None = None
        self._readout = ""

    # Content

    def set_picture(self, pyramid: ImagePyramid | None, rect: QRectF) -> None:
        """Show an image; ``rect`` is its rectangle and so defines the units of all coordinates."""
        changed = pyramid is not self._pyramid or rect != self._rect
        self._pyramid, self._rect = pyramid, QRectF(rect)
        if pyramid is None:
            self._base.clear()
            self.set_map(None, QRectF(), None)
        if changed:
            self._look()

    def set_map(self, values: NDArray[np.floating] | None, rect: QRectF, palette: NDArray[np.uint8] | None) -> None:
        """Overlay a map: values in [0, 1], float (h, w), its rectangle, and its palette, uint8 (256, 3)."""
        new = (values, QRectF(rect), palette)
        same = all(one is other for one, other in zip(new[::2], self._shown_map[::2], strict=True))
        if same and new[1] == self._shown_map[1]:
            return
        self._shown_map = new
        if values is None or palette is None:
            self._map.clear()
            return
        self._map.setImage(values, levels=(0.0, 1.0), lut=palette, autoLevels=False)
        self._map.setRect(rect)

    def set_map_opacity(self, opacity: float) -> None:
        """Set the opacity of the map, in [0, 1]."""
        self._map.setOpacity(opacity)

    def set_marks(self, marks: Marks) -> None:
        """Draw peaks, lines and frames over the image."""
        self._marks = marks
        self.viewport().update()

    def set_cursor_mark(self, place: QPointF | None) -> None:
        """Mark the point of this image that corresponds to the mouse in any view; None removes the mark."""
        if place != self._cursor:
            self._cursor = None if place is None else QPointF(place)
            self.viewport().update()

    def set_readout(self, text: str) -> None:
        """Write the value under the cursor into the corner."""
        if text != self._readout:
            self._readout = text
            self.viewport().update()

    @property
    def has_map(self) -> bool:
        """Whether a map lies over the image."""
        return self._map.image is not None

    @property
    def map_opacity(self) -> float:
        """The opacity of the map, in [0, 1]."""
        return float(self._map.opacity())

    @property
    def marks(self) -> Marks:
        """What is drawn over the image."""
        return self._marks

    @property
    def cursor_mark(self) -> QPointF | None:
        """The marked point that corresponds to the mouse in any view, in the image's units; or None."""
        return self._cursor

    @property
    def readout(self) -> str:
        """The value in the corner; empty if there is none."""
        return self._readout

    # Camera

    @property
    def camera(self) -> Camera:
        """The current camera."""
        return self._camera

    def set_camera(self, camera: Camera) -> None:
        """Set the camera without emitting ``camera_changed``."""
        if camera != self._camera:
            self._camera = camera
            self._look()

    def zoom_by(self, factor: float, around: QPointF | None = None) -> None:
        """Zoom in (factor > 1) or out around a point of the image, or around the centre of the view."""
        camera = self._camera
        x, y = (camera.x, camera.y) if around is None else self._share(around)
        self._person_looks(camera.zoomed(factor, x, y))

    def fit(self) -> None:
        """Fit the image to the view."""
        self._person_looks(Camera())

    def to_picture(self, point: QPointF) -> QPointF:
        """Return the image coordinates of a point of the view in pixels."""
        shown = self._camera.shown(self._rect, self._size())
        width, height = max(self.viewport().width(), 1), max(self.viewport().height(), 1)
        return QPointF(shown.x() + point.x() / width * shown.width(), shown.y() + point.y() / height * shown.height())

    def to_screen(self, places: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the pixel coordinates in the view, (..., 2) as (x, y), of image coordinates of the same shape."""
        shown = self._camera.shown(self._rect, self._size())
        scale = np.array([self.viewport().width() / shown.width(), self.viewport().height() / shown.height()])
        pixels: NDArray[np.float64] = (np.asarray(places, dtype=np.float64) - (shown.x(), shown.y())) * scale
        return pixels

    def _size(self) -> QSizeF:
        return QSizeF(self.viewport().size())

    def _share(self, place: QPointF) -> tuple[float, float]:
        rect = self._rect
        return (place.x() - rect.x()) / rect.width(), (place.y() - rect.y()) / rect.height()

    def _person_looks(self, camera: Camera) -> None:
        if camera != self._camera and self._pyramid is not None:
            self._camera = camera
            self._look()
            self.camera_changed.emit(camera)

    def _look(self) -> None:
        """Apply the camera, and choose the pyramid level with enough pixels for it."""
        if self._pyramid is None or self._rect.isEmpty() or self._size().isEmpty():
            return
        shown = self._camera.shown(self._rect, self._size())
        self._box.setRange(shown, padding=0, update=True, disableAutoRange=True)
        pixel = self.viewport().width() / shown.width() * self.devicePixelRatioF()
        level = self._pyramid.level(self._rect.width() * pixel)
        self._base.smooth = self._camera.fits or self._rect.width() * pixel / level.shape[1] < 6
        if self._base.image is not level:
            self._base.setImage(level, autoLevels=False, levels=None)
        self._base.setRect(self._rect)
        self.viewport().update()

    # Qt's events

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Apply the camera to the new size."""
        super().resizeEvent(event)
        if hasattr(self, "_rect"):  # pyqtgraph resizes the view in its constructor
            self._look()

    def drawForeground(self, painter: QPainter, rect: QRectF) -> None:
        """Draw marks, cursor and value over the image."""
        if self._pyramid is None:
            return
        painter.save()
        painter.resetTransform()  # to pixels of the view
        side = (self.viewport().width() * self.viewport().height()) ** 0.5
        draw_marks(painter, self._marks, self.to_screen, side, QRectF(self.viewport().rect()))
        if self._cursor is not None:
            x, y = self.to_screen(np.array([self._cursor.x(), self._cursor.y()])).tolist()
            draw_cursor(painter, QPointF(x, y), own=self.underMouse())
        if self._readout:
            draw_readout(painter, self._readout, number_font("caption"), QRectF(self.viewport().rect()))
        painter.restore()
