"""One file of an export that a preview asks for, and what it gets. Free of torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from s3n_core.datasets.records import ImageRecord
from s3n_core.prediction.rows import label_name

MOST_CANDIDATES = 50
"""So many images are handed over: those at the beginning that cannot be read are passed over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An image that may be the first of an export.

    Attributes:
        path: The image file, where the engine runs.
        name: Its name in its data set.
        truth: The name of its true class; None without a label.
        banner: Rows at its lower edge that are cut off (`ImageRecord.banner`).
    """

    path: str
    name: str
    truth: str | None = None
    banner: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRequest:
    """Which file is wanted.

    Attributes:
        images: The first images of the export, in its order; the file is of the first one that can be read.
        options: Arguments of `export.options.export_options`.
        ending: Of the wanted file; the first file where the options do not write this one.
    """

    images: tuple[Candidate, ...]
    options: Mapping[str, Any]
    ending: str = ""


def candidates(records: Sequence[ImageRecord], classes: Sequence[str]) -> tuple[Candidate, ...]:
    """Return what a preview needs of the images that an export takes; classes are the names of their labels."""
    return tuple(
        Candidate(path=str(record.path), name=record.name, truth=label_name(record, classes), banner=record.banner)
        for record in records[:MOST_CANDIDATES]
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class ExportedFile:
    """One of the first image's files.

    Attributes:
        image: The image's name.
        files: All files that are written for it, below the output folder, by their endings.
        ending: Which of them this is.
        content: What it holds, byte for byte.
    """

    image: str
    files: Mapping[str, PurePosixPath]
    ending: str
    content: bytes

    @property
    def name(self) -> PurePosixPath:
        """Its name below the output folder."""
        return self.files[self.ending]
