"""Hiding a place: changing an image inside a small disc or square, so that what was there cannot be seen.

Switching a peak off only removes its enlargement: branch O, and the rest of D and C, still see the place. Hiding changes
the image itself before any branch sees it. Does not import torch.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageStat
from pydantic import TypeAdapter, with_config

from s3n_core.datasets.transforms import PixelBox
from s3n_core.inspection.geometry import Place, ViewFrame
from s3n_core.inspection.hiding_choices import FILLS, LEAST_CONTROLS, MOST_CONTROLS, SHAPES, Fill, Shape
from s3n_core.inspection.settings import check_range, read_settings

_RING = 1.5  # outer edge of the surroundings, in radii of the place


@with_config({"extra": "forbid"})
@dataclass(frozen=True, slots=True, kw_only=True)
class HidingSettings:
    """How places are hidden, and with how many random places a hidden place is compared.

    Attributes:
        fill: What replaces the place: "mean": the mean colour of the whole image; "surround": the mean colour of a ring
            around the place; "blur": the place itself, blurred.
        shape: "disc" or "square".
        size: Diameter of the disc, or side of the square, in pixels of the original, at least 1; None: a peak's window
            (`window_size`).
        feather: The outer share of the radius over which the fill fades out, in [0, 1]. Nothing changes beyond ``size``.
        blur: Standard deviation of the blur in pixels of the original; None: half of ``size``. Only for "blur".
        controls: Number of random places, from 20 to 1000.
        seed: Seed of the random places, which also depend on the image's name.
    """

    fill: Fill = "mean"
    shape: Shape = "disc"
    size: float | None = None
    feather: float = 0.25
    blur: float | None = None
    controls: int = LEAST_CONTROLS
    seed: int = 0

    def __post_init__(self) -> None:
        for name, value, known in (("fill", self.fill, FILLS), ("shape", self.shape, SHAPES)):
            if value not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}, not {value!r}")
        check_range("size", self.size, 1.0, 100_000.0)
        check_range("feather", self.feather, 0.0, 1.0)
        check_range("blur", self.blur, 0.1, 100_000.0)
        check_range("controls", self.controls, LEAST_CONTROLS, MOST_CONTROLS)

    def resolved(self, size: float) -> HidingSettings:
        """Return a copy in which nothing is None; ``size`` is used if there is none."""
        size = self.size or max(size, 1.0)
        return replace(self, size=size, blur=self.blur or max(size / 2, 0.1))

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON values, without loss."""
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> HidingSettings:
        """Read the result of `to_dict`, also after a JSON round trip; missing fields keep their defaults.

        Raises:
            ValueError: A field is unknown or out of range.
        """
        return read_settings(_ADAPTER, fields, "hiding a place")


_ADAPTER = TypeAdapter(HidingSettings)


def window_size(window: int, shape: tuple[int, ...], frame: ViewFrame) -> float:
    """Return the size of a peak's window in pixels of the original.

    Args:
        window: Side of the window, in cells.
        shape: (rows, columns) of the map R.
        frame: The position of the network's square in the original.

    Returns:
        The side of the square with the window's area; the window itself is not square if the original is squashed.
    """
    (x0, y0), (x1, y1) = (frame.cell_to_original(*cell, shape) for cell in ((0, 0), (1, 1)))
    return window * math.sqrt((x1 - x0) * (y1 - y0))


def hide(image: Image.Image, place: Place, settings: HidingSettings) -> Image.Image:
    """Return a copy of an RGB image in which a place is hidden.

    Args:
        image: The upright original.
        place: Its centre (x, y), in pixels.
        settings: How to hide it; the size must be given.

    Raises:
        ValueError: The settings have no size.
    """
    return next(hidden_images(image, [place], settings))


