"""Places of an atlas's parts and of key points in annotated images, cropped to the object's box, with and without noise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from s3n_core.datasets.loading import Batch, Sample, SampleReader
from s3n_core.datasets.records import Box, ImageRecord
from s3n_core.datasets.transforms import source_box, test_view
from s3n_core.errors import AtlasError, UnreadableImage
from s3n_core.inspection.geometry import ViewFrame
from s3n_core.inspection.inspector import Inspector
from s3n_core.inspection.stages import scores_of
from s3n_core.models.model_images import over_model_images
from s3n_core.models.opening import Model
from s3n_core.models.preprocessing import STD
from s3n_core.parts.annotation.annotation_measures import (
    AnnotationMeasures,
    PartPlaces,
    annotation_measures,
    merged_side,
)
from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.atlas.descriptors import StageFeatures
from s3n_core.system.seeding import keyed_generator

NOISE, MOST_NOISE = 0.2, 0.25
"""Standard deviation of the noise that stability adds to normalised pixels, and its largest value."""

_Found = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]


def measure_annotation(
    atlas: Atlas,
    model: Model,
    records: Sequence[ImageRecord],
    *,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> AnnotationMeasures:
    """Measure the parts of an atlas against key points.

    The images are cropped to the object's box. A part is where its map is largest: the cosine of each cell's descriptor and the
    part's centroid, of a merged part the nearest of its centroids. Background and hidden parts do not take part.

    Args:
        atlas: The atlas.
        model: Its model.
        records: The images; those without a box or key points are left out.
        workers: Loading threads.
        progress: Called with (done, total) numbers of images, which count twice.

    Raises:
        AtlasError: Fewer than two images have a box and key points, or the model is another one.
        OutOfMemory: The device has too little memory for one image.
    """
    atlas.require(model.digest)
    annotated = [record for record in records if record.box is not None and record.parts and record.label is not None]
    shown = atlas.on_object
    if len(annotated) < 2 or not shown:
        raise AtlasError(
            f"{len(annotated)} images have a label, a box and key points, and {len(shown)} parts are neither background nor "
            "hidden; at least two images and one part are needed."
        )
    names = sorted({part.name for record in annotated for part in record.parts})
    points = np.full((len(annotated), len(names), 2), np.nan)
    for row, record in enumerate(annotated):
        for part in record.parts:
            points[row, names.index(part.name)] = _share((part.x, part.y), record.box)
    done = 0

    def step(count: int) -> None:
        nonlocal done
        done += count
        if progress is not None:
            progress(done, 2 * len(annotated))

    plain, noisy = (_places(atlas, model, annotated, shown, points, noise, workers, step) for noise in (False, True))
    usable = [row for row, pair in enumerate(zip(plain, noisy, strict=True)) if None not in pair]
    if len(usable) < 2:
        raise AtlasError(f"Only {len(usable)} of {len(annotated)} annotated images could be used.")
    kept = [plain[row] for row in usable]
    found = PartPlaces(
        places=np.stack([of[0] for of in kept if of is not None]),
        scores=np.stack([of[1] for of in kept if of is not None]),
        points=points[usable],
        labels=np.array([annotated[row].label for row in usable], dtype=np.int64),
        groups=np.unique([merged_side(name) for name in names], return_inverse=True)[1].astype(np.int64),
        noisy=np.stack([of[0] for row in usable if (of := noisy[row]) is not None]),
        point_parts=np.stack([of[2] for of in kept if of is not None]),
    )
    return annotation_measures(found, left_out=len(records) - len(usable), seed=atlas.collection.seed)


def _places(
    atlas: Atlas,
    model: Model,
    records: Sequence[ImageRecord],
    shown: Sequence[int],
    points: NDArray[np.float64],
    noise: bool,
    workers: int | None,
    step: Callable[[int], None],
) -> list[_Found | None]:
    """Return places (P, 2) and scores (P,) of the parts, and the parts (K,) at the key points, of each image."""
    inspector, decode = Inspector(model), SampleReader(model.preprocess.ranges, watched=False)
    boxes = {record.name: record.box for record in records}
    centroids = [atlas.parts.centroids(part) for part in shown]
    directions = [some / np.maximum(np.linalg.norm(some, axis=1, keepdims=True), 1e-12) for some in centroids]

    def likeness(descriptors: NDArray[np.float32], predicted: int) -> NDArray[np.float32]:
        """Return the cosine of each descriptor and the nearest centroid of each part, (n, P)."""
        compared = atlas.compared(descriptors, predicted)
        return np.stack([(compared @ some.T).max(axis=1) for some in directions], axis=1)

    def read(sample: Sample) -> Image.Image:
        return cropped(decode(sample), boxes[sample.name])

    def view(image: Image.Image, position: int) -> NDArray[np.uint8]:
        pixels = test_view(image, model.preprocess)
        return with_noise(pixels, records[position].name) if noise else pixels

    with StageFeatures(model) as stage:

        def work(batch: Batch) -> Sequence[_Found | None]:
            stage.forget()
            sizes = [(width, height) for width, height in batch.sizes.tolist()]
            prepared = inspector.prepare_views(batch.images, batch.names, sizes)
            found = list[_Found | None]()
            for row, scores in enumerate(scores_of(inspector.classify(inspector.resample(prepared)))):
                if not scores.is_finite:
                    found.append(None)
                    continue
                width, height = sizes[row]
                frame = ViewFrame(box=source_box(sizes[row], model.preprocess), size=model.preprocess.source_size)
                predicted = scores.predicted  # the class whose mean the atlas subtracts, too
                cells = stage.cell_places(row, frame)
                cosines = likeness(stage.at(row, frame, cells), predicted)
                best = cosines.argmax(axis=0)
                of_points = points[int(batch.positions[row])]
                visible = np.isfinite(of_points[:, 0])
                at_points = np.full(len(of_points), -1, dtype=np.int64)
                if visible.any():
                    there = stage.at(row, frame, of_points[visible] * (width, height))
                    at_points[visible] = likeness(there, predicted).argmax(axis=1)
                found.append((cells[best] / (width, height), cosines.max(axis=0).astype(np.float64), at_points))
            return found

        loop = over_model_images(
            model,
            [Sample.of(record) for record in records],
            work,
            view=view,
            workers=workers,
            read=read,
        )
        results: list[_Found | None] = [None] * len(records)
        with closing(loop) as batches:
            for some in batches:
                for position, result in some:
                    results[position] = None if isinstance(result, UnreadableImage) else result
                step(len(some))
    return results


def cropped(image: Image.Image, box: Box | None) -> Image.Image:
    """Return the part of an image inside a box, at least one pixel; the whole image without a box."""
    if box is None:
        return image
    x0, y0 = (min(max(round(value), 0), side - 1) for value, side in zip((box.x, box.y), image.size, strict=True))
    x1, y1 = (round(value) for value in (box.x + box.width, box.y + box.height))
    return image.crop((x0, y0, min(max(x1, x0 + 1), image.width), min(max(y1, y0 + 1), image.height)))


def with_noise(pixels: NDArray[np.uint8], name: str) -> NDArray[np.uint8]:
    """Return an image (S, S, 3) with noise on its normalised pixels, N(0, `NOISE`) up to `MOST_NOISE`, keyed by its name."""
    drawn = (
        keyed_generator(0, "noise on pixels", name).normal(scale=NOISE, size=pixels.shape).clip(-MOST_NOISE, MOST_NOISE)
    )
    changed = pixels + drawn * (np.array(STD) * 255)
    return np.asarray(np.clip(np.rint(changed), 0, 255), dtype=np.uint8)


def _share(place: tuple[float, float], box: Box | None) -> tuple[float, float]:
    assert box is not None
    return (place[0] - box.x) / max(box.width, 1e-9), (place[1] - box.y) / max(box.height, 1e-9)
