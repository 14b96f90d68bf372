"""The original and the image with the hidden place, side by side as thumbnails."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from s3n_core.inspection.hidden_place import HiddenPlace
from s3n_core.inspection.inspection import Response
from s3n_gui.appearance.theme import font, px, theme, tokens
from s3n_gui.widgets.images.image_ground import draw_ground
from s3n_gui.widgets.images.marks import draw_place

_TITLES = ("Original, random places", "Hidden")


class PlacePictures(QWidget):
    """Two thumbnails: the original with the outlines of all hidden places, and the image with the place hidden."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._images: tuple[QImage | None, QImage | None] = (None, None)
        self._hidden: HiddenPlace | None = None
        self._size = (1, 1)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setAccessibleName("Original and hidden place")
        self.setToolTip(
            "Left: the original with the hidden place (dashed) and the random places (circles). Right: what the network "
            "sees instead."
        )
        theme().changed.connect(self.updateGeometry)

    def show_place(self, response: Response | None, hidden: HiddenPlace | None) -> None:
        """Show a hidden place of an image; None shows nothing."""
        self._hidden = hidden
        if response is None or hidden is None:
            self._images = (None, None)
        else:
            self._size = response.image_size
            self._images = (_image(response.image), _image(hidden.image))
        self.updateGeometry()
        self.update()

    def heightForWidth(self, width: int) -> int:
        """Return the height of the thumbnails and their titles."""
        thumbnail = min(self._box_width(width) * self._size[1] / self._size[0], px(120))
        return round(thumbnail) + px(18)

    def sizeHint(self) -> QSize:
        """Return the size at the usual width of the side panel."""
        return QSize(px(280), self.heightForWidth(px(280)))

    def _box_width(self, width: int) -> float:
        return (width - px(8)) / 2

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw both thumbnails."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        column, height = self._box_width(self.width()), self.height() - px(18)
        width = min(column, height * self._size[0] / self._size[1])
        for number, (image, title) in enumerate(zip(self._images, _TITLES, strict=True)):
            box = QRectF(number * (column + px(8)), 0, width, height)
            shape = draw_ground(painter, box)
            if image is not None:
                scale = min(width / image.width(), height / image.height())
                shown = QRectF(0, 0, image.width() * scale, image.height() * scale)
                shown.moveCenter(box.center())
                painter.save()
                painter.setClipPath(shape)
                painter.drawImage(shown, image)
                if self._hidden is not None:
                    self._draw_places(painter, shown, self._hidden, with_controls=number == 0)
                painter.restore()
            painter.setFont(font("caption"))
            painter.setPen(QColor(tokens().quiet))
            below = QRectF(box.left(), height, column, px(18))
            text = painter.fontMetrics().elidedText(title, Qt.TextElideMode.ElideRight, round(column))
            painter.drawText(below, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)
        painter.end()

    def _draw_places(self, painter: QPainter, shown: QRectF, hidden: HiddenPlace, *, with_controls: bool) -> None:
        scale = shown.width() / self._size[0]
        size = (hidden.settings.size or 1.0) * scale
        is_round = hidden.settings.shape == "disc"

        def box_of(place: Sequence[float]) -> QRectF:
            middle = QPointF(shown.left() + place[0] * scale, shown.top() + place[1] * scale)
            return QRectF(middle.x() - size / 2, middle.y() - size / 2, size, size)

        if with_controls:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            for place in hidden.controls.tolist():
                for colour, width in ((QColor(0, 0, 0, 90), 1.8), (QColor(255, 255, 255, 170), 0.8)):
                    painter.setPen(QPen(colour, width))
                    if is_round:
                        painter.drawEllipse(box_of(place))
                    else:
                        painter.drawRect(box_of(place))
        draw_place(painter, box_of(hidden.place), round=is_round)


def _image(pixels: NDArray[np.uint8]) -> QImage:
    height, width = pixels.shape[:2]
    return QImage(np.ascontiguousarray(pixels).data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()
