"""The out-of-focus background: painted small, blurred and enlarged, then half-focused leaves and discs of light."""

from __future__ import annotations

import cv2
import numpy as np

from s3n_core.demo.background_objects import BackgroundObjects
from s3n_core.demo.curves import smooth_open
from s3n_core.demo.foliage import leaf_outline
from s3n_core.demo.habitats import ACCENTS, Setting, varied
from s3n_core.demo.light import Light
from s3n_core.demo.members import mixed
from s3n_core.demo.painter import SUPERSAMPLE, Canvas, blurred, resized

_REDUCTION = 4  # factor by which the background is painted smaller than the image


def paint_backdrop(
    width: int, height: int, setting: Setting, light: Light, rng: np.random.Generator, objects: BackgroundObjects
) -> Canvas:
    """Return a canvas with the background, for an image of ``width`` x ``height`` pixels."""
    far = _distance(width // _REDUCTION, height // _REDUCTION, setting, rng)
    near = resized(far, (width, height), cv2.INTER_CUBIC)
    _half_focused(near, setting, rng, objects)
    _discs_of_light(near, setting, light, rng)
    return resized(near, (width * SUPERSAMPLE, height * SUPERSAMPLE))


def _distance(width: int, height: int, setting: Setting, rng: np.random.Generator) -> Canvas:
    top, middle, bottom = (np.array(c) for c in setting.sky)
    y = np.linspace(0, 1, height)[:, None] + np.linspace(-1, 1, width)[None, :] * rng.normal(0, 0.12)
    horizon = rng.uniform(0.35, 0.65)
    upper = np.clip(y / horizon, 0, 1)[..., None]
    lower = np.clip((y - horizon) / (1 - horizon), 0, 1)[..., None]
    colour = (top + (middle - top) * upper) * (1 - lower) + bottom * lower
    cloud = cv2.resize(rng.normal(0, 1, (5, 6)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    far = np.clip(colour + 9.0 * cloud[..., None], 0, 255).astype(np.uint8)
    for _ in range(int(rng.integers(10, 26))):
        mass = varied(setting.masses[int(rng.integers(len(setting.masses)))], rng)
        at = (int(rng.integers(-5, width + 5)), int(height * rng.beta(2.2, 1.5)))
        size = (int(rng.integers(4, 18)), int(rng.integers(3, 12)))
        cv2.ellipse(far, at, size, float(rng.uniform(-40, 40)), 0, 360, mass, -1, cv2.LINE_AA)
    far = blurred(far, rng.uniform(3.0, 5.5))
    for _ in range(int(rng.integers(0, 5))):  # trunks, boughs and stalks
        stalk = mixed(setting.masses[int(rng.integers(len(setting.masses)))], setting.bark, rng.uniform(0.2, 0.7))
        upright = setting.perches[0] == "stem" or rng.random() < 0.5
        start = (rng.uniform(0, width), height + 4) if upright else (-4, rng.uniform(0, height))
        end = (rng.uniform(0, width), -4) if upright else (width + 4, rng.uniform(0, height))
        bow = (0.5 * (start[0] + end[0]) + rng.normal(0, 5), 0.5 * (start[1] + end[1]) + rng.normal(0, 5))
        line = np.rint(smooth_open([start, bow, end])).astype(np.int32)
        cv2.polylines(far, [line], False, stalk, int(rng.integers(1, 5)), cv2.LINE_AA)
    for _ in range(int(rng.integers(2, 9))):  # berries and blossoms far away
        accent = mixed(ACCENTS[int(rng.integers(len(ACCENTS)))], setting.sky[1], rng.uniform(0.1, 0.5))
        cv2.circle(
            far, (int(rng.integers(width)), int(rng.integers(height))), int(rng.integers(1, 5)), accent, -1, cv2.LINE_AA
        )
    return blurred(far, rng.uniform(1.2, 2.4))


def _half_focused(near: Canvas, setting: Setting, rng: np.random.Generator, objects: BackgroundObjects) -> None:
    height, width = near.shape[:2]
    layer, mask = near.copy(), np.zeros((height, width), np.uint8)
    colours = setting.leaves or setting.masses
    for _ in range(int(rng.integers(0, 14))):
        root = np.array([rng.uniform(0, width), rng.uniform(0, height)])
        tip = root + rng.normal(0, 1, 2) * rng.uniform(14, 34)
        outline, _rib = leaf_outline(
            root, tip, float(np.hypot(*(tip - root))) * rng.uniform(0.3, 0.5), rng.normal(0, 0.1)
        )
        colour = mixed(varied(colours[int(rng.integers(len(colours)))], rng), setting.sky[1], rng.uniform(0.2, 0.6))
        shape = [np.rint(outline * 16).astype(np.int32)]
        if objects.present():
            cv2.fillPoly(layer, shape, colour, cv2.LINE_AA, 4)
            cv2.fillPoly(mask, shape, (255,), cv2.LINE_AA, 4)
    for _ in range(int(rng.integers(0, 7))):
        accent = mixed(ACCENTS[int(rng.integers(len(ACCENTS)))], setting.sky[1], rng.uniform(0.0, 0.35))
        at, radius = (int(rng.integers(width)), int(rng.integers(height))), int(rng.integers(3, 8))
        if objects.present():
            cv2.circle(layer, at, radius, accent, -1, cv2.LINE_AA)
            cv2.circle(mask, at, radius, (255,), -1, cv2.LINE_AA)
    sigma = float(rng.uniform(1.8, 4.0))
    layer, mask = blurred(layer, sigma), blurred(mask, sigma)
    alpha = mask.astype(np.float32) * np.float32(0.9 / 255)
    near[:] = cv2.blendLinear(layer, near, alpha, 1 - alpha)


def _discs_of_light(near: Canvas, setting: Setting, light: Light, rng: np.random.Generator) -> None:
    """Add bokeh: the discs into which a lens turns bright points, mostly on the side of the sun."""
    height, width = near.shape[:2]
    glow = np.zeros((height, width), np.uint8)
    centre = np.array([0.5 + 0.35 * light.direction[0], 0.5 + 0.35 * light.direction[1]]) * (width, height)
    size = rng.uniform(5, 15)
    for _ in range(int(rng.poisson(18 * setting.bokeh))):
        at = np.rint((centre + rng.normal(0, 0.28, 2) * (width, height)) * 16).astype(int)
        radius, value = size * rng.uniform(0.6, 1.3), float(rng.uniform(8, 34))
        spot = np.zeros_like(glow)
        cv2.circle(spot, (int(at[0]), int(at[1])), int(radius * 16), (value,), -1, cv2.LINE_AA, 4)
        cv2.circle(spot, (int(at[0]), int(at[1])), int((radius - 0.7) * 16), (value * 1.25,), 1, cv2.LINE_AA, 4)
        cv2.add(glow, spot, dst=glow)
    if not glow.any():
        return
    glow = blurred(glow, 0.9)
    warm = np.array(light.sun, np.float32)
    lift = glow[..., None].astype(np.float32) * (2.0 * warm / warm.max()) * np.float32(setting.bokeh + 0.3)
    near[:] = np.clip(near + lift, 0, 255).astype(np.uint8)
