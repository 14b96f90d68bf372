"""Folders that this program wrote: known by the marker or the files in them, never by their names."""

from __future__ import annotations

import csv
import os
from collections.abc import Container, Iterable
from pathlib import Path
from typing import Literal

from s3n_core.datasets.records import ImageRecord
from s3n_core.errors import OutputError
from s3n_core.runs.run_directory import FORMAT as RUN_FORMAT
from s3n_core.system.output_marker import MARKER

OwnKind = Literal["run", "export", "demo data", "output"]

# The columns of an export's table beside those of predictions, the first line of its rows while it runs, and the tables of the
# synthetic birds, which versions before the marker wrote, too.
_EXPORT_FILES = frozenset({"sheet", "folder", "arrays"})
_EXPORT_ROWS = b'"s3n-export"'
_DEMO_TABLES = ("species.json", "distinguishing_parts.json")
_PREDICTIONS = frozenset({"file", "class", "probability", "entropy", "rule", "peaks"})  # columns of every such table
_EVALUATIONS = (  # columns of the tables of an evaluation (`evaluation_tables`): accuracy, by class, confusion, its pairs
    frozenset({"prediction", "images", "top1_images", "top5_images"}),
    frozenset({"class", "images", "correct", "recall", "predicted", "precision"}),
    frozenset({"true class \\ predicted"}),
    frozenset({"true class", "predicted", "images"}),
)
# Columns of an atlas's table of peaks.
_PEAKS = frozenset({"image", "class", "set", "part", "response", "contribution"})
_HEADER = 4096  # bytes

_RUN, _TABLE, _ROWS = "run.json", "index.csv", "index.csv.part"
OWN_NAMES = frozenset({_RUN, _TABLE, _ROWS, MARKER, *_DEMO_TABLES})
"""Names of the files by which such folders are known."""


def own_kind(folder: str | Path, names: Container[str] | None = None) -> OwnKind | None:
    """Return what this program wrote into a folder: a run, an export, the demo data or another output; else None.

    Args:
        folder: The folder.
        names: Which of `OWN_NAMES` lie in it, where that is known already; no other file is looked at then.
    """
    present = _present(folder) if names is None else names
    if _RUN in present and f'"{RUN_FORMAT}"'.encode() in _content(folder, _RUN):
        return "run"
    if _TABLE in present and set(_first_row(_content(folder, _TABLE, _HEADER))) >= _PREDICTIONS | _EXPORT_FILES:
        return "export"
    if _ROWS in present and _EXPORT_ROWS in _content(folder, _ROWS, _HEADER):
        return "export"
    if all(name in present for name in _DEMO_TABLES):
        return "demo data"
    return "output" if MARKER in present else None


def check_output_folder(out: Path, records: Iterable[ImageRecord]) -> None:
    """Refuse to write an output among the images that it is made from.

    Args:
        out: The folder that is to be written; it need not exist.
        records: The images.

    Raises:
        OutputError: One of the images lies in the folder, or below it.
    """
    place = out.resolve()
    for folder in {os.path.dirname(record.path) for record in records}:
        resolved = Path(folder).resolve()
        if resolved == place or place in resolved.parents:
            raise OutputError(
                f"{out} holds the images themselves; choose a folder of its own, so that figures are never taken for images."
            )


def check_output_file(file: Path, root: Path) -> None:
    """Refuse to write an image file, such as an animation, among the images of a data set.

    Raises:
        OutputError: The file would lie in the data set's folder, or below it.
    """
    place, images = file.resolve(), root.resolve()
    if images in place.parents:
        raise OutputError(
            f"{file} would lie among the images in {root} and be taken for one of them; choose a place outside."
        )


def check_table_file(file: Path, root: Path) -> None:
    """Refuse to write a table into the folder of a data set, where it could be read as a table of labels.

    Raises:
        OutputError: The file would lie in the data set's folder, or below it.
    """
    if root.resolve() in file.resolve().parents:
        raise OutputError(f"{file} would lie in {root} and be read as a table of labels; choose a place outside.")


def is_own_table(columns: Iterable[str]) -> bool:
    """Return whether a table's columns are those of predictions, an export, an evaluation or peaks: it does not say labels."""
    present = set(columns)
    return any(present >= own for own in (_PREDICTIONS, *_EVALUATIONS, _PEAKS))


def _first_row(content: bytes) -> list[str]:
    return next(csv.reader([content.split(b"\n", 1)[0].decode("utf-8", "replace").rstrip("\r")]), [])


def _present(folder: str | Path) -> frozenset[str]:
    return frozenset(name for name in OWN_NAMES if os.path.isfile(os.path.join(folder, name)))


def _content(folder: str | Path, name: str, most: int = -1) -> bytes:
    try:
        with open(os.path.join(folder, name), "rb") as file:
            return file.read(most).removeprefix(b"\xef\xbb\xbf")
    except OSError:
        return b""
