"""Colours of parts: the same on every page, and the same for a part whatever the others are. Plain data, no Qt."""

from __future__ import annotations

import colorsys

from s3n_gui.appearance.tokens import Tokens, contrast

LEAST_CONTRAST = 3.0
"""Of a part's colour to the card that it lies on."""

_GOLDEN, _STEP = 0.61803398875, 0.02


def part_colour(part: int, colours: Tokens, *, background: bool = False) -> str:
    """Return the colour of a part, ``#RRGGBB``. It is never shown without the part's name, or a way to read it.

    Hues follow the golden angle, so that neighbouring numbers differ much; lightness alternates, for those who see hues less
    well.

    Args:
        part: The part's number, from 0.
        colours: The theme.
        background: Whether it is a part of the background, all of which are grey.
    """
    if background:
        return colours.quiet
    hue = (0.58 + part * _GOLDEN) % 1.0
    light = (0.62, 0.74, 0.54)[part % 3] if colours.dark else (0.45, 0.36, 0.55)[part % 3]
    while True:
        rgb = colorsys.hls_to_rgb(hue, light, 0.62)
        found = "#" + "".join(f"{round(255 * value):02X}" for value in rgb)
        if contrast(found, colours.card) >= LEAST_CONTRAST:
            return found
        light += _STEP if colours.dark else -_STEP
