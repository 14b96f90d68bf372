"""Perches: a branch, a stem, a stone or the ground, with bark, moss, snow and sprigs."""

from __future__ import annotations

import cv2
import numpy as np

from s3n_core.demo.background_objects import BackgroundObjects
from s3n_core.demo.curves import Points, smooth_closed, smooth_open
from s3n_core.demo.foliage import paint_blades, paint_leaf, paint_sprig
from s3n_core.demo.habitats import Perch, Setting, varied
from s3n_core.demo.light import Light, noise_window
from s3n_core.demo.members import mixed
from s3n_core.demo.painter import (
    SUPERSAMPLE,
    Canvas,
    Colour,
    blurred,
    fill,
    over,
    resized,
    soft_fill,
    stroke,
)


def paint_perch(
    canvas: Canvas,
    kind: Perch,
    setting: Setting,
    light: Light,
    foot: Points,
    slope: float,
    unit: float,
    rng: np.random.Generator,
    objects: BackgroundObjects,
) -> None:
    """Paint the perch and the bird's shadow on it.

    Args:
        canvas: The background, to paint on.
        kind: The kind of perch.
        setting: The setting, for its colours.
        light: The lighting.
        foot: Position of the near foot, (x, y) in image pixels.
        slope: Slope of the perch in the image (y over x).
        unit: Image pixels per unit of the bird.
        rng: The perch's random stream.
        objects: Numbers the sprigs, cushions of moss, fallen leaves and clumps of grass, each of which can be left out.
    """
    if kind == "air":
        return
    if kind in ("branch", "stem"):
        _limb(canvas, kind, setting, foot, slope, unit, rng, objects)
    else:
        _ground(canvas, kind, setting, foot, unit, rng, objects)
    shade = 0.5 * np.array([-light.direction[0], 0.4])
    spot = foot + np.array([2.5, 1.6]) * unit + shade * unit
    angle = np.linspace(0, 2 * np.pi, 24)
    reach = (9.0, 1.6) if kind in ("branch", "stem") else (15.0, 3.0)
    ring = np.stack([np.cos(angle) * reach[0], np.sin(angle) * reach[1] + slope * np.cos(angle) * reach[0]], -1)
    soft_fill(canvas, [spot + ring * unit], (26, 24, 30), blur=1.3 * unit, opacity=0.42)


