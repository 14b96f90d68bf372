"""A preview's request for one file of an export, and the reply. Does not import torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from s3n_core.datasets.records import Box, ImageRecord, Part
from s3n_core.prediction.rows import label_name

MOST_CANDIDATES = 50
"""Number of images in a request; the preview shows the first of them that can be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An image that may be the first of an export.

    Attributes:
        path: The image file, on the machine of the engine.
        name: Its name in its data set.
        truth: The name of its true class; None without a label.
        banner: Number of rows to crop at its lower edge (`ImageRecord.banner`).
        box: The object's annotated box, or None.
        parts: The annotated key points.
    """

    path: str
    name: str
    truth: str | None = None
    banner: int = 0
    box: Box | None = None
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRequest:
    """The requested file.

    Attributes:
        images: The first images of the export, in order; the file is made for the first one that can be read.
        options: Arguments of `export.options.export_options`.
        ending: The file's ending; if the options do not include it, the first file is made.
    """

    images: tuple[Candidate, ...]
    options: Mapping[str, Any]
    ending: str = ""


def candidates(records: Sequence[ImageRecord], classes: Sequence[str]) -> tuple[Candidate, ...]:
    """Return the candidates for a preview of an export; ``classes`` are the names of the labels."""
    return tuple(
        Candidate(
            path=str(record.path),
            name=record.name,
            truth=label_name(record, classes),
            banner=record.banner,
            box=record.box,
            parts=record.parts,
        )
        for record in records[:MOST_CANDIDATES]
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class ExportedFile:
    """One of the first image's files.

    Attributes:
        image: The image's name.
        files: All files that the export writes for it, below the output folder, by ending.
        ending: The ending of this file.
        content: Its content.
    """

    image: str
    files: Mapping[str, PurePosixPath]
    ending: str
    content: bytes

    @property
    def name(self) -> PurePosixPath:
        """The file's path below the output folder."""
        return self.files[self.ending]
