"""Light: shading of the bird, and camera effects on the finished image.

Every step works per pixel and uses nothing that depends on the species, so a different bill cannot brighten the tail.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from s3n_core.demo.painter import SUPERSAMPLE, Canvas, Mask

Field = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    """The lighting of a scene.

    Attributes:
        sun: Colour of the direct light: red, green and blue, 1 for full intensity.
        sky: Colour of the ambient light.
        direction: Direction towards the sun in the image: unit vector (x, y), y down.
        rim: Strength of the bright edge of a backlit bird, 0 to 1.
        haze: Strength of the haze on the sun's side of the image, 0 to 1.
    """

    sun: tuple[float, float, float]
    sky: tuple[float, float, float]
    direction: tuple[float, float]
    rim: float
    haze: float


_MOODS = (
    ((0.68, 0.65, 0.59), (0.54, 0.55, 0.57), 0.18, 0.12),  # soft day
    ((0.82, 0.68, 0.50), (0.46, 0.48, 0.53), 0.35, 0.30),  # warm low sun
    ((0.54, 0.56, 0.59), (0.58, 0.60, 0.63), 0.12, 0.10),  # cool and overcast
    ((0.46, 0.46, 0.45), (0.50, 0.51, 0.54), 0.12, 0.00),  # dim
    ((0.48, 0.44, 0.37), (0.58, 0.57, 0.57), 1.00, 0.42),  # from behind
)


_EVEN = np.float32(0.64)
"""Share of the sunlight on a surface that faces neither towards the sun nor away from it."""


def draw_light(rng: np.random.Generator) -> Light:
    """Choose the lighting at random."""
    sun, sky, rim, haze = _MOODS[int(rng.choice(len(_MOODS), p=(0.32, 0.24, 0.18, 0.1, 0.16)))]
    angle = rng.uniform(np.radians(25), np.radians(155))
    strength = rng.uniform(0.94, 1.06)
    return Light(
        sun=_scaled(sun, strength),
        sky=_scaled(sky, strength),
        direction=(float(np.cos(angle)), float(-np.sin(angle))),
        rim=rim,
        haze=haze,
    )


def _scaled(colour: tuple[float, float, float], by: float) -> tuple[float, float, float]:
    return (colour[0] * by, colour[1] * by, colour[2] * by)


def shade(albedo: Canvas, form: Mask, light: Light, unit: float) -> None:
    """Shade a flat painted bird so that it looks round, in place.

    Args:
        albedo: The bird's unlit colours, a canvas.
        form: Mask of the parts that have volume.
        light: The lighting.
        unit: Image pixels per unit of the bird.
    """
    height, width = form.shape
    small = cv2.resize(form, (width // 4, height // 4), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    per_unit = unit * SUPERSAMPLE / 4
    lit = np.full_like(small, _EVEN)
    for reach, weight in ((1.6, 0.5), (4.5, 1.5), (9.0, 1.7)):
        sigma = reach * per_unit
        blurred = cv2.GaussianBlur(small, (0, 0), sigma)
        slope_x, slope_y = (
            cv2.Sobel(blurred, cv2.CV_32F, 1, 0, scale=0.125),
            cv2.Sobel(blurred, cv2.CV_32F, 0, 1, scale=0.125),
        )
        # A rounded surface faces outwards near its edge, against the gradient of the mask.
        lit -= np.float32(weight * sigma) * (
            slope_x * np.float32(light.direction[0]) + slope_y * np.float32(light.direction[1])
        )
    # Light reflected from the ground brightens the shaded side; pixels outside ``form`` are lit evenly.
    lit = np.clip(np.where(lit < _EVEN, _EVEN - 0.5 * (_EVEN - lit), lit), 0.1, 1.3)
    lit = (_EVEN + (lit - _EVEN) * cv2.GaussianBlur(small, (0, 0), 0.4 * per_unit)).astype(np.float32)
    edge = small - cv2.GaussianBlur(small, (0, 0), 1.1 * per_unit)
    shifted = cv2.warpAffine(
        small,
        np.array([[1, 0, -light.direction[0] * 1.3 * per_unit], [0, 1, -light.direction[1] * 1.3 * per_unit]]),
        (small.shape[1], small.shape[0]),
    )
    rim = np.clip(small - cv2.GaussianBlur(shifted, (0, 0), 0.7 * per_unit), 0, 1) + np.clip(edge, 0, 1) * 0.5
    field = lit[..., None] * np.array(light.sun, np.float32) + np.array(light.sky, np.float32)
    field += np.maximum(_EVEN - lit, 0)[..., None] * np.array([0.16, 0.08, 0.0], np.float32)
    field += (rim * np.float32(light.rim))[..., None] * np.array([1.1, 1.0, 0.85], np.float32)
    full = cv2.resize(field, (width, height), interpolation=cv2.INTER_LINEAR)
    cv2.multiply(albedo, full, dst=albedo, dtype=cv2.CV_8U)


def expose(picture: Canvas, light: Light, rng: np.random.Generator) -> Canvas:
    """Return the image with camera effects: haze, vignette, colour cast of the light, and film grain."""
    height, width = picture.shape[:2]
    x = np.linspace(-1, 1, max(2, width // 8), dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, max(2, height // 8), dtype=np.float32)[:, None]
    towards = np.clip(0.5 + 0.42 * (x * light.direction[0] + y * light.direction[1]), 0, 1)
    vignette = 1 - np.float32(rng.uniform(0.06, 0.16)) * (x * x + y * y)
    veil = np.float32(light.haze * rng.uniform(0.5, 0.9)) * towards**2
    warmth = np.array(light.sun, np.float32) + np.array(light.sky, np.float32)
    cast = 0.35 + 0.65 * warmth / 1.12
    gain = (vignette * (1 - 0.75 * veil))[..., None] * cast
    lift = veil[..., None] * np.array([186, 170, 138], np.float32)
    full_gain = cv2.resize(gain.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    full_lift = cv2.resize(lift.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    grain = noise_window(width, height, rng, fine=True).astype(np.float32) - 128
    full_lift = np.add(full_lift, (grain * np.float32(rng.uniform(0.015, 0.05)))[..., None])
    exposed = cv2.multiply(picture, full_gain, dtype=cv2.CV_32F)
    finished: Canvas = np.clip(np.add(exposed, full_lift), 0, 255).astype(np.uint8)
    return finished


def noise_window(width: int, height: int, rng: np.random.Generator, *, fine: bool = False) -> Mask:
    """Return a random window of a fixed noise field: uint8, shape (height, width), mean 128; ``fine`` for grain."""
    tile = _noise_tile(fine)
    x, y = int(rng.integers(tile.shape[1] - width)), int(rng.integers(tile.shape[0] - height))
    return tile[y : y + height, x : x + width]


@lru_cache(maxsize=2)
def _noise_tile(fine: bool) -> Mask:
    rng = np.random.default_rng(20190722)
    size = 1600
    field = rng.normal(0, 1, (size, size)).astype(np.float32)
    total = np.zeros_like(field)
    if fine:
        total += cv2.GaussianBlur(field, (0, 0), 0.55) * 1.6
    else:
        for sigma in (1.2, 2.5, 6.0, 14.0):
            total += cv2.GaussianBlur(field, (0, 0), sigma) * np.float32(2 * sigma)
    tile: Mask = np.clip(128 + total * (42 / total.std()), 0, 255).astype(np.uint8)
    return tile
