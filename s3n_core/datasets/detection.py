"""Opening a data set folder: the format is detected from its files, or given by the caller."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from s3n_core.datasets.readers import class_folders, cub_200_2011, list_files, stanford_cars, unlabelled_folder
from s3n_core.datasets.readers.fgvc_aircraft import LEVEL_READERS
from s3n_core.datasets.records import DataSet, readable_name
from s3n_core.errors import DataSetError, DataSetNotFound


class Reader(Protocol):
    """Interface of a reader: a module, or an object if one layout can be read in several ways."""

    TITLE: str
    FORMAT: str

    def matches(self, root: Path) -> bool:
        """Return whether a folder looks like this format, judged by file names only."""
        ...

    def read(self, root: Path) -> DataSet:
        """Read the folder, or raise ``DataSetError``."""
        ...


READERS: tuple[Reader, ...] = (
    cub_200_2011,
    *LEVEL_READERS,
    stanford_cars,
    list_files,
    class_folders,
    unlabelled_folder,
)
"""All readers in the order in which they are tried: the most specific layout first."""

FORMATS: tuple[str, ...] = tuple(reader.FORMAT for reader in READERS)
"""Names of the formats, for ``open_data_set``."""


def open_data_set(root: Path, format: str = "auto") -> DataSet:
    """Open a data set folder (or one image, as a data set of unlabelled images).

    Args:
        root: The folder.
        format: One of ``FORMATS``, or "auto": the first that matches.

    Raises:
        DataSetError: The folder is missing, empty, or cannot be listed; no format matches; its lists are invalid; or
            it has only one class.
    """
    if format != "auto" and format not in FORMATS:
        raise DataSetError(f"There is no data set format '{format}': choose auto or one of {', '.join(FORMATS)}.")
    _check_root(root)
    reader = _detected(root) if format == "auto" else READERS[FORMATS.index(format)]
    try:
        data_set = reader.read(root)
    except DataSetError as error:
        if format != "auto":
            raise
        hint = (
            f"The folder was read as {reader.TITLE}; if that is wrong, choose the format yourself "
            f"({', '.join(FORMATS)})."
        )
        raise DataSetError(f"{error} {hint}") from error
    data_set = replace(data_set, classes=tuple(readable_name(name) for name in data_set.classes))
    if len(data_set.classes) == 1:
        raise DataSetError(
            f"{root} has images of one class only ({data_set.classes[0]}): training needs at least two, each in its "
            "own folder or list. To predict these images, open them with the format 'images'."
        )
    return data_set


def detection_sentence(data_set: DataSet) -> str:
    """Return what was detected: "Detected as CUB-200-2011: 543 images of 10 classes (300 train, 243 test)."."""
    images = len(data_set.records)
    what = f"{images} image" if images == 1 else f"{images} images"
    if data_set.classes:
        what += f" of {len(data_set.classes)} classes"
    parts = [f"{len(data_set.of_split(split))} {split}" for split in data_set.splits() if split is not None]
    return f"Detected as {data_set.title}: {what}" + (f" ({', '.join(parts)})." if parts else ".")


def has_lists(root: Path) -> bool:
    """Return whether a folder has lists or tables of its images, not just class folders or loose images."""
    return any(reader.matches(root) for reader in READERS if reader not in (class_folders, unlabelled_folder))


def _check_root(root: Path) -> None:
    if not root.exists():
        raise DataSetNotFound(f"{root} does not exist: check the path.", path=root)
    if not root.is_dir():
        return
    try:
        with os.scandir(root) as entries:
            empty = next(entries, None) is None
    except OSError as error:
        raise DataSetError(f"{root} cannot be read ({error.strerror}): check its permissions.") from error
    if empty:
        raise DataSetError(f"{root} is empty: choose a folder with images.")


def _detected(root: Path) -> Reader:
    for reader in READERS:
        if reader.matches(root):
            return reader
    raise DataSetError(
        f"{root} contains no images: expected class folders, CUB-200-2011, FGVC-Aircraft, Stanford Cars, list files "
        f"(train.txt), or a folder of images."
    )
