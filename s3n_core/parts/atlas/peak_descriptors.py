"""What the peaks of one image look like to the model, so that an atlas can tell their parts. Without torch."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from s3n_core.inspection.inspection import ByValue


@dataclass(frozen=True, kw_only=True, eq=False)
class PeakDescriptors(ByValue):
    """The descriptors of the peaks of one pass, edits included, as an atlas of the model stores those of its own images.

    Attributes:
        model: First 16 hexadecimal digits of the model file's SHA-256.
        predicted: Index of the predicted class.
        image_size: (width, height) of the original, in pixels.
        places: (x, y) of the peaks, those that are switched off included, in original pixels, float32 (n, 2).
        moved: Whether each peak was moved by hand.
        values: Their descriptors, L2-normalised, float32 (n, D).
    """

    model: str
    predicted: int
    image_size: tuple[int, int]
    places: NDArray[np.float32]
    moved: tuple[bool, ...]
    values: NDArray[np.float32]

    def nearest(self, x: float, y: float, reach: float) -> int | None:
        """Return the index of the peak nearest to a place.

        Args:
            x: The place, in original pixels.
            y: Alike.
            reach: How far it may be, as a fraction of the image's longer side.

        Returns:
            The index; None if no peak is so near.
        """
        away = [math.dist(place, (x, y)) for place in self.places.tolist()]
        best = min(range(len(away)), key=away.__getitem__, default=None)
        return None if best is None or away[best] > reach * max(self.image_size) else best
