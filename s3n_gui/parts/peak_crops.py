"""Crops around peaks of an atlas."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from s3n_core.parts.atlas.atlas import Atlas
from s3n_gui.parts.crop import CROP_SIDE, Crop


def crop_of(atlas: Atlas, row: int, note: str = "") -> Crop:
    """Return the crop around a peak, given by its row in the atlas."""
    place = atlas.places[row]
    image = atlas.images[int(place["image"])]
    return Crop(
        file=image.file,
        x=float(place["x"]),
        y=float(place["y"]),
        width=image.width,
        height=image.height,
        note=note,
        row=row,
    )


def with_peak(atlas: Atlas, crop: Crop, part: int) -> Crop:
    """Return a crop with the row of the part's peak that is nearest to its middle; without one where no peak is in it."""
    rows = atlas.peak_rows.of(crop.file)
    rows = rows[atlas.part_of[rows] == part]
    if not rows.size:
        return crop
    some = atlas.places[rows]
    away = np.maximum(np.abs(some["x"] - crop.x), np.abs(some["y"] - crop.y))
    best = int(away.argmin())
    inside = away[best] <= CROP_SIDE / 2 * max(crop.width, crop.height)
    return replace(crop, row=int(rows[best])) if inside else crop
