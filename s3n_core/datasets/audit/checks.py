"""The audit of every image of a data set before training: unreadable, too small, or duplicate images."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from s3n_core.datasets.audit.measures import ImageMeasures
from s3n_core.datasets.audit.name_findings import name_findings
from s3n_core.datasets.audit.near_duplicates import bits_apart, near_groups, picture_hash
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


@dataclass(frozen=True, slots=True)
class _Examined:
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
    sizes = [item.size for item in examined if item.size is not None]
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
        unreadable=tuple(
            Problem(record.path, item.reason)
            for record, item in zip(records, examined, strict=True)
            if item.size is None
        ),
        small_classes=_small_classes(data_set),
        smallest_side=smallest_side,
        small_images=tuple(
            SmallImage(name=record.name, width=item.size[0], height=item.size[1])
            for record, item in zip(records, examined, strict=True)
            if item.size is not None and min(item.size) < smallest_side
        ),
        width=Range.of([width for width, _ in sizes]),
        height=Range.of([height for _, height in sizes]),
        duplicates=_equal_files(data_set, [item.digest for item in examined]),
        near_duplicates=_near_duplicates(data_set, examined, comparing),
        name_findings=name_findings(data_set),
        measures=ImageMeasures.of([item.size for item in examined], [item.look for item in examined])
        if measure
        else None,
    )


def _examine_all(
    data_set: DataSet, decode: bool, workers: int | None, progress: Callable[[int, int], None] | None
) -> list[_Examined]:
    paths = [record.path for record in data_set.records]
    lengths = [_length(path) for path in paths]
    how_often = Counter(length for length in lengths if length is not None)

    def examine(index: int) -> _Examined:
        path, length, banner = paths[index], lengths[index], data_set.records[index].banner
        digest = _digest(path) if length and how_often[length] > 1 else None
        try:
            if not decode:
                return _Examined(image_size(path, banner=banner), "", digest, None)
            image = read_image(path, banner=banner, own_range=True)
        except UnreadableImage as error:
            return _Examined(None, error.reason, digest, None)
        return _Examined(image.size, "", digest, picture_hash(image))

    examined: list[_Examined] = []
    with closing(threaded_map(examine, range(len(paths)), workers=workers)) as results:
        for result in results:
            examined.append(result)
            if progress is not None:
                progress(len(examined), len(paths))
    return examined


def _length(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _digest(path: Path) -> bytes | None:
    digest = hashlib.blake2b(digest_size=16)
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


def _equal_files(data_set: DataSet, digests: Sequence[bytes | None]) -> tuple[DuplicateGroup, ...]:
    groups: dict[bytes, list[int]] = defaultdict(list)
    for index, digest in enumerate(digests):
        if digest is not None:
            groups[digest].append(index)
    return tuple(
        DuplicateGroup.of(data_set, [data_set.records[index] for index in group])
        for group in groups.values()
        if len(group) > 1
    )


def _near_duplicates(
    data_set: DataSet, examined: Sequence[_Examined], progress: Callable[[int, int], None] | None
) -> tuple[DuplicateGroup, ...]:
    found = []
    for group in near_groups([item.look for item in examined], progress=progress):
        digests = {examined[index].digest for index in group}
        if len(digests) == 1 and None not in digests:
            continue  # identical files: reported as duplicates
        looks = [look for index in group if (look := examined[index].look) is not None]
        most = max(bits_apart(looks[0], look) for look in looks)
        found.append(DuplicateGroup.of(data_set, [data_set.records[index] for index in group], most))
    return tuple(found)
