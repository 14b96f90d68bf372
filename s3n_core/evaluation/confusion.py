"""The confusion matrix, the most frequent mistakes, and class orders that make them visible."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from s3n_core.evaluation.intervals import share_text

ClassOrder = Literal["model", "confusion", "recall"]
ORDERS: tuple[ClassOrder, ...] = get_args(ClassOrder)


@dataclass(frozen=True, slots=True)
class ConfusedPair:
    """One kind of mistake.

    Attributes:
        label: Index of the true class.
        predicted: Index of the predicted class.
        count: Number of images.
        images: Number of images of the true class.
    """

    label: int
    predicted: int
    count: int
    images: int

    @property
    def share(self) -> float:
        """Fraction of the true class's images, in [0, 1]."""
        return self.count / self.images

    @property
    def share_text(self) -> str:
        """Count and share with its interval, as it is shown; see `intervals.share_text`."""
        return share_text(self.count, self.images)


def confusion_matrix(label: NDArray[Any], predicted: NDArray[Any], classes: int) -> NDArray[np.int64]:
    """Return the number of images by label (row) and predicted class (column), int64, shape (C, C)."""
    counts = np.bincount(label.astype(np.int64) * classes + predicted, minlength=classes * classes)
    return counts.reshape(classes, classes)


def confused_pairs(counts: NDArray[Any], most: int = 500) -> tuple[ConfusedPair, ...]:
    """Return the confused pairs, most frequent first; ties by larger share, then by class order.

    Args:
        counts: Images by label (rows) and predicted class (columns).
        most: Maximum number of pairs.
    """
    rows, columns = np.nonzero(_mistakes(counts))
    numbers = counts[rows, columns]
    images = counts.sum(axis=1)[rows]
    shares = numbers / images
    order = np.lexsort((columns, rows, -shares, -numbers))[:most]
    return tuple(ConfusedPair(int(rows[i]), int(columns[i]), int(numbers[i]), int(images[i])) for i in order)


def class_order(counts: NDArray[Any], order: ClassOrder) -> NDArray[np.int64]:
    """Return the class indices in a given order.

    Args:
        counts: Images by label (rows) and predicted class (columns).
        order: "model": the model's order; "recall": lowest recall first; "confusion": classes that are confused with
            one another next to each other, groups with the most mistakes first.
    """
    count = len(counts)
    if order == "recall":
        images = counts.sum(axis=1)
        recall = np.where(images > 0, counts.diagonal() / np.maximum(images, 1), np.inf)
        return np.argsort(recall, kind="stable").astype(np.int64)
    if order == "confusion":
        return _grouped(counts)
    return np.arange(count, dtype=np.int64)


def _grouped(counts: NDArray[Any]) -> NDArray[np.int64]:
    """Merge classes into groups, most confused pair first; within a group, confused classes are adjacent."""
    either = _mistakes(counts) + _mistakes(counts).T
    rows, columns = np.nonzero(np.triu(either))
    groups: list[list[int]] = [[index] for index in range(len(counts))]
    of = list(range(len(counts)))
    for pair in np.argsort(-either[rows, columns], kind="stable").tolist():
        one, other = of[rows[pair]], of[columns[pair]]
        if one == other:
            continue
        # Reverse a group if that brings the two classes closer together.
        if groups[one].index(int(rows[pair])) < len(groups[one]) / 2:
            groups[one].reverse()
        if groups[other].index(int(columns[pair])) >= len(groups[other]) / 2:
            groups[other].reverse()
        groups[one] += groups[other]
        for index in groups[other]:
            of[index] = one
        groups[other] = []
    weight = [int(either[np.ix_(group, group)].sum()) for group in groups]
    ranked = sorted((at for at, group in enumerate(groups) if group), key=lambda at: (-weight[at], min(groups[at])))
    return np.array([index for at in ranked for index in groups[at]], dtype=np.int64)


def _mistakes(counts: NDArray[Any]) -> NDArray[Any]:
    mistakes = counts.copy()
    np.fill_diagonal(mistakes, 0)
    return mistakes
