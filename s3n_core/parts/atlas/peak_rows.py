"""Finding a peak of an atlas again by its image and place. Without torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s3n_core.parts.atlas.atlas_files import AtlasImage
from s3n_core.parts.atlas.part_place import SAME_PLACE


class PeakRows:
    """An index of the peaks by image.

    Args:
        places: All places (`atlas_files.PLACE`), those of an image together, the images in order.
        images: The images.
    """

    def __init__(self, places: NDArray[Any], images: Sequence[AtlasImage]) -> None:
        self._places, self._images = places, images
        self._number = {image.file: number for number, image in enumerate(images)}
        self._starts = np.searchsorted(np.asarray(places["image"]), np.arange(len(images) + 1))

    def image(self, file: str) -> AtlasImage | None:
        """Return an image by its name; None if there is none."""
        number = self._number.get(file)
        return None if number is None else self._images[number]

    def of(self, file: str) -> NDArray[np.intp]:
        """Return the rows of the peaks of an image, without the drawn cells; empty if there is no such image."""
        number = self._number.get(file)
        if number is None:
            return np.empty(0, dtype=np.intp)
        rows = np.arange(self._starts[number], self._starts[number + 1], dtype=np.intp)
        found: NDArray[np.intp] = rows[~np.asarray(self._places["background"][rows])]
        return found

    def nearest(self, file: str, x: float, y: float) -> int | None:
        """Return the row of the peak nearest to a place, in pixels of the original; None if the image has no peak."""
        rows = self.of(file)
        if not rows.size:
            return None
        some = self._places[rows]
        return int(rows[int(np.argmin(np.hypot(some["x"] - x, some["y"] - y)))])

    def at(self, file: str, x: float, y: float) -> int | None:
        """Return the row of the peak at a place, at most `SAME_PLACE` of the image's longer side away; None if there is none."""
        row, image = self.nearest(file, x, y), self.image(file)
        if row is None or image is None:
            return None
        away = np.hypot(self._places["x"][row] - x, self._places["y"][row] - y)
        return row if away <= SAME_PLACE * max(image.width, image.height, 1) else None
