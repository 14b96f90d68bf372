"""Asking a model for the peaks of images again, mirrored and cropped, to see how steady the parts of an atlas are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace

import numpy as np
from PIL import Image, ImageOps

from s3n_core.datasets.loading import Sample, SampleReader
from s3n_core.datasets.records import ImageRecord
from s3n_core.datasets.transforms import source_box
from s3n_core.errors import AtlasError
from s3n_core.evaluation.other_images import other_images
from s3n_core.models.opening import Model
from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.atlas.atlas_files import image_of
from s3n_core.parts.atlas.collecting import Collected, collect
from s3n_core.parts.steadiness.steadiness_measures import (
    VIEWS,
    ImagePeaks,
    ViewName,
    key_point_accuracy,
    steadiness,
)
from s3n_core.parts.steadiness.steadiness_result import Steadiness
from s3n_core.parts.steadiness.stored_steadiness import unmeasured_parts
from s3n_core.system.seeding import keyed_generator

MOST_IMAGES = 200
"""So many images are asked again unless a person wants another number."""

CROPPED = 0.9
"""Sides of a shifted crop, as fractions of the image's."""


def measure_steadiness(
    atlas: Atlas,
    model: Model,
    records: Mapping[str, ImageRecord],
    *,
    images: int | None = MOST_IMAGES,
    kept: Steadiness | None = None,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Steadiness:
    """Measure how steady the parts of an atlas are.

    Args:
        atlas: The atlas.
        model: Its model.
        records: Records of its images by name.
        images: Take at most so many, evenly spaced; None: all.
        kept: What is measured already and still holds: only the other parts are measured, with as many images, of which only
            those are asked again that tell of these parts. The result is the same as if everything were measured.
        workers: Loading threads.
        progress: Called with (done, total) numbers of images, which count once per changed view.

    Raises:
        AtlasError: No image of the atlas is there, or the model is another one.
        OutOfMemory: The device has too little memory for one image.
    """
    atlas.require(model.digest)
    usable = [number for number, image in enumerate(atlas.images) if not image.error and image.file in records]
    most = images if kept is None else kept.images + kept.left_out
    count = len(usable) if most is None else min(most, len(usable))
    chosen = [usable[index * len(usable) // count] for index in range(count)]
    if not chosen:
        raise AtlasError(f"None of the {len(atlas.images)} images of {atlas.path} is in its data set any more.")
    original, seed = [_stored_peaks(atlas, number) for number in chosen], atlas.collection.seed
    parts, asked = unmeasured_parts(atlas, kept), list(range(count))
    if kept is not None:
        telling = [row for row in asked if np.isin(original[row].parts, parts).any()]
        partner = other_images(count, seed)
        asked = sorted({*telling, *(partner[row] for row in telling)})
    some, done = [replace(records[atlas.images[chosen[row]].file], label=None) for row in asked], 0

    def step(more: int) -> None:
        nonlocal done
        done += more
        if progress is not None:
            progress(done, len(VIEWS) * len(some))

    views = dict[ViewName, list[ImagePeaks | None]]()
    for view in VIEWS:
        views[view] = [None] * count
        for row, peaks in zip(asked, _view_peaks(atlas, model, some, view, workers, step) if some else (), strict=True):
            views[view][row] = peaks
    found = steadiness(original, views, parts, by_points=key_point_accuracy(atlas, records), seed=seed)
    return found if kept is None else kept.with_parts(found)


def corner(name: str, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return the box of an image's shifted crop, (left, top, right, bottom) in pixels: its corner is drawn by the name.

    Args:
        name: The image's name.
        size: (width, height) of the original, in pixels.
    """
    right, lower = keyed_generator(0, "corner", name).integers(0, 2, 2).tolist()
    width, height = (max(round(CROPPED * side), 1) for side in size)
    x, y = right * (size[0] - width), lower * (size[1] - height)
    return x, y, x + width, y + height


def _view_peaks(
    atlas: Atlas,
    model: Model,
    records: Sequence[ImageRecord],
    view: ViewName,
    workers: int | None,
    step: Callable[[int], None],
) -> list[ImagePeaks | None]:
    """Return the peaks of a changed view of each image, mapped back to the original."""
    decode, sizes = SampleReader(model.preprocess.ranges, watched=False), dict[str, tuple[int, int]]()

    def read(sample: Sample) -> Image.Image:
        image = decode(sample)
        sizes[sample.name] = image.size
        return ImageOps.mirror(image) if view == "mirrored" else image.crop(corner(sample.name, image.size))

    found = list[ImagePeaks | None]()
    with closing(collect(model, records, (), workers=workers, read=read)) as batches:
        for some in batches:
            found += [_mapped(atlas, model, one, view, sizes) for one in some]
            step(len(some))
    return found


def _mapped(
    atlas: Atlas, model: Model, one: Collected, view: ViewName, sizes: Mapping[str, tuple[int, int]]
) -> ImagePeaks | None:
    image = image_of(one.line)
    if one.descriptors is None or image.predicted is None:
        return None
    size = np.array(sizes[image.file], dtype=np.float64)
    places = np.array([peak[:2] for peak in one.line["peaks"]], dtype=np.float64).reshape(-1, 2)
    seen = np.array(source_box((image.width, image.height), model.preprocess), dtype=np.float64).reshape(2, 2)
    if view == "mirrored":
        places[:, 0] = size[0] - places[:, 0]
        seen[:, 0] = size[0] - seen[::-1, 0]
    else:
        start = np.array(corner(image.file, sizes[image.file])[:2], dtype=np.float64)
        places, seen = places + start, seen + start
    x0, y0, x1, y1 = (seen / size).ravel().tolist()
    descriptors = one.descriptors[: len(places)].astype(np.float32)
    parts, _ = atlas.parts.of(atlas.compared(descriptors, image.predicted))
    return ImagePeaks(places / size, parts, sizes[image.file], (x0, y0, x1, y1))


def _stored_peaks(atlas: Atlas, number: int) -> ImagePeaks:
    """Return the peaks of an image as the atlas holds them."""
    first, last = np.searchsorted(atlas.places["image"], [number, number + 1]).tolist()
    places, parts = atlas.places[first:last], atlas.part_of[first:last]
    peaks = ~np.asarray(places["background"])
    image = atlas.images[number]
    size = image.width, image.height
    at = np.stack([places["x"][peaks], places["y"][peaks]], axis=1).astype(np.float64).reshape(-1, 2)
    return ImagePeaks(at / np.maximum(size, 1), parts[peaks], size)
