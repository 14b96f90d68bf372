"""Checks whether a run's data set has changed since the run started, and how."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from s3n_core.datasets.detection import open_data_set
from s3n_core.datasets.left_out import read_left_out
from s3n_core.datasets.records import DataSet, ImageRecord, comparable_class
from s3n_core.datasets.splits import SplitRow, read_split
from s3n_core.errors import DataChanged, RunError
from s3n_core.runs.run_directory import RunDirectory

_NAMED = 3  # images named per kind of change


def used_fingerprint(data_set: DataSet, used: Iterable[ImageRecord]) -> str:
    """Return a hash of the names, classes and file sizes of the images that a run uses, regardless of their split."""
    return replace(data_set, records=tuple(replace(record, split=None) for record in used)).fingerprint()


def name_below(root: Path, path: Path) -> str:
    """Return the name of a file or folder in a data set's folder, with slashes on every system; elsewhere, its path."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def require_same_data(run: RunDirectory, changed_data: bool) -> list[str]:
    """Compare a run's data set with its state when the run started.

    Args:
        run: The run.
        changed_data: Continue even if it has changed.

    Returns:
        A sentence on what has changed; empty if nothing has.

    Raises:
        DataChanged: If it has changed and ``changed_data`` is false.
        DataSetError: If it cannot be read.
        RunError: If the run is damaged.
    """
    content = run.read_run()
    data = content["data"]
    data_set = open_data_set(Path(data["root"]), str(data.get("format", "auto")))
    rows = {row.name: row for row in read_split(run.split_csv)}
    known = {record.name: record for record in data_set.records if record.label is not None}
    left_out = data.get("left_out")
    left_out = left_out if isinstance(left_out, list) else []  # run.json may be edited by hand or damaged
    changes = _changes(data_set, rows, known, {str(pair[0]) for pair in left_out if isinstance(pair, list) and pair})
    if not changes and "used_fingerprint" in data:
        classes = _class_names(run, content)
        changes = _class_changes(classes, data_set, rows, known)
        # With the run's own classes: a folder without the images of a class that is not used has fewer.
        used = (replace(known[row.name], label=row.label) for row in rows.values() if row.part != "test")
        if not changes and used_fingerprint(replace(data_set, classes=classes), used) != data["used_fingerprint"]:
            changes = ["files that have changed in size"]
    if not changes:
        return []
    changed = f"The data set {data_set.root} has changed since this run began: {'; '.join(changes)}."
    rule = (
        "The run keeps its own list of images: added images are not used, missing ones are skipped, and the classes "
        "stay."
    )
    if changed_data:
        return [f"{changed} {rule}"]
    raise DataChanged(
        f"{changed} Restore the data set, start a new run, or resume with --changed-data. {rule}",
        root=data_set.root,
        changes=tuple(changes),
    )


def _changes(
    data_set: DataSet, rows: dict[str, SplitRow], known: dict[str, ImageRecord], left_out: set[str]
) -> list[str]:
    def relabelled_to(row: SplitRow, record: ImageRecord) -> bool:
        # Labels shift if a class is added, and class names taken from folders change if an image moves. Only if both
        # differ has the image itself been given another class.
        return (
            record.label is not None and row.label != record.label and row.class_name != data_set.classes[record.label]
        )

    used = {name: row for name, row in rows.items() if row.part != "test"}
    by_hand = read_left_out(data_set.root)
    removed = [name for name in used if name not in known]
    relabelled = [name for name, row in used.items() if name in known and relabelled_to(row, known[name])]
    added = [
        name
        for name, record in known.items()
        if name not in rows
        and name not in by_hand
        and left_out.isdisjoint((name, str(record.path)))  # runs of earlier versions have paths
    ]
    kinds = (("removed", removed), ("added", added), ("with another class", relabelled))
    return [change_clause(names, word) for word, names in kinds if names]


def _class_names(run: RunDirectory, content: Mapping[str, Any]) -> tuple[str, ...]:
    classes = content.get("classes")
    if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
        raise RunError(f"{run.run_json} is damaged (classes are missing); start a new run.")
    return tuple(classes)


def _class_changes(
    classes: Sequence[str], data_set: DataSet, rows: dict[str, SplitRow], known: dict[str, ImageRecord]
) -> list[str]:
    """Say which classes were renamed, removed or added, where no image that is used was given another class."""
    now = [comparable_class(name) for name in data_set.classes]
    before = [comparable_class(name) for name in classes]
    renamed: dict[str, str] = {}
    for row in rows.values():
        label = known[row.name].label if row.part != "test" else None
        if label is not None and row.label == label and row.class_name != now[label]:
            renamed[row.class_name] = now[label]
    # A class of which the run has no image may be missing: its images were left out, and do not travel with a job.
    listed = {row.class_name for row in rows.values()}
    removed = [name for name in before if name in listed and name not in now and name not in renamed]
    added = [name for name in now if name not in before and name not in renamed.values()]
    pairs = [f"{old}, now {new}" for old, new in renamed.items()]
    kinds = (("renamed", pairs), ("removed", removed), ("added", added))
    return [change_clause(names, word, "class", "classes") for word, names in kinds if names]


def change_clause(names: Sequence[str], word: str, one: str = "image", several: str = "images") -> str:
    """Say what has happened to some images or classes: "2 images removed (a.jpg, b.jpg)"."""
    more = len(names) - _NAMED
    some = ", ".join(sorted(names)[:_NAMED]) + (f" and {more} more" if more > 0 else "")
    return f"{len(names)} {one if len(names) == 1 else several} {word} ({some})"
