"""Placing maps on the whole original: the position of the network's view in it, and resampling maps to its pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from s3n_core.inspection.geometry import ViewFrame
from s3n_core.method.alignment import grid_to_cell, reading_matrix

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Placement:
    """The position of the network's view in the whole original.

    Attributes:
        image_size: (width, height) of the original, in pixels.
        frame: The position of the view.
    """

    image_size: tuple[int, int]
    frame: ViewFrame

    def shares(self, grid: NDArray[np.floating]) -> FloatArray:
        """Convert grid coordinates (..., 2) to fractions 0 ... 1 of the original's width and height."""
        shares: FloatArray = self.frame.to_original(grid) / self.image_size
        return shares

    def on_picture(self, values: NDArray[np.floating], size: tuple[int, int]) -> FloatArray:
        """Interpolate a map bilinearly at the pixel centres of an image of the whole original.

        Args:
            values: The map, shape (h, w).
            size: (width, height) of the image, in pixels.

        Returns:
            Shape (height, width). Beyond the centres of the outermost cells, and outside the view, the border of the
            map is repeated.
        """
        rows, columns = values.shape
        down = self._reading(size, 1, rows)
        across = self._reading(size, 0, columns)
        read: FloatArray = down @ values.astype(np.float64) @ across.T
        return read

    def seen(self, size: tuple[int, int]) -> tuple[slice, slice]:
        """Return the (rows, columns) whose centres lie inside the view, in an image of the whole original."""
        x0, y0, x1, y1 = self.frame.box
        width, height = self.image_size
        return _inside(size[1], y0 / height, y1 / height), _inside(size[0], x0 / width, x1 / width)

    @property
    def sees_all(self) -> bool:
        """Whether the view shows the whole original."""
        return self.frame.share_of(self.image_size) >= 1

    def _reading(self, size: tuple[int, int], axis: int, cells: int) -> FloatArray:
        """Return the (pixels, cells) matrix that interpolates a map along one axis (0 for x)."""
        pixels, length = size[axis], self.image_size[axis]
        centres = np.zeros((pixels, 2))
        centres[:, axis] = (np.arange(pixels) + 0.5) / pixels * length
        place = grid_to_cell(self.frame.from_original(centres)[:, axis], cells)
        return reading_matrix(np.clip(place, 0, cells - 1), np.arange(cells))


def _inside(pixels: int, start: float, stop: float) -> slice:
    first = int(np.ceil(start * pixels - 0.5))
    last = int(np.floor(stop * pixels - 0.5))
    return slice(max(first, 0), min(last, pixels - 1) + 1)
