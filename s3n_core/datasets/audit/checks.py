"""The audit of every image of a data set before training: unreadable, too small, or duplicate images."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from s3n_core.datasets.audit.equal_rows import first_equal, groups_of
from s3n_core.datasets.audit.measures import ImageMeasures
from s3n_core.datasets.audit.name_findings import name_findings
from s3n_core.datasets.audit.near_duplicates import HASH_BYTES, bits_apart, near_groups, picture_hash
from s3n_core.datasets.audit.report import AuditReport, DuplicateGroup, Range, SmallClass, SmallImage
from s3n_core.datasets.decoding import image_size, read_image
from s3n_core.datasets.records import DataSet, Problem
from s3n_core.datasets.threaded_map import threaded_map
from s3n_core.errors import UnreadableImage

FEWEST_TRAINING_IMAGES = 5
"""A class with fewer training images is reported as too small."""

SMALLEST_SIDE = 64
"""Default for ``audit``: an image whose shorter side has fewer pixels is reported as too small."""

_CHUNK = 1 << 20  # bytes
_DIGEST_BYTES = 16


@dataclass(frozen=True, slots=True)
class _Image:
    """What the audit found in one image.

    Attributes:
        size: (width, height) of the upright image in pixels, or None if it cannot be read.
        reason: Why it cannot be read; empty if it can.
        digest: Hash of the file's content; None unless another file has the same length.
        look: Perceptual hash (`picture_hash`); None if the image was not decoded or has none.
    """

    size: tuple[int, int] | None
    reason: str
    digest: bytes | None
    look: bytes | None


class _Examined:
    """What the audit found in N images, in the order of the records: 56 bytes an image, since there may be very many.

    Attributes:
        done: Number of images so far.
        sizes: int32 (N, 2): see `_Image`, and so are the others; zeros where there is none.
        reasons: By position, where there is one.
        digests: uint8 (N, 16).
        looks: uint8 (N, 32).
    """

    def __init__(self, count: int) -> None:
        self.done = 0
        self.sizes = np.zeros((count, 2), np.int32)
        self.reasons: dict[int, str] = {}
        self.digests = np.zeros((count, _DIGEST_BYTES), np.uint8)
        self.looks = np.zeros((count, HASH_BYTES), np.uint8)

    def add(self, image: _Image) -> None:
        """Add the next image."""
        if image.size is None:
            self.reasons[self.done] = image.reason
        else:
            self.sizes[self.done] = image.size
        for column, value in ((self.digests, image.digest), (self.looks, image.look)):
            if value is not None:
                column[self.done] = np.frombuffer(value, np.uint8)
        self.done += 1

    def each_look(self) -> Iterator[bytes | None]:
        """Return each image's perceptual hash; None where it has none."""
        return (look.tobytes() if look.any() else None for look in self.looks)


def audit(
    data_set: DataSet,
    *,
    decode: bool = True,
    smallest_side: int = SMALLEST_SIDE,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    comparing: Callable[[int, int], None] | None = None,
    measure: bool = False,
) -> AuditReport:
    """Check every image of a data set.

    Args:
        data_set: The data set.
        decode: Decode every image completely; else read headers only, which misses truncated files and near-duplicates.
        smallest_side: Images whose shorter side has fewer pixels are reported.
        workers: Threads; None: ``worker_count()``; 0: use the calling thread.
        progress: Called with (images done, total) after each image, in the calling thread. An exception that it raises
            ends the audit and its threads.
        comparing: Progress of the search for near-duplicates, which follows (`near_groups`).
        measure: Include the size and perceptual hash of every image in the report.
    """
    records = data_set.records
    examined = _examine_all(data_set, decode, workers, progress)
    sides, readable = examined.sizes.min(axis=1), examined.sizes.all(axis=1)
    return AuditReport(
        root=data_set.root,
        format=data_set.format,
        images=len(records),
        decoded=decode,
        counts={
            split or "unassigned": dict(zip(data_set.classes, row, strict=True))
            for split, row in data_set.counts().items()
        },
        problems=data_set.problems,
        skipped=data_set.skipped,
        remarks=(data_set.original or data_set).remarks,
        unreadable=tuple(Problem(records[index].path, reason) for index, reason in examined.reasons.items()),
        small_classes=_small_classes(data_set),
        smallest_side=smallest_side,
        small_images=tuple(
            SmallImage(name=records[index].name, width=width, height=height)
            for index in np.flatnonzero(readable & (sides < smallest_side)).tolist()
            for width, height in [examined.sizes[index].tolist()]
        ),
        width=Range.of(examined.sizes[readable, 0]),
        height=Range.of(examined.sizes[readable, 1]),
        duplicates=_equal_files(data_set, examined.digests),
        near_duplicates=_near_duplicates(data_set, examined, comparing),
        name_findings=name_findings(data_set),
        measures=ImageMeasures.of(examined.sizes, examined.looks) if measure else None,
    )


