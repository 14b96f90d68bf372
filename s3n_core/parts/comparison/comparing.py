"""Comparing two classes, or one with all others, by the parts of an atlas, on the images themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from s3n_core.datasets.audit.near_duplicates import HASH_BYTES, NEAR_BITS, hash_distances, picture_hash
from s3n_core.datasets.loading import Sample, SampleReader
from s3n_core.datasets.records import ImageRecord, displayed_class
from s3n_core.errors import AtlasError
from s3n_core.inspection.hide_places import KnownScores
from s3n_core.inspection.hiding import hide
from s3n_core.inspection.inspector import Inspector
from s3n_core.method.contributions import OTHERS
from s3n_core.models.opening import Model
from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.atlas.atlas_files import AtlasImage
from s3n_core.parts.atlas.part_place import NO_PART
from s3n_core.parts.comparison.comparison import ComparedImage, Comparison, SecondMark, best_mark
from s3n_core.parts.comparison.measured_images import ClassValues, MeasuredImages
from s3n_core.parts.comparison.part_readings import HiddenPart, ImageParts, ReadImage, hide_parts, read_parts

OUTSIDE = "outside the object"

MOST_OTHERS = 100
"""Images of all other classes together that a class is compared with, if no number is given."""

Progress = Callable[[int, int], None]


def compare_classes(
    atlas: Atlas,
    model: Model,
    records: Mapping[str, ImageRecord],
    a: str,
    b: str | None = None,
    *,
    removal: bool = True,
    second: bool = False,
    most: int | None = None,
    workers: int | None = None,
    known: Mapping[str, KnownScores] | None = None,
    images: LabelledImages | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Compare two classes on images of the atlas: those held out from the training where there are any of both classes.

    Args:
        atlas: The atlas.
        model: Its model.
        records: The images' records by name.
        a: A class.
        b: Another class; None: all others.
        removal: Also hide each part that is found in an image, beside random places of the same size.
        second: Also find the second-best mark, by hiding the best one in every image; needs ``removal``.
        most: Take at most so many images of each side, evenly spaced; None: all, of all other classes `MOST_OTHERS`.
        workers: Loading threads.
        known: By the names of images that are asked several times: what the model says of them with places hidden
            (`hide_places`). What is asked is added, so that no place of them is hidden twice.
        images: The atlas's labelled images, where several classes are compared; None: they are listed here.
        progress: Called with (done, total) numbers of images, which count twice with ``removal``, and again with ``second``.

    Returns:
        The parts, the largest contribution first, and the rest, whose contributions sum to the margin.

    Raises:
        AtlasError: There is no such class, or no image of it that can be used; or the model is another one.
        OutOfMemory: The device has too little memory for one image.
    """
    job = _Job(
        atlas,
        model,
        records,
        a,
        b,
        most=most,
        workers=workers,
        removal=removal,
        second=second,
        images=images,
        progress=progress,
    )
    found = job.measure(known).comparison()
    return replace(found, second=job.second_mark(found)) if second else found


