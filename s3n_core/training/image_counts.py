"""How many images of each class a training would learn from, before there is a run. Free of torch."""

from __future__ import annotations

from dataclasses import dataclass

from s3n_core.datasets.left_out import without_left_out
from s3n_core.datasets.records import DataSet
from s3n_core.datasets.splits import split_validation


@dataclass(frozen=True, slots=True)
class ImageCounts:
    """Numbers of images of a training.

    Attributes:
        training: Number of training images, one per class.
        validation: Number of validation images.
    """

    training: tuple[int, ...]
    validation: int


def image_counts(data_set: DataSet, validation: float, split_seed: int) -> ImageCounts:
    """Count the training images of each class, and the validation images.

    Args:
        data_set: The data set.
        validation: The validation share, from 0 to 0.5.
        split_seed: The seed that draws the validation images.

    Returns:
        The numbers; images that are left out by hand do not count.

    Raises:
        DataSetError: There is no labelled training image, or the list of images that are left out cannot be read.
    """
    kept = without_left_out(data_set)
    training, chosen = split_validation(kept.records, validation, split_seed, by_hand=kept.by_hand)
    counts = [0] * len(kept.classes)
    for record in training:
        if record.label is not None:
            counts[record.label] += 1
    return ImageCounts(tuple(counts), len(chosen))
