"""Accuracy, recall and precision, shared by the window, tables and `s3n evaluate`. Does not import torch.

- An image is counted if it has a prediction and a label that the model knows; all others are excluded from every figure
  except the coverage.
- Its prediction is the most probable class of the joint head (of O if there is none); it is correct if it is the label.
  Top-5 is correct if the label is among the five most probable classes.
- Recall of a class: correct images over images of that class. Precision: correct images over counted images predicted
  as that class. Both are undefined without images.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s3n_core.evaluation.confusion import ConfusionCells
from s3n_core.evaluation.coverage import Coverage, coverage_of
from s3n_core.evaluation.intervals import accuracy_text, wilson_interval


@dataclass(frozen=True, slots=True)
class Accuracy:
    """The accuracy of one head of the network.

    Attributes:
        name: "joint", a branch's letter, or "mean of branches" (the mean of the reported branches' probabilities).
        images: Number of counted images.
        top1: Number of images whose most probable class is correct.
        top5: Number of images whose five most probable classes include the correct one.
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

    @property
    def top1_interval(self) -> tuple[float, float]:
        """95 % Wilson interval of the top-1 accuracy, in [0, 1]."""
        return wilson_interval(self.top1, self.images)

    @property
    def top5_interval(self) -> tuple[float, float]:
        """95 % Wilson interval of the top-5 accuracy, in [0, 1]."""
        return wilson_interval(self.top5, self.images)

    @property
    def top1_text(self) -> str:
        """The top-1 accuracy with its interval, as it is shown; see `accuracy_text`."""
        return accuracy_text(self.top1, self.images)

    @property
    def top5_text(self) -> str:
        """The top-5 accuracy with its interval, as it is shown; see `accuracy_text`."""
        return accuracy_text(self.top5, self.images)


@dataclass(frozen=True, slots=True)
class ClassAccuracy:
    """The accuracy of the joint prediction for one class.

    Attributes:
        index: Index of the class.
        images: Number of images of the class.
        correct: How many of these are predicted as the class.
        predicted: Number of counted images predicted as the class.
        predictions: Number of images predicted as the class, counted or not.
    """

    index: int
    images: int
    correct: int
    predicted: int
    predictions: int

    @property
    def recall(self) -> float | None:
        """Fraction of the class's images that are predicted as it, in [0, 1]; None without images."""
        return self.correct / self.images if self.images else None

    @property
    def precision(self) -> float | None:
        """Fraction of the counted images predicted as the class that belong to it, in [0, 1]; None without images."""
        return self.correct / self.predicted if self.predicted else None

    @property
    def recall_interval(self) -> tuple[float, float] | None:
        """95 % Wilson interval of the recall, in [0, 1]; None without images."""
        return wilson_interval(self.correct, self.images) if self.images else None

    @property
    def precision_interval(self) -> tuple[float, float] | None:
        """95 % Wilson interval of the precision, in [0, 1]; None without images."""
        return wilson_interval(self.correct, self.predicted) if self.predicted else None

    @property
    def recall_text(self) -> str:
        """The recall with its interval, as it is shown; see `accuracy_text`."""
        return accuracy_text(self.correct, self.images)

    @property
    def precision_text(self) -> str:
        """The precision with its interval, as it is shown; see `accuracy_text`."""
        return accuracy_text(self.correct, self.predicted)


@dataclass(frozen=True)
class TableAccuracy:
    """The accuracy of the predictions of a table.

    Attributes:
        images: Number of images in the table.
        predicted: Number of images with a prediction.
        counted: Number of images with a prediction and a label that the model knows.
        correct: How many of these are correct.
        classes: Sorted indices of the classes that occur as the label or the prediction of a counted image.
        confusion: Counted images by label (row) and prediction (column), both in the order of ``classes``.
        by_class: One entry per class of ``classes``; if no image is counted, one per predicted class.
        coverage: Coverage and accuracy by confidence threshold.
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
        """Fraction of the counted images that are correct; None without any."""
        return self.correct / self.counted if self.counted else None

    @property
    def top1_text(self) -> str:
        """The accuracy with its interval, as it is shown; see `accuracy_text`."""
        return accuracy_text(self.correct, self.counted)


def table_accuracy(
    label: NDArray[Any], predicted: NDArray[Any], correct: NDArray[Any], confidence: NDArray[Any], classes: int
) -> TableAccuracy:
    """Compute the accuracy of the predictions of a table; takes some milliseconds for 100,000 rows.

    Args:
        label: Class index of each image's label, -1 without one.
        predicted: Class index of each image's prediction, -1 without one.
        correct: 1, 0, or -1 if the image is not counted.
        confidence: Probability of each prediction, NaN without one.
        classes: Number of classes.
    """
    counts = correct >= 0
    cells = ConfusionCells.of(label[counts], predicted[counts], classes)
    has_prediction = predicted >= 0
    predictions = np.bincount(predicted[has_prediction], minlength=classes)
    occurring = np.flatnonzero(cells.images + cells.predictions)
    by_class = class_accuracies(cells, predictions)
    return TableAccuracy(
        images=len(predicted),
        predicted=int(has_prediction.sum()),
        counted=int(counts.sum()),
        correct=int((correct == 1).sum()),
        classes=occurring,
        confusion=cells.matrix(occurring),
        by_class=tuple(by_class[index] for index in (occurring if len(occurring) else np.flatnonzero(predictions))),
        coverage=coverage_of(confidence, correct, has_prediction),
    )


def class_accuracies(cells: ConfusionCells, predictions: NDArray[Any] | None = None) -> tuple[ClassAccuracy, ...]:
    """Return the accuracy of each class, in class order.

    Args:
        cells: The counted images by label and prediction.
        predictions: Images predicted as each class, counted or not; None: the counted ones.
    """
    images, predicted, correct = cells.images.tolist(), cells.predictions.tolist(), cells.correct.tolist()
    named = predicted if predictions is None else predictions.tolist()
    rows = zip(range(cells.classes), images, correct, predicted, named, strict=True)
    return tuple(ClassAccuracy(*row) for row in rows)


def mean_recall(by_class: Iterable[ClassAccuracy]) -> float:
    """Return the mean recall over the classes with images, in [0, 1], also called mean class accuracy."""
    shares = [share for share in (row.recall for row in by_class) if share is not None]
    return sum(shares) / len(shares)


def mean_recall_interval(by_class: Iterable[ClassAccuracy]) -> tuple[float, float]:
    """Return the 95 % interval of the mean recall, in [0, 1].

    The distances of the mean from the ends of the classes' Wilson intervals are added as independent errors (Zou and
    Donner, 2008, "Construction of confidence limits about effect measures").

    Args:
        by_class: The classes; those without images do not count, and at least one has images.
    """
    rows = [(row.recall, row.recall_interval) for row in by_class]
    known = [(share, *ends) for share, ends in rows if share is not None and ends is not None]
    mean = sum(share for share, _, _ in known) / len(known)
    below = math.sqrt(sum((share - low) ** 2 for share, low, _ in known)) / len(known)
    above = math.sqrt(sum((high - share) ** 2 for share, _, high in known)) / len(known)
    return max(0.0, mean - below), min(1.0, mean + above)
