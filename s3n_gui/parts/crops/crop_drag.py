"""Dragging a crop onto another part: what can be dropped on lights up, Esc cancels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QPoint, QRect, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractScrollArea, QApplication, QWidget
from shiboken6 import isValid

from s3n_gui.appearance.theme import font, px, tokens
from s3n_gui.background.thumbnails import ThumbnailLoader
from s3n_gui.parts.crop import Crop, PathOf, paint_crop

CropAt = Callable[[QPoint], Crop | None]
"""Returns the crop at a place of a widget; None where there is none."""

_EDGE = 28
_SCROLL_MILLISECONDS = 40
_SCROLL_STEP = 12


@dataclass(frozen=True, slots=True)
class DropState:
    """A crop is being dragged.

    Attributes:
        own: The part that it belongs to, on which it cannot be dropped.
        over: The part under the mouse; -1 for none.
    """

    own: int
    over: int = -1


@dataclass(frozen=True, slots=True)
class DropTarget:
    """A list of parts on which crops can be dropped.

    Attributes:
        area: The list, which scrolls while a crop is held near its edge.
        part_at: Returns the part at a place of its viewport; -1 for none.
        show: Shows which parts a crop can be dropped on; None: no crop is being dragged.
    """

    area: QAbstractScrollArea
    part_at: Callable[[QPoint], int]
    show: Callable[[DropState | None], None]


class CropDrag(QObject):
    """Drags crops of the widgets that it watches.

    Signals:
        began: A crop is being dragged.
        dropped: The `Crop` and the number of the part that it was dropped on.

    Args:
        part_of: Returns the part that a crop's peak belongs to; -1 for a crop that cannot be moved.
        name_of: Returns a part's name.
        thumbnails: The crops' images.
        path_of: Their paths.
    """

    began = Signal()
    dropped = Signal(object, int)

    def __init__(
        self,
        part_of: Callable[[Crop], int],
        name_of: Callable[[int], str],
        thumbnails: ThumbnailLoader,
        path_of: PathOf,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._part_of, self._name_of = part_of, name_of
        self._thumbnails, self._path_of = thumbnails, path_of
        self._targets: list[DropTarget] = []
        self._source: QWidget | None = None
        self._crop: Crop | None = None
        self._pressed = QPoint()
        self._state: DropState | None = None
        self._ghost: CropGhost | None = None
        self._scroll = QTimer(self, interval=_SCROLL_MILLISECONDS)
        self._scroll.timeout.connect(self._on_scroll)
        self._at = QPoint()

    @property
    def state(self) -> DropState | None:
        """What is being dragged; None: nothing."""
        return self._state

    @property
    def ghost(self) -> CropGhost | None:
        """The crop under the mouse while it is dragged."""
        return self._ghost

    def add_target(self, target: DropTarget) -> None:
        """Let crops be dropped on a list of parts."""
        self._targets.append(target)

    def takes(self, source: QWidget, crop_at: CropAt, event: QEvent) -> bool:
        """Take part in a mouse event of a widget with crops; return whether it is a drag's alone."""
        if not isinstance(event, QMouseEvent):
            if event.type() == QEvent.Type.Hide and source is self._source:
                self.cancel()
            return False
        match event.type():
            case QEvent.Type.MouseButtonPress if event.button() == Qt.MouseButton.LeftButton:
                crop = crop_at(event.position().toPoint())
                movable = crop is not None and self._part_of(crop) >= 0
                self._source, self._crop = (source, crop) if movable else (None, None)
                self._pressed = event.globalPosition().toPoint()
            case QEvent.Type.MouseMove if event.buttons() & Qt.MouseButton.LeftButton:
                at = event.globalPosition().toPoint()
                far = (at - self._pressed).manhattanLength() >= QApplication.startDragDistance()
                if self._state is None and far and self._crop is not None and source is self._source:
                    self._begin()
                if self._state is not None:
                    self._move(at)
            case QEvent.Type.MouseButtonRelease if event.button() == Qt.MouseButton.LeftButton:
                crop, state = self._crop, self._state
                self.cancel()
                if state is not None:
                    if crop is not None and state.over >= 0:
                        self.dropped.emit(crop, state.over)
                    return True
        return self._state is not None

    def cancel(self) -> None:
        """Drop the crop nowhere."""
        self._scroll.stop()
        if self._ghost is not None:
            _application().removeEventFilter(self)
            self._ghost.hide()
            self._ghost.deleteLater()
            self._ghost = None
        if self._state is not None:
            self._state = None
            for target in self._targets:
                target.show(None)
            if self._source is not None and isValid(self._source):
                self._source.unsetCursor()
        self._source = self._crop = None

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Cancel with Esc, which then does nothing else."""
        if event.type() not in (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress) or not isinstance(event, QKeyEvent):
            return False
        if event.key() != Qt.Key.Key_Escape:
            return False
        if event.type() == QEvent.Type.KeyPress:
            self.cancel()
        event.accept()
        return True

    def _begin(self) -> None:
        assert self._crop is not None
        assert self._source is not None
        self.began.emit()
        self._state = DropState(own=self._part_of(self._crop))
        self._ghost = CropGhost(self._crop, self._thumbnails, self._path_of, self._source.window())
        self._ghost.show()
        self._ghost.raise_()
        _application().installEventFilter(
            self
        )  # for Esc, wherever the keyboard's focus is; only while a crop is dragged
        self._scroll.start()

    def _move(self, at: QPoint) -> None:
        assert self._state is not None
        self._at = at
        over = -1
        for target in self._targets:
            if target.area.isVisible():
                place = target.area.viewport().mapFromGlobal(at)
                if target.area.viewport().rect().contains(place):
                    over = target.part_at(place)
        own = self._state.own
        self._state = DropState(own=own, over=-1 if over == own else over)
        for target in self._targets:
            target.show(self._state)
        if self._source is not None and isValid(self._source):
            shape = Qt.CursorShape.ForbiddenCursor if self._state.over < 0 else Qt.CursorShape.DragMoveCursor
            self._source.setCursor(shape)
        if self._ghost is not None:
            words = f"Move to {self._name_of(self._state.over)}" if self._state.over >= 0 else "Drop it on another part"
            self._ghost.show_at(at, words)

    def _on_scroll(self) -> None:
        """Scroll a list at whose upper or lower edge the crop is held."""
        for target in self._targets:
            viewport = target.area.viewport()
            place = viewport.mapFromGlobal(self._at)
            if not target.area.isVisible() or not viewport.rect().contains(place):
                continue
            bar, before = target.area.verticalScrollBar(), target.area.verticalScrollBar().value()
            if place.y() < px(_EDGE):
                bar.setValue(before - px(_SCROLL_STEP))
            elif place.y() > viewport.height() - px(_EDGE):
                bar.setValue(before + px(_SCROLL_STEP))
            if bar.value() != before and self._state is not None:
                self._move(self._at)


class CropGhost(QWidget):
    """The crop under the mouse, with what a drop would do."""

    def __init__(self, crop: Crop, thumbnails: ThumbnailLoader, path_of: PathOf, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._crop, self._thumbnails, self._path_of, self._over = crop, thumbnails, path_of, parent
        self.words = ""

    def show_at(self, at: QPoint, words: str) -> None:
        """Show it beside a global place."""
        self.words = words
        side = px(60)
        self.setFont(font("caption", semibold=True))
        width = max(side, self.fontMetrics().horizontalAdvance(words)) + px(16)
        place = self._over.mapFromGlobal(at) + QPoint(px(12), px(12))
        self.setGeometry(QRect(place, QSize(width, side + px(32))))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the crop above the words."""
        painter, colours, side = QPainter(self), tokens(), px(60)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(colours.accent), 1))
        painter.setBrush(QColor(colours.card))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        room = QRectF((self.width() - side) / 2, px(6), side, side)
        paint_crop(painter, room, self._crop, self._thumbnails.image(self._path_of(self._crop.file)))
        painter.setFont(font("caption", semibold=True))
        painter.setPen(QColor(colours.text))
        words = QRect(0, side + px(6), self.width(), px(24))
        painter.drawText(words, Qt.AlignmentFlag.AlignCenter, self.words)
        painter.end()


def _application() -> QCoreApplication:
    """Return the application."""
    found = QCoreApplication.instance()
    assert found is not None
    return found


def paint_drop(painter: QPainter, place: QRect, state: DropState | None, part: int) -> None:
    """Paint over a part's row whether the dragged crop can be dropped on it, and whether it would be now."""
    if state is None or part < 0 or part == state.own:
        return
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    colour = QColor(tokens().accent)
    over = state.over == part
    painter.setPen(QPen(colour, 2 if over else 1, Qt.PenStyle.SolidLine if over else Qt.PenStyle.DashLine))
    colour.setAlpha(40 if over else 0)
    painter.setBrush(colour)
    painter.drawRoundedRect(QRectF(place).adjusted(3, 3, -3, -3), 6, 6)
    painter.restore()
