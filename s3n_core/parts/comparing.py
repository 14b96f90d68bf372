"""Comparing two classes by the parts of an atlas, on the images themselves: what is read at each part, and what is relied on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from s3n_core.datasets.audit.near_duplicates import NEAR_BITS, bits_apart, picture_hash
from s3n_core.datasets.loading import Batch, Sample, SampleReader
from s3n_core.datasets.records import ImageRecord, displayed_class
from s3n_core.datasets.transforms import source_box, test_view
from s3n_core.errors import AtlasError, S3NError, UnreadableImage
from s3n_core.inspection.contribution_job import contributions_of_views
from s3n_core.inspection.geometry import Place, ViewFrame
from s3n_core.inspection.hide_places import hide_places
from s3n_core.inspection.inspection import Scores
from s3n_core.inspection.inspector import Inspector
from s3n_core.inspection.placed_contributions import Contributions
from s3n_core.models.batches import over_images
from s3n_core.models.opening import Model
from s3n_core.parts.atlas import Atlas
from s3n_core.parts.atlas_files import AtlasImage
from s3n_core.parts.comparison import ClassValues, Comparison, compare_values
from s3n_core.parts.descriptors import StageFeatures

NO_PART = "no part"
OUTSIDE = "outside the object"


@dataclass(frozen=True, eq=False)
class _ImageParts:
    """What is read in one image: contributions by part, of the rest, and where each part is."""

    contributions: Mapping[int, float]
    rest: float
    outside: float
    places: Mapping[int, Place]


def compare_classes(
    atlas: Atlas,
    model: Model,
    records: Mapping[str, ImageRecord],
    a: str,
    b: str,
    *,
    removal: bool = True,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Compare two classes on images of the atlas: those held out from the training where there are any of both classes.

    Args:
        atlas: The atlas.
        model: Its model.
        records: The images' records by name.
        a: A class.
        b: Another class.
        removal: Also hide each part that is found in an image, beside random places of the same size.
        workers: Loading threads.
        progress: Called with (done, total) numbers of images, which count twice with ``removal``.

    Returns:
        The parts, the largest contribution first, and the rest, whose contributions sum to the margin.

    Raises:
        AtlasError: There is no such class, or no image of it that can be used; or the model is another one.
        OutOfMemory: The device has too little memory for one image.
    """
    atlas.require(model.digest)
    pair = atlas.class_index(a), atlas.class_index(b)
    if pair[0] == pair[1]:
        raise AtlasError("A class cannot be compared with itself; name two classes.")
    names = atlas.classes[pair[0]], atlas.classes[pair[1]]
    split, images = _chosen(atlas, names)
    missing = [image.file for image in images if image.file not in records]
    if missing:
        raise AtlasError(f"The data set no longer has the image {missing[0]}; build the atlas again.")
    some = [records[image.file] for image in images]
    boxed = all(record.box is not None for record in some)
    total, done = len(some) * (2 if removal else 1), 0

    def step(count: int) -> None:
        nonlocal done
        done += count
        if progress is not None:
            progress(done, total)

    inspector, read = Inspector(model), _HashingReader(model)
    found = _read_parts(atlas, inspector, some, pair, boxed, workers, read, step)
    columns = [part for part in atlas.parts.numbers if not atlas.parts.is_hidden(part)]
    background = atlas.background
    lost: list[dict[int, float] | None] = [None] * len(some)
    not_hidden = 0
    if removal:
        for index, (record, parts) in enumerate(zip(some, found, strict=True)):
            if isinstance(parts, _ImageParts):
                lost[index] = _losses(inspector, record, parts.places, pair, read)
                not_hidden += lost[index] is None
            step(1)

    def values(label: str) -> ClassValues:
        used = [
            index
            for index, image in enumerate(images)
            if image.label == label and isinstance(found[index], _ImageParts)
        ]
        if not used:
            raise AtlasError(f"No image of {displayed_class(label)} could be used.")
        of_images = [parts for index in used if isinstance(parts := found[index], _ImageParts)]
        rest = [[parts.rest, parts.outside] if boxed else [parts.rest] for parts in of_images]
        shares = [[parts.contributions.get(part, 0.0) for part in columns] for parts in of_images]
        seen = [[part in parts.contributions for part in columns] for parts in of_images]
        losses = [[np.nan if (of := lost[index]) is None else of.get(part, 0.0) for part in columns] for index in used]
        return ClassValues(
            contributions=np.concatenate([np.array(shares).reshape(len(used), -1), np.array(rest)], axis=1),
            found=np.concatenate([np.array(seen).reshape(len(used), -1), np.ones_like(rest, dtype=bool)], axis=1),
            losses=np.array(losses, dtype=np.float64).reshape(len(used), -1) if removal else None,
            units=units_of([some[index] for index in used], [read.hashes.get(some[index].name) for index in used]),
        )

    of_a, of_b = values(names[0]), values(names[1])
    of_parts, of_rest = compare_values(
        of_a,
        of_b,
        [(part, atlas.parts.name(part), part in background) for part in columns],
        [NO_PART, OUTSIDE] if boxed else [NO_PART],
        seed=atlas.collection.seed,
    )
    return Comparison(
        a=names[0],
        b=names[1],
        split=split,
        images_a=len(of_a.units),
        images_b=len(of_b.units),
        units_a=int(of_a.units.max()) + 1,
        units_b=int(of_b.units.max()) + 1,
        margin=float(of_a.contributions.sum(axis=1).mean() - of_b.contributions.sum(axis=1).mean()),
        parts=of_parts,
        rest=of_rest,
        not_hidden=not_hidden,
        unreadable=tuple(image.file for image, parts in zip(images, found, strict=True) if parts is None),
    )


