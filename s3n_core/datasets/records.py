"""What every reader returns and everything else works on: one light record an image, and the data set they make.

A record names its image by ``name``, the posix path below the data set's root. That name is the sample's key
everywhere (randomness, split files, predictions), so a data set may be moved as a whole without changing a run.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")

_CLASS_NUMBER = re.compile(r"^\d+\.(?=\D)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """An upright box in original pixels; (``x``, ``y``) is its upper left corner, the image's own corner is (0, 0)."""

    x: float
    y: float
    width: float
    height: float

    @classmethod
    def from_corners(cls, xmin: float, ymin: float, xmax: float, ymax: float) -> Box:
        """Make the box of a data set that names its first and last pixel, counted from 1."""
        return cls(x=xmin - 1, y=ymin - 1, width=xmax - xmin + 1, height=ymax - ymin + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A visible part's place in original pixels. A part that cannot be seen in an image has no entry there."""

    name: str
    x: float
    y: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRecord:
    """One image of a data set. Nothing of it has been decoded.

    Attributes:
        path: The file.
        name: Posix path below the data set's root; the sample's key.
        label: Index into ``DataSet.classes``, or None where the image has no label.
        split: The part that the data set itself assigns, or None where it has no split.
        box: The object's box, where the data set has boxes. For measuring only.
        parts: The visible parts, where the data set has them. For measuring only.
        banner: Rows at the lower edge that are no part of the photograph, in pixels; the decoder cuts them off.
    """

    path: Path
    name: str
    label: int | None = None
    split: Split | None = None
    box: Box | None = None
    parts: tuple[Part, ...] = ()
    banner: int = 0


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in a data set folder that was left out or looks wrong.

    Attributes:
        path: The file or folder concerned.
        reason: What is wrong, as a clause without the path ("the file does not exist").
    """

    path: Path
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """The images of one folder, as its format describes them.

    Attributes:
        root: The folder (or, for a single image, the folder that holds it).
        format: Which reader made it: one of ``detection.FORMATS``.
        classes: Class names; a record's label is an index into them. Empty where nothing is labelled.
        records: The images, in the reader's fixed order (never the file system's).
        problems: What was left out or looks wrong; the records are usable nevertheless.
        title: The format's name for a person, for example "CUB-200-2011".
        by_hand: Names of the images whose part a person has chosen.
        original: The data set as its folder says, where a person has assigned images otherwise.
    """

    root: Path
    format: str
    classes: tuple[str, ...]
    records: tuple[ImageRecord, ...]
    problems: tuple[Problem, ...] = ()
    title: str = ""
    by_hand: frozenset[str] = frozenset()
    original: DataSet | None = None

    def of_split(self, split: Split | None) -> tuple[ImageRecord, ...]:
        """Return the records that the data set assigns to ``split`` (None: those without an assignment)."""
        return tuple(record for record in self.records if record.split == split)

    def splits(self) -> tuple[Split | None, ...]:
        """Return the parts that occur, in the order train, val, test, then None for unassigned images."""
        present = {record.split for record in self.records}
        return tuple(split for split in (*SPLITS, None) if split in present)

    def counts(self) -> dict[Split | None, tuple[int, ...]]:
        """Count labelled images: for every part that occurs, the number of images of each class in class order."""
        table = {split: [0] * len(self.classes) for split in self.splits()}
        for record in self.records:
            if record.label is not None:
                table[record.split][record.label] += 1
        return {split: tuple(row) for split, row in table.items()}

    def splits_of(self, records: Iterable[ImageRecord]) -> tuple[str, ...]:
        """Return the parts of some records, each once, for a report; "unassigned" where there is none."""
        return tuple(dict.fromkeys(record.split or "unassigned" for record in records))

    def classes_of(self, records: Iterable[ImageRecord]) -> tuple[str, ...]:
        """Return the class names of some records, each once; those without a label have none."""
        return tuple(dict.fromkeys(self.classes[record.label] for record in records if record.label is not None))

    def fingerprint(self) -> str:
        """Return a hash (32 hexadecimal digits) over class names and every image's name, label, split and file size.

        It does not depend on the order of the records, on where the folder lies, or on file times. A file that cannot
        be examined counts as size -1. Reads no file, but asks the file system once for each.
        """
        digest = hashlib.blake2b(digest_size=16)
        for name in self.classes:
            digest.update(_line("class", name))
        for record in sorted(self.records, key=lambda record: record.name):
            digest.update(_line(record.name, str(record.label), str(record.split), str(_size(record.path))))
        return digest.hexdigest()


def readable_name(name: str) -> str:
    """Return a name as text that every file format holds: bytes that are no valid Unicode are written out.

    On Linux such bytes reach Python as lone surrogates, which neither JSON nor UTF-8 has. Names of classes and data sets are
    read by people and stored in models; names of images are not changed, since they must find their files again.
    """
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def displayed_class(name: str) -> str:
    """Return a class name as a person reads it: ``016.Painted_Bunting`` as "Painted Bunting"."""
    return _CLASS_NUMBER.sub("", name).replace("_", " ").strip() or name


def _line(*fields: str) -> bytes:
    # "/" cannot stand inside a file name and NUL cannot stand in a path, so no two lists of fields give one line.
    # Names that are not valid Unicode on Linux arrive with surrogates, which strict UTF-8 would refuse.
    return ("\0".join(fields) + "\n\0").encode("utf-8", "surrogatepass")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1
