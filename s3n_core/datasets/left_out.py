"""The images of a data set that the user has left out of training: a list in the program's own folder.

The data set's folder is never written to, so it may be on a read-only share. The list belongs to the folder's resolved
path. Training honours it; prediction and evaluation do not, because that would inflate the results.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from s3n_core.datasets.notes import note_file, read_note, write_note
from s3n_core.datasets.records import DataSet, Problem
from s3n_core.errors import DataSetError

REASON = "it was left out by hand"
"""Reason of the problems that `without_left_out` adds."""

_KIND = "left-out"


def left_out_file(root: Path) -> Path:
    """Return the path of the list of a data set's folder; it need not exist."""
    return note_file(_KIND, root)


def read_left_out(root: Path) -> frozenset[str]:
    """Return the names of the images that are left out of training; empty if there is no list.

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


def left_out_version(root: Path) -> tuple[int, int, int] | None:
    """Return numbers that differ between two versions of the list, which is not read; None if there is no list."""
    try:
        found = left_out_file(root).stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def write_left_out(root: Path, names: Iterable[str]) -> None:
    """Save which images are left out of training; an empty list removes the file.

    Raises:
        OutputError: The list cannot be written.
    """
    kept = sorted(set(names))
    write_note(_KIND, root, {"names": kept} if kept else {})


def change_left_out(root: Path, names: Iterable[str], *, out: bool) -> frozenset[str]:
    """Leave some more images out of training, or include them again; all others stay as they are saved.

    The list is read again, because another window may have changed it, and it may name images that the data set lacks now.

    Returns:
        The names of all images that are left out.

    Raises:
        DataSetError: The list cannot be read; it is not replaced.
        OutputError: The list cannot be written.
    """
    saved = read_left_out(root)
    kept = saved.union(names) if out else saved.difference(names)
    write_left_out(root, kept)
    return kept


def without_left_out(data_set: DataSet) -> DataSet:
    """Return a data set without the images that are left out of training; each of them is listed as a problem.

    Names on the list that are not in the data set (any more) are ignored.

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
