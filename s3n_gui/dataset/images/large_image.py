"""A zoomable view of one image with its bounding box and parts, read in a background thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QEvent, QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QHelpEvent, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from s3n_core.datasets.records import ImageRecord
from s3n_core.datasets.value_ranges import NO_RANGES, ValueRanges
from s3n_gui.appearance.theme import font, tokens
from s3n_gui.appearance.tokens import CORNER_RADIUS
from s3n_gui.background.tasks import Tasks
from s3n_gui.dataset.images.annotations import paint_box, paint_part
from s3n_gui.widgets.images.camera import Camera
from s3n_gui.widgets.images.image_ground import draw_ground
from s3n_gui.widgets.images.zoomed import ZOOM_WORDS, Zoomed

_LONGEST = 1200  # longer side in pixels that an image is read at; enough for half of a large screen
_LONGEST_ZOOMED = 4096
_REACH = 9.0


@dataclass(frozen=True, slots=True)
class _Read:
    path: Path
    image: QImage | None
    size: tuple[int, int]
    reason: str


class Picture(Zoomed):
    """The view. Annotations are in original pixels, whatever the size that the image was read at and the zoom."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(120, 72)
        self.setAccessibleName("Selected image")
        self._record: ImageRecord | None = None
        self._read: _Read | None = None
        self._ranges: ValueRanges = NO_RANGES
        self._boxes, self._parts = True, True
        self._heard: Callable[[], None] | None = None
        self._tasks = Tasks(self)
        self._tasks.done.connect(self._on_read)

    @property
    def original_size(self) -> tuple[int, int] | None:
        """Width and height of the image in its file, in pixels; None while unknown."""
        own = self._own
        return own.size if own is not None and own.image is not None else None

    @property
    def problem(self) -> str:
        """Why the file cannot be read, as a clause; empty if it can."""
        return "" if self._own is None else self._own.reason

    @property
    def _own(self) -> _Read | None:
        """What was read of the chosen image; None while the one before is still shown."""
        chosen = self._read is not None and self._record is not None and self._read.path == self._record.path
        return self._read if chosen else None

    @property
    def is_reading(self) -> bool:
        """Whether the image is still being read."""
        return self._tasks.is_open("picture")

    def when_read(self, heard: Callable[[], None]) -> None:
        """Set the callback for when an image has been read or has failed; a bound method of a QObject."""
        self._heard = heard

    def show_record(self, record: ImageRecord | None) -> None:
        """Show another image; the previous one stays until the new one is read."""
        if record is not None and self._record is not None and record.path == self._record.path:
            self._record = record  # moved to another split: the image is the same
            return
        self._record = record
        if record is None:
            self._tasks.forget("picture")
            self._read = None
            self.look(Camera())
        else:
            self._start_reading(_LONGEST)

    def set_ranges(self, ranges: ValueRanges | None) -> None:
        """Set the open model's ranges of values of more than 8 bits; where it has none, images are shown in their own."""
        if (ranges or NO_RANGES) != self._ranges:
            self._ranges = ranges or NO_RANGES
            if self._record is not None:
                self._start_reading(_LONGEST)

    def show_annotations(self, *, boxes: bool, parts: bool) -> None:
        """Choose whether to draw the box and the parts."""
        self._boxes, self._parts = boxes, parts
        self.update()

    def look(self, camera: Camera) -> None:
        """Set the camera; when zoomed in, the image is read again at a higher resolution."""
        super().look(camera)
        read = self._read
        if read is not None and read.image is not None and not self.is_reading:
            wanted = min(self.picture_rect().width() * self.devicePixelRatioF(), read.size[0])
            if wanted > 1.2 * read.image.width() and max(read.image.width(), read.image.height()) < _LONGEST_ZOOMED:
                self._start_reading(_LONGEST_ZOOMED)

    def close_reading(self) -> None:
        """Wait for the reading thread."""
        self._tasks.close()

    def plane(self) -> QSizeF:
        """Return the image's size in its own pixels; empty while no image is loaded."""
        return QSizeF() if self._read is None or self._read.image is None else QSizeF(*self._read.size)

    def part_at(self, place: QPointF) -> str:
        """Return the name of the part at a position in widget coordinates, or ""."""
        if self._record is None or not self._parts or self._own is None:
            return ""
        for part in self._record.parts:
            offset = self.on_screen(part.x, part.y) - place
            if offset.x() ** 2 + offset.y() ** 2 <= _REACH**2:
                return part.name
        return ""

    def event(self, event: QEvent) -> bool:
        """Show a tooltip: the part under the mouse, or how to zoom."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            words = "" if self.plane().isEmpty() else ZOOM_WORDS
            QToolTip.showText(event.globalPos(), self.part_at(QPointF(event.pos())) or words, self)
            return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the image and its annotations."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        whole = QRectF(self.rect())
        shown = whole.intersected(self.picture_rect())  # no bars beside the image
        ground = draw_ground(painter, whole if shown.isEmpty() else shown, CORNER_RADIUS)
        if self._read is not None and self._read.image is not None:
            painter.setClipPath(ground)
            painter.drawImage(self.picture_rect(), self._read.image)
            if self._record is not None and self._own is not None:
                self._paint_annotations(painter, self._record)
        elif self._own is not None or self._record is None:
            painter.setPen(QColor("#C6CBD4"))
            painter.setFont(font("body"))
            words = "No image selected" if self._record is None else f"This file cannot be shown:\n{self.problem}."
            painter.drawText(
                self.rect().adjusted(16, 16, -16, -16),
                int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap),
                words,
            )
        if self.hasFocus():
            painter.setPen(QColor(tokens().accent))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(ground.boundingRect().adjusted(0.5, 0.5, -0.5, -0.5), CORNER_RADIUS, CORNER_RADIUS)
        painter.end()

    def _paint_annotations(self, painter: QPainter, record: ImageRecord) -> None:
        if self._boxes and record.box is not None:
            paint_box(painter, record.box, self.on_screen)
        if self._parts:
            hovered = self.part_at(QPointF(self.mapFromGlobal(self.cursor().pos())))
            for part in record.parts:
                paint_part(painter, part, self.on_screen, named=part.name == hovered, room=QRectF(self.rect()))

    def _start_reading(self, side: int) -> None:
        """Read the shown record's image at most ``side`` pixels wide and high."""
        if self._record is not None:
            path, banner, ranges = self._record.path, self._record.banner, self._ranges
            self._tasks.run("picture", lambda: _read(path, side, banner, ranges))

    def _on_read(self, name: str, read: _Read) -> None:
        another = self._read is None or self._read.path != read.path
        self._read = read
        self.look(Camera() if another else self.camera)
        if self._heard is not None:
            self._heard()


def _read(path: Path, side: int, banner: int, ranges: ValueRanges) -> _Read:
    from s3n_core.datasets.decoding import image_size
    from s3n_core.errors import UnreadableImage
    from s3n_gui.background.thumbnail_reading import read_thumbnail

    try:
        image = read_thumbnail(path, side, banner=banner, ranges=ranges)
        return _Read(path, image, image_size(path, banner=banner), "")
    except UnreadableImage as error:
        return _Read(path, None, (0, 0), error.reason)
