"""Accuracy: what counts as correct, and for which images. Torch-free; the window, tables and `s3n evaluate` share it.

- An image counts where it has a prediction and a label that the model knows; all others are left out of every share but
  the coverage.
- Its prediction is the most probable class of the joint head (O's, where there is none), and it is correct where that is the
  label. Top-5 holds where the label is among the five most probable classes (all, where there are at most five).
- Recall of a class: correct images over the images of that class. Precision: correct images over the counted images that are
  predicted as it. Neither exists without images.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s3n_core.evaluation.confusion import confusion_matrix
from s3n_core.evaluation.coverage import Coverage, coverage_of

NORMAL_95 = 1.959963984540054
"""Two-sided 95 % point of the normal distribution."""


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How often one prediction is correct.

    Attributes:
        name: "joint", a branch's letter, or "mean of branches" (the mean of the reported branches' probabilities).
        images: Images counted.
        top1: Images whose most probable class is correct.
        top5: Images whose five most probable classes hold the correct one (all classes, where there are at most five).
    """

    name: str
    images: int
    top1: int
    top5: int

    @property
    def top1_share(self) -> float:
        """Top-1 accuracy in [0, 1]."""
        return self.top1 / self.images

    @property
    def top5_share(self) -> float:
        """Top-5 accuracy in [0, 1]."""
        return self.top5 / self.images


@dataclass(frozen=True, slots=True)
class ClassAccuracy:
    """How often the joint prediction is correct for one class.

    Attributes:
        index: Of the class.
        images: Images of it.
        correct: How many of these are predicted as it.
        predicted: Counted images that are predicted as it.
        predictions: Images that are predicted as it, counted or not.
    """

    index: int
    images: int
    correct: int
    predicted: int
    predictions: int

    @property
    def recall(self) -> float | None:
        """Share of the images of the class that are predicted as it, in [0, 1]; None without images."""
        return self.correct / self.images if self.images else None

    @property
    def precision(self) -> float | None:
        """Share of the counted images predicted as the class that are of it, in [0, 1]; None where there are none."""
        return self.correct / self.predicted if self.predicted else None


@dataclass(frozen=True)
class TableAccuracy:
    """How good the predictions of a table are.

    Attributes:
        images: Images in the table.
        predicted: Images with a prediction.
        counted: Images with a prediction and a label that the model knows.
        correct: How many of these are correct.
        classes: Indices of the classes that occur as a label or as the prediction of a counted image, in order.
        confusion: Counted images by label (row) and prediction (column), both in the order of ``classes``.
        by_class: One entry a class of ``classes``; where no image counts, one a class that any image is predicted as.
        coverage: What a threshold on the confidence leaves.
    """

    images: int
    predicted: int
    counted: int
    correct: int
    classes: NDArray[np.int64]
    confusion: NDArray[np.int64]
    by_class: tuple[ClassAccuracy, ...]
    coverage: Coverage

    @property
    def top1(self) -> float | None:
        """Share of the counted images that are correct; None without any."""
        return self.correct / self.counted if self.counted else None


def table_accuracy(
    label: NDArray[Any], predicted: NDArray[Any], correct: NDArray[Any], confidence: NDArray[Any], classes: int
) -> TableAccuracy:
    """Work out how good the predictions of a table are; takes some milliseconds for 100,000 rows.

    Args:
        label: Class index of each image's label, -1 without one.
        predicted: Class index of each image's prediction, -1 without one.
        correct: 1, 0, or -1 where the image does not count.
        confidence: Probability of each prediction, NaN without one.
        classes: Number of classes that the indices run over.
    """
    counts = correct >= 0
    table = confusion_matrix(label[counts], predicted[counts], classes)
    has_prediction = predicted >= 0
    predictions = np.bincount(predicted[has_prediction], minlength=classes)
    occurring = np.flatnonzero(table.sum(axis=0) + table.sum(axis=1))
    by_class = class_accuracies(table, predictions)
    return TableAccuracy(
        images=len(predicted),
        predicted=int(has_prediction.sum()),
        counted=int(counts.sum()),
        correct=int((correct == 1).sum()),
        classes=occurring,
        confusion=table[np.ix_(occurring, occurring)],
        by_class=tuple(by_class[index] for index in (occurring if len(occurring) else np.flatnonzero(predictions))),
        coverage=coverage_of(confidence, correct, has_prediction),
    )


def class_accuracies(
    confusion: NDArray[np.int64], predictions: NDArray[Any] | None = None
) -> tuple[ClassAccuracy, ...]:
    """Return the accuracy of each class, in class order.

    Args:
        confusion: Images by label (row) and prediction (column), shape (C, C).
        predictions: Images that are predicted as each class, counted or not; None: only counted ones are known.
    """
    images, predicted = confusion.sum(axis=1).tolist(), confusion.sum(axis=0).tolist()
    correct = confusion.diagonal().tolist()
    named = predicted if predictions is None else predictions.tolist()
    rows = zip(range(len(confusion)), images, correct, predicted, named, strict=True)
    return tuple(ClassAccuracy(*row) for row in rows)


def mean_recall(by_class: Iterable[ClassAccuracy]) -> float:
    """Return the mean recall of the classes that have images, in [0, 1]: the mean class accuracy."""
    shares = [share for share in (row.recall for row in by_class) if share is not None]
    return sum(shares) / len(shares)


def wilson_interval(correct: int, count: int, *, z: float = NORMAL_95) -> tuple[float, float]:
    """Return Wilson's score interval of a share, which holds its level for few images and near 0 and 1, too.

    Args:
        correct: Images that are correct.
        count: Images in all, at least 1.
        z: Point of the normal distribution; the default gives 95 %.

    Returns:
        Lower and upper end, in [0, 1].
    """
    share, square = correct / count, z * z / count
    centre = (share + square / 2) / (1 + square)
    half = z * math.sqrt(share * (1 - share) / count + square / (4 * count)) / (1 + square)
    return max(0.0, centre - half), min(1.0, centre + half)
