"""Downscaling an image for display. Does not import torch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def displayed_image(image: Image.Image, most_side: int) -> tuple[NDArray[np.uint8], float]:
    """Return an RGB image as pixels, uint8 (h, w, 3), at most ``most_side`` pixels per side, and its scale."""
    scale = min(1.0, most_side / max(image.size))
    if scale < 1:
        width, height = (max(1, round(side * scale)) for side in image.size)
        image = image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return np.array(image, dtype=np.uint8), scale
