"""Drawing one image: a scene that does not depend on the species, and a bird in it, whole or with parts left out."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from s3n_core.demo.anatomy import FOOT, Pose, Skeleton, extent, skeleton
from s3n_core.demo.backdrop import paint_backdrop
from s3n_core.demo.background_objects import BackgroundObjects
from s3n_core.demo.bird import Cutout, paint_bird, part_regions
from s3n_core.demo.curves import place
from s3n_core.demo.foreground import paint_foreground
from s3n_core.demo.habitats import Perch, draw_setting
from s3n_core.demo.light import draw_light, expose
from s3n_core.demo.painter import SUPERSAMPLE, Canvas, Mask, resized
from s3n_core.demo.perches import paint_perch
from s3n_core.demo.species import Species
from s3n_core.system.seeding import keyed_generator

PixelMask = NDArray[np.bool_]
"""A mask of the image's pixels, shape (height, width)."""

SEEN_LEVELS: Final = 12
"""Change of a pixel's red, green or blue, of 255, from which it counts towards what is seen of a background object."""

SEEN_SHARE: Final = 0.0005
"""Share of the image's pixels that an object must change for it to be one: less is a speck, or hidden by the bird."""

_GONE: Final = {"bill": ("beak",), "tail": ("tail",), "legs": ("left leg", "right leg")}
"""The annotated parts that are not in the image if a part is left out; the others are covered."""


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

    def changed(self, other: DrawnBird, more_than: int = 0) -> PixelMask:
        """Return the pixels whose red, green or blue differs by ``more_than`` levels in another image of the scene."""
        first, second = (np.asarray(bird.image, dtype=np.int16) for bird in (self, other))
        return np.asarray((np.abs(first - second) > more_than).any(-1))


@dataclass(frozen=True, slots=True)
class BackgroundVariant:
    """A scene without one object of its background.

    Attributes:
        number: The object's number, as ``background_without`` takes it.
        bird: The image without the object.
        mask: The pixels that the object changes.
    """

    number: int
    bird: DrawnBird
    mask: PixelMask


def draw_bird(
    species: Species,
    index: int,
    seed: int = 0,
    *,
    without: Collection[str] = (),
    background_without: Collection[int] = (),
) -> DrawnBird:
    """Draw ``species`` into scene number ``index``.

    Everything except the species' own parts (pose, position, light, surroundings, wear of the feathers) is a function
    of ``(seed, index)``: the same scene with another species differs only in the parts that differ between the species.

    Args:
        species: One of ``SPECIES``, or with other variants: ``replace(species, tail="rufous")`` of ``dataclasses``.
        index: Number of the scene, 0 or more.
        seed: Seed of the data set.
        without: Parts of ``PARTS`` to leave out. Bill, tail and legs are absent; crown, eye ring, throat and wing bars are
            covered by a flat tone wherever any of their variants would be painted. No species looks like either.
        background_without: Numbers of the background objects to leave out, from 1 to ``Scene.object_count``.

    Raises:
        ValueError: There is no such part or background object.
    """
    return Scene(index, seed).draw(species, without=without, background_without=background_without)


