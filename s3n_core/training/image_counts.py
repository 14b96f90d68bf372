"""How many images of each class a training would learn from, before there is a run. Free of torch."""

from __future__ import annotations

from dataclasses import dataclass

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
        data_set: The data set, without the images that the training leaves out.
        validation: The validation share, from 0 to 0.5.
        split_seed: The seed that draws the validation images.

    Returns:
        The numbers.

    Raises:
        DataSetError: There is no labelled training image; or a group lies in training and in validation or test.
    """
    training, chosen = split_validation(data_set.records, validation, split_seed, by_hand=data_set.by_hand)
    counts = [0] * len(data_set.classes)
    for record in training:
        if record.label is not None:
            counts[record.label] += 1
    return ImageCounts(tuple(counts), len(chosen))
