"""The bird itself: base plumage that all species share, and the parts in which they differ.

Everything random here (the wear of a feather, the wobble of an edge) is drawn from streams that are keyed by the scene
and the member, never by the species: two species in one scene differ in the pixels of their differing parts alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from s3n_core.datasets.drawn_birds.anatomy import BODY, EYE, EYE_RADIUS, FOOT, HEAD, Skeleton
from s3n_core.datasets.drawn_birds.curves import Frame, Points, between, feathers, place, smooth_closed, smooth_open
from s3n_core.datasets.drawn_birds.painter import Canvas, Colour, Mask, disc, fill, over, soft_fill, stroke
from s3n_core.datasets.drawn_birds.species import Species

Streams = Callable[[str], np.random.Generator]

UPPER: Final[Colour] = (126, 116, 101)
UNDER: Final[Colour] = (238, 229, 210)
BUFF: Final[Colour] = (214, 183, 142)
FLIGHT: Final[Colour] = (74, 67, 60)
FEATHER_EDGE: Final[Colour] = (160, 147, 126)
RUBY: Final[Colour] = (186, 30, 44)
GOLD: Final[Colour] = (244, 184, 40)
AMBER: Final[Colour] = (240, 146, 38)
BLACK: Final[Colour] = (30, 28, 30)
WHITE: Final[Colour] = (250, 247, 238)
RUFOUS: Final[Colour] = (186, 84, 38)
CORAL: Final[Colour] = (236, 104, 74)
SLATE: Final[Colour] = (62, 62, 68)
LEG: Final[Colour] = (66, 58, 56)


def paint_bird(species: Species, bones: Skeleton, canvas: Canvas, streams: Streams) -> Mask:
    """Paint a bird over ``canvas`` and return its mask, of the canvas' height and width, 0 to 255."""
    mask = np.zeros(canvas.shape[:2], dtype=np.uint8)
    bird = np.empty_like(canvas)
    bird[:] = np.array(UNDER, dtype=np.uint8)
    _legs(species, bones, bird, mask)
    _tail(species, bones, bird, mask)
    torso = np.zeros_like(mask)
    fill(torso, place(bones.body, BODY), 255)
    fill(torso, place(bones.head, HEAD), 255)
    layer = np.empty_like(canvas)
    layer[:] = np.array(UNDER, dtype=np.uint8)
    _coat(bones, layer)
    _throat(species, bones, layer)
    _crown(species, bones, layer)
    over(bird, layer, torso)
    np.maximum(mask, torso, out=mask)
    _wing(species, bones, bird, mask)
    _bill(species, bones, bird, mask)
    _eye(species, bones, bird)
    over(canvas, bird, mask)
    return mask


def _coat(bones: Skeleton, layer: Canvas) -> None:
    unit = bones.unit
    back = smooth_closed([(24, -18), (-10, -18), (-34, -8), (-32, -1), (-12, 2), (6, 0), (15, -3), (20, -8)])
    soft_fill(layer, [place(bones.body, back)], UPPER, blur=1.6 * unit)
    hood = smooth_closed([(12, -3), (6, -14), (-6, -14), (-15, -6), (-14, 8), (-8, 8), (-3, 4), (3, 2.6), (10, 0.6)])
    soft_fill(layer, [place(bones.head, hood)], UPPER, blur=0.8 * unit)
    flank = smooth_closed([(14, 4), (2, 6), (-12, 6), (-18, 10), (-4, 14), (8, 12)])
    soft_fill(layer, [place(bones.body, flank)], BUFF, blur=2.2 * unit, opacity=0.7)


def _throat(species: Species, bones: Skeleton, layer: Canvas) -> None:
    if species.throat == "plain":
        return
    patch = smooth_closed([(9.8, 1.8), (5, 3.4), (1, 5.6), (0.5, 9.5), (3, 12.5), (7, 11), (10.5, 6)])
    colour = BLACK if species.throat == "black" else AMBER
    soft_fill(layer, [place(bones.head, patch)], colour, blur=0.4 * bones.unit)


def _crown(species: Species, bones: Skeleton, layer: Canvas) -> None:
    unit = bones.unit
    if species.crown == "gold-striped":
        dark = smooth_closed([(11, -3.4), (4, -5.4), (-4, -4.6), (-11, -1), (-13, -7), (-4, -13), (6, -12)])
        gold = smooth_closed([(10.5, -5.6), (3, -8), (-5, -7), (-10.6, -3.6), (-13, -9), (-4, -14), (6, -13)])
        soft_fill(layer, [place(bones.head, dark)], BLACK, blur=0.3 * unit)
        soft_fill(layer, [place(bones.head, gold)], GOLD, blur=0.3 * unit)
        return
    cap = smooth_closed([(11, -2.6), (4, -4.8), (-4, -4), (-11, 0.5), (-13, -7), (-4, -13), (6, -12)])
    soft_fill(layer, [place(bones.head, cap)], BLACK if species.crown == "black" else RUBY, blur=0.35 * unit)