def _limb(
    canvas: Canvas,
    kind: Perch,
    setting: Setting,
    foot: Points,
    slope: float,
    unit: float,
    rng: np.random.Generator,
    objects: BackgroundObjects,
) -> None:
    width, height = canvas.shape[1] / SUPERSAMPLE, canvas.shape[0] / SUPERSAMPLE
    thick = unit * (rng.uniform(4.2, 7.5) if kind == "branch" else rng.uniform(2.2, 3.2))
    along = np.array([1.0, slope]) / np.hypot(1.0, slope)
    if rng.random() < 0.5:
        along = -along
    normal = np.array([0.0, 1.0])
    core = foot + normal * 0.5 * thick * np.hypot(1, slope) + np.array([0, 0.2 * unit])
    reach = np.hypot(width, height)
    # Straight near the feet, winding further away.
    stations = np.array([-1.0, -0.6, -0.3, -0.06, 0.0, 0.06, 0.3, 0.6, 1.0]) * reach
    drift = rng.normal(0, 0.035, 9) * np.abs(stations) * (np.abs(stations) > 0.1 * reach)
    line = smooth_open(core + stations[:, None] * along + drift[:, None] * np.array([-along[1], along[0]]), steps=14)
    s = np.linspace(-1, 1, len(line))
    half = (
        0.5
        * thick
        * (1.0 - 0.4 * s)
        * (1 + 0.05 * np.convolve(rng.normal(0, 1, len(line) + 4), np.ones(5) / 2.2, "valid"))
    )
    half[np.abs(s) < 0.09] = 0.5 * thick
    tangent = np.gradient(line, axis=0)
    across = np.stack([-tangent[:, 1], tangent[:, 0]], -1) / np.linalg.norm(tangent, axis=1, keepdims=True)
    across *= np.sign(across[:, 1:2])  # pointing down, away from the light
    seen = np.all((line > -30) & (line < np.array([width, height]) + 30), axis=1)
    for spot in rng.choice(np.nonzero(seen)[0], int(rng.integers(3, 8))):
        if abs(float(line[spot, 0] - foot[0])) > 6 * unit:
            up = -across[spot] if rng.random() < 0.72 else across[spot]
            way, length = up + along * rng.normal(0, 0.9), unit * rng.uniform(13, 28)
            paint_sprig(objects.canvas(canvas), line[spot], way, length, setting, rng)

    def strip(top: float, bottom: float) -> Points:
        return np.concatenate([line + across * (half * top)[:, None], (line + across * (half * bottom)[:, None])[::-1]])

    bark = varied(setting.bark, rng, 8)
    fill(canvas, strip(-1, 1), mixed(bark, (24, 20, 26), 0.42))
    fill(canvas, strip(-1, 0.55), mixed(bark, (24, 20, 26), 0.18))
    fill(canvas, strip(-1, 0.1), bark)
    fill(canvas, strip(-0.92, -0.35), mixed(bark, (255, 246, 226), 0.2))
    count = 200 if kind == "branch" else 60
    at, height_ = rng.integers(0, len(line) - 6, count), rng.uniform(-0.85, 0.9, count)
    grain = np.stack(
        [line[at + k] + across[at + k] * (half[at + k] * (height_ + 0.03 * k))[:, None] for k in range(6)], 1
    )
    grain, split = grain[seen[at]], rng.integers(2, 7, count)
    for number, fibre in enumerate(grain):
        shade = mixed(bark, (20, 16, 20), 0.34) if number % 3 else mixed(bark, (255, 248, 232), 0.2)
        stroke(canvas, fibre[None, : split[number]], shade, 0.24 * unit)
    if setting.snow:
        lump = np.clip(0.9 + 0.5 * np.convolve(rng.normal(0, 1, len(line) + 8), np.ones(9) / 3, "valid"), 0, 2.2)
        lump *= np.clip(np.abs(line[:, 0] - foot[0] - 2.5 * unit) / (9 * unit) - 0.35, 0.0, 1)
        top = line - across * (half + 0.42 * thick * lump)[:, None]
        shape = np.concatenate([top, (line - across * (half * (1.02 - 0.62 * np.minimum(lump, 1)))[:, None])[::-1]])
        fill(canvas, shape, (206, 218, 234))
        lit = np.concatenate([top, (line - across * (half + 0.12 * thick * lump)[:, None])[::-1]])
        fill(canvas, lit, setting.cover)
    else:
        for spot in rng.integers(0, len(line), int(rng.integers(0, 6))):  # cushions of moss or lichen
            if not seen[spot]:
                continue
            cover, painted = varied(setting.cover, rng, 10), objects.canvas(canvas)
            for offset in np.rint(rng.normal(0, 2.5, 26)).astype(int):
                near = int(np.clip(spot + offset, 0, len(line) - 1))
                radius, turn = unit * rng.uniform(0.35, 0.9), np.linspace(0, 2 * np.pi, 9)
                centre = (
                    line[near] - across[near] * half[near] * rng.uniform(0.35, 1.12) + along * rng.normal(0, 2) * unit
                )
                ring = np.stack([np.cos(turn) * radius * 1.25, np.sin(turn) * radius * 0.8], -1)
                fill(painted, centre + ring, varied(cover, rng, 14))
    if kind == "stem":
        for _ in range(int(rng.integers(1, 4))):
            x = foot[0] + rng.normal(0, 0.3) * width
            xs, tall = np.array([x, x + 8 * unit]), height * rng.uniform(0.5, 0.9)
            paint_blades(objects.canvas(canvas), xs, height, tall, setting, rng)


