"""The chosen images that travel from page to page: those of a confusion cell, a class, a finding, or picked by hand."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from s3n_core.runs.locations import home
from s3n_gui.appearance.wording import count_text


@dataclass(frozen=True)
class ImageSelection:
    """Images and what they are.

    Attributes:
        name: What they have in common: "Heron → Egret", "Near-duplicates".
        root: The folder (or the one image) that they are images of.
        files: Their names below ``root``, as in tables of predictions.
    """

    name: str
    root: Path
    files: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.files)

    @property
    def count_text(self) -> str:
        """Their number: "12 chosen images"."""
        return count_text(len(self.files), "chosen image")

    @cached_property
    def names(self) -> frozenset[str]:
        """The names of the images, to look one up among 100,000."""
        return frozenset(self.files)

    def holds(self, path: Path) -> bool:
        """Return whether a file is one of the images."""
        if path == self.root:
            return path.name in self.names
        return path.is_relative_to(self.root) and path.relative_to(self.root).as_posix() in self.names

    def path_of(self, file: str) -> Path:
        """Return the path of one of the names."""
        return self.root if self.root.name == file and not self.root.is_dir() else self.root / file

    @property
    def list_file(self) -> Path:
        """Where a command finds the names: always the same file for the same images, so that a stopped job resumes."""
        text = "\n".join(self.files).encode("utf-8", "surrogatepass")
        return home() / "window" / "chosen" / f"{hashlib.blake2b(text, digest_size=8).hexdigest()}.txt"