def measure_images(
    atlas: Atlas,
    model: Model,
    records: Mapping[str, ImageRecord],
    a: str,
    b: str | None = None,
    *,
    removal: bool = True,
    most: int | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> MeasuredImages:
    """Measure the images of two classes, to compare all of them, or those with a tag; see `compare_classes`."""
    job = _Job(
        atlas, model, records, a, b, most=most, workers=workers, removal=removal, second=False, progress=progress
    )
    return job.measure()


class _Job:
    """A comparison: which images, how they are read, and how much is done."""

    def __init__(
        self,
        atlas: Atlas,
        model: Model,
        records: Mapping[str, ImageRecord],
        a: str,
        b: str | None,
        *,
        removal: bool,
        second: bool,
        most: int | None,
        workers: int | None,
        progress: Progress | None,
        images: LabelledImages | None = None,
    ) -> None:
        atlas.require(model.digest)
        if second and not removal:
            raise AtlasError("The second-best mark needs removal: the best one is hidden to find it.")
        self._atlas, self._model, self._workers, self._removal = atlas, model, workers, removal
        self._pair = atlas.class_index(a), OTHERS if b is None else atlas.class_index(b)
        if self._pair[0] == self._pair[1]:
            raise AtlasError("A class cannot be compared with itself; name two classes.")
        self._a = atlas.classes[self._pair[0]]
        self._b = None if b is None else atlas.classes[self._pair[1]]
        self._split, self._images = (images or LabelledImages(atlas)).compared(self._a, self._b, most)
        missing = [image.file for image in self._images if image.file not in records]
        if missing:
            raise AtlasError(f"The data set no longer has the image {missing[0]}; build the atlas again.")
        self._records = [records[image.file] for image in self._images]
        self._inspector, self._read = Inspector(model), _HashingReader(model)
        self._done, self._total = 0, len(self._images) * (2 if removal else 1) * (2 if second else 1)
        self._progress = progress
        self._found: list[ImageParts | None] = []
        self._hidden: list[dict[int, HiddenPart] | None] = []

    def measure(self, known: Mapping[str, KnownScores] | None = None) -> MeasuredImages:
        """Measure every image as it is; ``known`` as in `compare_classes`."""
        measured, self._found, self._hidden = self._measured(self._read, known or {})
        return measured

    def second_mark(self, first: Comparison) -> SecondMark | None:
        """Hide the best part wherever it was found, and compare again; None if there is none."""
        mark = first.mark
        if mark is None or mark.part is None:
            return None
        hidden = {
            record.name: of_image[mark.part]
            for record, of_image in zip(self._records, self._hidden, strict=True)
            if of_image is not None and mark.part in of_image
        }

        def without(sample: Sample) -> Image.Image:
            image = self._read(sample)
            found = hidden.get(sample.name)
            return image if found is None else hide(image, found.place, found.settings)

        before = self._right(self._found)
        measured, found, _ = self._measured(without, {})
        others = [part for part in measured.comparison().parts if part.part != mark.part]
        return SecondMark(
            hidden=mark.name,
            part=best_mark(others),
            images=sum(parts is not None for parts in self._found),
            right_before=int(before.sum()),
            right_after=int(self._right(found).sum()),
        )

    def _measured(
        self, read: ReadImage, known: Mapping[str, KnownScores]
    ) -> tuple[MeasuredImages, list[ImageParts | None], list[dict[int, HiddenPart] | None]]:
        atlas, some = self._atlas, self._records
        boxed = all(record.box is not None for record in some)
        readings = read_parts(
            atlas,
            self._inspector,
            some,
            lambda _: self._pair,
            read,
            boxed=boxed,
            workers=self._workers,
            step=self._step,
        )
        found = [parts if isinstance(parts, ImageParts) else None for parts in readings]
        hidden: list[dict[int, HiddenPart] | None] = [None] * len(some)
        reasons = [""] * len(some)
        if self._removal:
            for index, (record, parts) in enumerate(zip(some, found, strict=True)):
                if parts is not None:
                    of_image = hide_parts(self._inspector, record, parts, read, known.get(record.name))
                    if isinstance(of_image, str):
                        reasons[index] = of_image
                    else:
                        hidden[index] = of_image
                self._step(1)
        used = [index for index, parts in enumerate(found) if parts is not None]
        of_a = np.array([self._images[index].label == self._a for index in used], dtype=bool)
        for side, name in ((of_a, self._a), (~of_a, self._b)):
            if not side.any():
                what = "any other class" if name is None else displayed_class(name)
                raise AtlasError(f"No image of {what} could be used.")
        columns = [part for part in atlas.parts.numbers if not atlas.parts.is_hidden(part)]
        background = atlas.background
        of_images = [parts for parts in found if parts is not None]
        rest = [[parts.rest, parts.outside] if boxed else [parts.rest] for parts in of_images]
        shares = [[parts.contributions.get(part, 0.0) for part in columns] for parts in of_images]
        seen = [[part in parts.contributions for part in columns] for parts in of_images]

        def of_hidden(value: Callable[[HiddenPart], float]) -> NDArray[np.float64] | None:
            """Return a value of every image and part: 0 where the part is not found, NaN where nothing could be hidden."""
            if not self._removal:
                return None
            rows = [
                [np.nan if of is None else value(of[part]) if part in of else 0.0 for part in columns]
                for of in (hidden[index] for index in used)
            ]
            return np.array(rows, dtype=np.float64).reshape(len(used), -1)

        names, right = [some[index].name for index in used], self._right(found)[used]
        measured = MeasuredImages(
            a=self._a,
            b=self._b,
            split=self._split,
            files=tuple(names),
            of_a=of_a,
            right=right,
            values=ClassValues(
                contributions=np.concatenate([np.array(shares).reshape(len(used), -1), np.array(rest)], axis=1),
                found=np.concatenate(
                    [np.array(seen, dtype=bool).reshape(len(used), -1), np.ones_like(rest, dtype=bool)], axis=1
                ),
                losses=of_hidden(lambda part: part.beyond_random),
                units=units_of([some[index] for index in used], [self._read.hashes.get(name) for name in names]),
                changed=of_hidden(lambda part: part.changed),
                changed_random=of_hidden(lambda part: part.random_changed),
            ),
            parts=tuple((part, atlas.parts.name(part), part in background) for part in columns),
            rest=(NO_PART, OUTSIDE) if boxed else (NO_PART,),
            not_hidden=tuple(reasons[index] for index in used),
            unreadable=tuple(image.file for image, parts in zip(self._images, found, strict=True) if parts is None),
            seed=atlas.collection.seed,
            images=tuple(
                _compared_image(some[index].name, bool(is_a), bool(is_right), parts, hidden[index])
                for index, parts, is_a, is_right in zip(used, of_images, of_a, right, strict=True)
            ),
        )
        return measured, found, hidden

    def _right(self, found: Sequence[ImageParts | None]) -> NDArray[np.bool_]:
        classes = self._atlas.classes
        return np.array(
            [
                parts is not None and classes[parts.predicted] == image.label
                for image, parts in zip(self._images, found, strict=True)
            ],
            dtype=bool,
        )

    def _step(self, count: int) -> None:
        self._done += count
        if self._progress is not None:
            self._progress(self._done, self._total)


def _compared_image(
    file: str, of_a: bool, correct: bool, found: ImageParts, hidden: Mapping[int, HiddenPart] | None
) -> ComparedImage:
    """Return what was found and hidden in an image."""
    parts = tuple(sorted(found.places))
    places = [found.places[part] for part in parts]
    return ComparedImage(
        file=file,
        of_a=of_a,
        correct=correct,
        parts=parts,
        x=tuple(round(float(x), 1) for x, _ in places),
        y=tuple(round(float(y), 1) for _, y in places),
        contributions=tuple(float(found.contributions[part]) for part in parts),
        losses=None if hidden is None else tuple(float(hidden[part].beyond_random) for part in parts),
        changed=None if hidden is None else tuple(hidden[part].changed for part in parts),
    )


def units_of(records: Sequence[ImageRecord], hashes: Sequence[bytes | None]) -> NDArray[np.intp]:
    """Return the unit of each image: images of one group, and near-duplicates, share one; numbered 0 ... u - 1."""
    units, hashed, members = np.arange(len(records)), list[int](), dict[str, list[int]]()
    octets = np.zeros((len(records), HASH_BYTES), dtype=np.uint8)
    for index, (record, own) in enumerate(zip(records, hashes, strict=True)):
        others = list[int]()
        if record.group is not None:
            others += members.setdefault(record.group, [])
            members[record.group].append(index)
        if own is not None:
            octets[len(hashed)] = np.frombuffer(own, dtype=np.uint8)
            near = hash_distances(octets[: len(hashed)], octets[len(hashed)]) <= NEAR_BITS
            others += [hashed[place] for place in np.flatnonzero(near).tolist()]
            hashed.append(index)
        for other in sorted(others):
            if units[other] != units[index]:
                units[units == units[index]] = units[other]
    return np.unique(units, return_inverse=True)[1].astype(np.intp)


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


class LabelledImages:
    """The labelled images of an atlas that can be used, to choose from for many comparisons.

    Args:
        atlas: The atlas.
    """

    def __init__(self, atlas: Atlas) -> None:
        index = {name: position for position, name in enumerate(atlas.classes)}
        self._atlas, self._index = atlas, index
        images = atlas.images
        self._labels = np.array(
            [-1 if image.error or image.label is None else index.get(image.label, -1) for image in images],
            dtype=np.intp,
        )
        self._splits = np.array([image.split or "" for image in images], dtype=str)

    def compared(self, a: str, b: str | None = None, most: int | None = None) -> tuple[str, list[AtlasImage]]:
        """Return the images that `compare_classes` takes, held-out ones where there are some of both sides, and what they are.

        Args:
            a: A class.
            b: Another class; None: all others.
            most: At most so many images of each side; None: all, of all other classes `MOST_OTHERS`.

        Raises:
            AtlasError: There is no image of either side.
        """
        of_a = self._labels == self._index[a]
        of_b = (self._labels >= 0) & ~of_a if b is None else self._labels == self._index[b]
        for side, name in ((of_a, a), (of_b, b)):
            if not side.any():
                what = "another class" if name is None else displayed_class(name)
                raise AtlasError(f"The atlas has no image of {what}; build it with images of both classes.")
        chosen = self._atlas.header.split
        for split in ("test", "val"):
            held_out = self._splits == split
            if (of_a & held_out).any() and (of_b & held_out).any():
                chosen, of_a, of_b = split, of_a & held_out, of_b & held_out
                break
        limits = most, MOST_OTHERS if b is None and most is None else most
        taken = [_evenly(np.flatnonzero(side), limit) for side, limit in zip((of_a, of_b), limits, strict=True)]
        return chosen, [self._atlas.images[position] for position in sorted(chain.from_iterable(taken))]


def _evenly(positions: NDArray[np.intp], most: int | None) -> list[int]:
    """Return at most so many positions, evenly spaced."""
    count = len(positions) if most is None else min(most, len(positions))
    return [int(positions[index * len(positions) // count]) for index in range(count)]