def _ground(
    canvas: Canvas,
    kind: Perch,
    setting: Setting,
    foot: Points,
    unit: float,
    rng: np.random.Generator,
    objects: BackgroundObjects,
) -> None:
    width, height = canvas.shape[1] / SUPERSAMPLE, canvas.shape[0] / SUPERSAMPLE
    level = float(foot[1]) + 0.6 * unit
    if kind == "stone":
        left, right = foot[0] - rng.uniform(34, 66) * unit, foot[0] + rng.uniform(34, 66) * unit
        top = [
            (left, height + 30),
            (left + 6 * unit, level + rng.uniform(6, 12) * unit),
            (foot[0] - 12 * unit, level + 1.5 * unit),
        ]
        top += [(foot[0] - 2 * unit, level), (foot[0] + 8 * unit, level), (foot[0] + 16 * unit, level + 2 * unit)]
        top += [(right - 5 * unit, level + rng.uniform(6, 12) * unit), (right, height + 30)]
        base = setting.bark if setting.name == "shore" else mixed(setting.bark, (150, 148, 146), 0.6)
    else:
        xs = np.linspace(-30, width + 30, 9)
        rise = level + 2.2 * unit * np.sin(np.linspace(0, rng.uniform(3, 8), 9) + rng.uniform(0, 6)) * np.minimum(
            np.abs(xs - foot[0]) / (14 * unit), 1
        )
        top = [(-30, height + 30), *zip(xs, rise, strict=True), (width + 30, height + 30)]
        base = mixed(setting.cover, setting.sky[2], 0.35) if not setting.snow else (226, 234, 243)
    outline = smooth_closed(top) if kind == "stone" else np.concatenate([smooth_open(top[1:-1]), [top[-1], top[0]]])
    mask = np.zeros(canvas.shape[:2], np.uint8)
    fill(mask, outline, 255)
    start = max(0, int((outline[:, 1].min() - 2) * SUPERSAMPLE))
    surface = _surface(canvas.shape[1], canvas.shape[0] - start, base, setting, kind, unit, rng)
    over(canvas[start:], surface, mask[start:])
    crest = smooth_open(top[1:-1])
    stroke(canvas, [crest + np.array([0, 0.35 * unit])], mixed(base, (255, 252, 240), 0.35), 0.5 * unit)
    for _ in range(int(rng.integers(0, 9)) if setting.leaves else 0):  # fallen leaves
        root = np.array([rng.uniform(0, width), level + rng.uniform(0.5, 5) * unit])
        if abs(root[0] - foot[0]) > 10 * unit and kind == "ground":
            tip = root + np.array([rng.choice((-1, 1)) * rng.uniform(4, 8), rng.normal(-0.6, 0.8)]) * unit
            fallen = varied(setting.leaves[int(rng.integers(len(setting.leaves)))], rng)
            paint_leaf(objects.canvas(canvas), root, tip, rng.uniform(1.5, 3.2) * unit, fallen, rng.normal(0, 0.12))
    if kind == "ground" and not setting.snow:
        xs = rng.uniform(-5, width + 5, int(rng.integers(40, 90)))
        away = np.abs(xs - foot[0]) > 4 * unit
        paint_blades(canvas, xs[away], level + 3 * unit, 9 * unit, setting, rng)
    elif setting.leaves:
        for side in (-1, 1):
            xs = foot[0] + side * rng.uniform(30, 60, int(rng.integers(3, 12))) * unit
            paint_blades(objects.canvas(canvas), xs, height, 0.3 * height, setting, rng)


def _surface(
    width: int, height: int, base: Colour, setting: Setting, kind: Perch, unit: float, rng: np.random.Generator
) -> Canvas:
    """Return a patch of ground or stone, sharp at its upper edge and out of focus towards the viewer."""
    depth = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    stretch = 3 if kind == "ground" else 1
    noise = resized(noise_window(width // stretch, height, rng), (width, height)).astype(np.float32) - 128
    strength = 0.05 if setting.snow else 0.2 if kind == "ground" else 0.26
    tone = noise * np.float32(strength) + 12 - 58 * depth * np.float32(0.35 if setting.snow else 1.0)
    surface = np.clip(np.array(base, np.float32) + tone[..., None], 0, 255).astype(np.uint8)
    spots, size = (90, 0.9) if kind == "ground" else (40, 1.3)
    for x, y in rng.uniform(0, 1, (spots, 2)) * (width, height) / SUPERSAMPLE:
        radius, turn = unit * size * rng.uniform(0.3, 1.2), np.linspace(0, 2 * np.pi, 9)
        colours = (setting.cover, mixed(base, (255, 255, 250), 0.3), mixed(base, (24, 22, 30), 0.3), *setting.leaves)
        colour = mixed(base, colours[int(rng.integers(len(colours)))], rng.uniform(0.2, 0.6))
        if not setting.snow:
            fill(surface, np.stack([x + np.cos(turn) * radius * 1.8, y + np.sin(turn) * radius * 0.6], -1), colour)
    small = resized(surface, (max(1, width // 4), max(1, height // 4)), cv2.INTER_AREA)
    close = resized(blurred(small, 2.2), (width, height))
    near = np.ascontiguousarray(np.broadcast_to(np.clip(depth * 3.2 - 0.5, 0, 1), (height, width)))
    return np.asarray(cv2.blendLinear(close, surface, near, 1 - near), dtype=np.uint8)
