"""The scene: an out-of-focus background, what the bird stands on, and clutter. Knows nothing of species."""

from __future__ import annotations

import cv2
import numpy as np

from s3n_core.datasets.drawn_birds.curves import Points, smooth_open
from s3n_core.datasets.drawn_birds.painter import SUPERSAMPLE, Canvas, Colour, disc, stroke

PALETTES: tuple[tuple[Colour, ...], ...] = (
    ((196, 214, 150), (120, 156, 92), (72, 104, 66)),
    ((60, 92, 80), (38, 66, 58), (96, 124, 92)),
    ((226, 180, 110), (178, 112, 60), (120, 84, 56)),
    ((226, 234, 240), (190, 204, 216), (150, 166, 180)),
    ((172, 200, 204), (104, 146, 152), (176, 158, 112)),
    ((248, 214, 190), (226, 168, 160), (150, 130, 160)),
)
ACCENTS: tuple[Colour, ...] = (
    (186, 30, 44),
    (244, 184, 40),
    (240, 146, 38),
    (236, 104, 74),
    (250, 247, 238),
    (30, 28, 30),
)


def paint_background(width: int, height: int, rng: np.random.Generator) -> Canvas:
    """Return a blurred background as a canvas."""
    palette = PALETTES[int(rng.integers(len(PALETTES)))]
    small_width, small_height = width // 4, height // 4
    ramp = np.linspace(0, 1, small_height)[:, None, None]
    small = np.broadcast_to(
        (1 - ramp) * np.array(palette[0]) + ramp * np.array(palette[1]), (small_height, small_width, 3)
    )
    small = np.ascontiguousarray(small).astype(np.uint8)
    for _ in range(24):
        colour = palette[int(rng.integers(3))] if rng.random() < 0.75 else ACCENTS[int(rng.integers(len(ACCENTS)))]
        x, y = int(rng.integers(small_width)), int(rng.integers(small_height))
        cv2.circle(small, (x, y), int(rng.integers(3, 14)), colour, -1, cv2.LINE_AA)
    small = cv2.GaussianBlur(small, (0, 0), float(rng.uniform(3, 6)))
    return np.asarray(
        cv2.resize(small, (width * SUPERSAMPLE, height * SUPERSAMPLE), interpolation=cv2.INTER_CUBIC), dtype=np.uint8
    )


def paint_perch(canvas: Canvas, foot: Points, unit: float, rng: np.random.Generator) -> None:
    """Paint a branch under the feet and berries along it."""
    width = canvas.shape[1] / SUPERSAMPLE
    slope = rng.uniform(-0.2, 0.2)
    xs = np.linspace(-20, width + 20, 7)
    ys = foot[1] + 2.2 * unit + slope * (xs - foot[0]) + rng.normal(0, 1.5, 7)
    ys[3] = foot[1] + 2.2 * unit
    xs[3] = foot[0]
    line = smooth_open(np.stack([np.sort(xs), ys], -1))
    thickness = rng.uniform(4.0, 6.5) * unit
    stroke(canvas, [line], (84, 68, 54), thickness)
    stroke(canvas, [line - np.array([0, thickness * 0.25])], (128, 108, 88), thickness * 0.35)
    for _ in range(int(rng.integers(2, 9))):
        place_ = line[int(rng.integers(len(line)))] + rng.normal(0, 5 * unit, 2)
        disc(canvas, place_, rng.uniform(1.2, 2.4) * unit, ACCENTS[int(rng.integers(len(ACCENTS)))])
