"""The parts of the bird with their variants: tail, legs, wings, bill and eye."""

from __future__ import annotations

from typing import Final

import numpy as np

from s3n_core.demo.anatomy import EYE, EYE_RADIUS, FOOT, Skeleton
from s3n_core.demo.curves import Frame, Points, between, feathers, place, smooth_closed, smooth_open
from s3n_core.demo.painter import Canvas, Colour, Mask, disc, fill, soft_fill, stroke
from s3n_core.demo.plumage import COVER, GOLD, UNDER, UPPER, Streams

FLIGHT: Final[Colour] = (58, 62, 72)
COVERT: Final[Colour] = (92, 100, 112)
WHITE: Final[Colour] = (255, 252, 244)
RUFOUS: Final[Colour] = (204, 92, 40)
CORAL: Final[Colour] = (246, 108, 78)
SLATE: Final[Colour] = (58, 60, 70)
LEG: Final[Colour] = (70, 62, 64)


def mixed(first: Colour, second: Colour, share: float) -> Colour:
    """Return the linear mix of two colours: ``first`` at share 0, ``second`` at share 1."""
    a, b = first, second
    return (a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share, a[2] + (b[2] - a[2]) * share)


def _plumes(
    bird: Canvas,
    outlines: Points,
    colour: Colour,
    unit: float,
    tips: Points | None = None,
    tip: Colour = WHITE,
    *,
    flat: bool = False,
) -> None:
    """Paint overlapping feathers: vane, darker inner web, pale outer edge and shaft, then ``tips``, edged unless ``flat``."""
    half = outlines.shape[1] // 2
    shafts = 0.5 * (outlines[:, :half] + outlines[:, ::-1][:, :half])
    dark, pale = mixed(colour, (20, 20, 26), 0.34), mixed(colour, (236, 236, 230), 0.42)
    for number, outline in enumerate(outlines):
        fill(bird, outline, colour)
        fill(bird, np.concatenate([outline[:half], shafts[number][::-1]]), mixed(colour, (20, 20, 26), 0.14))
        stroke(bird, [outline[half:]], pale, 0.3 * unit)
        stroke(bird, [outline[:half]], dark, 0.22 * unit)
        stroke(bird, [shafts[number][:-1]], dark, 0.16 * unit)
        if tips is not None:
            fill(bird, tips[number], tip if flat else mixed(tip, (60, 60, 74), 0.16))
            fill(bird, 0.86 * tips[number] + 0.14 * tips[number].mean(0), tip)


def paint_tail(variant: str | None, bones: Skeleton, bird: Canvas, mask: Mask, streams: Streams) -> None:
    """Paint the tail, outer feathers first, and add it to ``mask``; None paints nothing."""
    if variant is None:
        return
    rng, unit, count = streams("tail"), bones.unit, 7
    offset = np.linspace(-1, 1, count)
    spread = 2.0 + 6.0 * bones.pose.tail_spread
    bases = np.stack([np.full(count, 4.0), offset * 2.2], -1)
    tips = np.stack([-32.5 - 1.6 * np.abs(offset) + rng.normal(0, 0.25, count), offset * spread + 0.8], -1)
    order = np.argsort(-np.abs(offset), kind="stable")
    outlines = place(bones.tail, feathers(bases, tips, 5.2)[order])
    for outline in outlines:
        fill(mask, outline, 255)
    for number, outline in zip(order, outlines, strict=True):
        outer = abs(offset[number]) > 0.6
        if variant == "rufous":
            colour = mixed(RUFOUS, FLIGHT, 0.0 if outer else 0.12)
        elif variant == "white-edged" and outer:
            colour = WHITE
        else:
            colour = FLIGHT
        _plumes(bird, outline[None], colour, unit)


