"""Drawing one image: a scene that does not depend on the species, and a bird in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import cv2
import numpy as np
from PIL import Image

from s3n_core.demo.anatomy import FOOT, Pose, Skeleton, extent, skeleton
from s3n_core.demo.backdrop import paint_backdrop
from s3n_core.demo.bird import paint_bird
from s3n_core.demo.curves import place
from s3n_core.demo.foreground import paint_foreground
from s3n_core.demo.habitats import Perch, draw_setting
from s3n_core.demo.light import draw_light, expose
from s3n_core.demo.painter import SUPERSAMPLE, Mask, resized
from s3n_core.demo.perches import paint_perch
from s3n_core.demo.species import Species
from s3n_core.system.seeding import keyed_generator


@dataclass(frozen=True, slots=True)
class DrawnBird:
    """A synthetic image with its annotations.

    Attributes:
        image: The image, mode RGB, about 400 x 320 pixels.
        box: The bird's bounding box (x, y, width, height) in pixels.
        parts: Positions (x, y) of the visible parts in pixels, by the part names of CUB-200-2011.
    """

    image: Image.Image
    box: tuple[float, float, float, float]
    parts: dict[str, tuple[float, float]]


def draw_bird(species: Species, index: int, seed: int = 0) -> DrawnBird:
    """Draw ``species`` into scene number ``index``.

    Everything except the species' own parts (pose, position, light, surroundings, wear of the feathers) is a function
    of ``(seed, index)``: the same scene with another species differs only in the parts that differ between the species.

    Args:
        species: One of ``SPECIES``.
        index: Number of the scene, 0 or more.
        seed: Seed of the data set.
    """
    with _one_thread():
        return _draw(species, index, seed)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Limit OpenCV to one thread: with several, brush strokes wait for one another while other work uses the cores."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)


def _draw(species: Species, index: int, seed: int) -> DrawnBird:
    def streams(purpose: str) -> np.random.Generator:
        return keyed_generator(seed, "synthetic birds", index, purpose)

    setting, kind = draw_setting(streams("setting"))
    light = draw_light(streams("light"))
    width, height, bones = _compose(kind, streams("pose"))
    canvas = paint_backdrop(width, height, setting, light, streams("backdrop"))
    foot = place(bones.world, FOOT)
    paint_perch(canvas, kind, setting, light, foot, bones.pose.perch_slope, bones.unit, streams("perch"))
    mask = paint_bird(species, bones, canvas, light, streams)
    picture = resized(canvas, (width, height), cv2.INTER_AREA)
    hidden = paint_foreground(picture, setting, bones, streams("foreground"))
    picture = expose(picture, light, streams("camera"))
    return DrawnBird(Image.fromarray(picture), _box(mask), _visible(bones, hidden))


def _box(mask: Mask) -> tuple[float, float, float, float]:
    rows, columns = np.nonzero(mask.max(1) > 127)[0], np.nonzero(mask.max(0) > 127)[0]
    left, top = float(columns[0]) / SUPERSAMPLE, float(rows[0]) / SUPERSAMPLE
    right, bottom = float(columns[-1] + 1) / SUPERSAMPLE, float(rows[-1] + 1) / SUPERSAMPLE
    return left, top, right - left, bottom - top


def _visible(bones: Skeleton, hidden: Mask) -> dict[str, tuple[float, float]]:
    height, width = hidden.shape
    return {
        name: (float(x), float(y))
        for name, (x, y) in bones.part_places().items()
        if 0 <= x < width and 0 <= y < height and hidden[int(y), int(x)] < 128
    }


def _compose(kind: Perch, rng: np.random.Generator) -> tuple[int, int, Skeleton]:
    aspect, area = rng.uniform(1.1, 1.42), 400 * 320
    width, height = round(float(np.sqrt(area * aspect))), round(float(np.sqrt(area / aspect)))

    flying = kind == "air"
    pose = Pose(
        facing=1 if rng.random() < 0.5 else -1,
        tilt=float(rng.uniform(-0.15, 0.45) if flying else rng.uniform(0.1, 0.85)),
        head_tilt=float(rng.normal(0.0, 0.16)),
        head_turn=float(rng.uniform(0.86, 1.0)),
        looks_back=bool(rng.random() < 0.12) and not flying,
        tail_angle=float(rng.uniform(-0.15, 0.3)),
        tail_spread=float(rng.uniform(0, 1)),
        plumpness=float(rng.uniform(0.94, 1.06)),
        wing_lift=float(rng.uniform(1.65, 2.35)) if flying else None,
        perch_slope=float(
            rng.normal(0, 0.12) if kind == "branch" else rng.uniform(-0.5, 0.5) if kind == "stem" else 0.0
        ),
        scale=1.0,
        centre=(0.0, 0.0),
    )
    low, high = extent(skeleton(pose))
    room = high - low
    scale = min(rng.uniform(0.5, 0.76) * width / room[0], 0.86 * height / room[1])
    free = np.array([width, height]) - room * scale
    corner = free * np.clip(rng.normal(0.5, 0.2, 2), 0.1, 0.9)
    centre = corner - low * scale
    return width, height, skeleton(replace(pose, scale=float(scale), centre=(float(centre[0]), float(centre[1]))))
