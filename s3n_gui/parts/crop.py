"""A piece of a photograph around a place, painted from its thumbnail: unwarped, and at one scale for all images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPen

from s3n_gui.appearance.theme import branch_colour, tokens

CROP_SIDE = 0.28
"""Side of a crop, as a fraction of the image's longer side."""

RING_RADIUS = 0.07
"""Radius of the ring around a place in the whole photograph, alike."""

_RADIUS = 4.0  # of the corners, in pixels

PathOf = Callable[[str], Path]
"""Returns the path of an image of the atlas from its name."""


@dataclass(frozen=True, slots=True)
class Crop:
    """A place in an image.

    Attributes:
        file: The image's name in the atlas.
        x: The place, in pixels of the original.
        y: Alike.
        width: Of the original, in pixels.
        height: Alike.
        note: What is known of it, for a person: "most typical of 33".
        row: The row of its peak in the atlas's places; -1 where no peak lies, or none is known.
    """

    file: str
    x: float
    y: float
    width: int
    height: int
    note: str = ""
    row: int = -1


def paint_crop(painter: QPainter, place: QRectF, crop: Crop, image: QImage | None, *, opacity: float = 1.0) -> None:
    """Paint a crop into a rectangle; a grey one while its image is not loaded.

    Args:
        painter: The painter.
        place: The rectangle.
        crop: The crop.
        image: The whole image, at any scale; None: it is not loaded.
        opacity: In [0, 1].
    """
    shape = QPainterPath()
    shape.addRoundedRect(place, _RADIUS, _RADIUS)
    painter.save()
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
    painter.fillPath(shape, QColor(tokens().image_ground))
    if image is not None and not image.isNull():
        painter.setClipPath(shape, Qt.ClipOperation.IntersectClip)
        painter.setOpacity(opacity)
        painter.drawImage(place, image, _source(crop, image))
    painter.restore()


def _source(crop: Crop, image: QImage) -> QRectF:
    """Return the crop's square in the pixels of an image; it is moved inside where it would reach beyond the border."""
    scale = image.width() / max(crop.width, 1)
    side = min(CROP_SIDE * max(crop.width, crop.height), crop.width, crop.height) * scale
    left = min(max(crop.x * scale - side / 2, 0.0), image.width() - side)
    top = min(max(crop.y * scale - side / 2, 0.0), image.height() - side)
    return QRectF(left, top, side, side)


def paint_photo(painter: QPainter, room: QRectF, crop: Crop, image: QImage | None) -> QRectF:
    """Paint the whole photograph into a room, with a ring around the place; return where the photograph is."""
    scale = min(room.width() / max(crop.width, 1), room.height() / max(crop.height, 1))
    place = QRectF(0, 0, crop.width * scale, crop.height * scale)
    place.moveCenter(room.center())
    painter.save()
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
    if image is None or image.isNull():
        painter.fillRect(place, QColor(tokens().image_ground))
    else:
        painter.drawImage(place, image, QRectF(image.rect()))
    radius = RING_RADIUS * max(place.width(), place.height())
    centre = place.topLeft()
    centre.setX(centre.x() + crop.x * scale)
    centre.setY(centre.y() + crop.y * scale)
    for colour, width in ((QColor(0, 0, 0, 150), 4.0), (branch_colour("D").lighter(130), 2.0)):
        painter.setPen(QPen(colour, width))
        painter.drawEllipse(centre, radius, radius)
    painter.restore()
    return place
