"""Reader of FGVC-Aircraft 2013b: official training, validation and test lists, boxes, and three levels of classes.

Each line of the lists ``images_LEVEL_SPLIT.txt`` is ``<image> <class name>``, the image without ``.jpg``. If there is
no training list, ``trainval`` replaces it. ``images_box.txt`` (``<image> <xmin> <ymin> <xmax> <ymax>``, both ends
included, counted from 1) and the order of the classes (``variants.txt`` ...) are optional. The folder may be the
unpacked archive, its ``data`` folder, or a folder that contains the archive's folder. For the banner, see ``banners``.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

from s3n_core.datasets.banners import BANNER_HEIGHT, IMAGE_FOLDER, aircraft_list, has_aircraft_lists
from s3n_core.datasets.readers.folder_tree import FolderTree
from s3n_core.datasets.readers.text_files import Line, name_inside, read_lines, require_listed_once
from s3n_core.datasets.records import Box, DataSet, ImageRecord, Problem, Split
from s3n_core.errors import DataSetError

TITLE = "FGVC-Aircraft 2013b"
FORMAT = "fgvc-aircraft-2013b"

_CLASS_FILES = {"variant": "variants.txt", "family": "families.txt", "manufacturer": "manufacturers.txt"}
_DATA_FOLDERS = ("", "data", f"{FORMAT}/data")


class AircraftReader:
    """The reader of one class level."""

    def __init__(self, level: str, format: str, title: str) -> None:
        """Make the reader of a level: "variant", "family" or "manufacturer"."""
        self.FORMAT = format
        self.TITLE = title
        self._level = level

    def matches(self, tree: FolderTree) -> bool:
        """Return whether the folder has the lists of this level beside a folder of images."""
        return self._data_folder(tree.root) is not None

    def read(self, tree: FolderTree) -> DataSet:
        """Read the data set.

        Images that are listed but missing become ``problems``.

        Raises:
            DataSetError: A list is missing, cannot be read or has an invalid line; an image is listed twice or its name
                leads out of the folder; or no listed image exists.
        """
        root = tree.root
        below = self._data_folder(root)
        if below is None:
            names = f"images_{self._level}_train.txt (or _trainval, _test)"
            raise DataSetError(
                f"{root} has no {names} beside a folder '{IMAGE_FOLDER}', in it or in its folder 'data'."
            )
        if below.startswith(FORMAT):
            root, below = root / FORMAT, "data"
        data = root / below
        prefix = f"{below}/{IMAGE_FOLDER}" if below else IMAGE_FOLDER
        boxes = _boxes(data / "images_box.txt")
        listed: dict[str, tuple[str, Split]] = {}
        lines: dict[str, Line] = {}
        for split, line in self._lines(data):
            image, name = _fields(line)
            require_listed_once(image, line, lines)
            listed[image] = (name, split)
        classes = self._classes(data, {name for name, _ in listed.values()})
        labels = {name: label for label, name in enumerate(classes)}
        records: list[ImageRecord] = []
        problems: list[Problem] = []
        for image, (class_name, split) in listed.items():
            line = lines[image]
            name = f"{prefix}/{name_inside(image, line)}.jpg"
            if not os.path.isfile(root / name):
                problems.append(Problem(root / name, f"the file does not exist ({line.place})"))
                continue
            records.append(
                ImageRecord(
                    path=root / name,
                    name=name,
                    label=labels[class_name],
                    split=split,
                    box=boxes.get(image),
                    banner=BANNER_HEIGHT,
                )
            )
        if not records:
            raise DataSetError(f"None of the images in the lists of {data} exists: is '{IMAGE_FOLDER}' complete?")
        present = {record.label for record in records}
        problems += [Problem(data, f"the class {name} has no image") for name in classes if labels[name] not in present]
        return DataSet(
            root=root,
            format=self.FORMAT,
            title=self.TITLE,
            classes=classes,
            records=tuple(records),
            problems=tuple(problems),
        )

    def _data_folder(self, root: Path) -> str | None:
        """Return the path of the lists' folder relative to ``root``; None if there are no lists."""
        for below in _DATA_FOLDERS:
            folder = root / below
            if has_aircraft_lists(folder, self._level) and (folder / IMAGE_FOLDER).is_dir():
                return below
        return None

    def _lines(self, data: Path) -> Iterator[tuple[Split, Line]]:
        files: list[tuple[Split, Path]]
        if aircraft_list(data, self._level, "train").is_file():
            files = [("train", aircraft_list(data, self._level, "train"))]
            files += [("val", aircraft_list(data, self._level, "val"))]
        else:
            files = [("train", aircraft_list(data, self._level, "trainval"))]
        files.append(("test", aircraft_list(data, self._level, "test")))
        for split, file in files:
            if file.is_file():
                yield from ((split, line) for line in read_lines(file))

    def _classes(self, data: Path, used: set[str]) -> tuple[str, ...]:
        file = data / _CLASS_FILES[self._level]
        if not file.is_file():
            return tuple(sorted(used))
        named = dict.fromkeys(line.text for line in read_lines(file))
        missing = sorted(used - set(named))
        if missing:
            raise DataSetError(f"{file} does not name the class '{missing[0]}', which the lists beside it use: add it.")
        return tuple(named)


LEVEL_READERS = (
    AircraftReader("variant", FORMAT, TITLE),
    AircraftReader("family", f"{FORMAT}:family", f"{TITLE}, families"),
    AircraftReader("manufacturer", f"{FORMAT}:manufacturer", f"{TITLE}, manufacturers"),
)
"""One reader per class level, the finest first."""


def _fields(line: Line) -> tuple[str, str]:
    fields = line.text.split(None, 1)
    if len(fields) != 2:
        raise line.junk("<image> <class name>")
    return fields[0], fields[1]


def _boxes(file: Path) -> dict[str, Box]:
    if not file.is_file():
        return {}
    boxes = {}
    for line in read_lines(file):
        image, *fields = line.text.split()
        try:
            x0, y0, x1, y1 = map(float, fields)
        except ValueError:
            raise line.junk("<image> <xmin> <ymin> <xmax> <ymax>") from None
        if not all(map(math.isfinite, (x0, y0, x1, y1))):
            raise line.junk("<image> <xmin> <ymin> <xmax> <ymax>")
        boxes[image] = Box.from_corners(x0, y0, x1, y1)
    return boxes
