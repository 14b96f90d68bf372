"""Which images a model is measured on where nobody says it: one rule for the command line, Python and the window."""

from __future__ import annotations

from pathlib import Path

from s3n_core.datasets.opening import named_records
from s3n_core.datasets.records import DataSet, ImageRecord
from s3n_core.datasets.splits import VALIDATION
from s3n_core.errors import S3NError


def evaluation_images(
    data_set: DataSet, model: Path | None, split: str | None = None
) -> tuple[str, tuple[ImageRecord, ...]]:
    """Choose the images to measure a model on.

    The labelled test images. Where there are none, the validation images: those of the model's run, as far as they are in
    this data set, else those that the data set itself names. Where there are none either, all images.

    Args:
        data_set: The data set.
        model: A model file or a run's folder; None: no model, so no run, is known.
        split: What a person has chosen instead: "train", "val", "test", "validation" (those of the model's run) or "all".

    Returns:
        The name of the split, and its records.

    Raises:
        DataSetError: The chosen split does not exist.
        RunError: The validation images of a run were chosen, and the model lies in none.
    """
    if split is not None:
        return split, named_records(data_set, split, model)
    if _labelled(data_set.of_split("test")):
        return "test", data_set.of_split("test")
    if model is not None:
        try:
            return VALIDATION, named_records(data_set, VALIDATION, model)
        except S3NError:  # it lies in no run, or was trained on other images
            pass
    if _labelled(data_set.of_split("val")):
        return "val", data_set.of_split("val")
    return "all", data_set.records


def _labelled(records: tuple[ImageRecord, ...]) -> bool:
    return any(record.label is not None for record in records)
