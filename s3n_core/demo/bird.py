"""The whole bird: its parts are painted in order, shaded, and composited onto the scene."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from s3n_core.demo.anatomy import Skeleton, extent, skeleton
from s3n_core.demo.light import Light, shade
from s3n_core.demo.members import (
    paint_bill,
    paint_eye,
    paint_far_wing,
    paint_legs,
    paint_tail,
    paint_thighs,
    paint_wing,
)
from s3n_core.demo.painter import SUPERSAMPLE, Canvas, Mask, over, soften
from s3n_core.demo.plumage import UNDER, Streams, paint_coat, torso_mask
from s3n_core.demo.species import Species


def paint_bird(species: Species, bones: Skeleton, canvas: Canvas, light: Light, streams: Streams) -> Mask:
    """Paint a bird onto ``canvas`` and return its mask: uint8, the canvas's height and width, 0 to 255."""
    mask = np.zeros(canvas.shape[:2], dtype=np.uint8)
    low, high = extent(bones)
    margin = 5 * bones.unit
    x0, y0 = (max(0, int(v)) for v in np.floor(low - margin))
    x1, y1 = (int(v) for v in np.ceil(high + margin))
    window = (slice(y0 * SUPERSAMPLE, y1 * SUPERSAMPLE), slice(x0 * SUPERSAMPLE, x1 * SUPERSAMPLE))
    centre = (bones.pose.centre[0] - x0, bones.pose.centre[1] - y0)
    _paint(species, skeleton(replace(bones.pose, centre=centre)), canvas[window], mask[window], light, streams)
    return mask


def _paint(species: Species, bones: Skeleton, scene: Canvas, mask: Mask, light: Light, streams: Streams) -> None:
    bird = np.empty_like(scene)
    bird[:] = np.array(UNDER, dtype=np.uint8)
    if bones.pose.wing_lift is not None:
        paint_far_wing(bones, bird, mask, streams)
    paint_legs(species, bones, bird, mask)
    paint_tail(species, bones, bird, mask, streams)
    torso = torso_mask(bones, (mask.shape[0], mask.shape[1]), streams("outline"))
    coat = np.empty_like(bird)
    paint_coat(species, bones, coat, streams)
    over(bird, np.zeros_like(bird), soften(torso, 1.4 * bones.unit), 0.5)  # the body's shadow on tail and legs
    thighs = np.zeros_like(mask)
    paint_thighs(bones, bird, thighs)
    over(bird, coat, torso)
    np.maximum(mask, torso, out=mask)
    np.maximum(mask, thighs, out=mask)
    wing = paint_wing(species, bones, bird, mask, streams)
    form = np.maximum(np.maximum(torso, thighs), wing)
    paint_bill(species, bones, bird, mask)
    shade(bird, form, light, bones.unit)
    paint_eye(species, bones, bird)
    over(scene, bird, mask)
