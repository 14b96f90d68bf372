"""Reader of list files: ``train.txt``, ``val.txt`` and ``test.txt`` with one ``<image> <class id>`` per line.

An image's name may contain spaces and is relative to the data set folder or to its folder ``images``. Class ids are
non-negative integers; labels number those that occur in ascending order. Class names come from ``classes.txt`` (one
``<class id> <name>`` per line, or only names in the order of the ids). Without it, a class is named after its folder,
if the images of each class have a folder of their own; otherwise after its id.
"""

from __future__ import annotations

import os
import posixpath
from dataclasses import dataclass
from pathlib import Path

from s3n_core.datasets.banners import banner_of
from s3n_core.datasets.readers.text_files import Line, name_inside, read_lines
from s3n_core.datasets.records import DataSet, ImageRecord, Problem, Split
from s3n_core.errors import DataSetError

TITLE = "list files"
FORMAT = "list-files"

_LISTS: dict[Split, tuple[str, ...]] = {
    "train": ("train.txt",),
    "val": ("val.txt", "valid.txt", "validation.txt"),
    "test": ("test.txt",),
}


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    class_id: int
    split: Split
    line: Line


def matches(root: Path) -> bool:
    """Return whether ``root`` has a training or test list."""
    return any((root / name).is_file() for split in ("train", "test") for name in _LISTS[split])


def read(root: Path) -> DataSet:
    """Read the list files of a folder.

    Listed images that are missing, and images listed more than once (the first line is used), become ``problems``.

    Raises:
        DataSetError: A list cannot be read, has an invalid line or a name that leads out of the folder; ``classes.txt``
            lacks a class id; or no listed image exists.
    """
    problems: list[Problem] = []
    entries: dict[str, _Entry] = {}
    for split, names in _LISTS.items():
        for file in (root / name for name in names):
            if file.is_file():
                _read_list(root, file, split, entries, problems)
    if not entries:
        raise DataSetError(f"None of the images in the lists of {root} exists: check the paths in them.")
    class_names = _class_names(root, entries, problems)
    labels = {class_id: label for label, class_id in enumerate(sorted(class_names))}
    records = tuple(
        ImageRecord(
            path=root / entry.name,
            name=entry.name,
            label=labels[entry.class_id],
            split=entry.split,
            banner=banner_of(root / entry.name),
        )
        for entry in entries.values()
    )
    classes = tuple(class_names[class_id] for class_id in sorted(class_names))
    return DataSet(root=root, format=FORMAT, title=TITLE, classes=classes, records=records, problems=tuple(problems))


def _read_list(root: Path, file: Path, split: Split, entries: dict[str, _Entry], problems: list[Problem]) -> None:
    for line in read_lines(file):
        fields = line.text.rsplit(None, 1)
        if len(fields) != 2 or not fields[1].isdecimal():
            raise line.junk("<image> <class id>")
        listed = name_inside(fields[0], line)
        name = _existing_name(root, listed)
        if name is None:
            problems.append(Problem(root / listed, f"the file does not exist ({line.place})"))
            continue
        entry = _Entry(name, int(fields[1]), split, line)
        first = entries.setdefault(name, entry)
        if first is not entry:
            change = "" if first.class_id == entry.class_id else f" with class {first.class_id}, then {entry.class_id}"
            reason = f"it is listed twice{change}: {first.line.place} was used, {line.place} was ignored"
            problems.append(Problem(root / name, reason))


def _existing_name(root: Path, listed: str) -> str | None:
    """Return the path relative to ``root`` at which a listed file exists, or None."""
    forward = listed.replace("\\", "/")  # for lists made on Windows; tried last: elsewhere a name may contain "\"
    for name in dict.fromkeys((listed, f"images/{listed}", forward, f"images/{forward}")):
        if os.path.isfile(os.path.join(root, name)):
            return name if os.sep == "/" else name.replace("\\", "/")
    return None


def _class_names(root: Path, entries: dict[str, _Entry], problems: list[Problem]) -> dict[int, str]:
    """Map every class id that occurs to its name."""
    ids = sorted({entry.class_id for entry in entries.values()})
    file = root / "classes.txt"
    if not file.is_file():
        return _names_by_folder(ids, entries) or {class_id: str(class_id) for class_id in ids}
    names = _listed_names(file, ids)
    problems.extend(
        Problem(file, f"the class {names[class_id]} has no image and was ignored")
        for class_id in names.keys() - set(ids)
    )
    missing = [class_id for class_id in ids if class_id not in names]
    if missing:
        place = next(entry.line.place for entry in entries.values() if entry.class_id == missing[0])
        raise DataSetError(f"{place} uses the class id {missing[0]}, which has no name in {file}: add it there.")
    return {class_id: names[class_id] for class_id in ids}


def _listed_names(file: Path, ids: list[int]) -> dict[int, str]:
    lines = list(read_lines(file))
    fields = [line.text.split(None, 1) for line in lines]
    if all(len(row) == 2 and row[0].isdecimal() for row in fields):
        return {int(row[0]): row[1] for row in fields}
    # Names only: counted from 1 if the ids go up to the number of names, else from 0.
    start = 1 if ids[0] > 0 and ids[-1] == len(lines) else 0
    return {number: line.text for number, line in enumerate(lines, start=start)}


def _names_by_folder(ids: list[int], entries: dict[str, _Entry]) -> dict[int, str] | None:
    folder_of: dict[int, str] = {}
    for entry in entries.values():
        folder = posixpath.dirname(entry.name)
        if not folder or folder_of.setdefault(entry.class_id, folder) != folder:
            return None
    if len(set(folder_of.values())) < len(ids):
        return None
    short = {class_id: posixpath.basename(folder) for class_id, folder in folder_of.items()}
    return short if len(set(short.values())) == len(ids) else folder_of