def hidden_images(
    image: Image.Image, places: Iterable[Place | None], settings: HidingSettings
) -> Iterator[Image.Image]:
    """Yield an image with one place hidden at a time; unchanged for None.

    All yielded images are the same object, so use each before the next: a copy of every large photograph would cost more
    time than hiding the place.

    Args:
        image: The upright RGB original, which is not changed.
        places: The centres (x, y), in pixels.
        settings: As for `hide`.

    Raises:
        ValueError: The settings have no size.
    """
    if settings.size is None:
        raise ValueError("the size of the place that is to be hidden is missing")
    settings = settings.resolved(settings.size)
    mean = np.array(ImageStat.Stat(image).mean)
    work = image.copy()
    for place in places:
        changed = None if place is None else _changed_pixels(image, place, settings, mean)
        if changed is None:
            yield work
            continue
        box, pixels = changed
        work.paste(pixels, box[:2])
        yield work
        work.paste(image.crop(box), box[:2])


def _changed_pixels(
    image: Image.Image, place: Place, settings: HidingSettings, mean: NDArray[np.float64]
) -> tuple[tuple[int, int, int, int], Image.Image] | None:
    """Return the box (x0, y0, x1, y1) of a hidden place and its new pixels; None if it lies outside the image."""
    assert settings.size is not None
    assert settings.blur is not None
    radius = settings.size / 2
    box = _pixels_around(place, radius, image.size)
    x0, y0, x1, y1 = box
    if x0 >= x1 or y0 >= y1:
        return None
    pixels = np.asarray(image.crop(box), dtype=np.float64)
    distance = _distances(box, place, settings.shape) / radius
    if settings.feather > 0:
        share = np.clip((1 - distance) / settings.feather, 0, 1)
        share = share * share * (3 - 2 * share)  # smooth at both ends
    else:
        share = (distance <= 1).astype(np.float64)
    match settings.fill:
        case "mean":
            fill = mean
        case "surround":
            around = _pixels_around(place, _RING * radius, image.size)
            reach = _distances(around, place, settings.shape) / radius
            ring = (reach > 1) & (reach <= _RING)
            fill = np.asarray(image.crop(around), dtype=np.float64)[ring].mean(axis=0) if ring.any() else mean
        case "blur":
            margin = math.ceil(3 * settings.blur)
            wide = (
                max(x0 - margin, 0),
                max(y0 - margin, 0),
                min(x1 + margin, image.width),
                min(y1 + margin, image.height),
            )
            blurred = image.crop(wide).filter(ImageFilter.GaussianBlur(settings.blur))
            left, top = x0 - wide[0], y0 - wide[1]
            fill = np.asarray(blurred, dtype=np.float64)[top : top + y1 - y0, left : left + x1 - x0]
    mixed = pixels + share[..., None] * (fill - pixels)
    return box, Image.fromarray(np.rint(mixed).astype(np.uint8))


def _pixels_around(place: Place, radius: float, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return the box of the pixels of an image of ``size`` whose centres may lie within ``radius`` of a place."""
    (x, y), (width, height) = place, size
    return (
        max(math.floor(x - radius), 0),
        max(math.floor(y - radius), 0),
        min(math.ceil(x + radius), width),
        min(math.ceil(y + radius), height),
    )


def _distances(box: tuple[int, int, int, int], place: Place, shape: Shape) -> NDArray[np.float64]:
    """Return the distance of each pixel's centre in a box from a place; for a square, along the longer axis."""
    x0, y0, x1, y1 = box
    across = np.abs(np.arange(x0, x1) + 0.5 - place[0])
    down = np.abs(np.arange(y0, y1) + 0.5 - place[1])[:, None]
    distances: NDArray[np.float64] = np.hypot(across, down) if shape == "disc" else np.maximum(across, down)
    return distances


def overlap(centres: NDArray[np.floating], place: Place, settings: HidingSettings) -> NDArray[np.bool_]:
    """Return which hidden places, with centres (n, 2) as (x, y), would change a pixel of another; bool (n,)."""
    assert settings.size is not None
    away = np.abs(np.asarray(centres, dtype=np.float64) - place)
    distance = np.hypot(away[:, 0], away[:, 1]) if settings.shape == "disc" else away.max(axis=1)
    overlapping: NDArray[np.bool_] = distance < settings.size
    return overlapping


def common_part(one: PixelBox, other: PixelBox) -> PixelBox:
    """Return the common part of two boxes; with x1 < x0 or y1 < y0 if there is none."""
    return (max(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]), min(one[3], other[3]))
