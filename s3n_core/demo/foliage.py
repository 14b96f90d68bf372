"""Leaves, blossoms, berries and blades of grass around and in front of the bird."""

from __future__ import annotations

import numpy as np

from s3n_core.demo.curves import Points, feathers, smooth_open
from s3n_core.demo.habitats import ACCENTS, Setting, varied
from s3n_core.demo.members import mixed
from s3n_core.demo.painter import Canvas, Colour, disc, fill, stroke

_T = np.linspace(0, 1, 12)
_LEAF = np.sin(np.pi * _T**0.8) * (1 - 0.25 * _T)


def leaf_outline(root: Points, tip: Points, width: float, bend: float) -> tuple[Points, Points]:
    """Return a leaf's outline (24, 2) and its midrib (12, 2)."""
    axis = tip - root
    across = np.array([-axis[1], axis[0]]) / max(float(np.hypot(*axis)), 1e-9)
    rib = root + axis * _T[:, None] + across * (bend * np.hypot(*axis) * 4 * _T * (1 - _T))[:, None]
    side = across * (0.5 * width * _LEAF)[:, None]
    return np.concatenate([rib + side, (rib - side)[::-1]]), rib


def paint_leaf(canvas: Canvas, root: Points, tip: Points, width: float, colour: Colour, bend: float = 0.0) -> None:
    """Paint a leaf with a light half, a dark half and a midrib."""
    outline, rib = leaf_outline(root, tip, width, bend)
    fill(canvas, outline, mixed(colour, (250, 250, 210), 0.14))
    fill(canvas, np.concatenate([outline[12:], rib]), mixed(colour, (20, 30, 40), 0.22))
    vein = mixed(colour, (250, 250, 220), 0.38)
    stroke(canvas, [rib], vein, width * 0.06)
    span = outline[:12] - rib
    sides = [np.stack([rib[i], rib[i + 2] + sign * 0.7 * span[i + 2]]) for i in (2, 4, 6) for sign in (1, -1)]
    stroke(canvas, sides, mixed(colour, (250, 250, 220), 0.16), width * 0.03)


def paint_berry(canvas: Canvas, centre: Points, radius: float, colour: Colour) -> None:
    """Paint a round berry."""
    disc(canvas, centre, radius, mixed(colour, (24, 16, 30), 0.3))
    disc(canvas, centre + np.array([-0.1, -0.14]) * radius, 0.82 * radius, colour)
    disc(canvas, centre + np.array([-0.22, -0.3]) * radius, 0.45 * radius, mixed(colour, (255, 255, 255), 0.2))
    disc(canvas, centre + np.array([-0.3, -0.38]) * radius, 0.17 * radius, mixed(colour, (255, 255, 255), 0.8))
    disc(canvas, centre + np.array([0.25, 0.8]) * radius, 0.16 * radius, (50, 38, 34))


def paint_blossom(canvas: Canvas, centre: Points, radius: float, colour: Colour, turn: float) -> None:
    """Paint a blossom with five petals."""
    for angle in turn + np.arange(5) * (2 * np.pi / 5):
        way = np.array([np.cos(angle), np.sin(angle)])
        petal = feathers((centre + 0.05 * radius * way)[None], (centre + radius * way)[None], 0.95 * radius)[0]
        fill(canvas, petal, colour)
        stroke(canvas, [petal], mixed(colour, (90, 50, 60), 0.28), 0.05 * radius)
        stroke(
            canvas, [np.stack([centre, centre + 0.6 * radius * way])], mixed(colour, (150, 60, 80), 0.3), 0.06 * radius
        )
    disc(canvas, centre, 0.24 * radius, (214, 176, 70))
    disc(canvas, centre, 0.12 * radius, (150, 110, 50))


def paint_sprig(
    canvas: Canvas, root: Points, way: Points, length: float, setting: Setting, rng: np.random.Generator
) -> None:
    """Paint a side twig with leaves, and berries or blossoms at its end."""
    way = way / max(float(np.hypot(*way)), 1e-9)
    across = np.array([-way[1], way[0]])
    stem = smooth_open(
        [root, root + way * 0.5 * length + across * rng.normal(0, 0.08) * length, root + way * length], steps=6
    )
    stroke(canvas, [stem], mixed(setting.bark, (40, 34, 34), 0.25), 0.045 * length)
    fruit = ACCENTS[int(rng.integers(len(ACCENTS)))]
    berries = rng.random() < 0.5
    bears = rng.random() < setting.blossoms
    count = int(rng.integers(2, 6)) if setting.leaves else 0
    for number in range(count):
        at = stem[min(len(stem) - 1, 2 + number * 2)]
        side = 1 if number % 2 else -1
        out = way * rng.uniform(0.4, 1.0) + across * side * rng.uniform(0.5, 1.0)
        size = length * rng.uniform(0.35, 0.6)
        colour = varied(setting.leaves[int(rng.integers(len(setting.leaves)))], rng)
        paint_leaf(
            canvas, at, at + out / np.hypot(*out) * size, size * rng.uniform(0.36, 0.5), colour, rng.normal(0, 0.08)
        )
    if not bears:
        return
    for _ in range(int(rng.integers(2, 5)) if berries else int(rng.integers(1, 3))):
        at = stem[int(rng.integers(len(stem) // 2, len(stem)))] + rng.normal(0, 0.1, 2) * length
        if berries:
            stroke(canvas, [np.stack([stem[-3], at])], mixed(setting.bark, (40, 34, 34), 0.25), 0.02 * length)
            paint_berry(canvas, at, length * rng.uniform(0.075, 0.11), varied(fruit, rng, 6))
        else:
            tint = varied(mixed(fruit, (255, 255, 255), rng.uniform(0, 0.55)), rng, 5)
            paint_blossom(canvas, at, length * rng.uniform(0.16, 0.24), tint, rng.uniform(0, 6.3))


def paint_blades(
    canvas: Canvas, xs: Points, ground: float, height: float, setting: Setting, rng: np.random.Generator
) -> None:
    """Paint blades of grass that grow upwards from ``ground`` at the positions ``xs``."""
    colours = setting.leaves or (setting.cover,)
    for x in xs:
        tall, lean = height * rng.uniform(0.4, 1.2), rng.normal(0, 0.35)
        root, tip = np.array([x, ground + 6.0]), np.array([x + lean * tall, ground - tall])
        _, rib = leaf_outline(root, tip, 1.0, 0.12 * lean)
        taper = np.stack([0.5 * max(2.0, 0.055 * height) * (1 - _T) ** 0.6, np.zeros(12)], -1)
        outline = np.concatenate([rib - taper, (rib + taper)[::-1]])
        colour = varied(colours[int(rng.integers(len(colours)))], rng)
        fill(canvas, outline, mixed(colour, (30, 40, 40), 0.15))
        stroke(canvas, [rib], mixed(colour, (250, 250, 220), 0.25), 0.02 * height)