def paint_legs(variant: str | None, bones: Skeleton, bird: Canvas, mask: Mask) -> None:
    """Paint both legs, the far one darker, and add them to ``mask``; None paints nothing."""
    if variant is None:
        return
    unit = bones.unit
    colour = CORAL if variant == "coral" else LEG
    for shift, ink in ((5.2, mixed(colour, (30, 30, 40), 0.3)), (0.0, colour)):
        drop = bones.far_foot_drop * shift / 5.2
        foot = np.array([FOOT[0] + shift, FOOT[1] + drop])
        knee, ankle = place(bones.body, (-2.0 + shift, 9.0)), place(bones.legs, foot + np.array([-3.2, -8.2]))
        toes = [
            place(bones.legs, foot + smooth_open([(0, 0), (reach * 0.55, -0.7), (reach, 0.8), (reach * 0.98, fall)]))
            for reach, fall in ((-2.6, 2.6), (1.6, 3.4), (3.4, 3.0))
        ]
        foot_ = place(bones.legs, foot)
        for image, brush in ((mask, 255.0), (bird, ink)):
            stroke(image, [np.stack([knee, ankle])], brush, 1.9 * unit)
            stroke(image, [np.stack([ankle, foot_])], brush, 1.5 * unit)
            stroke(image, toes, brush, 1.15 * unit)
        shine = mixed(ink, (255, 255, 255), 0.35)
        nudge = np.array([-0.35, -0.1]) * unit
        stroke(bird, [np.stack([ankle, foot_]) + nudge], shine, 0.3 * unit)
        stroke(bird, [toe[:-4] + nudge for toe in toes], shine, 0.25 * unit)


def paint_thighs(bones: Skeleton, bird: Canvas, mask: Mask) -> None:
    """Paint the feathered thighs, which are the same in every species, and add them to ``mask``."""
    unit = bones.unit
    for shift, tone in ((5.0, 0.4), (0.0, 0.15)):
        drop = bones.far_foot_drop * shift / 5.2
        hip = place(bones.body, (-5.0 + 1.1 * shift, 7.0))
        ankle = place(bones.legs, (FOOT[0] + shift - 3.2, FOOT[1] + drop - 8.2))
        thigh = feathers(hip[None], (hip + 0.9 * (ankle - hip))[None], 6.0 * unit)[0]
        fill(mask, thigh, 255)
        soft_fill(bird, [thigh], mixed(UNDER, (196, 160, 128), tone), blur=0.25 * unit)


def paint_wing(bars: str | None, bones: Skeleton, bird: Canvas, mask: Mask, streams: Streams) -> Mask:
    """Paint the near wing, from the longest feathers up, and return its mask; None covers the wing bars."""
    rng, unit = streams("wing"), bones.unit
    wing = np.zeros_like(mask)
    if bones.pose.wing_lift is not None:
        _open_wing(bars, bones.near_wing, bird, wing, unit, rng)
        np.maximum(mask, wing, out=mask)
        return wing
    bar, flat = _bar(bars), bars is None
    rows = (
        # bases from, to, tips from, to, count, width, colour, bend, has a bar
        ((0, 5), (-8, 0), (-21, 6.5), (-39, 0.4), 6, 4.4, FLIGHT, 0.03, False),
        ((6, 4.5), (-4, -2), (-12, 9), (-24, 2), 7, 5.0, mixed(FLIGHT, COVERT, 0.25), 0.04, False),
        ((2, -1), (-4, -7), (-17.5, 3.4), (-22, -5.6), 3, 6.4, mixed(FLIGHT, COVERT, 0.5), 0.05, False),
        ((12, 1), (0, -8), (3.6, 9.4), (-12, -4.4), 7, 5.2, mixed(FLIGHT, COVERT, 0.35), 0.04, True),
        ((15.5, -2), (6, -11), (9.8, 5.6), (-3.6, -7.2), 6, 5.0, mixed(FLIGHT, COVERT, 0.6), 0.04, True),
    )
    for base_0, base_1, tip_0, tip_1, count, width, colour, bend, barred in rows:
        bases, tips = between(base_0, base_1, count), between(tip_0, tip_1, count)
        tips = tips + rng.normal(0, 0.22, tips.shape)
        outlines = place(bones.body, feathers(bases, tips, width, bend))
        # Each row casts a soft shadow on the rows below.
        soft_fill(bird, list(outlines + np.array([0.0, 0.9]) * unit), (28, 30, 40), blur=0.7 * unit, opacity=0.5)
        for outline in outlines:
            fill(wing, outline, 255)
        ends = None
        if barred and bar is not None:
            ends = place(
                bones.body, feathers(tips + 0.36 * (bases - tips), tips + 0.03 * (tips - bases), width * 1.04, bend)
            )
        _plumes(bird, outlines, colour, unit, ends, bar or WHITE, flat=flat)
    shoulder = smooth_closed([(18.5, -5), (11, -13), (0, -12), (3, -8), (9, -3), (14, 1.5), (17.5, 0)])
    soft_fill(bird, [place(bones.body, shoulder + np.array([0, 0.8]))], (28, 30, 40), blur=0.8 * unit, opacity=0.35)
    soft_fill(bird, [place(bones.body, shoulder)], UPPER, blur=0.6 * unit)
    for row, size in ((between((13.6, 0.6), (1.5, -9), 7), 3.0), (between((15.6, -2), (5.5, -10.4), 6), 2.6)):
        ends = row + rng.normal(0, 0.35, row.shape)
        outlines = place(bones.body, feathers(ends + np.array([3.4, -2.6]), ends, size))
        for outline in outlines:
            stroke(bird, [outline[4:-4]], mixed(UPPER, (44, 48, 60), 0.22), 0.3 * unit)
            stroke(bird, [outline[5:-5] + np.array([0, -0.3]) * unit], mixed(UPPER, (236, 238, 240), 0.24), 0.3 * unit)
    np.maximum(mask, wing, out=mask)
    return wing


