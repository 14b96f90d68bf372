"""The whole bird: its parts are painted in order and shaded; and the regions of the picture that each part decides."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

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
from s3n_core.demo.plumage import UNDER, Streams, paint_coat, paint_crown, paint_throat, torso_mask
from s3n_core.demo.species import PARTS, VARIANTS, Look

_GROUNDS: Final = (0, 255)
"""Brightness of the grounds on which variants are compared: a thin edge that is lost on one shows on the other."""


@dataclass(frozen=True, slots=True)
class Cutout:
    """A painted and shaded bird that is not yet part of a scene.

    Attributes:
        colours: Its colours, a canvas of the window's size.
        mask: Its opacity, uint8, 0 to 255, the window's size.
        window: The rows and columns of the scene's canvas that it covers.
    """

    colours: Canvas
    mask: Mask
    window: tuple[slice, slice]

    def put_on(self, canvas: Canvas) -> None:
        """Blend the bird into a scene's canvas."""
        over(canvas[self.window], self.colours, self.mask)


def paint_bird(look: Look, bones: Skeleton, size: tuple[int, int], light: Light, streams: Streams) -> Cutout:
    """Paint a bird.

    Args:
        look: The variant of every part.
        bones: Pose and position.
        size: Height and width of the scene's canvas.
        light: The lighting.
        streams: The scene's random streams.
    """
    window, near = _window(bones, size)
    colours, mask = _paint(look, near, _shape(window), light, streams)
    return Cutout(colours, mask, window)


def part_regions(bones: Skeleton, size: tuple[int, int], streams: Streams) -> dict[str, NDArray[np.bool_]]:
    """Return where each part decides what is seen, whatever the species: where its variants or its absence differ.

    Args:
        bones: Pose and position.
        size: Height and width of the scene's canvas.
        streams: The scene's random streams.

    Returns:
        A mask per part of ``PARTS``, of the canvas's size. Masks of neighbouring parts may overlap, as a bill does with the
        throat behind it. What always hides a part, such as the body in front of the tail's root, is taken off.
    """
    window, near = _window(bones, size)
    shape = _shape(window)
    drawn = {
        part: [
            [_alone(part, one, near, shape, ground, streams) for one in (*VARIANTS[part], None)] for ground in _GROUNDS
        ]
        for part in PARTS
    }
    torso = torso_mask(near, shape, streams("outline"))
    solid, scratch = torso.copy(), np.empty((*shape, 3), np.uint8)
    if bones.pose.wing_lift is not None:
        paint_far_wing(near, scratch, solid, streams)
    paint_thighs(near, scratch, solid)
    for grounds in drawn.values():
        for painted in grounds[0]:
            np.maximum(solid, painted[..., 3], out=solid)
    # Where the wing looks the same on every ground, it hides what is behind it.
    on_black, on_white = (grounds[0] for grounds in drawn["wing_bars"])
    clear = _differ(on_black, on_white) | (on_black[..., 3] < 255)
    seen = {
        "tail": clear & (torso < 255),
        "legs": clear & (torso < 255),
        "crown": clear & (torso > 0),
        "throat": clear & (torso > 0),
    }
    full = {part: np.zeros(size, bool) for part in PARTS}
    for part, grounds in drawn.items():
        differ = np.zeros(shape, bool)
        for first, *others in grounds:
            for other in others:
                differ |= _differ(first, other)
        full[part][window] = differ & (solid > 0) & seen.get(part, True)
    return full


def _differ(first: Canvas, second: Canvas) -> NDArray[np.bool_]:
    """Return the pixels in which two canvases of four channels differ."""
    return np.asarray(first.view(np.uint32)[..., 0] != second.view(np.uint32)[..., 0])


def _alone(
    part: str, variant: str | None, bones: Skeleton, shape: tuple[int, int], ground: int, streams: Streams
) -> Canvas:
    """Return one part, painted on a plain ground: its colours and, as a fourth channel, its mask."""
    colours, mask = np.full((*shape, 3), ground, np.uint8), np.zeros(shape, np.uint8)
    match part:
        case "bill":
            paint_bill(variant, bones, colours, mask)
        case "crown":
            paint_crown(variant, bones, colours, streams)
        case "eye_ring":
            paint_eye(variant, bones, colours)
        case "throat":
            paint_throat(variant, bones, colours, streams)
        case "wing_bars":
            paint_wing(variant, bones, colours, mask, streams)
        case "tail":
            paint_tail(variant, bones, colours, mask, streams)
        case "legs":
            paint_legs(variant, bones, colours, mask)
    return np.asarray(cv2.merge([*cv2.split(colours), mask]), np.uint8)


def _window(bones: Skeleton, size: tuple[int, int]) -> tuple[tuple[slice, slice], Skeleton]:
    """Return the part of the canvas that holds any species in this pose, and the bird as seen from the window's corner."""
    low, high = extent(bones)
    margin = 5 * bones.unit
    x0, y0 = (max(0, int(v)) for v in np.floor(low - margin))
    x1, y1 = (int(v) for v in np.ceil(high + margin))
    rows = slice(y0 * SUPERSAMPLE, min(size[0], y1 * SUPERSAMPLE))
    columns = slice(x0 * SUPERSAMPLE, min(size[1], x1 * SUPERSAMPLE))
    centre = (bones.pose.centre[0] - x0, bones.pose.centre[1] - y0)
    return (rows, columns), skeleton(replace(bones.pose, centre=centre))


def _shape(window: tuple[slice, slice]) -> tuple[int, int]:
    rows, columns = window
    return rows.stop - rows.start, columns.stop - columns.start


def _paint(look: Look, bones: Skeleton, shape: tuple[int, int], light: Light, streams: Streams) -> tuple[Canvas, Mask]:
    mask = np.zeros(shape, np.uint8)
    bird = np.empty((*shape, 3), np.uint8)
    bird[:] = np.array(UNDER, dtype=np.uint8)
    if bones.pose.wing_lift is not None:
        paint_far_wing(bones, bird, mask, streams)
    paint_legs(look["legs"], bones, bird, mask)
    paint_tail(look["tail"], bones, bird, mask, streams)
    torso = torso_mask(bones, shape, streams("outline"))
    coat = np.empty_like(bird)
    paint_coat(look["crown"], look["throat"], bones, coat, streams)
    over(bird, np.zeros_like(bird), soften(torso, 1.4 * bones.unit), 0.5)  # the body's shadow on tail and legs
    thighs = np.zeros_like(mask)
    paint_thighs(bones, bird, thighs)
    over(bird, coat, torso)
    np.maximum(mask, torso, out=mask)
    np.maximum(mask, thighs, out=mask)
    wing = paint_wing(look["wing_bars"], bones, bird, mask, streams)
    form = np.maximum(np.maximum(torso, thighs), wing)
    paint_bill(look["bill"], bones, bird, mask)
    shade(bird, form, light, bones.unit)
    paint_eye(look["eye_ring"], bones, bird)
    return bird, mask