def cell_parts(
    atlas: Atlas, stage: StageFeatures, row: int, found: Contributions, frame: ViewFrame, predicted: int
) -> dict[str, NDArray[np.int64]]:
    """Return the part of every cell by branch, (h, w), -1 for none: cells of D and C have the part of their place in O.

    A part owns the cells whose descriptor is nearest to its centroid and within its reach. Hidden parts own none.
    """
    owners = {}
    for branch, places in found.places.items():
        parts, within = atlas.parts.of(atlas.compared(stage.at(row, frame, places.reshape(-1, 2)), predicted))
        hidden = np.isin(parts, [part for part in atlas.parts.numbers if atlas.parts.is_hidden(part)])
        owners[branch] = np.where(within & ~hidden, parts, -1).reshape(places.shape[:2])
    return owners


def units_of(records: Sequence[ImageRecord], hashes: Sequence[bytes | None]) -> NDArray[np.intp]:
    """Return the unit of each image: images of one group, and near-duplicates, share one; numbered 0 ... u - 1."""
    units = np.arange(len(records))
    for index, (record, own) in enumerate(zip(records, hashes, strict=True)):
        for other in range(index):
            grouped = record.group is not None and record.group == records[other].group
            if grouped or _alike(own, hashes[other]):
                units[units == units[index]] = units[other]
    return np.unique(units, return_inverse=True)[1].astype(np.intp)


def _alike(one: bytes | None, other: bytes | None) -> bool:
    return one is not None and other is not None and bits_apart(one, other) <= NEAR_BITS


class _HashingReader:
    """Decodes samples and keeps their perceptual hashes; for any thread."""

    def __init__(self, model: Model) -> None:
        self._read = SampleReader(model.preprocess.ranges, watched=False)
        self.hashes: dict[str, bytes | None] = {}

    def __call__(self, sample: Sample) -> Image.Image:
        image = self._read(sample)
        if sample.name not in self.hashes:
            self.hashes[sample.name] = picture_hash(image)
        return image


def _chosen(atlas: Atlas, names: tuple[str, str]) -> tuple[str, list[AtlasImage]]:
    """Return the images of two classes, held-out ones where there are some of both, and what they are called."""
    of_both = [image for image in atlas.images if image.label in names and not image.error]
    for name in names:
        if all(image.label != name for image in of_both):
            raise AtlasError(
                f"The atlas has no image of {displayed_class(name)}; build it with images of both classes."
            )
    for split in ("test", "val"):
        some = [image for image in of_both if image.split == split]
        if {image.label for image in some} == set(names):
            return split, some
    return atlas.header.split, of_both


