"""Painting of an image that covers a rounded rectangle."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QPainterPath


def paint_cover(painter: QPainter, place: QRectF, image: QImage, radius: float, *, opacity: float = 1.0) -> None:
    """Draw an image over the whole of a rectangle; what does not fit is cropped equally on both sides.

    Args:
        painter: The painter.
        place: The rectangle.
        image: The image, not empty.
        radius: Radius of the corners in pixels.
        opacity: In [0, 1].
    """
    shape = QPainterPath()
    shape.addRoundedRect(place, radius, radius)
    scale = max(place.width() / image.width(), place.height() / image.height())
    part = QRectF(0, 0, place.width() / scale, place.height() / scale)
    part.moveCenter(QPointF(image.width() / 2, image.height() / 2))
    painter.save()
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
    painter.setClipPath(shape, Qt.ClipOperation.IntersectClip)
    painter.setOpacity(opacity)
    painter.drawImage(place, image, part)
    painter.restore()
