"""An image at full, half, quarter ... size, so that a small view of a large image is fast and free of aliasing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from s3n_core.inspection.map_display import grey_of

SMALLEST_SIDE = 64


class ImagePyramid:
    """Halved copies of one RGB image, computed on first use and shared by all of its views.

    Args:
        pixels: RGB uint8, shape (h, w, 3).
    """

    def __init__(self, pixels: NDArray[np.uint8]) -> None:
        self._levels = [np.ascontiguousarray(pixels)]

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """The image at full size, uint8 (h, w, 3)."""
        return self._levels[0]

    def level(self, wanted_width: float) -> NDArray[np.uint8]:
        """Return the smallest copy that is at least ``wanted_width`` device pixels wide, else the full size."""
        index = 0
        while self._halves(index) and self._levels[0].shape[1] / 2 ** (index + 1) >= wanted_width:
            index += 1
        return self._levels[index]

    def grey(self) -> ImagePyramid:
        """Return a pyramid of the grey image, as shown below coloured maps."""
        return ImagePyramid(np.repeat(np.rint(grey_of(self.pixels)).astype(np.uint8)[..., None], 3, axis=2))

    def _halves(self, index: int) -> bool:
        """Ensure that the copy of half the size of level ``index`` exists; False if it would be too small."""
        if index + 1 < len(self._levels):
            return True
        pixels = self._levels[index]
        height, width = pixels.shape[0] // 2 * 2, pixels.shape[1] // 2 * 2
        if min(height, width) < 2 * SMALLEST_SIDE:
            return False
        even = pixels[:height, :width].astype(np.uint16)
        total = even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]
        self._levels.append(((total + 2) // 4).astype(np.uint8))
        return True
