"""Colours of parts on the map: as different as so many can be, and the same for a part whatever the others are. Without Qt."""

from __future__ import annotations

import colorsys

import numpy as np
from numpy.typing import NDArray

_GOLDEN = 0.61803398875


def part_colours(count: int, *, dark: bool) -> NDArray[np.uint8]:
    """Return a colour for each of ``count`` parts, uint8 (count, 3).

    Hues follow the golden angle, so that neighbouring numbers differ much; lightness alternates, for those who see hues less
    well.
    """
    found = np.empty((count, 3), dtype=np.uint8)
    for part in range(count):
        hue = (0.58 + part * _GOLDEN) % 1.0
        light = (0.62, 0.74, 0.54)[part % 3] if dark else (0.45, 0.36, 0.55)[part % 3]
        red, green, blue = colorsys.hls_to_rgb(hue, light, 0.62)
        found[part] = [round(255 * value) for value in (red, green, blue)]
    return found
