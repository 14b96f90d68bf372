"""A look at every image of a data set before anything is learned from it: what is broken, too small, or there twice."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median_low
from typing import Any

from s3n_core.datasets.decoding import image_size, read_image
from s3n_core.datasets.records import DataSet, ImageRecord, Problem
from s3n_core.datasets.threaded_map import threaded_map
from s3n_core.errors import UnreadableImage

FEWEST_TRAINING_IMAGES = 5
"""A class with fewer training images is named as too small."""

_CHUNK = 1 << 20  # bytes
_SHOWN = 20  # lines of each list in the text


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallClass:
    """A class with too few images.

    Attributes:
        name: The class.
        training_images: Its training images (all its images, where the data set has no split).
        test_images: Its test images, or None where the data set has no test part.
    """

    name: str
    training_images: int
    test_images: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Smallest, middle (the lower one of two) and largest of some lengths in pixels."""

    smallest: int
    median: int
    largest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateGroup:
    """Files of equal content.

    Attributes:
        names: Their names, at least two.
        splits: The parts that they are assigned to: more than one means that a test image was learned from.
        classes: The classes that they are given: more than one means that a label is wrong.
    """

    names: tuple[str, ...]
    splits: tuple[str, ...]
    classes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReport:
    """What an audit found.

    Attributes:
        root: The data set's folder.
        format: Its format.
        images: Number of images.
        decoded: Whether each image was decoded to its last row; else only its header was read.
        counts: For every part that occurs ("train", "val", "test", or "unassigned"): images of each class, by name.
        problems: What the reader left out.
        unreadable: Images that cannot be decoded.
        small_classes: Classes with fewer than five training images or, where there is a test part, without a test image.
        width: Widths of the readable, upright images; None where there is none.
        height: Their heights.
        duplicates: Groups of files of equal content.
    """

    root: Path
    format: str
    images: int
    decoded: bool
    counts: dict[str, dict[str, int]]
    problems: tuple[Problem, ...]
    unreadable: tuple[Problem, ...]
    small_classes: tuple[SmallClass, ...]
    width: Range | None
    height: Range | None
    duplicates: tuple[DuplicateGroup, ...]

    @property
    def leaks(self) -> tuple[DuplicateGroup, ...]:
        """The duplicates that lie in more than one part of the data set."""
        return tuple(group for group in self.duplicates if len(group.splits) > 1)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as values that JSON holds."""
        fields = asdict(self)
        fields["root"] = str(self.root)
        for key in ("problems", "unreadable"):
            fields[key] = [{"path": str(item.path), "reason": item.reason} for item in getattr(self, key)]
        return fields

    def text(self) -> str:
        """Return the report as lines for a person."""
        lines = [f"{self.root}: {self.images} images ({self.format})"]
        for part, by_class in self.counts.items():
            if by_class:
                fewest, most = min(by_class.values()), max(by_class.values())
                lines.append(
                    f"  {part}: {sum(by_class.values())} images of {len(by_class)} classes, {fewest} to {most} a class"
                )
        for what, lengths in (("width", self.width), ("height", self.height)):
            if lengths is not None:
                lines.append(f"  {what}: {lengths.smallest} to {lengths.largest} pixels, median {lengths.median}")
        lines += _section("left out", [f"{item.path}: {item.reason}" for item in self.problems])
        lines += _section("unreadable", [f"{item.path}: {item.reason}" for item in self.unreadable])
        lines += _section("classes too small", [_small_class_line(item) for item in self.small_classes])
        lines += _section("equal files", [_duplicate_line(group) for group in self.duplicates])
        if not (self.problems or self.unreadable or self.small_classes or self.duplicates):
            lines.append("  nothing to complain about" + ("" if self.decoded else " (only the headers were read)"))
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class _Examined:
    """One image: its upright size, or why it has none; and its content's hash, where another file is as long."""

    size: tuple[int, int] | None
    reason: str
    digest: bytes | None


def audit(
    data_set: DataSet,
    *,
    decode: bool = True,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> AuditReport:
    """Look at every image of a data set.

    Args:
        data_set: The data set.
        decode: Decode every image wholly; else read headers only, which misses truncated files.
        workers: Threads; None: as many as the machine makes sensible; 0: none.
        progress: Called with (images done, images in all) after each image, in the calling thread. What it raises ends
            the audit and leaves no thread behind.
    """
    records = data_set.records
    lengths = [_length(record.path) for record in records]
    how_often = Counter(length for length in lengths if length is not None)

    def examine(index: int) -> _Examined:
        path, length = records[index].path, lengths[index]
        try:
            size = read_image(path).size if decode else image_size(path)
            reason = ""
        except UnreadableImage as error:
            size, reason = None, error.reason
        return _Examined(size, reason, _digest(path) if length and how_often[length] > 1 else None)

    examined: list[_Examined] = []
    with closing(threaded_map(examine, range(len(records)), workers=workers)) as results:
        for result in results:
            examined.append(result)
            if progress is not None:
                progress(len(examined), len(records))
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
        unreadable=tuple(
            Problem(record.path, item.reason)
            for record, item in zip(records, examined, strict=True)
            if item.size is None
        ),
        small_classes=_small_classes(data_set),
        width=_range([width for width, _ in sizes]),
        height=_range([height for _, height in sizes]),
        duplicates=_duplicates(data_set, [item.digest for item in examined]),
    )


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


def _range(lengths: Sequence[int]) -> Range | None:
    if not lengths:
        return None
    return Range(smallest=min(lengths), median=median_low(lengths), largest=max(lengths))


def _small_classes(data_set: DataSet) -> tuple[SmallClass, ...]:
    counts = data_set.counts()
    none = (0,) * len(data_set.classes)
    training = counts.get("train", counts.get(None, none))
    test = counts.get("test")
    return tuple(
        SmallClass(name=name, training_images=training[label], test_images=None if test is None else test[label])
        for label, name in enumerate(data_set.classes)
        if training[label] < FEWEST_TRAINING_IMAGES or (test is not None and test[label] == 0)
    )


def _duplicates(data_set: DataSet, digests: Sequence[bytes | None]) -> tuple[DuplicateGroup, ...]:
    groups: dict[bytes, list[ImageRecord]] = defaultdict(list)
    for record, digest in zip(data_set.records, digests, strict=True):
        if digest is not None:
            groups[digest].append(record)
    return tuple(
        DuplicateGroup(
            names=tuple(record.name for record in group),
            splits=tuple(dict.fromkeys(record.split or "unassigned" for record in group)),
            classes=tuple(dict.fromkeys(data_set.classes[r.label] for r in group if r.label is not None)),
        )
        for group in groups.values()
        if len(group) > 1
    )


def _small_class_line(item: SmallClass) -> str:
    test = "" if item.test_images is None else f", {item.test_images} test image(s)"
    return f"{item.name}: {item.training_images} training image(s){test}"


def _duplicate_line(group: DuplicateGroup) -> str:
    remarks = [f"in {' and '.join(group.splits)}"] if len(group.splits) > 1 else []
    remarks += [f"as {' and '.join(group.classes)}"] if len(group.classes) > 1 else []
    return " = ".join(group.names) + (f" ({', '.join(remarks)})" if remarks else "")


def _section(title: str, lines: Sequence[str]) -> list[str]:
    if not lines:
        return []
    more = [f"    ... and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
    return [f"  {title}: {len(lines)}", *(f"    {line}" for line in lines[:_SHOWN]), *more]