def _examine_all(
    data_set: DataSet, decode: bool, workers: int | None, progress: Callable[[int, int], None] | None
) -> _Examined:
    records = data_set.records
    lengths = np.fromiter((_length(record.path) for record in records), np.int64, len(records))
    _, member, how_often = np.unique(lengths, return_inverse=True, return_counts=True)
    maybe_equal = (lengths > 0) & (how_often[member.ravel()] > 1)

    def examine(index: int) -> _Image:
        path, banner = records[index].path, records[index].banner
        digest = _digest(path) if maybe_equal[index] else None
        try:
            if not decode:
                return _Image(image_size(path, banner=banner), "", digest, None)
            image = read_image(path, banner=banner, own_range=True)
        except UnreadableImage as error:
            return _Image(None, error.reason, digest, None)
        return _Image(image.size, "", digest, picture_hash(image))

    examined = _Examined(len(records))
    with closing(threaded_map(examine, range(len(records)), workers=workers)) as results:
        for result in results:
            examined.add(result)
            if progress is not None:
                progress(examined.done, len(records))
    return examined


def _length(path: Path) -> int:
    """Return a file's length in bytes, 0 if it cannot be told."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _digest(path: Path) -> bytes | None:
    digest = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except OSError:
        return None
    return digest.digest()


def _small_classes(data_set: DataSet) -> tuple[SmallClass, ...]:
    counts = data_set.counts()
    none = (0,) * len(data_set.classes)
    training = counts.get("train", counts.get(None, none))
    test = counts.get("test", none)
    tested = any(test)  # if no test image has a label, no single class is to blame
    return tuple(
        SmallClass(name=name, training_images=training[label], test_images=test[label] if tested else None)
        for label, name in enumerate(data_set.classes)
        if training[label] < FEWEST_TRAINING_IMAGES or (tested and test[label] == 0)
    )


def _equal_files(data_set: DataSet, digests: NDArray[np.uint8]) -> tuple[DuplicateGroup, ...]:
    known = np.flatnonzero(digests.any(axis=1))
    return tuple(
        DuplicateGroup.of(data_set, [data_set.records[index] for index in known[group].tolist()])
        for group in groups_of(first_equal(digests[known]))
    )


def _near_duplicates(
    data_set: DataSet, examined: _Examined, progress: Callable[[int, int], None] | None
) -> tuple[DuplicateGroup, ...]:
    found = []
    for group in near_groups(examined.each_look(), progress=progress):
        digests = examined.digests[group]
        if digests[0].any() and (digests == digests[0]).all():
            continue  # identical files: reported as duplicates
        looks = [examined.looks[index].tobytes() for index in group]
        most = max(bits_apart(looks[0], look) for look in looks)
        found.append(DuplicateGroup.of(data_set, [data_set.records[index] for index in group], most))
    return tuple(found)
