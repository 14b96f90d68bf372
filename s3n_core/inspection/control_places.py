"""Random places of the same size, with which a hidden place is compared. Does not import torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from s3n_core.datasets.transforms import PixelBox
from s3n_core.errors import PlaceNotHidden
from s3n_core.inspection.geometry import Place
from s3n_core.inspection.hiding import HidingSettings, common_part, overlap
from s3n_core.system.seeding import keyed_generator

Region = Literal["box", "view"]
"""Where control places lie: inside the object's box, or anywhere in what the network sees."""

_STEPS = 4  # neighbouring candidates are a quarter of the size apart


def control_places(
    name: str, settings: HidingSettings, seen: PixelBox, avoided: Sequence[Place], box: PixelBox | None = None
) -> tuple[NDArray[np.float32], Region]:
    """Draw places whose hidden pixels lie inside a region and overlap with none of the avoided places.

    They lie on a grid with a random origin, a quarter of the size apart, and are drawn without replacement. If the box
    has no room for all of them, all lie anywhere in what the network sees.

    Args:
        name: The image's name, which keys the draw together with ``settings.seed``.
        settings: How places are hidden; the size must be given.
        seen: The region of the original that the network sees, (x0, y0, x1, y1) in pixels.
        avoided: Centres (x, y) of the peaks and of the tested places, in pixels of the original.
        box: The object's bounding box, (x0, y0, x1, y1) in pixels of the original, or None.

    Returns:
        Centres, float32 (n, 2) as (x, y), with n = ``settings.controls``; and the region in which they lie.

    Raises:
        PlaceNotHidden: What the network sees has no room for so many places.
    """
    regions: list[tuple[Region, PixelBox]] = [] if box is None else [("box", common_part(box, seen))]
    regions.append(("view", seen))
    free = 0
    for kind, region in regions:
        generator = keyed_generator(settings.seed, "hidden places", kind, name)
        candidates = _candidates(region, settings, generator)
        for place in avoided:
            candidates = candidates[~overlap(candidates, place, settings)]
        free = len(candidates)
        if free >= settings.controls:
            drawn = generator.choice(free, settings.controls, replace=False)
            return candidates[drawn], kind
    raise PlaceNotHidden(
        f"Only {free} random places of {settings.size:.0f} px do not overlap a peak, but {settings.controls} are needed "
        "to compare with. Choose a smaller size.",
        room=False,
    )


def _candidates(region: PixelBox, settings: HidingSettings, generator: np.random.Generator) -> NDArray[np.float32]:
    """Return the centres on a grid with a random origin whose places lie inside a region, float32 (n, 2)."""
    assert settings.size is not None
    step = max(settings.size / _STEPS, 1.0)
    axes = []
    for low, high, shift in zip(region[:2], region[2:], generator.random(2).tolist(), strict=True):
        first, last = low + settings.size / 2, high - settings.size / 2
        axes.append(np.arange(first + shift * step, last, step) if last > first else np.empty(0))
    x, y = np.meshgrid(*axes)
    return np.stack([x, y], axis=-1).reshape(-1, 2).astype(np.float32)
