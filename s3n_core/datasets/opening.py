"""Opening images for a model, with labels if they are a data set, else without; and selecting a split."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from s3n_core.datasets.assignment import assigned
from s3n_core.datasets.detection import has_labels_elsewhere, open_data_set
from s3n_core.datasets.records import DataSet, ImageRecord
from s3n_core.datasets.splits import VALIDATION, validation_records
from s3n_core.errors import DataSetError, RunError, TooFewClasses
from s3n_core.runs.model_paths import run_of


def open_images(path: Path, format: str = "auto") -> DataSet:
    """Open a data set or images, with the saved assignment applied.

    Args:
        path: A folder of images, a data set, or one image.
        format: One of `detection.FORMATS`, or "auto".

    Raises:
        DataSetError: There is no image, or the saved assignment cannot be read.
    """
    return assigned(read_images(path, format)[0])


def read_images(path: Path, format: str = "auto") -> tuple[DataSet, str]:
    """Read a data set or images: what cannot be trained on can still be predicted and inspected.

    A folder with one class, a damaged data set, or one of a kind that cannot be used is read as images without labels,
    unless a format was chosen. Its remarks say why.

    Args:
        path: A folder of images, a data set, or one image.
        format: One of `detection.FORMATS`, or "auto".

    Returns:
        The data set, without the saved assignment, and a sentence where it has labels that could not be read; else "".

    Raises:
        DataSetError: There is no image.
    """
    try:
        return open_data_set(path, format), ""
    except DataSetError as error:
        if format != "auto" or not os.path.isdir(path):  # a path that may not be looked at is none
            raise
        data_set = open_data_set(path, "images")
        lost = not isinstance(error, TooFewClasses) or has_labels_elsewhere(path)
        sentence = f"Opened as images without labels, because: {error}" if lost else ""
        return replace(data_set, remarks=(*data_set.remarks, sentence or str(error))), sentence


def named_records(data_set: DataSet, split: str, model: Path | None) -> tuple[ImageRecord, ...]:
    """Return the records of a split, among them the validation images of a model's run.

    Args:
        data_set: The data set.
        split: As in `split_records`, or "validation": the images that the model's run chose its best epoch by.
        model: The model file or run's folder; asked for "validation" only.

    Raises:
        DataSetError: The data set has no such split.
        RunError: The model lies in no run.
    """
    if split != VALIDATION:
        return split_records(data_set, split)
    run = None if model is None else run_of(model)
    if run is None:
        raise RunError(
            f"The model {model} lies in no run, which would say what its validation images are; choose val, or name "
            "the run."
        )
    return validation_records(run.split_csv, data_set)


def split_records(data_set: DataSet, split: str) -> tuple[ImageRecord, ...]:
    """Return the records of a split: "train", "val", "test", or "all".

    Raises:
        DataSetError: The data set has no such split.
    """
    if split == "all":
        return data_set.records
    records = tuple(record for record in data_set.records if record.split == split)
    if not records:
        parts = ", ".join(part for part in data_set.splits() if part) or "no splits"
        raise DataSetError(f"{data_set.root} has no split {split!r}: it has {parts}; choose one of them, or all.")
    return records
