"""What an audit found, as values: for the JSON, the text and the window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median_low

from s3n_core.datasets.audit.name_findings import NameFinding
from s3n_core.datasets.records import DataSet, ImageRecord, Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallClass:
    """A class with too few images.

    Attributes:
        name: The class.
        training_images: Its training images (all its images, where the data set has no split).
        test_images: Its test images, or None where the data set has no test images with a label.
    """

    name: str
    training_images: int
    test_images: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallImage:
    """An image whose shorter side is below the size asked for; its sides are in pixels, upright."""

    name: str
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Smallest, middle (the lower one of two) and largest of some lengths in pixels."""

    smallest: int
    median: int
    largest: int

    @classmethod
    def of(cls, lengths: Sequence[int]) -> Range | None:
        """Return the range of some lengths; None where there is none."""
        if not lengths:
            return None
        return cls(smallest=min(lengths), median=median_low(lengths), largest=max(lengths))


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateGroup:
    """Files of equal content, or pictures that look the same.

    Attributes:
        names: Their names, at least two.
        splits: The parts that they are assigned to: more than one means that a test image was learned from.
        classes: The classes that they are given: more than one means that a label is wrong.
        bits_apart: The most bits in which the hash of one of them differs from the first one's; 0 for equal files.
    """

    names: tuple[str, ...]
    splits: tuple[str, ...]
    classes: tuple[str, ...]
    bits_apart: int = 0

    @classmethod
    def of(cls, data_set: DataSet, records: Sequence[ImageRecord], bits_apart: int = 0) -> DuplicateGroup:
        """Make a group of some records of a data set."""
        return cls(
            names=tuple(record.name for record in records),
            splits=data_set.splits_of(records),
            classes=data_set.classes_of(records),
            bits_apart=bits_apart,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReport:
    """What an audit found.

    Attributes:
        root: The data set's folder.
        format: Its format.
        images: Number of images.
        decoded: Whether each image was decoded to its last row; else only its header was read, and near-duplicates were
            not looked for.
        counts: For every part that occurs ("train", "val", "test", or "unassigned"): images of each class, by name.
        problems: What the reader left out.
        unreadable: Images that cannot be decoded.
        small_classes: Classes with fewer than five training images or, where test images have labels, without a test image.
        smallest_side: Pixels that the shorter side of an image should have.
        small_images: The images that have fewer.
        width: Widths of the readable, upright images; None where there is none.
        height: Their heights.
        duplicates: Groups of files of equal content.
        near_duplicates: Groups of pictures that look the same; not those whose files are all equal.
        name_findings: What file names alone say against the data set.
    """

    root: Path
    format: str
    images: int
    decoded: bool
    counts: dict[str, dict[str, int]]
    problems: tuple[Problem, ...]
    unreadable: tuple[Problem, ...]
    small_classes: tuple[SmallClass, ...]
    smallest_side: int
    small_images: tuple[SmallImage, ...]
    width: Range | None
    height: Range | None
    duplicates: tuple[DuplicateGroup, ...]
    near_duplicates: tuple[DuplicateGroup, ...]
    name_findings: tuple[NameFinding, ...]

    @property
    def unlabelled(self) -> int:
        """How many images have no label."""
        return self.images - sum(sum(by_class.values()) for by_class in self.counts.values())

    @property
    def leaks(self) -> tuple[DuplicateGroup, ...]:
        """The duplicates, equal or near, that lie in more than one part of the data set."""
        return tuple(group for group in (*self.duplicates, *self.near_duplicates) if len(group.splits) > 1)
