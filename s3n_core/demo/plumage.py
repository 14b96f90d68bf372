"""Plumage: the coat that all species share, and two parts that are painted on it, the crown and the throat.

All random numbers (wear of a feather, irregular edges) come from streams that are keyed by the scene and the part,
never by the species. So two species in one scene differ only in the pixels of the parts that differ.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final

import cv2
import numpy as np

from s3n_core.demo.anatomy import BODY, HEAD, Skeleton
from s3n_core.demo.curves import Points, place, smooth_closed
from s3n_core.demo.light import noise_window
from s3n_core.demo.painter import (
    Canvas,
    Colour,
    Mask,
    fill,
    fixed,
    soft_fill,
    soften,
    stroke,
)

Streams = Callable[[str], np.random.Generator]

UPPER: Final[Colour] = (122, 133, 146)
UPPER_DEEP: Final[Colour] = (92, 102, 116)
CHEEK: Final[Colour] = (166, 172, 176)
UNDER: Final[Colour] = (248, 240, 224)
BUFF: Final[Colour] = (240, 190, 140)
RUBY: Final[Colour] = (198, 30, 46)
GOLD: Final[Colour] = (250, 190, 38)
AMBER: Final[Colour] = (246, 142, 30)
BLACK: Final[Colour] = (34, 32, 38)
COVER: Final[Colour] = (142, 130, 120)
"""The flat tone that covers a part which is left out; no species has it."""

_BACK = smooth_closed([(26, -20), (-10, -20), (-36, -8), (-33, 0), (-14, 1), (6, -1), (15, -4), (19, -8)])
_MANTLE = smooth_closed([(20, -18), (0, -19), (-18, -14), (-10, -9), (6, -9.5), (16, -10)])
_FLANK = smooth_closed([(15, 3), (3, 5), (-12, 5), (-19, 9), (-8, 13), (6, 11)])
_BREAST = smooth_closed([(22, 0), (14, -1), (8, 6), (12, 12), (20, 9)])
_VENT = smooth_closed([(-14, 6), (-30, 0), (-28, 6), (-14, 14)])
_HOOD = smooth_closed([(12, -3), (6, -14), (-6, -14), (-15, -6), (-15, 9), (-9, 9), (-3, 5.2), (3, 3.2), (10, 0.8)])
_CHEEK = smooth_closed([(5, 0.6), (0, -1.4), (-5, 0.4), (-6, 4), (-2, 5), (3, 3)])
_LORE = smooth_closed([(10.5, -1.2), (5, -3), (3, -1.5), (6, 0), (10.5, 0.6)])
_THROAT = smooth_closed(
    [(9.9, 1.7), (5.4, 3.0), (1.4, 5.0), (-1.0, 8.4), (0.6, 12.2), (4.5, 13.6), (8.2, 11.6), (10.8, 6)]
)
_CAP = smooth_closed([(11, -2.4), (5, -4.9), (-3, -4.6), (-9, -1.4), (-12, 1.0), (-14, -7), (-4, -14), (6, -13)])
_STRIPE = smooth_closed([(10.8, -5.0), (4, -7.9), (-4, -7.6), (-9.6, -5.0), (-13, -8.6), (-4, -14), (6, -13.4)])


def torso_mask(bones: Skeleton, shape: tuple[int, int], rng: np.random.Generator) -> Mask:
    """Return the mask of body and head, smoothly merged and with a slightly ragged, feathery edge."""
    mask = np.zeros(shape, dtype=np.uint8)
    fill(mask, place(bones.body, BODY), 255)
    fill(mask, place(bones.head, HEAD), 255)
    soft = soften(mask, 1.15 * bones.unit)
    noise = noise_window(shape[1], shape[0], rng)
    steep = 2.6 * bones.unit
    return np.asarray(
        cv2.addWeighted(soft, steep, noise, 0.35 * bones.unit, 128 - 128 * steep - 45 * bones.unit), np.uint8
    )


def paint_coat(crown: str | None, throat: str | None, bones: Skeleton, layer: Canvas, streams: Streams) -> None:
    """Paint body and head on the whole ``layer``; the caller cuts them out with the torso mask."""
    unit = bones.unit
    layer[:] = np.array(UNDER, dtype=np.uint8)
    for frame_, outline, colour, blur, opacity in (
        (bones.body, _BREAST, BUFF, 2.4, 0.45),
        (bones.body, _FLANK, BUFF, 2.0, 0.75),
        (bones.body, _BACK, UPPER, 1.3, 1.0),
        (bones.body, _MANTLE, UPPER_DEEP, 2.2, 0.6),
        (bones.head, _HOOD, UPPER, 0.7, 1.0),
        (bones.head, _CHEEK, CHEEK, 1.0, 0.9),
        (bones.head, _LORE, UPPER_DEEP, 0.5, 0.8),
    ):
        soft_fill(layer, [place(frame_, outline)], colour, blur=blur * unit, opacity=opacity)
    paint_throat(throat, bones, layer, streams)
    paint_crown(crown, bones, layer, streams)
    _texture(bones, layer, streams("texture"))


def paint_throat(variant: str | None, bones: Skeleton, layer: Canvas, streams: Streams) -> None:
    """Paint the throat; None covers its place."""
    if variant != "plain":
        colour = COVER if variant is None else BLACK if variant == "black" else AMBER
        _patch(layer, bones, _THROAT, colour, streams("throat"))


def paint_crown(variant: str | None, bones: Skeleton, layer: Canvas, streams: Streams) -> None:
    """Paint the crown; None covers the places of the cap and its stripe."""
    cap = COVER if variant is None else RUBY if variant == "ruby" else BLACK
    _patch(layer, bones, _CAP, cap, streams("crown"))
    if variant is None or variant == "gold-striped":
        _patch(layer, bones, _STRIPE, GOLD if variant else COVER, streams("stripe"))


def _patch(layer: Canvas, bones: Skeleton, outline: Points, colour: Colour, rng: np.random.Generator) -> None:
    """Paint a patch on the head with an edge of feather tips that point backwards."""
    soft_fill(layer, [place(bones.head, outline)], colour, blur=0.3 * bones.unit)
    at = outline[rng.integers(len(outline), size=46)] + rng.normal(0, 0.35, (46, 2))
    back = np.stack([-rng.uniform(0.5, 1.3, 46), rng.normal(0.25, 0.3, 46)], -1)
    stroke(layer, place(bones.head, np.stack([at - 0.6 * back, at + back], 1)), colour, 0.32 * bones.unit)


def _texture(bones: Skeleton, layer: Canvas, rng: np.random.Generator) -> None:
    """Add the texture of contour feathers: fine strokes that lighten and darken the flat colours."""
    unit = bones.unit
    relief = np.full(layer.shape[:2], 128, dtype=np.uint8)
    for frame_, (roots, flow) in ((bones.body, _contour_feathers("body")), (bones.head, _contour_feathers("head"))):
        jitter = roots + rng.normal(0, 0.3, roots.shape)
        length = rng.uniform(0.6, 1.3, (len(roots), 1)) * flow
        side = np.stack([-flow[:, 1], flow[:, 0]], -1) * rng.normal(0, 0.12, (len(roots), 1))
        lines = fixed(place(frame_, np.stack([jitter, jitter + 0.5 * length + side, jitter + length], 1)))
        tone = rng.random(len(roots))
        for low, high, value in ((0.0, 0.22, 98), (0.22, 0.5, 113), (0.5, 0.78, 142), (0.78, 1.0, 156)):
            chosen = lines[(tone >= low) & (tone < high)]
            cv2.polylines(relief, list(chosen), False, (value,), 1, cv2.LINE_AA, 4)
    relief = soften(relief, 0.14 * unit)
    layer[:] = cv2.multiply(layer, cv2.cvtColor(relief, cv2.COLOR_GRAY2RGB), scale=1 / 128)


@lru_cache(maxsize=2)
def _contour_feathers(member: str) -> tuple[Points, Points]:
    """Return roots (n, 2) and vectors (n, 2) of the contour feathers of body or head, in its own frame.

    The roots lie on a staggered grid, so that they cover the coat evenly.
    """
    low, high, step = ((-13, -13), (12, 14), 1.15) if member == "head" else ((-33, -18), (25, 17), 1.5)
    xs, ys = np.meshgrid(np.arange(low[0], high[0], step), np.arange(low[1], high[1], 0.62 * step))
    xs = xs + 0.5 * step * (np.arange(len(xs)) % 2)[:, None]
    roots = np.stack([xs.ravel(), ys.ravel()], -1)
    rng = np.random.default_rng(7)
    roots = roots + rng.normal(0, 0.25 * step, roots.shape)
    if member == "head":
        angle = np.arctan2(roots[:, 1] * 0.55 + 1.0, np.full(len(roots), -10.0))
        return roots, np.stack([np.cos(angle), np.sin(angle)], -1) * 1.9
    fall = 1.1 / (1 + np.exp(-(roots[:, 0] - 8) / 5)) / (1 + np.exp(-(roots[:, 1] + 4) / 3))
    flow = np.stack([-np.ones(len(roots)), 0.12 + fall + 0.01 * roots[:, 1]], -1)
    return roots, flow / np.linalg.norm(flow, axis=1, keepdims=True) * rng.uniform(2.4, 4.2, (len(roots), 1))
