"""A picture with a map over it and marks on top, on pyqtgraph: zoom, pan, the place under the mouse, peaks to take hold of.

It knows nothing of the method: places are in the picture's own units, and who shows it says what lies where. Zoom and pan
go through a `Camera`, so that several views can be kept at one place by whoever listens to `camera_changed`.
"""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSizeF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QFrame, QGraphicsItem, QWidget

from s3n_gui.theme import number_font
from s3n_gui.tokens import IMAGE_GROUND
from s3n_gui.widgets.camera import Camera
from s3n_gui.widgets.image_pyramid import ImagePyramid
from s3n_gui.widgets.marks import Marks, PeakMark, draw_cursor, draw_marks, draw_readout, radius_of

_ZOOM_STEP = 1.25
_REACH = 6.0  # pixels around a mark where it can still be taken hold of


class _SmoothImage(pg.ImageItem):  # type: ignore[misc]
    """An image that is smoothed until single pixels are large enough to be looked at.

    It is kept as it was drawn last: what moves over it, a cursor or a peak, does not cost drawing it again.
    """

    def __init__(self) -> None:
        super().__init__(axisOrder="row-major")
        self.setCacheMode(QGraphicsItem.CacheMode.DeviceCoordinateCache)
        self.smooth = True

    def paint(self, painter: QPainter, *args: object) -> None:
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self.smooth)
        super().paint(painter, *args)


