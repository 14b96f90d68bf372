"""An interactive image view: zoom, pan, the point under the mouse, and peaks that can be dragged.

It is independent of the method: coordinates are in the image's own units.
"""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget

from s3n_gui.widgets.images.image_canvas import ImageCanvas
from s3n_gui.widgets.images.marks import PeakMark, radius_of

_ZOOM_STEP = 1.25
_REACH = 6.0  # pixels around a mark in which it can still be grabbed


class ImageView(ImageCanvas):
    """An image with mouse and keyboard.

    Signals:
        hovered: The position of the mouse, a ``QPointF`` in the image's units.
        left: The mouse has left the view.
        enlarge_requested: The view was double-clicked.
        pressed: The view was clicked away from all peaks.
        peak_pressed: A peak was clicked; carries its key.
        peak_dragged: A peak is being dragged; carries its key and its new position, a ``QPointF``.
        peak_dropped: A drag has ended; carries the peak's key.
        peak_menu_requested: A peak was right-clicked; carries its key and the screen position.
        place_menu_requested: Another place was right-clicked; carries its position in the image's units and the screen
            position.
    """

    hovered = Signal(QPointF)
    left = Signal()
    enlarge_requested = Signal()
    pressed = Signal()
    peak_pressed = Signal(object)
    peak_dragged = Signal(object, QPointF)
    peak_dropped = Signal(object)
    peak_menu_requested = Signal(object, object)
    place_menu_requested = Signal(QPointF, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._draggable = False
        self._held: tuple[int, int] | None = None
        self._grip = QPointF()  # from the mouse to the middle of the held peak, in pixels
        self._pressed_at = QPointF()
        self._moved = False
        self._panned_from: QPointF | None = None

    @property
    def peaks_draggable(self) -> bool:
        """Whether peaks can be dragged."""
        return self._draggable

    def set_peaks_draggable(self, draggable: bool) -> None:
        """Choose whether peaks can be dragged."""
        self._draggable = draggable

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Grab the peak under the mouse, or start to pan."""
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        peak = self._peak_at(event.position())
        if event.button() == Qt.MouseButton.RightButton:
            if peak is not None:
                self.peak_menu_requested.emit(peak.key, event.globalPosition().toPoint())
            elif self._pyramid is not None:
                self.place_menu_requested.emit(self.to_picture(event.position()), event.globalPosition().toPoint())
            return
        self._pressed_at, self._moved = event.position(), False
        if event.button() == Qt.MouseButton.LeftButton and peak is not None:
            self._grip = QPointF(*self.to_screen(np.array([peak.x, peak.y])).tolist()) - event.position()
            self._held = peak.key if self._draggable else None
            self.peak_pressed.emit(peak.key)
            return
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self._panned_from = event.position()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the peak, pan, or show the cursor; emit ``hovered``."""
        if self._pyramid is None:
            return
        if self._held is None and self._panned_from is None:
            over = self._draggable and self._peak_at(event.position()) is not None
            self.viewport().setCursor(Qt.CursorShape.OpenHandCursor if over else Qt.CursorShape.CrossCursor)
        elif self._is_drag(event.position()):
            if self._held is not None:
                self.peak_dragged.emit(self._held, self.to_picture(event.position() + self._grip))
            elif self._panned_from is not None:
                step = self.to_picture(self._panned_from) - self.to_picture(event.position())
                self._panned_from = event.position()
                self._person_looks(self._camera.moved(step.x() / self._rect.width(), step.y() / self._rect.height()))
        self.hovered.emit(self.to_picture(event.position()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End a drag, a pan or a click."""
        held, panned = self._held, self._panned_from is not None
        self._held = self._panned_from = None
        if held is not None and self._moved:
            self.peak_dropped.emit(held)
        elif panned and not self._moved:  # panning keeps the selected peak
            self.pressed.emit()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Ask to maximise this pane, or to show all panes again."""
        if self._peak_at(event.position()) is None:
            self._panned_from = None
            self.enlarge_requested.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom around the mouse."""
        turned = event.angleDelta().y() or event.angleDelta().x()
        if turned:
            self.zoom_by(_ZOOM_STEP ** (turned / 120), self.to_picture(event.position()))
        event.accept()

    def leaveEvent(self, event: QEvent) -> None:
        """Emit ``left``."""
        super().leaveEvent(event)
        self.left.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Zoom with + and -, fit with 0."""
        if event.key() in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom_by(_ZOOM_STEP)
        elif event.key() == Qt.Key.Key_Minus:
            self.zoom_by(1 / _ZOOM_STEP)
        elif event.key() == Qt.Key.Key_0:
            self.fit()
        else:
            event.ignore()  # the page handles other keys

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Pass the event on to the page."""
        event.ignore()

    def _is_drag(self, point: QPointF) -> bool:
        """Return whether the mouse has left the place of the press further than a hand trembles in a click."""
        moved = (point - self._pressed_at).manhattanLength()
        self._moved = self._moved or moved >= QApplication.startDragDistance()
        return self._moved

    def _peak_at(self, point: QPointF) -> PeakMark | None:
        """Return the peak whose mark is nearest to a point in pixels, if it is within reach."""
        peaks = self._marks.peaks
        if not peaks or self._pyramid is None:
            return None
        places = self.to_screen(np.array([(peak.x, peak.y) for peak in peaks]))
        distance = np.hypot(*(places - (point.x(), point.y())).T)
        nearest = int(distance.argmin())
        side = (self.viewport().width() * self.viewport().height()) ** 0.5
        return peaks[nearest] if distance[nearest] <= radius_of(peaks[nearest].strength, side) + _REACH else None