def paint_far_wing(bones: Skeleton, bird: Canvas, mask: Mask, streams: Streams) -> None:
    """Paint the far wing of a flying bird, whose plain underside is the same in all species."""
    _open_wing("none", bones.far_wing, bird, mask, bones.unit, streams("far wing"), shade=0.3)


def _open_wing(
    bars: str | None, frame_: Frame, bird: Canvas, mask: Mask, unit: float, rng: np.random.Generator, shade: float = 0.0
) -> None:
    def row(bases: Points, tips: Points, width: float, colour: Colour, bar: Colour | None = None) -> None:
        tips = tips + rng.normal(0, 0.3, tips.shape)
        outlines = place(frame_, feathers(bases, tips, width, -0.04))
        soft_fill(bird, list(outlines + np.array([0.0, 0.7]) * unit), (28, 30, 40), blur=0.7 * unit, opacity=0.35)
        for outline in outlines:
            fill(mask, outline, 255)
        ends = None if bar is None else place(frame_, feathers(tips + 0.3 * (bases - tips), tips, width * 1.02, -0.04))
        _plumes(bird, outlines, mixed(colour, (30, 32, 44), shade), unit, ends, bar or WHITE, flat=flat)

    bar, flat = _bar(bars), bars is None
    arc = np.linspace(0.05, 1, 9)[::-1, None]
    fan = np.concatenate([25 + 23 * arc**1.25, 20.5 - 17 * arc**2.2], 1)
    row(between((30, 1.5), (21, 1.5), 9), fan, 5.2, FLIGHT)
    row(between((21, 1), (-1, 1), 8), between((22, 19.5), (-5, 17), 8), 5.6, mixed(FLIGHT, COVERT, 0.25))
    row(between((30, 0), (0, 0), 10), between((33, 8.2), (-3, 11.4), 10), 5.2, mixed(FLIGHT, COVERT, 0.4), bar)
    row(between((28, -1), (1, -1), 10), between((29.5, 4.0), (-1.5, 5.6), 10), 4.6, mixed(FLIGHT, COVERT, 0.65), bar)
    arm = smooth_closed(
        [(-4, -2.5), (8, -3.4), (20, -3.0), (30, -1.6), (33, 0.4), (28, 1.8), (16, 2.2), (4, 3.0), (-4, 3.4)]
    )
    placed = place(frame_, arm)
    fill(mask, placed, 255)
    soft_fill(bird, [placed], mixed(UPPER, (30, 32, 44), shade), blur=0.5 * unit)