class ImageView(pg.GraphicsView):  # type: ignore[misc]
    """One picture.

    Signals:
        hovered: The mouse is at a place, ``QPointF`` in the picture's units.
        left: The mouse has left the view.
        camera_changed: The person looks elsewhere; the new ``Camera``.
        enlarge_requested: The view was double-clicked.
        pressed: The view was clicked beside all peaks.
        peak_pressed: A peak's key: it was clicked.
        peak_dragged: A peak's key and a ``QPointF``: it is being dragged there.
        peak_dropped: A peak's key: the drag has ended.
        peak_flipped: A peak's key: it was clicked with the right button.
    """

    hovered = Signal(QPointF)
    left = Signal()
    camera_changed = Signal(object)
    enlarge_requested = Signal()
    pressed = Signal()
    peak_pressed = Signal(object)
    peak_dragged = Signal(object, QPointF)
    peak_dropped = Signal(object)
    peak_menu_requested = Signal(object, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, background=IMAGE_GROUND)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
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
        self._draggable = False
        self._held: tuple[int, int] | None = None
        self._moved = False
        self._panned_from: QPointF | None = None

    # What is shown

    def set_picture(self, pyramid: ImagePyramid | None, rect: QRectF) -> None:
        """Show a picture; ``rect`` gives its place and so the units of everything else."""
        changed = pyramid is not self._pyramid or rect != self._rect
        self._pyramid, self._rect = pyramid, QRectF(rect)
        if pyramid is None:
            self._base.clear()
            self.set_map(None, QRectF(), None)
        if changed:
            self._look()

    def set_map(self, values: NDArray[np.floating] | None, rect: QRectF, palette: NDArray[np.uint8] | None) -> None:
        """Lay a map over the picture: shares 0 ... 1 as float (h, w), its place, and 256 colours."""
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
        """Say how much the map covers, 0 ... 1."""
        self._map.setOpacity(opacity)

    def set_marks(self, marks: Marks) -> None:
        """Draw peaks, lines and frames over the picture."""
        self._marks = marks
        self.viewport().update()

    def set_peaks_draggable(self, draggable: bool) -> None:
        """Say whether peaks can be taken hold of here."""
        self._draggable = draggable

    def set_cursor_mark(self, place: QPointF | None) -> None:
        """Mark the place that the mouse, wherever it is, stands for here; None where it is not shown."""
        if place != self._cursor:
            self._cursor = None if place is None else QPointF(place)
            self.viewport().update()

    def set_readout(self, text: str) -> None:
        """Write a value into the corner: that under the cursor."""
        if text != self._readout:
            self._readout = text
            self.viewport().update()

    # Where the view looks

    @property
    def camera(self) -> Camera:
        """Where the view looks."""
        return self._camera

    def set_camera(self, camera: Camera) -> None:
        """Look somewhere, without telling anybody."""
        if camera != self._camera:
            self._camera = camera
            self._look()

    def zoom_by(self, factor: float, around: QPointF | None = None) -> None:
        """Go closer (factor > 1) around a place of the picture, or the middle of the view."""
        camera = self._camera
        x, y = (camera.x, camera.y) if around is None else self._share(around)
        self._person_looks(camera.zoomed(factor, x, y))

    def fit(self) -> None:
        """Show the whole picture."""
        self._person_looks(Camera())

    def to_picture(self, point: QPointF) -> QPointF:
        """Return the place of the picture below a pixel of the view."""
        shown = self._camera.shown(self._rect, self._size())
        width, height = max(self.viewport().width(), 1), max(self.viewport().height(), 1)
        return QPointF(shown.x() + point.x() / width * shown.width(), shown.y() + point.y() / height * shown.height())

    def to_screen(self, places: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the pixels of the view that show places (..., 2) of the picture."""
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
        """Bring the view to the camera, with the copy of the picture that has enough pixels for it."""
        if self._pyramid is None or self._rect.isEmpty() or self._size().isEmpty():
            return
        shown = self._camera.shown(self._rect, self._size())
        self._box.setRange(shown, padding=0, update=True, disableAutoRange=True)
        pixel = self.viewport().width() / shown.width() * self.devicePixelRatioF()
        level = self._pyramid.level(self._rect.width() * pixel)
        self._base.smooth = self._rect.width() * pixel / level.shape[1] < 6
        if self._base.image is not level:
            self._base.setImage(level, autoLevels=False, levels=None)
        self._base.setRect(self._rect)
        self.viewport().update()

    # Qt's events

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Fit what is shown into the new size."""
        super().resizeEvent(event)
        if hasattr(self, "_rect"):  # pyqtgraph resizes itself while it is made
            self._look()

    def drawForeground(self, painter: QPainter, rect: QRectF) -> None:
        """Draw marks, cursor and value over the picture."""
        if self._pyramid is None:
            return
        painter.save()
        painter.resetTransform()  # pixels of the view, whatever part of the scene is shown
        side = (self.viewport().width() * self.viewport().height()) ** 0.5
        draw_marks(painter, self._marks, self.to_screen, side)
        if self._cursor is not None:
            x, y = self.to_screen(np.array([self._cursor.x(), self._cursor.y()])).tolist()
            draw_cursor(painter, QPointF(x, y), own=self.underMouse())
        if self._readout:
            draw_readout(painter, self._readout, number_font("caption"), QRectF(self.viewport().rect()))
        painter.restore()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold of what is below the mouse."""
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        peak = self._peak_at(event.position())
        if event.button() == Qt.MouseButton.RightButton:
            if peak is not None:
                self.peak_menu_requested.emit(peak.key, event.globalPosition().toPoint())
            return
        if event.button() == Qt.MouseButton.LeftButton and peak is not None:
            self.peak_pressed.emit(peak.key)
            self._held, self._moved = (peak.key if self._draggable else None), False
            return
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self._panned_from = event.position()
            self.pressed.emit()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Follow the mouse."""
        if self._pyramid is None:
            return
        place = self.to_picture(event.position())
        if self._held is not None:
            self._moved = True
            self.peak_dragged.emit(self._held, place)
        elif self._panned_from is not None:
            before = self.to_picture(self._panned_from)
            self._panned_from = event.position()
            dx, dy = before.x() - place.x(), before.y() - place.y()
            self._person_looks(self._camera.moved(dx / self._rect.width(), dy / self._rect.height()))
            place = self.to_picture(event.position())
        else:
            over = self._draggable and self._peak_at(event.position()) is not None
            self.viewport().setCursor(Qt.CursorShape.OpenHandCursor if over else Qt.CursorShape.CrossCursor)
        self.hovered.emit(place)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go."""
        held, self._held, self._panned_from = self._held, None, None
        if held is not None and self._moved:
            self.peak_dropped.emit(held)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Ask for this pane alone, or for all."""
        if self._peak_at(event.position()) is None:
            self._panned_from = None
            self.enlarge_requested.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Go closer or further away around the mouse."""
        turned = event.angleDelta().y() or event.angleDelta().x()
        if turned:
            self.zoom_by(_ZOOM_STEP ** (turned / 120), self.to_picture(event.position()))
        event.accept()

    def leaveEvent(self, event: QEvent) -> None:
        """The mouse has gone."""
        super().leaveEvent(event)
        self.left.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Do what a key asks for."""
        if event.key() in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom_by(_ZOOM_STEP)
        elif event.key() == Qt.Key.Key_Minus:
            self.zoom_by(1 / _ZOOM_STEP)
        elif event.key() == Qt.Key.Key_0:
            self.fit()
        else:
            event.ignore()  # The page has keys of its own.

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Let go of a key."""
        event.ignore()

    def _peak_at(self, point: QPointF) -> PeakMark | None:
        """Return the peak whose mark is nearest to a pixel, if it is near enough."""
        peaks = self._marks.peaks
        if not peaks or self._pyramid is None:
            return None
        places = self.to_screen(np.array([(peak.x, peak.y) for peak in peaks]))
        distance = np.hypot(*(places - (point.x(), point.y())).T)
        nearest = int(distance.argmin())
        side = (self.viewport().width() * self.viewport().height()) ** 0.5
        return peaks[nearest] if distance[nearest] <= radius_of(peaks[nearest].strength, side) + _REACH else None
