"""Reader of Stanford Cars (196 classes): official split, boxes and class names from the devkit's ``.mat`` files.

Two layouts are supported, in the folder itself or in its subfolder ``stanford_cars`` (as torchvision creates it):

    cars_train/, cars_test/, devkit/cars_meta.mat, devkit/cars_train_annos.mat, cars_test_annos_withlabels.mat
    car_ims/, cars_annos.mat

The devkit's own ``cars_test_annos.mat`` has no classes: with only this file, the test images have no labels. Copies
with nested folders (``cars_train/cars_train``, ``car_devkit/devkit``) are supported, too.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from s3n_core.datasets.readers.folder_tree import FolderTree
from s3n_core.datasets.readers.matlab_files import read_matlab
from s3n_core.datasets.readers.text_files import Line, name_inside, require_listed_once
from s3n_core.datasets.records import Box, DataSet, ImageRecord, Problem, Split
from s3n_core.errors import DataSetError

TITLE = "Stanford Cars"
FORMAT = "stanford-cars"

_TORCHVISION_FOLDER = "stanford_cars"
_DEVKITS = ("devkit", "car_devkit/devkit", "")
_CORNERS = ("bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2")


@dataclass(frozen=True, slots=True)
class _Table:
    """An annotation file and the images that it describes.

    Attributes:
        file: The ``.mat`` file.
        images: Folder of the images, relative to the data set's; "" if the table's image paths include it.
        split: Split of the images; None: the table gives it for each image.
    """

    file: Path
    images: str
    split: Split | None


def matches(tree: FolderTree) -> bool:
    """Return whether the folder has the annotations of Stanford Cars beside a folder of its images."""
    return any(_train_table(place) or _whole_table(place) for place in (tree.root, tree.root / _TORCHVISION_FOLDER))


def read(tree: FolderTree) -> DataSet:
    """Read the data set.

    Images that are listed but missing, and test images without labels, become ``problems``.

    Raises:
        DataSetError: A table is missing, damaged, or contradicts the class names; an image is listed twice, or its name leads
            out of the folder; or no listed image exists.
    """
    root = tree.root
    inner = root / _TORCHVISION_FOLDER
    root = inner if not _tables(root)[0] and _tables(inner)[0] else root
    tables, names_file = _tables(root)
    if not tables:
        raise DataSetError(
            f"{root} has neither cars_train_annos.mat (in it or in 'devkit') beside a folder 'cars_train', "
            f"nor cars_annos.mat beside 'car_ims'."
        )
    classes = _class_names(names_file)
    records: list[ImageRecord] = []
    problems: list[Problem] = []
    for table in tables:
        records += _records(root, table, len(classes), problems)
    if not records:
        raise DataSetError(f"None of the images in {tables[0].file} exists: are the image folders complete?")
    _name_test_without_labels(root, records, problems)
    present = {record.label for record in records}
    problems += [
        Problem(names_file, f"the class {name} has no image")
        for label, name in enumerate(classes)
        if label not in present
    ]
    return DataSet(
        root=root, format=FORMAT, title=TITLE, classes=classes, records=tuple(records), problems=tuple(problems)
    )


def _tables(root: Path) -> tuple[list[_Table], Path]:
    """Return the annotation tables and the file with the class names."""
    train = _train_table(root)
    if train is None:
        whole = _whole_table(root)
        return ([] if whole is None else [whole]), root / "cars_annos.mat"
    test = _test_table(root, train.file.parent)
    return [train] + ([] if test is None else [test]), train.file.parent / "cars_meta.mat"


def _train_table(root: Path) -> _Table | None:
    images = _image_folder(root, "cars_train")
    for devkit in _DEVKITS:
        file = root / devkit / "cars_train_annos.mat"
        if images and file.is_file():
            return _Table(file, images, "train")
    return None


def _test_table(root: Path, devkit: Path) -> _Table | None:
    images = _image_folder(root, "cars_test")
    for name in ("cars_test_annos_withlabels.mat", "cars_test_annos.mat"):
        for folder in (root, devkit):
            if images and (folder / name).is_file():
                return _Table(folder / name, images, "test")
    return None


def _whole_table(root: Path) -> _Table | None:
    file = root / "cars_annos.mat"
    return _Table(file, "", None) if file.is_file() and (root / "car_ims").is_dir() else None


def _image_folder(root: Path, name: str) -> str:
    """Return the path of an image folder relative to ``root``; empty if it does not exist."""
    if not (root / name).is_dir():
        return ""
    return f"{name}/{name}" if (root / name / name).is_dir() else name


def _records(root: Path, table: _Table, classes: int, problems: list[Problem]) -> Iterator[ImageRecord]:
    rows = read_matlab(table.file, "annotations")["annotations"]
    fields = list(rows[0]) if isinstance(rows, list) and rows and isinstance(rows[0], dict) else []
    name_field = "fname" if table.split else "relative_im_path"
    needed = (
        *_CORNERS,
        name_field,
        *(() if table.split == "test" else ("class",)),
        *(() if table.split else ("test",)),
    )
    missing = [field for field in needed if field not in fields]
    if missing:
        raise DataSetError(
            f"{table.file} has no field '{missing[0]}' in 'annotations': it is not the file that its name says."
        )
    listed: dict[str, Line] = {}
    for number, row in enumerate(rows, start=1):
        line = Line(table.file, number, str(row[name_field]).strip())
        name = name_inside(f"{table.images}/{line.text}" if table.images else line.text, line)
        require_listed_once(name, line, listed)
        path = root / name
        split: Split = table.split or ("test" if _number(row, "test", line) else "train")
        label = None
        if "class" in fields:
            class_id = _number(row, "class", line)
            if not (class_id.is_integer() and 1 <= class_id <= classes):
                raise DataSetError(
                    f"{line.place}: the class {class_id:g} has no name; there are {classes} class names."
                )
            label = int(class_id) - 1
        box = Box.from_corners(*(_number(row, corner, line) for corner in _CORNERS))
        if os.path.isfile(path):
            yield ImageRecord(path=path, name=name, label=label, split=split, box=box)
        else:
            problems.append(Problem(path, f"the file does not exist ({line.place})"))


def _number(row: Mapping[str, object], field: str, line: Line) -> float:
    value = row[field]
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise DataSetError(f"{line.place}: expected a number as '{field}' but found '{value!s:.80}'.")
    return float(value)


def _class_names(file: Path) -> tuple[str, ...]:
    names = read_matlab(file, "class_names")["class_names"]
    if not (isinstance(names, list) and names and all(isinstance(name, str) and name.strip() for name in names)):
        raise DataSetError(f"{file}: expected a list of names in 'class_names': it is another file, or it is damaged.")
    return tuple(name.strip() for name in names)


def _name_test_without_labels(root: Path, records: list[ImageRecord], problems: list[Problem]) -> None:
    """Add a problem that names the missing file, if test images or their labels are missing."""
    wanted = "cars_test_annos_withlabels.mat"
    unlabelled = sum(record.label is None for record in records)
    if unlabelled:
        reason = f"it is missing: {unlabelled} test images have no label, so accuracy cannot be measured on them"
        problems.append(Problem(root / wanted, reason))
    elif not any(record.split == "test" for record in records):
        problems.append(Problem(root / wanted, "it is missing, or 'cars_test' is: there are no test images"))