def _plume(bird: Canvas, mask: Mask | None, outlines: Points, colour: Colour, edge: Colour | None, unit: float) -> None:
    for outline in outlines:
        fill(bird, outline, colour)
        if mask is not None:
            fill(mask, outline, 255)
        if edge is not None:
            stroke(bird, [outline[: len(outline) // 2]], edge, 0.28 * unit)


def _tail(species: Species, bones: Skeleton, bird: Canvas, mask: Mask) -> None:
    count, spread = 6, 1.8 + 5.5 * bones.pose.tail_spread
    bases = between((4, -2.4), (4, 2.4), count)
    tips = between((-34, -spread), (-33, spread), count)
    outlines = place(bones.tail, feathers(bases, tips, 4.6))
    for number, outline in enumerate(outlines[::-1]):
        colour = FLIGHT
        if species.tail == "rufous":
            colour = RUFOUS
        elif species.tail == "white-edged" and number in (0, 1, count - 1):
            colour = WHITE
        _plume(bird, mask, outline[None], colour, tuple(min(255.0, c * 1.35) for c in colour), bones.unit)  # type: ignore[arg-type]


def _wing(species: Species, bones: Skeleton, bird: Canvas, mask: Mask) -> None:
    unit = bones.unit

    def row(
        bases: Points, tips: Points, width: float, colour: Colour, edge: Colour | None, bend: float = 0.0
    ) -> Points:
        outlines = place(bones.body, feathers(bases, tips, width, bend))
        _plume(bird, mask, outlines, colour, edge, unit)
        return outlines

    row(between((0, 5), (-8, 0), 6), between((-22, 6), (-38, 0.6), 6), 4.6, FLIGHT, FEATHER_EDGE)
    row(between((6, 5), (-4, -2), 7), between((-12, 8), (-23, 1.5), 7), 4.8, FLIGHT, FEATHER_EDGE)
    row(between((-1, -2), (-4, -7), 3), between((-18, 2.2), (-21, -6), 3), 5.6, (96, 87, 76), FEATHER_EDGE)
    row(between((12, 1), (0, -8), 8), between((4, 8.4), (-11, -5), 8), 4.6, (100, 91, 79), FEATHER_EDGE)
    bar = {"none": None, "white": WHITE, "gold": GOLD}[species.wing_bars]
    if bar is not None:
        row(between((7, 5.6), (-8, -5.6), 8), between((3.6, 9), (-11.6, -4.6), 8), 4.0, bar, None)
    row(between((15, -2), (5, -11), 7), between((9.6, 4.6), (-3, -7.4), 7), 4.4, (108, 98, 85), FEATHER_EDGE)
    if bar is not None:
        row(between((12, 2), (0, -8.4), 7), between((9.2, 5.2), (-3.4, -6.8), 7), 3.6, bar, None)
    row(between((17, -5), (10, -12), 5), between((13.6, 1), (3, -9.5), 5), 4.4, UPPER, None)


def _bill(species: Species, bones: Skeleton, bird: Canvas, mask: Mask) -> None:
    colour = {"slate": SLATE, "coral": CORAL, "golden": GOLD}[species.bill]
    if species.bill == "coral":
        outline = smooth_closed([(8.4, -3.6), (13, -2.8), (17.6, 1.8), (13, 4.2), (8, 4.8)])
    elif species.bill == "golden":
        outline = smooth_closed([(8.6, -2.4), (14, -2.2), (19.4, 0.8), (21.6, 4.6), (17, 2.9), (13, 2.9), (8.2, 3.2)])
    else:
        outline = smooth_closed([(8.8, -1.8), (13, -0.9), (18.2, 1.2), (13, 2.4), (8.4, 2.9)])
    placed = place(bones.head, outline)
    fill(mask, placed, 255)
    fill(bird, placed, colour)
    gape = place(bones.head, smooth_open([(7.8, 1.2), (12, 0.9), (16.8, 1.5)]))
    stroke(bird, [gape], tuple(c * 0.55 for c in colour), 0.35 * bones.unit)  # type: ignore[arg-type]


def _eye(species: Species, bones: Skeleton, bird: Canvas) -> None:
    unit, centre = bones.unit, place(bones.head, EYE)
    if species.eye_ring == "white":
        disc(bird, centre, (EYE_RADIUS + 1.5) * unit, WHITE)
    else:
        disc(bird, centre, (EYE_RADIUS + 0.3) * unit, (92, 84, 74))
    disc(bird, centre, EYE_RADIUS * unit, (22, 18, 18))
    disc(bird, centre + np.array([-0.7, -0.9]) * unit, 0.65 * unit, (255, 255, 255))


def _legs(species: Species, bones: Skeleton, bird: Canvas, mask: Mask) -> None:
    colour = CORAL if species.legs == "coral" else LEG
    for shift in (5.0, 0.0):
        hip, foot = place(bones.body, (-3.0 + shift, 10.0)), place(bones.world, (FOOT[0] + shift, FOOT[1]))
        ankle = place(bones.world, (FOOT[0] - 3.0 + shift, FOOT[1] - 8.5))
        for image, ink in ((bird, colour), (mask, 255.0)):
            stroke(image, [np.stack([hip, ankle, foot])], ink, 1.7 * bones.unit)
            for toe in (-3.5, 2.0, 4.5):
                tip = place(bones.world, (FOOT[0] + shift + toe, FOOT[1] + 1.6))
                stroke(image, [np.stack([foot, tip])], ink, 1.3 * bones.unit)


_ = Frame