class Scene:
    """A scene, which does not depend on the species; for drawing several birds into it, parts left out, and masks.

    Attributes:
        index: Number of the scene, 0 or more.
        seed: Seed of the data set.
        width: Width of the image in pixels.
        height: Height of the image in pixels.
    """

    def __init__(self, index: int, seed: int = 0) -> None:
        """Compose scene number ``index`` of ``seed``; nothing is painted yet."""
        self.index, self.seed = index, seed
        self._setting, self._kind = draw_setting(self._streams("setting"))
        self._light = draw_light(self._streams("light"))
        self.width, self.height, self._bones = _compose(self._kind, self._streams("pose"))
        self._cutouts: dict[tuple[str | None, ...], Cutout] = {}

    def draw(
        self, species: Species, *, without: Collection[str] = (), background_without: Collection[int] = ()
    ) -> DrawnBird:
        """Draw ``species`` into this scene, as `draw_bird` does.

        Raises:
            ValueError: There is no such part or background object.
        """
        with _one_thread():
            canvas = self._painted(background_without)
            cutout = self._cutout(species, without)
            cutout.put_on(canvas)
            picture = resized(canvas, (self.width, self.height), cv2.INTER_AREA)
            hidden = paint_foreground(picture, self._setting, self._bones, self._streams("foreground"))
            picture = expose(picture, self._light, self._streams("camera"))
        gone = {name for part in without for name in _GONE.get(part, ())}
        places = {name: at for name, at in _visible(self._bones, hidden).items() if name not in gone}
        return DrawnBird(Image.fromarray(picture), _box(cutout), places)

    def part_masks(self) -> dict[str, PixelMask]:
        """Return the pixels that each part of ``PARTS`` decides, whatever the species.

        A part's mask is the union of the regions of its variants and of its absence, so it is there also where the species
        has none, and two species differ in no pixel outside the masks of the parts in which they differ. Masks of parts that
        lie over one another overlap. What a leaf in the foreground dims is in the mask.
        """
        with _one_thread():
            regions = part_regions(self._bones, self._canvas_size, self._streams)
        blocks = (self.height, SUPERSAMPLE, self.width, SUPERSAMPLE)
        return {part: np.asarray(region.reshape(blocks).any((1, 3))) for part, region in regions.items()}

    def background_variants(self, species: Species) -> Iterator[BackgroundVariant]:
        """Draw ``species`` without each object of the background that can be seen, one at a time, in their order."""
        whole = self.draw(species)
        for number in range(1, self.object_count + 1):
            bird = self.draw(species, background_without=(number,))
            if whole.changed(bird, SEEN_LEVELS).mean() >= SEEN_SHARE:
                yield BackgroundVariant(number, bird, whole.changed(bird))

    @property
    def object_count(self) -> int:
        """Number of objects of the background that can be left out, also counting those that the bird hides."""
        with _one_thread():
            return self._whole[1]

    @property
    def _canvas_size(self) -> tuple[int, int]:
        return self.height * SUPERSAMPLE, self.width * SUPERSAMPLE

    def _streams(self, purpose: str) -> np.random.Generator:
        return keyed_generator(self.seed, "synthetic birds", self.index, purpose)

    def _cutout(self, species: Species, without: Collection[str]) -> Cutout:
        look = species.look(without)
        key = tuple(look.values())
        if key not in self._cutouts:
            self._cutouts.clear()  # the background's variants ask for the same bird again and again
            self._cutouts[key] = paint_bird(look, self._bones, self._canvas_size, self._light, self._streams)
        return self._cutouts[key]

    def _painted(self, background_without: Collection[int]) -> Canvas:
        if not background_without:
            return self._whole[0].copy()
        unknown = [number for number in background_without if not 1 <= number <= self._whole[1]]
        if unknown:
            raise ValueError(f"Scene {self.index} has {self._whole[1]} background objects, and no number {unknown[0]}.")
        return self._background(background_without)[0]

    @cached_property
    def _whole(self) -> tuple[Canvas, int]:
        """The scene without a bird, and the number of its background objects."""
        return self._background(())

    @cached_property
    def _whole_backdrop(self) -> tuple[Canvas, int]:
        return self._backdrop(())

    def _backdrop(self, without: Collection[int]) -> tuple[Canvas, int]:
        objects, rng = BackgroundObjects(without), self._streams("backdrop")
        return paint_backdrop(self.width, self.height, self._setting, self._light, rng, objects), objects.count

    def _background(self, without: Collection[int]) -> tuple[Canvas, int]:
        far, count = self._whole_backdrop
        canvas = far.copy() if all(number > count for number in without) else self._backdrop(without)[0]
        objects, rng = BackgroundObjects(without, count), self._streams("perch")
        pose, unit = self._bones.pose, self._bones.unit
        foot = place(self._bones.world, FOOT)
        paint_perch(canvas, self._kind, self._setting, self._light, foot, pose.perch_slope, unit, rng, objects)
        return canvas, objects.count


@contextmanager
def _one_thread() -> Iterator[None]:
    """Limit OpenCV to one thread: with several, brush strokes wait for one another while other work uses the cores."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)


def _box(cutout: Cutout) -> tuple[float, float, float, float]:
    mask = cutout.mask
    rows, columns = np.nonzero(mask.max(1) > 127)[0], np.nonzero(mask.max(0) > 127)[0]
    top, left = (
        (line.start + int(found[0])) / SUPERSAMPLE for line, found in zip(cutout.window, (rows, columns), strict=True)
    )
    bottom, right = (
        (line.start + int(found[-1]) + 1) / SUPERSAMPLE
        for line, found in zip(cutout.window, (rows, columns), strict=True)
    )
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
