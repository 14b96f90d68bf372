"""A small text file in every folder of images that the program writes, so that it is never taken for a person's own images."""

from __future__ import annotations

from pathlib import Path

from s3n_core.system.atomic_files import write_text

MARKER = ".s3n-studio"
"""The file's name. Its presence alone counts."""

_TEXT = (
    "S3N Studio wrote this folder. When a folder around it is opened as a data set, this one is passed over.\n"
    "Delete this file to have its images read like any others.\n"
)


def mark_output(folder: Path) -> None:
    """Write the marker into a folder of this program's output; one that is there stays as it is.

    Args:
        folder: The folder; it must exist. Call this before the first image is written.

    Raises:
        OutputError: It cannot be written.
    """
    marker = folder / MARKER
    if not marker.exists():
        write_text(marker, _TEXT, durable=False)


def is_marked(folder: str | Path) -> bool:
    """Say whether a folder holds the marker."""
    return Path(folder, MARKER).is_file()