def _bar(variant: str | None) -> Colour | None:
    return COVER if variant is None else {"none": None, "white": WHITE, "gold": GOLD}[variant]


def paint_bill(variant: str | None, bones: Skeleton, bird: Canvas, mask: Mask) -> None:
    """Paint the bill and add it to ``mask``; None paints nothing."""
    if variant is None:
        return
    unit = bones.unit
    colour = {"slate": SLATE, "coral": CORAL, "golden": GOLD}[variant]
    if variant == "coral":  # short and deep
        upper = [(7.6, -4.0), (12, -3.6), (16, -0.8), (18.0, 2.8), (12, 1.6), (7.4, 1.4)]
        lower = [(7.6, 0.9), (12, 1.2), (16.4, 2.0), (13.6, 4.2), (10, 5.2), (7.0, 5.2)]
        gape = [(7.0, 1.3), (12, 1.3), (17.0, 2.2)]
    elif variant == "golden":  # long and curved down
        upper = [(7.8, -2.2), (12.6, -1.9), (17.8, 0.2), (21.8, 5.2), (17, 2.2), (12, 0.8), (7.4, 0.9)]
        lower = [(7.6, 0.6), (12, 0.6), (17, 1.9), (20.8, 4.7), (16, 3.3), (12, 2.6), (7.4, 2.9)]
        gape = [(7.0, 0.8), (12, 0.7), (17, 2.05), (21.0, 4.5)]
    else:  # fine and straight
        upper = [(7.8, -2.0), (12.6, -1.4), (18.6, 1.3), (12, 0.9), (7.4, 0.9)]
        lower = [(7.6, 0.6), (12, 0.8), (18.0, 1.5), (12.6, 2.7), (7.4, 3.0)]
        gape = [(7.0, 0.8), (12, 0.8), (17.2, 1.3)]
    top, bottom = place(bones.head, smooth_closed(upper)), place(bones.head, smooth_closed(lower))
    for outline in (top, bottom):
        fill(mask, outline, 255)
    fill(bird, bottom, mixed(colour, (40, 24, 30), 0.22))
    fill(bird, top, colour)
    ridge = place(bones.head, smooth_open(upper[:4])[4:-6] + np.array([-0.2, 0.75]))
    stroke(bird, [ridge], mixed(colour, (255, 255, 255), 0.55), 0.5 * unit)
    stroke(bird, [place(bones.head, smooth_open(gape))], mixed(colour, (24, 14, 18), 0.65), 0.4 * unit)
    nostril = place(bones.head, [(10.2, -0.5), (11.2, -0.3)])
    stroke(bird, [nostril], mixed(colour, (24, 14, 18), 0.7), 0.45 * unit)


def paint_eye(ring: str | None, bones: Skeleton, bird: Canvas) -> None:
    """Paint the eye with its lid or ring, iris and highlights; None covers the place of the ring."""
    unit, centre = bones.unit, place(bones.head, EYE)
    if ring != "none":
        disc(bird, centre, (EYE_RADIUS + 1.75) * unit, COVER if ring is None else WHITE)
    else:
        disc(bird, centre, (EYE_RADIUS + 0.5) * unit, (84, 88, 96))
    disc(bird, centre, (EYE_RADIUS + 0.15) * unit, (16, 13, 14))
    disc(bird, centre + np.array([0.0, 0.35]) * unit, (EYE_RADIUS - 0.5) * unit, (70, 40, 24))
    disc(bird, centre, (EYE_RADIUS - 0.85) * unit, (10, 8, 10))
    disc(bird, centre + np.array([-0.75, -0.95]) * unit, 0.72 * unit, (255, 255, 255))
    disc(bird, centre + np.array([0.8, 0.9]) * unit, 0.32 * unit, (176, 190, 206))
