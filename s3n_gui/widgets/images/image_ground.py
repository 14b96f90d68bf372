"""The neutral ground that images are seen on, and a thumbnail that fills its box."""

from __future__ import annotations

from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath

from s3n_gui.appearance.theme import tokens


def draw_ground(painter: QPainter, box: QRectF, radius: float = 4) -> QPainterPath:
    """Paint the ground with round corners; return its shape, for the image to be clipped by."""
    shape = QPainterPath()
    shape.addRoundedRect(box, radius, radius)
    painter.fillPath(shape, QColor(tokens().image_ground))
    return shape


def draw_filling(painter: QPainter, box: QRectF, image: QImage | None) -> None:
    """Paint ground and the middle of an image, as large as fills the box; the ground alone while there is no image."""
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
