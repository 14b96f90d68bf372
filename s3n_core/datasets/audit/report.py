"""The audit report as data, for JSON, text and the window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from s3n_core.datasets.audit.measures import ImageMeasures
from s3n_core.datasets.audit.name_findings import NameFinding
from s3n_core.datasets.records import DataSet, ImageRecord, Problem, Skipped


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallClass:
    """A class with too few images.

    Attributes:
        name: The class.
        training_images: Number of its training images (of all its images, if the data set has no split).
        test_images: Number of its test images, or None if the data set has no labelled test images.
    """

    name: str
    training_images: int
    test_images: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallImage:
    """An image whose shorter side is below the requested size; width and height of the upright image in pixels."""

    name: str
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Smallest, (lower) median and largest of some lengths in pixels."""

    smallest: int
    median: int
    largest: int

    @classmethod
    def of(cls, lengths: NDArray[np.integer]) -> Range | None:
        """Return the range of some lengths; None if there are none."""
        if not len(lengths):
            return None
        ordered = np.sort(lengths)
        smallest, median, largest = (int(ordered[place]) for place in (0, (len(ordered) - 1) // 2, -1))
        return cls(smallest=smallest, median=median, largest=largest)


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateGroup:
    """Identical files, or images that look the same.

    Attributes:
        names: Names of the images, at least two.
        splits: Their splits; more than one means a leak between splits.
        classes: Their classes; more than one means that a label is wrong.
        bits_apart: Largest number of bits in which a hash differs from the first image's; 0 for identical files.
    """

    names: tuple[str, ...]
    splits: tuple[str, ...]
    classes: tuple[str, ...]
    bits_apart: int = 0

    @classmethod
    def of(cls, data_set: DataSet, records: Sequence[ImageRecord], bits_apart: int = 0) -> DuplicateGroup:
        """Make a group from records of a data set."""
        return cls(
            names=tuple(record.name for record in records),
            splits=data_set.splits_of(records),
            classes=data_set.classes_of(records),
            bits_apart=bits_apart,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReport:
    """The result of an audit.

    Attributes:
        root: The data set's folder.
        format: Its format.
        images: Number of images.
        decoded: Whether each image was decoded completely; else only its header was read, without a search for
            near-duplicates.
        counts: Number of images per class name, for every split that occurs ("train", "val", "test" or "unassigned").
        problems: Problems that the reader found.
        skipped: What else lies in its folders, counted by reason and suffix.
        remarks: Sentences on how the folder was read.
        unreadable: Images that cannot be decoded.
        small_classes: Classes with fewer than five training images, or without test images if others have some.
        smallest_side: Smallest accepted shorter side of an image, in pixels.
        small_images: Images with a shorter side below that.
        width: Widths of the readable, upright images; None if there are none.
        height: Their heights.
        duplicates: Groups of identical files.
        near_duplicates: Groups of images that look the same, except groups of identical files.
        name_findings: Problems that file names reveal.
        measures: Size and hash of every image, if asked for.
    """

    root: Path
    format: str
    images: int
    decoded: bool
    counts: dict[str, dict[str, int]]
    problems: tuple[Problem, ...]
    skipped: tuple[Skipped, ...]
    remarks: tuple[str, ...]
    unreadable: tuple[Problem, ...]
    small_classes: tuple[SmallClass, ...]
    smallest_side: int
    small_images: tuple[SmallImage, ...]
    width: Range | None
    height: Range | None
    duplicates: tuple[DuplicateGroup, ...]
    near_duplicates: tuple[DuplicateGroup, ...]
    name_findings: tuple[NameFinding, ...]
    measures: ImageMeasures | None = None

    @property
    def unlabelled(self) -> int:
        """Number of images without a label."""
        return self.images - sum(sum(by_class.values()) for by_class in self.counts.values())

    @property
    def leaks(self) -> tuple[DuplicateGroup, ...]:
        """The groups of duplicates and near-duplicates that span more than one split."""
        return tuple(group for group in (*self.duplicates, *self.near_duplicates) if len(group.splits) > 1)
