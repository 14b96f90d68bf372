"""The foreground: blurred leaves at the edges, a leaf that may hide a part of the bird, and falling snow or petals."""

from __future__ import annotations

import cv2
import numpy as np

from s3n_core.demo.anatomy import Skeleton
from s3n_core.demo.curves import Points
from s3n_core.demo.foliage import leaf_outline
from s3n_core.demo.habitats import ACCENTS, Setting, varied
from s3n_core.demo.members import mixed
from s3n_core.demo.painter import Canvas, Mask, blurred, resized

HIDING_CHANCE = 0.16
"""Share of the scenes in which a leaf may hide a part of the bird."""

_EVERGREEN = ((70, 94, 82), (86, 108, 92), (58, 80, 76))


def paint_foreground(picture: Canvas, setting: Setting, bones: Skeleton, rng: np.random.Generator) -> Mask:
    """Paint the foreground onto the image (height, width, 3) and return the mask of what it hides."""
    height, width = picture.shape[:2]
    hidden = np.zeros((height, width), np.uint8)
    colours = setting.leaves or _EVERGREEN
    outlines: list[Points] = []
    for _ in range(int(rng.choice((0, 0, 1, 2, 3, 4)))):
        edge = rng.random()
        root = np.array([rng.choice((-20.0, width + 20.0)), height * edge])
        if rng.random() < 0.5:
            root = np.array([width * edge, height + 20.0])
        way = np.array([width, height]) * rng.uniform(0.3, 0.7, 2) - root
        tip = root + way / np.hypot(*way) * rng.uniform(50, 90)
        outlines.append(leaf_outline(root, tip, rng.uniform(24, 46), rng.normal(0, 0.1))[0])
    _blurred(picture, outlines, varied(colours[int(rng.integers(len(colours)))], rng), float(rng.uniform(5, 9)), hidden)
    if rng.random() < HIDING_CHANCE:
        places = list(bones.part_places().values())
        target = places[int(rng.integers(len(places)))] + rng.normal(0, 2.5, 2) * bones.unit
        angle, size = rng.uniform(0, 2 * np.pi), bones.unit * rng.uniform(13, 20)
        way = np.array([np.cos(angle), np.sin(angle)]) * size
        leaf = leaf_outline(target - 0.55 * way, target + 0.45 * way, size * 0.42, rng.normal(0, 0.1))[0]
        colour = varied(colours[int(rng.integers(len(colours)))], rng)
        _blurred(picture, [leaf], mixed(colour, (255, 255, 230), 0.08), float(rng.uniform(0.8, 1.6)), hidden)
    if setting.snow:
        _snow(picture, rng)
    elif rng.random() < 0.15:
        accent = ACCENTS[int(rng.integers(len(ACCENTS)))]
        _drift(picture, accent, rng)
    return hidden


def _blurred(
    picture: Canvas, outlines: list[Points], colour: tuple[float, float, float], blur: float, hidden: Mask
) -> None:
    if not outlines:
        return
    height, width = hidden.shape
    mask = np.zeros_like(hidden)
    dark = np.zeros_like(hidden)
    for outline in outlines:
        cv2.fillPoly(mask, [np.rint(outline * 16).astype(np.int32)], (255,), cv2.LINE_AA, 4)
        cv2.fillPoly(dark, [np.rint(outline[12:] * 16).astype(np.int32)], (255,), cv2.LINE_AA, 4)
    step = 2 if blur > 3 else 1
    small = (width // step, height // step)
    mask, dark = (resized(blurred(resized(m, small), blur / step), (width, height)) for m in (mask, dark))
    shade = (dark.astype(np.float32) * np.float32(0.22 / 255))[..., None]
    layer = (np.array(colour, np.float32) * (1 - shade)).astype(np.uint8)
    alpha = mask.astype(np.float32) * np.float32(0.96 / 255)
    picture[:] = cv2.blendLinear(layer, picture, alpha, 1 - alpha)
    np.maximum(hidden, mask.astype(np.uint8), out=hidden)


def _snow(picture: Canvas, rng: np.random.Generator) -> None:
    height, width = picture.shape[:2]
    for count, radius, blur, value in ((60, 0.8, 0.5, 200), (26, 1.7, 1.0, 190), (7, 4.0, 2.4, 150)):
        flakes = np.zeros((height, width), np.uint8)
        for x, y in rng.uniform(0, 1, (count, 2)) * (width, height) * 16:
            cv2.circle(flakes, (int(x), int(y)), int(radius * rng.uniform(0.7, 1.3) * 16), (value,), -1, cv2.LINE_AA, 4)
        flakes = blurred(flakes, blur)
        alpha = flakes.astype(np.float32) / 255
        white = np.full_like(picture, 252)
        picture[:] = cv2.blendLinear(white, picture, alpha, 1 - alpha)


def _drift(picture: Canvas, colour: tuple[float, float, float], rng: np.random.Generator) -> None:
    """Paint drifting petals or seeds, out of focus."""
    height, width = picture.shape[:2]
    outlines = []
    for _ in range(int(rng.integers(3, 9))):
        root = rng.uniform(0, 1, 2) * (width, height)
        outlines.append(leaf_outline(root, root + rng.normal(0, 6, 2), rng.uniform(3, 6), 0.1)[0])
    _blurred(picture, outlines, mixed(colour, (255, 255, 255), 0.25), 1.4, np.zeros((height, width), np.uint8))
