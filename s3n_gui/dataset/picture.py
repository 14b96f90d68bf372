"""The selected image as large as fits, with its box and parts where the data set has them. Read off the window's thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QHelpEvent, QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from s3n_core.datasets.records import ImageRecord
from s3n_gui.dataset.tasks import Tasks
from s3n_gui.theme import font, tokens

_LONGEST = 1200  # pixels of the side that a picture is read at; enough for half of a large screen
_REACH = 9.0


@dataclass(frozen=True, slots=True)
class _Read:
    path: Path
    image: QImage | None
    size: tuple[int, int]
    reason: str


class Picture(QWidget):
    """One image. Annotations are in original pixels, whatever size the image was read at."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(120, 72)
        self.setMouseTracking(True)
        self.setAccessibleName("Selected image")
        self._record: ImageRecord | None = None
        self._read: _Read | None = None
        self._boxes, self._parts = True, True
        self._heard: Callable[[], None] | None = None
        self._tasks = Tasks(self)
        self._tasks.done.connect(self._on_read)

    @property
    def original_size(self) -> tuple[int, int] | None:
        """Width and height of the shown file's image in pixels; None while it is not known."""
        return self._read.size if self._read is not None and self._read.image is not None else None

    @property
    def problem(self) -> str:
        """Why the file cannot be read, as a clause; empty where it can."""
        return self._read.reason if self._read is not None else ""

    @property
    def is_reading(self) -> bool:
        """Whether the picture is still to come."""
        return self._tasks.is_open("picture")

    def when_read(self, heard: Callable[[], None]) -> None:
        """Call a method of a QObject whenever a picture is there (or is known not to be)."""
        self._heard = heard

    def show_record(self, record: ImageRecord | None) -> None:
        """Show another image; the old one stays until the new one is read."""
        if record is self._record:
            return
        self._record = record
        if record is None:
            self._tasks.forget("picture")
            self._read = None
            self.update()
        else:
            path = record.path
            self._tasks.run("picture", lambda: _read(path))

    def show_annotations(self, *, boxes: bool, parts: bool) -> None:
        """Draw boxes and parts, or not."""
        self._boxes, self._parts = boxes, parts
        self.update()

    def close_reading(self) -> None:
        """Wait for the reading thread."""
        self._tasks.close()

    def picture_rect(self) -> QRectF:
        """Return where the image lies in the widget; empty while there is none."""
        if self._read is None or self._read.image is None:
            return QRectF()
        size = QSize(*self._read.size).scaled(self.size() - QSize(2, 2), Qt.AspectRatioMode.KeepAspectRatio)
        place = QRectF(0, 0, size.width(), size.height())
        place.moveCenter(QRectF(self.rect()).center())
        return place

    def part_at(self, place: QPointF) -> str:
        """Return the name of the part under a place of the widget, or nothing."""
        if self._record is None or not self._parts or self._read is None or self._read.path != self._record.path:
            return ""
        for part in self._record.parts:
            offset = self._on_screen(part.x, part.y) - place
            if offset.x() ** 2 + offset.y() ** 2 <= _REACH**2:
                return part.name
        return ""

    def event(self, event: QEvent) -> bool:
        """Name the part under the mouse."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            name = self.part_at(QPointF(event.pos()))
            QToolTip.showText(event.globalPos(), name, self)
            return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw image and annotations."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens().image_ground))
        painter.drawRoundedRect(QRectF(self.rect()), 6, 6)
        if self._read is not None and self._read.image is not None:
            painter.drawImage(self.picture_rect(), self._read.image)
            if self._record is not None and self._read.path == self._record.path:
                self._paint_annotations(painter, self._record)
        elif self._read is not None or self._record is None:
            painter.setPen(QColor("#C6CBD4"))
            painter.setFont(font("body"))
            words = "No image is selected" if self._record is None else f"This file cannot be shown:\n{self.problem}."
            painter.drawText(
                self.rect().adjusted(16, 16, -16, -16),
                int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap),
                words,
            )
        painter.end()

    def _paint_annotations(self, painter: QPainter, record: ImageRecord) -> None:
        if self._boxes and record.box is not None:
            box = record.box
            place = QRectF(self._on_screen(box.x, box.y), self._on_screen(box.x + box.width, box.y + box.height))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            for colour, width in ((QColor(0, 0, 0, 130), 3.5), (QColor("#FFFFFF"), 1.5)):  # seen on any ground
                painter.setPen(QPen(colour, width))
                painter.drawRoundedRect(place, 2, 2)
        if self._parts:
            hovered = self.part_at(QPointF(self.mapFromGlobal(self.cursor().pos())))
            for part in record.parts:
                place_of_part = self._on_screen(part.x, part.y)
                painter.setPen(QPen(QColor(0, 0, 0, 150), 1.5))
                painter.setBrush(QColor("#FFD27A" if part.name == hovered else "#FFFFFF"))
                painter.drawEllipse(place_of_part, 4.0, 4.0)
                if part.name == hovered:
                    self._paint_name(painter, place_of_part, part.name)

    def _paint_name(self, painter: QPainter, place: QPointF, name: str) -> None:
        painter.setFont(font("caption"))
        width = QFontMetricsF(painter.font()).horizontalAdvance(name) + 12
        label = QRectF(min(place.x() + 8, self.width() - width - 4), max(place.y() - 26, 4), width, 20)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(20, 22, 26, 215))
        painter.drawRoundedRect(label, 4, 4)
        painter.setPen(QColor("#FFFFFF"))
        painter.drawText(label, int(Qt.AlignmentFlag.AlignCenter), name)

    def mouseMoveEvent(self, event: QEvent) -> None:
        """Name what the mouse is over."""
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """Name nothing."""
        self.update()

    def _on_screen(self, x: float, y: float) -> QPointF:
        place = self.picture_rect()
        assert self._read is not None
        width, height = self._read.size
        return QPointF(place.left() + x / width * place.width(), place.top() + y / height * place.height())

    def _on_read(self, name: str, read: _Read) -> None:
        self._read = read
        self.update()
        if self._heard is not None:
            self._heard()


def _read(path: Path) -> _Read:
    from s3n_core.datasets.decoding import image_size
    from s3n_core.errors import UnreadableImage
    from s3n_gui.background.thumbnail_reading import read_thumbnail

    try:
        return _Read(path, read_thumbnail(path, _LONGEST), image_size(path), "")
    except UnreadableImage as error:
        return _Read(path, None, (0, 0), error.reason)