def _read_parts(
    atlas: Atlas,
    inspector: Inspector,
    records: Sequence[ImageRecord],
    pair: tuple[int, int],
    boxed: bool,
    workers: int | None,
    read: _HashingReader,
    step: Callable[[int], None],
) -> list[_ImageParts | None]:
    """Return what is read at each part in each image; None for an image that cannot be used."""
    model = inspector.model
    found: list[_ImageParts | None] = [None] * len(records)
    with StageFeatures(model) as stage:

        def work(batch: Batch) -> Sequence[_ImageParts | None]:
            sizes = [(width, height) for width, height in batch.sizes.tolist()]
            predicted = dict[int, int]()

            def ask(row: int, scores: Scores) -> tuple[int, int]:
                predicted[row] = int(np.nan_to_num(scores.logits[scores.answer], nan=-np.inf).argmax())
                return pair

            stage.forget()
            answers = contributions_of_views(inspector, batch.images, batch.names, sizes, ask)
            results = list[_ImageParts | None]()
            for row, of_image in enumerate(answers):
                if not np.isfinite(of_image.total):
                    results.append(None)
                    continue
                frame = ViewFrame(box=source_box(sizes[row], model.preprocess), size=model.preprocess.source_size)
                owners = cell_parts(atlas, stage, row, of_image, frame, predicted[row])
                box = records[batch.positions[row]].box if boxed else None
                shares = of_image.rows(parts=owners, box=box)
                results.append(
                    _ImageParts(
                        contributions={
                            share.index: share.total
                            for share in shares
                            if share.kind == "part" and share.index is not None
                        },
                        rest=sum(share.total for share in shares if share.kind == "elsewhere"),
                        outside=sum(share.total for share in shares if share.kind == "outside"),
                        places=_places(of_image, owners, frame),
                    )
                )
            return results

        loop = over_images(
            [Sample.of(record) for record in records],
            lambda image, _: test_view(image, model.preprocess),
            work,
            device=model.device,
            precision=model.precision,
            workers=workers,
            read=read,
        )
        with closing(loop) as batches:
            for results in batches:
                for position, result in results:
                    found[position] = None if isinstance(result, UnreadableImage) else result
                step(len(results))
    return found


def _places(found: Contributions, owners: Mapping[str, NDArray[np.int64]], frame: ViewFrame) -> dict[int, Place]:
    """Return where each part lies: at its cell with the largest absolute contribution per area of the original."""
    x0, y0, x1, y1 = frame.box
    best: dict[int, tuple[float, Place]] = {}
    for branch, of_cells in found.values.items():
        corners = found.corners[branch].astype(np.float64)
        across, down = corners[1:, 1:] - corners[:-1, :-1], corners[1:, :-1] - corners[:-1, 1:]
        area = np.maximum(np.abs(across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0]) / 2, 1.0)
        density = np.abs(of_cells) / area
        for row, column in np.argwhere(owners[branch] >= 0):
            part, value = int(owners[branch][row, column]), float(density[row, column])
            if part not in best or value > best[part][0]:
                x, y = found.places[branch][row, column].tolist()
                best[part] = value, (min(max(x, x0), x1), min(max(y, y0), y1))
    return {part: place for part, (_, place) in best.items()}


def _losses(
    inspector: Inspector,
    record: ImageRecord,
    places: Mapping[int, Place],
    pair: tuple[int, int],
    read: Callable[[Sample], Image.Image],
) -> dict[int, float] | None:
    """Return how much of A's margin over B is lost when each part is hidden, less the mean loss for random places.

    None if there is no room for random places, whether all parts are hidden beside the same ones or each beside its own.
    """
    image = read(Sample.of(record))
    groups = [list(places)], [[part] for part in places]
    for grouped in groups:
        lost = dict[int, float]()
        try:
            for parts in grouped:
                if not parts:
                    continue
                hidden = hide_places(
                    inspector, image, [places[part] for part in parts], name=record.name, box=record.box
                )
                for part, result in zip(parts, hidden, strict=True):
                    logits = result.logits[result.answer].astype(np.float64)
                    margins = logits[:, pair[0]] - logits[:, pair[1]]
                    lost[part] = float((margins[0] - margins[1]) - (margins[0] - margins[2:]).mean())
        except S3NError as error:
            if type(error) is not S3NError:  # not for lack of room
                raise
            continue
        return lost
    return None
