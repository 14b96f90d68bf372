"""The images of a data set that a person has left out of training: a list in the program's own folder.

The data set's folder is never written to, so that it may lie on a read-only share, and its images stay as they are. The list
belongs to the folder's resolved path. Training honours it; predicting and measuring do not, since they must not flatter.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from s3n_core.datasets.notes import note_file, read_note, write_note
from s3n_core.datasets.records import DataSet, Problem
from s3n_core.errors import DataSetError

REASON = "it was left out by hand"
"""Why an image is missing from a data set that `without_left_out` returned."""

_KIND = "left-out"


def left_out_file(root: Path) -> Path:
    """Return where the list of a data set's folder lies; it need not exist."""
    return note_file(_KIND, root)


def read_left_out(root: Path) -> frozenset[str]:
    """Return the names of the images that are left out of training; none where there is no list.

    Raises:
        DataSetError: The list cannot be read.
    """
    try:
        note = read_note(_KIND, root)
        if note is None:
            return frozenset()
        names = note.get("names")
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise DataSetError(f"{left_out_file(root)} does not contain a list of names")
    except DataSetError as error:
        raise DataSetError(
            f"The list of images left out of {root} cannot be read: {error}. Fix or delete it; until then nothing is "
            "trained, because these images would be used again."
        ) from error
    return frozenset(names)


def write_left_out(root: Path, names: Iterable[str]) -> None:
    """Keep which images are left out of training; none removes the list.

    Raises:
        OutputError: It cannot be written.
    """
    kept = sorted(set(names))
    write_note(_KIND, root, {"names": kept} if kept else {})


def without_left_out(data_set: DataSet) -> DataSet:
    """Return a data set without the images that are left out of training; each of them becomes a problem that says so.

    Names on the list that the data set does not have (any more) are passed over.

    Raises:
        DataSetError: The list cannot be read.
    """
    names = read_left_out(data_set.root)
    gone = [record for record in data_set.records if record.name in names]
    if not gone:
        return data_set
    return replace(
        data_set,
        records=tuple(record for record in data_set.records if record.name not in names),
        problems=data_set.problems + tuple(Problem(record.path, REASON) for record in gone),
    )
