"""Which splits of the images can be predicted, and which one is where nobody says it; run in a thread."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from s3n_core.datasets.opening import named_records, open_images
from s3n_core.datasets.records import DataSet
from s3n_core.datasets.splits import VALIDATION
from s3n_core.errors import S3NError
from s3n_core.evaluation.chosen_images import evaluation_images
from s3n_gui.state.prediction_request import SPLIT_CHOICES

_TEXTS = {
    "all": "All images",
    "train": "Training",
    "val": "Validation",
    "validation": "Run's validation",
    "test": "Test",
}


def split_text(split: str, count: int | None = None) -> str:
    """Return one of ``SPLIT_CHOICES`` as text, with its number of images if that is given: "Test · 480"."""
    return _TEXTS[split] if count is None else f"{_TEXTS[split]} · {count:,}"


@dataclass(frozen=True, slots=True)
class SplitChoice:
    """The splits to choose from.

    Attributes:
        usual: The one to predict by itself, which is that of ``s3n evaluate``: the labelled test images, else the
            validation images of the model's run, else those of the data set, else all.
        available: All of them, among ``SPLIT_CHOICES``; "all" is one of them.
        counts: The number of images of each.
    """

    usual: str = "all"
    available: tuple[str, ...] = ("all",)
    counts: tuple[int, ...] = ()


def split_choice(images: Path, data_set: DataSet | None, model: Path | None) -> SplitChoice:
    """Find out which splits there are.

    Args:
        images: A folder of images, or one image.
        data_set: What is open from there; None: it is read.
        model: A model file or a run's folder, or None.

    Raises:
        S3NError, OSError: The images cannot be read.
    """
    known = open_images(images) if data_set is None else data_set
    counts = {"all": len(known.records)}
    counts |= {split: len(known.of_split(split)) for split in known.splits() if split}
    with suppress(S3NError):  # the model lies in no run, or was trained on other images
        of_run = named_records(known, VALIDATION, model)
        counts[VALIDATION] = len(of_run)
        if set(of_run) == set(known.of_split("val")):
            del counts["val"]  # the same images under another name
    available = tuple(split for split in SPLIT_CHOICES if counts.get(split))
    return SplitChoice(evaluation_images(known, model)[0], available, tuple(counts[split] for split in available))
