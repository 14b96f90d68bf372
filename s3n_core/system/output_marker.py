"""A marker file in the synthetic birds' folders and in atlases, so that data sets skip the program's own output."""

from __future__ import annotations

from pathlib import Path

from s3n_core.system.atomic_files import write_text

MARKER = ".s3n-studio"
"""The file's name. Only its presence matters."""

_TEXT = (
    "S3N Studio wrote this folder. When a folder around it is opened as a data set, this one is passed over.\n"
    "Delete this file to have its images read like any others.\n"
)


def mark_output(folder: Path) -> None:
    """Write the marker into a folder of this program's output; an existing one is unchanged.

    Args:
        folder: The folder; it must exist. Call this before the first image is written.

    Raises:
        OutputError: The marker cannot be written.
    """
    marker = folder / MARKER
    if not marker.exists():
        write_text(marker, _TEXT, durable=False)
