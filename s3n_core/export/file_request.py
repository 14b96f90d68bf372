"""One file of an export that a preview asks for, and what it gets. Free of torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRequest:
    """Which file is wanted.

    Attributes:
        images: A folder of images, a data set, or one image, where the engine runs.
        part: "all", or a part of the data set.
        options: Arguments of `export.export_options.export_options`.
        ending: Of the wanted file; the first file where the options do not write this one.
        again: Read folder and image anew.
    """

    images: str
    part: str = "all"
    options: Mapping[str, Any]
    ending: str = ""
    again: bool = False


@dataclass(frozen=True, eq=False, kw_only=True)
class ExportedFile:
    """One of the first image's files.

    Attributes:
        image: The image's name.
        files: All files that are written for it, below the output folder, by their endings.
        ending: Which of them this is.
        content: What it holds, byte for byte.
        images: How many images the folder, or its part, has.
    """

    image: str
    files: Mapping[str, PurePosixPath]
    ending: str
    content: bytes
    images: int

    @property
    def name(self) -> PurePosixPath:
        """Its name below the output folder."""
        return self.files[self.ending]
