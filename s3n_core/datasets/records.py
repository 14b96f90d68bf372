"""Image records and data sets, as every reader returns them.

A record's ``name`` is the image's POSIX path relative to the data set's root. It is the sample's key everywhere
(randomness, split files, predictions), so a data set may be moved as a whole without changing a run.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")

_CLASS_NUMBER = re.compile(r"^\d+\.(?=\D)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """An axis-aligned box in original pixels; (``x``, ``y``) is its upper left corner, (0, 0) the image's."""

    x: float
    y: float
    width: float
    height: float

    @classmethod
    def from_corners(cls, xmin: float, ymin: float, xmax: float, ymax: float) -> Box:
        """Make a box from its first and last pixels, both included and counted from 1."""
        return cls(x=xmin - 1, y=ymin - 1, width=xmax - xmin + 1, height=ymax - ymin + 1)

    def contains(self, x: float, y: float) -> bool:
        """Return whether a point, in original pixels, lies in the box or on its border."""
        return self.x <= x <= self.x + self.width and self.y <= y <= self.y + self.height


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The location of a visible part, in original pixels. A part that is not visible has no entry."""

    name: str
    x: float
    y: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """The places that a data set gives for one image: for evaluation and display only; nothing learns from them.

    Attributes:
        box: The object's bounding box, or None.
        parts: The visible key points.
    """

    box: Box | None = None
    parts: tuple[Part, ...] = ()

    def __bool__(self) -> bool:
        return self.box is not None or bool(self.parts)

    def is_outside(self, x: float, y: float) -> bool:
        """Return whether a point, in original pixels, lies outside the box; False if there is no box."""
        return self.box is not None and not self.box.contains(x, y)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRecord:
    """One image of a data set, not yet decoded.

    Attributes:
        path: The file.
        name: POSIX path relative to the data set's root; the sample's key.
        label: Index into ``DataSet.classes``, or None if the image has no label.
        split: Its split, or None if it has none.
        box: The object's bounding box, if the data set has boxes. For evaluation only.
        parts: The visible parts, if the data set has part annotations. For evaluation only.
        banner: Rows at the lower edge that do not belong to the photograph, in pixels; the decoder cuts them off.
        group: What must stay in one split (a specimen, a patient, a video), or None if the data set does not say.
    """

    path: Path
    name: str
    label: int | None = None
    split: Split | None = None
    box: Box | None = None
    parts: tuple[Part, ...] = ()
    banner: int = 0
    group: str | None = None

    @property
    def annotation(self) -> Annotation:
        """Its box and key points; false if the data set has neither."""
        return Annotation(box=self.box, parts=self.parts)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in a data set folder that was ignored or looks wrong.

    Attributes:
        path: The file or folder.
        reason: What is wrong, as a clause without the path ("the file does not exist").
    """

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """Files or folders of one kind that are no images of a data set and were passed over.

    Attributes:
        reason: Why, as a short clause ("not an image"): one of those in `skipped_files`.
        suffix: The files' suffix in lower case with its dot, "" for files without one, "/" for folders.
        count: How many there are.
        example: The first of them.
    """

    reason: str
    suffix: str
    count: int
    example: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """The images of one folder, as its format describes them.

    Attributes:
        root: The folder (for a single image, the folder that contains it).
        format: The format it was read as: one of ``detection.FORMATS``.
        classes: Class names, indexed by a record's label. Empty if nothing is labelled.
        records: The images, in the reader's fixed order (never the file system's).
        problems: What was ignored or looks wrong; the records are usable nevertheless.
        title: The format's display name, for example "CUB-200-2011".
        by_hand: Names of the images whose split the user has chosen.
        original: The data set as read from its folder, if the user has changed its split.
        skipped: What lies beside the images and was passed over.
        remarks: Sentences on how the folder was read, for a person.
    """

    root: Path
    format: str
    classes: tuple[str, ...]
    records: tuple[ImageRecord, ...]
    problems: tuple[Problem, ...] = ()
    title: str = ""
    by_hand: frozenset[str] = frozenset()
    original: DataSet | None = None
    skipped: tuple[Skipped, ...] = ()
    remarks: tuple[str, ...] = ()

    def of_split(self, split: Split | None) -> tuple[ImageRecord, ...]:
        """Return the records of a split (None: those without one)."""
        return tuple(record for record in self.records if record.split == split)

    def splits(self) -> tuple[Split | None, ...]:
        """Return the splits that occur, in the order train, val, test, then None for images without one."""
        present = {record.split for record in self.records}
        return tuple(split for split in (*SPLITS, None) if split in present)

    def counts(self) -> dict[Split | None, tuple[int, ...]]:
        """Return the number of labelled images per class, in class order, for every split that occurs."""
        table = {split: [0] * len(self.classes) for split in self.splits()}
        for record in self.records:
            if record.label is not None:
                table[record.split][record.label] += 1
        return {split: tuple(row) for split, row in table.items()}

    def splits_of(self, records: Iterable[ImageRecord]) -> tuple[str, ...]:
        """Return the distinct splits of some records, for a report; "unassigned" for records without one."""
        return tuple(dict.fromkeys(record.split or "unassigned" for record in records))

    def classes_of(self, records: Iterable[ImageRecord]) -> tuple[str, ...]:
        """Return the distinct class names of some records; unlabelled records are ignored."""
        return tuple(dict.fromkeys(self.classes[record.label] for record in records if record.label is not None))

    def fingerprint(self) -> str:
        """Return a hash (32 hexadecimal digits) of the class names and every image's name, label, split and file size.

        It does not depend on the order of the records, the location of the folder, or file times. A file whose size
        cannot be read counts as size -1. Reads no file contents, but calls ``stat`` once per file.
        """
        digest = hashlib.blake2b(digest_size=16)
        for name in self.classes:
            digest.update(_line("class", name))
        for record in sorted(self.records, key=lambda record: record.name):
            digest.update(_line(record.name, str(record.label), str(record.split), str(_size(record.path))))
        return digest.hexdigest()


def readable_name(name: str) -> str:
    """Return a name as valid Unicode: undecodable bytes are written as backslash escapes.

    On Linux, such bytes reach Python as lone surrogates, which JSON and UTF-8 cannot represent. For the names of
    classes and data sets, which are displayed and stored in models. Image names do not change: they locate files.
    """
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def without_class_number(name: str) -> str:
    """Return a class name without the number that CUB-200-2011 and others write before it: "001.Albatross" is "Albatross"."""
    return _CLASS_NUMBER.sub("", name)


def comparable_class(name: str) -> str:
    """Return a class name as it is stored and compared: valid Unicode in the form NFC.

    Disks of some systems return "ö" as two characters; without this, a class of one machine is unknown on another.
    """
    return unicodedata.normalize("NFC", readable_name(name))


def comparable_classes(names: Iterable[str]) -> tuple[str, ...]:
    """Return class names as `comparable_class` writes them, unless two of them would become one."""
    names = tuple(names)
    found = tuple(map(comparable_class, names))
    return found if len(set(found)) == len(set(names)) else names


def displayed_class(name: str) -> str:
    """Return a class name for display: "Painted Bunting" for ``016.Painted_Bunting``."""
    return without_class_number(name).replace("_", " ").strip() or name


def _line(*fields: str) -> bytes:
    # A path cannot contain NUL, so two different lists of fields never give the same line.
    # On Linux, names that are not valid Unicode contain surrogates, which strict UTF-8 would refuse.
    return ("\0".join(fields) + "\n\0").encode("utf-8", "surrogatepass")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1
