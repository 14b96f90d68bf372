"""Opening images for a model, with labels if they are a data set, else without; and selecting a split."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from s3n_core.datasets.assignment import assigned
from s3n_core.datasets.detection import has_labels_elsewhere, open_data_set
from s3n_core.datasets.records import DataSet, ImageRecord
from s3n_core.datasets.splits import VALIDATION, validation_records
from s3n_core.errors import DataSetError, RunError, TooFewClasses
from s3n_core.runs.model_paths import run_of


def open_images(path: Path, format: str = "auto", remark: Callable[[str], None] | None = None) -> DataSet:
    """Open a data set or images, with the saved assignment applied.

    Args:
        path: A folder of images, a data set, or one image.
        format: One of `detection.FORMATS`, or "auto".
        remark: Called with a sentence if a damaged data set is opened as images without labels.

    Raises:
        DataSetError: There is no image.
    """
    try:
        data_set = open_data_set(path, format)
    except DataSetError as error:
        # A folder with one class or none cannot be trained on, but its images can still be inspected.
        if format != "auto" or not path.is_dir():
            raise
        data_set = open_data_set(path, "images")
        if remark is not None and (not isinstance(error, TooFewClasses) or has_labels_elsewhere(path)):
            remark(f"Opened as images without labels, because: {error}")
        return data_set
    return assigned(data_set)


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
