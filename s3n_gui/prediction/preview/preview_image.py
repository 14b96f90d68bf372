"""The image of a row, with the peaks stored in the table; nothing is computed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from s3n_core.datasets.records import Annotation, Box
from s3n_core.parts.atlas.part_place import PartPlace
from s3n_core.prediction.schema import PeakPlace
from s3n_gui.appearance.theme import theme
from s3n_gui.prediction.annotations import NO_ANNOTATION
from s3n_gui.prediction.peak_picture import PEAKS_TIP, draw_picture, fitted, peak_marks
from s3n_gui.widgets.images.image_ground import draw_ground
from s3n_gui.widgets.images.marks import PeakMark


class PreviewImage(QWidget):
    """One image with its peaks, scaled to fit."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.path: Path | None = None
        self._image = QImage()
        self.original: tuple[int, int] | None = None
        """(width, height) of the upright original in pixels, once it is known."""
        self._places: Sequence[PeakPlace] = ()
        self._parts: tuple[PartPlace, ...] = ()
        self._annotation = NO_ANNOTATION
        self.peaks: tuple[PeakMark, ...] = ()
        """The marks of the peaks; with their parts once the image is loaded."""
        self._box: Box | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(200, 150)
        self.setAccessibleName("The image with its peaks")
        self.setToolTip(PEAKS_TIP)
        theme().changed.connect(self._on_theme)

    def choose(self, path: Path | None, places: Sequence[PeakPlace], annotation: Annotation = NO_ANNOTATION) -> None:
        """Choose another image; its pixels follow later.

        Args:
            path: The image file.
            places: Its peaks, in pixels of the upright original (EXIF orientation applied).
            annotation: What the data set gives for it; its box is drawn, and peaks outside of it are marked.
        """
        self.path, self._image, self.original = path, QImage(), None
        self._places, self._annotation, self._box = places, annotation, annotation.box
        self.show_parts(())

    def show_parts(self, parts: tuple[PartPlace, ...]) -> None:
        """Show the peaks that the open atlas has in the image with their parts."""
        self._parts = parts
        side = 0.0 if self.original is None else float(max(self.original))
        self.peaks = peak_marks(self._places, self._annotation, parts, side)
        self.update()

    @property
    def marked(self) -> int:
        """The number of peaks drawn; 0 until the image is loaded."""
        return len(self.peaks) if self.original is not None and not self._image.isNull() else 0

    @property
    def outside(self) -> int:
        """The number of peaks outside the box."""
        return sum(peak.outside for peak in self.peaks)

    def show_image(self, image: QImage | None, original: tuple[int, int] | None = None) -> None:
        """Show the pixels, at any resolution; None while they are loading.

        Args:
            image: The image.
            original: (width, height) of the upright original in pixels; without it, no peaks are drawn.
        """
        self._image = image if image is not None else QImage()
        self.original = original
        self.show_parts(self._parts)

    def _on_theme(self) -> None:
        self.show_parts(self._parts)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw background, image and peaks."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ground = draw_ground(painter, QRectF(self.rect()))
        if not self._image.isNull():
            painter.setClipPath(ground)
            place = fitted(QRectF(self.rect()), self._image)
            draw_picture(painter, place, self._image, self.peaks, self.original, self._box)
        painter.end()
