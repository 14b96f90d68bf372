"""The image of a row, with the peaks stored in the table; nothing is computed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QImage, QImageIOHandler, QImageReader, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from s3n_core.datasets.banners import banner_of
from s3n_core.prediction.schema import PeakPlace
from s3n_gui.widgets.images.image_ground import draw_ground
from s3n_gui.widgets.images.marks import Marks, PeakMark, draw_marks


class PreviewPicture(QWidget):
    """One image with its peaks, scaled to fit."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.path: Path | None = None
        self._image = QImage()
        self._original = QSize()
        self._peaks: tuple[PeakMark, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(200, 150)
        self.setAccessibleName("The image with its peaks")
        self.setToolTip("Discs: peaks in T_d; rings: peaks in T_c; both: shared peaks; larger: stronger R")

    def choose(self, path: Path | None, places: Sequence[PeakPlace]) -> None:
        """Choose another image; its pixels follow later.

        Args:
            path: The image file.
            places: Its peaks, in pixels of the upright original (EXIF orientation applied).
        """
        self.path, self._image, self._original = path, QImage(), QSize()
        self._peaks = tuple(
            PeakMark(key=(0, number), x=x, y=y, strength=response, weight_d=weight_d, weight_c=weight_c)
            for number, (x, y, response, weight_d, weight_c) in enumerate(places)
        )
        self.update()

    @property
    def marked(self) -> int:
        """The number of peaks drawn; 0 until the image is loaded."""
        return len(self._peaks) if self._original.isValid() and not self._image.isNull() else 0

    def show_image(self, image: QImage | None) -> None:
        """Show the pixels, at any resolution; None while they are loading."""
        self._image = image if image is not None else QImage()
        if not self._image.isNull() and self.path is not None and not self._original.isValid():
            self._original = _upright_size(self.path)  # cheap: reads only the header of a recently read file
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw background, image and peaks."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        ground = draw_ground(painter, QRectF(self.rect()))
        if not self._image.isNull():
            painter.setClipPath(ground)
            size = self._image.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
            left, top = (self.width() - size.width()) / 2, (self.height() - size.height()) / 2
            painter.drawImage(QRectF(left, top, size.width(), size.height()), self._image)
            if self.marked:
                scale = size.width() / self._original.width(), size.height() / self._original.height()

                def to_screen(places: NDArray[np.floating]) -> NDArray[np.float64]:
                    moved: NDArray[np.float64] = np.asarray(places, dtype=np.float64) * scale + (left, top)
                    return moved

                side = (size.width() * size.height()) ** 0.5
                draw_marks(painter, Marks(peaks=self._peaks), to_screen, side)
        painter.end()


def _upright_size(path: Path) -> QSize:
    """Return an image's size with EXIF orientation applied, from the file's header."""
    reader = QImageReader(str(path))
    size = reader.size()
    turned = reader.transformation() & QImageIOHandler.Transformation.TransformationRotate90
    upright = size.transposed() if turned else size
    height, banner = upright.height(), banner_of(path)
    return QSize(upright.width(), height - banner if height > banner else height)
