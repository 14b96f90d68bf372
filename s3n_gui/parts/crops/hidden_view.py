"""A photograph before and after a place in it is hidden, with what the model predicts; over the page."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QWidget

from s3n_core.datasets.records import displayed_class
from s3n_core.inspection.hidden_place import HiddenPlace
from s3n_gui.appearance.theme import font, number_font, px, tokens
from s3n_gui.appearance.wording import percent_text
from s3n_gui.background.thumbnails import ThumbnailLoader
from s3n_gui.parts.crop import Crop, PathOf, paint_photo
from s3n_gui.parts.crops.hidden_places import HiddenCrop

_SIDE = 300
_EDGE, _GAP = 12, 8
_LINES = 3  # of text below each photograph
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


class HiddenView(QFrame):
    """The two photographs.

    Signals:
        closed: It was closed by a key or a click.

    Args:
        images: The photographs as they are.
        path_of: Their paths.
        parent: What it lies over.
    """

    closed = Signal()

    def __init__(self, images: ThumbnailLoader, path_of: PathOf, parent: QWidget) -> None:
        super().__init__(parent)
        self._over = parent
        self._images, self._path_of = images, path_of
        self.crop: Crop | None = None
        self._found = HiddenCrop()
        self._after: QImage | None = None
        self.setProperty("floats", True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("The photograph with the place hidden")
        images.ready.connect(self.update)
        self.hide()

    @property
    def holds(self) -> bool:
        """Whether it is there only as long as Alt is held: the mouse and the keyboard belong to what lies below."""
        return self.testAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def show_crop(self, crop: Crop, found: HiddenCrop, beside: QRect, *, held: bool, large: bool = False) -> None:
        """Show a crop's photograph.

        Args:
            crop: The crop.
            found: What is known of it.
            beside: The crop's rectangle in the parent.
            held: Whether it is there only as long as Alt is held.
            large: Whether to cover the parent.
        """
        self.crop = crop
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents, held)
        self.setGeometry(self._over.rect() if large else self._place(crop, beside))
        self.show_found(found)
        self.show()
        self.raise_()
        if not held:
            self.setFocus(Qt.FocusReason.PopupFocusReason)

    def show_found(self, found: HiddenCrop) -> None:
        """Show more of what is known."""
        self._found = found
        self._after = None if found.result is None else _image(found.result)
        self.setAccessibleDescription(". ".join(line for line in (*self.before, *self.after, self.footer) if line))
        self.update()

    def close_it(self) -> None:
        """Close it."""
        if self.isVisible():
            self.hide()
            self.crop = None
            self.closed.emit()

    @property
    def before(self) -> tuple[str, str]:
        """What the model predicts for the photograph as it is: class and score."""
        result = self._found.result
        return ("", "") if result is None else _words(result, result.prediction.index, 0)

    @property
    def after(self) -> tuple[str, str]:
        """What it predicts with the place hidden; or how far it is, or why it is not known."""
        result, steps = self._found.result, self._found.steps
        if result is not None:
            return _words(result, result.hidden_prediction.index, 1)
        if steps is not None:
            return "Hiding this place…", f"{steps[0]} of {steps[1]} predictions" if steps[1] else "Opening the model…"
        return "Not known", self._found.message

    @property
    def footer(self) -> str:
        """What became of the class that was predicted, and what random places of the same size do."""
        result = self._found.result
        if result is None:
            return ""
        changed, of = result.controls_changed, len(result.controls)
        random = f"Random patches of the same size change the prediction in {changed} of {of} cases."
        if result.hidden_prediction.index == result.prediction.index:
            return f"The prediction stays. {random}"
        name = displayed_class(result.prediction.name)
        left = percent_text(result.probability(result.prediction.index).after)
        return f"The prediction changes; {name} has {left} left. {random}"

    # -- Qt ----------------------------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Close it with Esc, Space or H."""
        if event.key() in (Qt.Key.Key_Escape, Qt.Key.Key_Space, Qt.Key.Key_H):
            self.close_it()
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click closes it."""
        self.close_it()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint both photographs and the words."""
        if self.crop is None:
            return
        painter, colours, line = QPainter(self), tokens(), px(20)
        painter.fillRect(self.rect(), QColor(colours.card))
        edge, gap = px(_EDGE), px(_GAP)
        wide = (self.width() - 2 * edge - gap) // 2
        high = self.height() - 2 * edge - (_LINES + 2) * line
        before = self._images.image(self._path_of(self.crop.file))
        for side, (title, image, words) in enumerate(
            (("As it is", before, self.before), ("With this place hidden", self._after, self.after))
        ):
            left = edge + side * (wide + gap)
            room = QRect(left, edge + line, wide, high)
            painter.setFont(font("caption", semibold=True))
            painter.setPen(QColor(colours.quiet))
            painter.drawText(QRect(left, edge - px(4), wide, line), _LEFT, title)
            painter.fillRect(room, QColor(colours.image_ground))
            if side == 0 or image is not None:
                paint_photo(painter, QRectF(room), self.crop, image)
            else:
                self._paint_waiting(painter, room)
            self._paint_words(painter, QRect(left, room.bottom() + px(4), wide, 2 * line), words, waiting=image is None)
        painter.setFont(font("caption"))
        painter.setPen(QColor(colours.quiet))
        foot = QRect(edge, self.height() - edge - 2 * line + px(8), self.width() - 2 * edge, 2 * line - px(4))
        painter.drawText(foot, Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignTop, self.footer)
        painter.setPen(QColor(colours.strong_border))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    def _paint_waiting(self, painter: QPainter, room: QRect) -> None:
        """Paint a bar for how far it is, or why there is no photograph."""
        if self._found.steps is None:
            painter.setFont(font("body"))
            painter.setPen(QColor("#E7EAF0"))
            place = room.adjusted(px(12), px(12), -px(12), -px(12))
            painter.drawText(place, Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignCenter, self._found.message)
            return
        done, total = self._found.steps
        bar = QRect(room.left() + room.width() // 4, room.center().y() - 2, room.width() // 2, 4)
        painter.fillRect(bar, QColor("#4A4F58"))
        if total:
            bar.setWidth(max(round(bar.width() * done / total), 2))
            painter.fillRect(bar, QColor(tokens().accent))

    def _paint_words(self, painter: QPainter, place: QRect, words: tuple[str, str], *, waiting: bool) -> None:
        colours, half = tokens(), place.height() // 2
        name, more = words
        if waiting and self._found.steps is None and self._found.message:
            more = ""  # it stands in the place of the photograph
        painter.setFont(font("body", semibold=True))
        painter.setPen(QColor(colours.text))
        elided = painter.fontMetrics().elidedText(name, Qt.TextElideMode.ElideRight, place.width())
        painter.drawText(QRect(place.left(), place.top(), place.width(), half), _LEFT, elided)
        painter.setFont(number_font("body"))
        painter.setPen(QColor(colours.quiet))
        painter.drawText(QRect(place.left(), place.top() + half, place.width(), half), _LEFT, more)

    def _place(self, crop: Crop, beside: QRect) -> QRect:
        """Return where it lies: beside the crop, inside the parent."""
        over, line = self._over.rect(), px(20)
        edge, gap, words = px(_EDGE), px(_GAP), (_LINES + 2) * line
        room = QSize(
            min(px(_SIDE), (over.width() - 2 * edge - gap) // 2), min(px(_SIDE), over.height() - 2 * edge - words)
        )
        scale = min(room.width() / max(crop.width, 1), room.height() / max(crop.height, 1))
        wide, high = max(round(crop.width * scale), px(190)), round(crop.height * scale)
        size = QSize(2 * wide + 2 * edge + gap, high + 2 * edge + words)
        left = beside.right() + _GAP
        if left + size.width() > over.width():
            left = beside.left() - _GAP - size.width()
        left = min(max(left, 0), max(over.width() - size.width(), 0))
        top = min(max(beside.center().y() - size.height() // 2, 0), max(over.height() - size.height(), 0))
        return QRect(left, top, size.width(), size.height())


def _words(result: HiddenPlace, index: int, row: int) -> tuple[str, str]:
    change = result.probability(index)
    return displayed_class(result.classes[index]), percent_text(change.after if row else change.before)


def _image(result: HiddenPlace) -> QImage:
    pixels = np.ascontiguousarray(result.image)
    height, width = pixels.shape[:2]
    return QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()
