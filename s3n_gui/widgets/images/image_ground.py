"""The neutral background of images, and thumbnails that fill a box."""

from __future__ import annotations

from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath

from s3n_gui.appearance.theme import tokens


def draw_ground(painter: QPainter, box: QRectF, radius: float = 4) -> QPainterPath:
    """Paint the background with rounded corners; return its shape, for clipping the image."""
    shape = QPainterPath()
    shape.addRoundedRect(box, radius, radius)
    painter.fillPath(shape, QColor(tokens().image_ground))
    return shape


def draw_filling(painter: QPainter, box: QRectF, image: QImage | None) -> None:
    """Paint the background and the centre of an image, scaled to cover the box; without an image, the background."""
    shape = draw_ground(painter, box)
    if image is None or image.isNull():
        return
    painter.save()
    painter.setClipPath(shape)
    scale = max(box.width() / image.width(), box.height() / image.height())
    width, height = box.width() / scale, box.height() / scale
    source = QRectF((image.width() - width) / 2, (image.height() - height) / 2, width, height)
    painter.drawImage(box, image, source)
    painter.restore()
