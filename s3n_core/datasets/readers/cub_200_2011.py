"""Reader of CUB-200-2011 and other data sets in its layout: official split, boxes and part locations.

``images.txt``, ``image_class_labels.txt``, ``train_test_split.txt`` and ``classes.txt`` are required;
``bounding_boxes.txt`` and ``parts/`` are optional. Class names are the data set's own (``001.Black_footed_Albatross``).
The folder may also be the one into which the official archive was unpacked, which contains ``CUB_200_2011``.
"""

from __future__ import annotations

import math
import os
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from s3n_core.datasets.readers.folder_tree import FolderTree
from s3n_core.datasets.readers.text_files import Line, name_inside, read_lines, require_listed_once
from s3n_core.datasets.records import Box, DataSet, ImageRecord, Part, Problem, Split
from s3n_core.errors import DataSetError

TITLE = "CUB-200-2011"
FORMAT = "cub-200-2011"

_TABLES = ("images.txt", "image_class_labels.txt", "train_test_split.txt", "classes.txt")
_ARCHIVE_FOLDER = "CUB_200_2011"


def matches(tree: FolderTree) -> bool:
    """Return whether the folder has the tables of CUB-200-2011."""
    return _has_tables(tree.root) or _has_tables(tree.root / _ARCHIVE_FOLDER)


def read(tree: FolderTree) -> DataSet:
    """Read a data set in the layout of CUB-200-2011.

    Images that are listed but missing become ``problems``.

    Raises:
        DataSetError: A table cannot be read, has an invalid line or an id twice, contradicts another, or names a file outside
            the folder; an image has two ids; or no listed image exists.
    """
    root = tree.root
    if not _has_tables(root) and _has_tables(root / _ARCHIVE_FOLDER):
        root = root / _ARCHIVE_FOLDER
    class_names = _texts(root / "classes.txt", "<class id> <class name>")
    class_of = _numbers(root / "image_class_labels.txt", "<image id> <class id>", 1)
    in_training = _numbers(root / "train_test_split.txt", "<image id> <1 for training, 0 for test>", 1)
    boxes = _boxes(root / "bounding_boxes.txt")
    parts = _parts(root / "parts")
    labels = {class_id: label for label, class_id in enumerate(sorted(class_names))}
    records: list[ImageRecord] = []
    problems: list[Problem] = []
    listed: dict[str, Line] = {}
    for image_id, line in _texts_with_lines(root / "images.txt", "<image id> <file>").items():
        name = "images/" + name_inside(_rest(line), line)
        require_listed_once(name, line, listed)
        path = root / name
        if not os.path.isfile(path):
            problems.append(Problem(path, f"the file does not exist ({line.place})"))
            continue
        class_id = int(_needed(class_of, image_id, root / "image_class_labels.txt")[0])
        if class_id not in labels:
            raise DataSetError(f"{root / 'classes.txt'} has no class {class_id}, but image {image_id} belongs to it.")
        split: Split = "train" if _needed(in_training, image_id, root / "train_test_split.txt")[0] == 1 else "test"
        records.append(
            ImageRecord(
                path=path,
                name=name,
                label=labels[class_id],
                split=split,
                box=boxes.get(image_id),
                parts=tuple(parts.get(image_id, ())),
            )
        )
    if not records:
        raise DataSetError(f"None of the images in {root / 'images.txt'} exists: is the folder 'images' complete?")
    present = {record.label for record in records}
    problems.extend(
        Problem(root / "classes.txt", f"the class {name} has no image")
        for class_id, name in class_names.items()
        if labels[class_id] not in present
    )
    return DataSet(
        root=root,
        format=FORMAT,
        title=TITLE,
        classes=tuple(class_names[class_id] for class_id in sorted(class_names)),
        records=tuple(records),
        problems=tuple(problems),
    )


def _has_tables(root: Path) -> bool:
    return all((root / name).is_file() for name in _TABLES)


def _needed(table: Mapping[int, tuple[float, ...]], image_id: int, file: Path) -> tuple[float, ...]:
    if image_id not in table:
        raise DataSetError(f"{file} has no line for image {image_id}, which images.txt lists: add it.")
    return table[image_id]


def _rest(line: Line) -> str:
    return line.text.split(None, 1)[1]


def _texts_with_lines(file: Path, expected: str) -> dict[int, Line]:
    """Read lines of ``<id> <text>``; the text may contain spaces."""
    table: dict[int, Line] = {}
    for line in read_lines(file):
        fields = line.text.split(None, 1)
        if len(fields) != 2 or not fields[0].isdecimal():
            raise line.junk(expected)
        _require_new(fields[0], table, line)
        table[int(fields[0])] = line
    return table


def _require_new(key: str, table: Mapping[int, object], line: Line) -> None:
    if int(key) in table:
        raise DataSetError(f"{line.place}: the id {key} appears twice: remove one of the two lines.")


def _texts(file: Path, expected: str) -> dict[int, str]:
    return {key: _rest(line) for key, line in _texts_with_lines(file, expected).items()}


def _floats(line: Line, fields: list[str], expected: str) -> tuple[float, ...]:
    try:
        values = tuple(float(field) for field in fields)
    except ValueError:
        raise line.junk(expected) from None
    if not all(math.isfinite(value) for value in values):
        raise line.junk(expected)
    return values


def _numbers(file: Path, expected: str, count: int) -> dict[int, tuple[float, ...]]:
    """Read lines of an id and ``count`` numbers."""
    table: dict[int, tuple[float, ...]] = {}
    for line in read_lines(file):
        fields = line.text.split()
        if len(fields) != 1 + count or not fields[0].isdecimal():
            raise line.junk(expected)
        _require_new(fields[0], table, line)
        table[int(fields[0])] = _floats(line, fields[1:], expected)
    return table


def _boxes(file: Path) -> dict[int, Box]:
    if not file.is_file():
        return {}
    table = _numbers(file, "<image id> <x> <y> <width> <height>", 4)
    return {key: Box(x=row[0], y=row[1], width=row[2], height=row[3]) for key, row in table.items()}


def _parts(folder: Path) -> dict[int, list[Part]]:
    """Read the visible parts of each image id, in file order."""
    places, names = folder / "part_locs.txt", folder / "parts.txt"
    if not (places.is_file() and names.is_file()):
        return {}
    part_names = _texts(names, "<part id> <part name>")
    expected = "<image id> <part id> <x> <y> <1 if visible, else 0>"
    table: dict[int, list[Part]] = defaultdict(list)
    for line in read_lines(places):
        fields = line.text.split()
        if len(fields) != 5 or not (fields[0].isdecimal() and fields[1].isdecimal()):
            raise line.junk(expected)
        if int(fields[1]) not in part_names:
            raise DataSetError(f"{line.place}: the part {fields[1]} has no name in {names}.")
        x, y, visible = _floats(line, fields[2:], expected)
        if visible:
            table[int(fields[0])].append(Part(name=part_names[int(fields[1])], x=x, y=y))
    return table
