"""Crops of photographs around the places of parts: unwarped, and at one scale for all images. Without torch."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from s3n_core.datasets.banners import banner_of
from s3n_core.datasets.decoding import read_image
from s3n_core.errors import UnreadableImage
from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.atlas.examples import PartExample

CROP_SIDE = 0.28
"""Side of a crop, as a fraction of the image's longer side, as in the window."""

_JPEG_QUALITY = 82


class PartCrops:
    """Crops of an atlas's photographs around the places of its parts.

    Attributes:
        asked: The files of all the images that a crop was asked of.
        unread: Those of them that could not be read.
    """

    def __init__(self, atlas: Atlas, root: Path | None = None) -> None:
        """Crop the images of an atlas.

        Args:
            atlas: The atlas.
            root: The folder that the names of its images are relative to; None: as when the atlas was built.
        """
        self._root = root or Path(atlas.header.data)
        self.asked: set[str] = set()
        self.unread: set[str] = set()

    def of(self, example: PartExample, side: int) -> Image.Image | None:
        """Return the square around a place, RGB, of ``side`` pixels; None if the image cannot be read."""
        self.asked.add(example.file)
        try:
            path = self._root / example.file
            # As the network sees it: without a banner; more than 8 bits by the image's own range, as in thumbnails.
            image = read_image(path, banner=banner_of(path), own_range=True)
        except (OSError, UnreadableImage):
            self.unread.add(example.file)
            return None
        width = min(CROP_SIDE * max(image.size), *image.size)
        left = min(max(example.x - width / 2, 0.0), image.width - width)
        top = min(max(example.y - width / 2, 0.0), image.height - width)
        box = (left, top, left + width, top + width)
        return image.resize((side, side), Image.Resampling.LANCZOS, box=box)


def jpeg_bytes(image: Image.Image) -> bytes:
    """Return an image as the content of a JPEG file."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=_JPEG_QUALITY)
    return buffer.getvalue()
