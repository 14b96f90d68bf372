"""Opening what a model is to look at: a data set with its labels if it is one, else plain images; and one part of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from s3n_core.datasets.assignment import assigned
from s3n_core.datasets.detection import has_lists, open_data_set
from s3n_core.datasets.records import DataSet, ImageRecord
from s3n_core.errors import DataSetError


def open_images(path: Path, format: str = "auto", remark: Callable[[str], None] | None = None) -> DataSet:
    """Open what is to be looked at.

    Args:
        path: A folder of images, a data set, or one image.
        format: One of `detection.FORMATS`, or "auto".
        remark: Called with a sentence where a damaged data set is taken as images without labels.

    Raises:
        DataSetError: If there is no image.
    """
    try:
        data_set = open_data_set(path, format)
    except DataSetError as error:
        # One class, or none, is no data set to learn from, but its images can be looked at all the same.
        if format != "auto" or not path.is_dir():
            raise
        data_set = open_data_set(path, "images")
        if remark is not None and has_lists(path):
            remark(f"Opened as images without labels, because: {error}")
        return data_set
    return assigned(data_set)


def part_of(data_set: DataSet, split: str) -> tuple[ImageRecord, ...]:
    """Return the records of a part: "train", "val", "test", or "all".

    Raises:
        DataSetError: If the data set has no such part.
    """
    if split == "all":
        return data_set.records
    records = tuple(record for record in data_set.records if record.split == split)
    if not records:
        parts = ", ".join(part for part in data_set.splits() if part) or "no splits"
        raise DataSetError(f"{data_set.root} has no split {split!r}: it has {parts}; choose one of them, or all.")
    return records
