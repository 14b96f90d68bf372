"""The images of a data set that a person has left out of training: a list in the program's own folder.

The data set's folder is never written to, so that it may lie on a read-only share, and its images stay as they are. The list
belongs to the folder's resolved path. Training honours it; predicting and measuring do not, since they must not flatter.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from s3n_core.atomic_files import output_error, write_json
from s3n_core.datasets.records import DataSet, Problem
from s3n_core.errors import DataSetError
from s3n_core.runs.locations import home

REASON = "it was left out by hand"
"""Why an image is missing from a data set that `without_left_out` returned."""

_VERSION = 1


def left_out_file(root: Path) -> Path:
    """Return where the list of a data set's folder lies; it need not exist."""
    resolved = str(root.resolve())
    key = hashlib.blake2b(resolved.encode("utf-8", "surrogatepass"), digest_size=10).hexdigest()
    return home() / "left-out" / f"{key}.json"


def read_left_out(root: Path) -> frozenset[str]:
    """Return the names of the images that are left out of training; none where there is no list.

    Raises:
        DataSetError: The list cannot be read.
    """
    path = left_out_file(root)
    try:
        names = json.loads(path.read_bytes())["names"]
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ValueError("it holds no list of names")
    except FileNotFoundError:
        return frozenset()
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        raise DataSetError(
            f"{path}, the list of images left out of {root}, cannot be read ({error}); "
            f"mend or remove it, else these images would be learned from again."
        ) from error
    return frozenset(names)


def write_left_out(root: Path, names: Iterable[str]) -> None:
    """Keep which images are left out of training; none removes the list.

    Raises:
        OutputError: It cannot be written.
    """
    path, kept = left_out_file(root), sorted(set(names))
    try:
        if not kept:
            with suppress(FileNotFoundError):
                path.unlink()
            return
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise output_error(path, error) from error
    write_json(path, {"version": _VERSION, "root": str(root.resolve()), "names": kept})


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
