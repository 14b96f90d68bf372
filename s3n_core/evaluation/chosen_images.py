"""Which images a model is measured on where nobody says it: one rule for the command line, Python and the window."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from s3n_core.datasets.opening import named_records, open_images
from s3n_core.datasets.records import DataSet, ImageRecord
from s3n_core.datasets.splits import VALIDATION
from s3n_core.datasets.validation_images import run_validation_count
from s3n_core.errors import DataSetError, S3NError
from s3n_core.runs.model_paths import run_of


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


@dataclass(frozen=True, slots=True)
class ThresholdImages:
    """The images that the threshold of fast mode is chosen on.

    Attributes:
        folder: Their data set.
        format: Its format, as the run opened it.
        split: "validation", those of the model's run; else "val", those of the data set.
    """

    folder: Path
    format: str
    split: str


@dataclass(frozen=True, slots=True)
class ComparisonImages:
    """The images that two ways of computing a model are compared on; they need no labels.

    Attributes:
        data_set: The data set.
        split: "validation", those of the model's run, or "validation and test"; "all" of another data set.
        records: The images.
    """

    data_set: DataSet
    split: str
    records: tuple[ImageRecord, ...]


def comparison_images(model: Path, folder: Path | None = None) -> ComparisonImages:
    """Choose the images to compare two ways of computing a model on.

    In the data set of the model's run these are the validation and the test images, since predictions of the training images
    are surer than others; in another one all images.

    Args:
        model: A model file or a run's folder.
        folder: A data set or a folder of images; None: the data set of the model's run.

    Raises:
        DataSetError: None is given, and the model lies in no run, or the run's images are gone.
    """
    if folder is None:
        kept = _run_data(model)
        if kept is None:
            raise DataSetError(
                f"There are no images to compare on: {_no_run_data(model)}. Give a folder of images; they need no labels."
            )
        data_set = open_images(*kept)
    else:
        data_set = open_images(folder)
    try:
        validation = named_records(data_set, VALIDATION, model)
    except S3NError:  # it lies in no run, or was trained on other images
        return ComparisonImages(data_set, "all", data_set.records)
    chosen = {record.name for record in validation}
    test = tuple(record for record in data_set.of_split("test") if record.name not in chosen)
    return ComparisonImages(data_set, f"{VALIDATION} and test" if test else VALIDATION, validation + test)


def threshold_images(model: Path, images: Path | None = None) -> ThresholdImages:
    """Find the images to choose the threshold of fast mode on: never those of a test.

    Args:
        model: A model file or a run's folder.
        images: A folder of images; its own validation images are used for a model that lies in no run.

    Raises:
        DataSetError: There are none: the model lies in no run, the run's images are gone, or it was trained without validation
            images; and ``images`` has no labelled validation images either.
    """
    kept, run = _run_data(model), run_of(model)
    without = run is not None and run_validation_count(run.path) == 0
    if kept is not None and not without:
        return ThresholdImages(*kept, VALIDATION)
    if images is not None and images.is_dir() and _labelled(open_images(images).of_split("val")):
        return ThresholdImages(images, "auto", "val")
    raise DataSetError(
        "There are no validation images to choose the threshold of fast mode on: "
        f"{f'{model} was trained without any' if without else _no_run_data(model)}, and the images to predict have no labelled "
        "validation images. Set the threshold by hand."
    )


def _run_data(model: Path) -> tuple[Path, str] | None:
    """Return the data set of the model's run and its format; None if the model lies in no run, or its images are gone."""
    root, kind = _stored_data(model)
    return (root, kind) if root.is_absolute() and root.exists() else None


def _no_run_data(model: Path) -> str:
    """Return, as a clause, why `_run_data` has none."""
    return (
        f"{model} lies in no run"
        if run_of(model) is None
        else f"the images of its run, {_stored_data(model)[0]}, are gone"
    )


def _stored_data(model: Path) -> tuple[Path, str]:
    """Return the root and the format of the data set as the model's run has stored them; an empty path without a run."""
    run = run_of(model)
    data = {} if run is None else run.read_run().get("data")
    if not isinstance(data, dict):
        return Path(), "auto"
    return Path(str(data.get("root", ""))), str(data.get("format", "auto"))


def _labelled(records: tuple[ImageRecord, ...]) -> bool:
    return any(record.label is not None for record in records)
