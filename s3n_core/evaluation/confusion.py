"""The confusion matrix, the most frequent mistakes, and class orders that make them visible."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from s3n_core.evaluation.intervals import share_text

ClassOrder = Literal["model", "confusion", "recall"]
ORDERS: tuple[ClassOrder, ...] = get_args(ClassOrder)

MOST_MATRIX_CLASSES = 1000
"""With more classes, files hold the cells that are not zero instead of the matrix, which grows with the square of the classes."""


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


@dataclass(frozen=True, slots=True, eq=False)
class ConfusionCells:
    """The cells of a confusion matrix that are not zero: as many numbers as there are images, not as classes squared.

    Attributes:
        classes: Number of classes, C.
        label: int64 (N,): index of the true class of each cell, ascending.
        predicted: int64 (N,): of the predicted class, ascending within a true class.
        count: int64 (N,): number of images, at least 1.
    """

    classes: int
    label: NDArray[np.int64]
    predicted: NDArray[np.int64]
    count: NDArray[np.int64]

    @classmethod
    def of(cls, label: NDArray[Any], predicted: NDArray[Any], classes: int) -> ConfusionCells:
        """Count images by their true and predicted classes."""
        cells, count = np.unique(label.astype(np.int64) * classes + predicted, return_counts=True)
        return cls(classes, cells // classes, cells % classes, count.astype(np.int64))

    @classmethod
    def of_matrix(cls, counts: NDArray[Any]) -> ConfusionCells:
        """Read a matrix of images by label (row) and predicted class (column)."""
        rows, columns = np.nonzero(counts)
        return cls(len(counts), rows.astype(np.int64), columns.astype(np.int64), counts[rows, columns].astype(np.int64))

    @property
    def images(self) -> NDArray[np.int64]:
        """Number of images of each true class, int64 (C,)."""
        return self._sums(self.label, self.count)

    @property
    def predictions(self) -> NDArray[np.int64]:
        """Number of images predicted as each class, int64 (C,)."""
        return self._sums(self.predicted, self.count)

    @property
    def correct(self) -> NDArray[np.int64]:
        """Number of correct images of each class, int64 (C,)."""
        return self._sums(self.label, np.where(self.label == self.predicted, self.count, 0))

    def matrix(self, chosen: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
        """Return the matrix of images by label (row) and predicted class (column), int64.

        Args:
            chosen: Indices of the classes in it, ascending, which hold all cells; None: all classes.
        """
        order = np.arange(self.classes) if chosen is None else chosen
        counts = np.zeros((len(order), len(order)), np.int64)
        counts[np.searchsorted(order, self.label), np.searchsorted(order, self.predicted)] = self.count
        return counts

    def mistakes(self) -> ConfusionCells:
        """Return the cells of the wrong predictions."""
        wrong = self.label != self.predicted
        return ConfusionCells(self.classes, self.label[wrong], self.predicted[wrong], self.count[wrong])

    def pairs(self, most: int = 500) -> tuple[ConfusedPair, ...]:
        """Return the confused pairs, most frequent first; ties by larger share, then by class order.

        Args:
            most: Maximum number of pairs.
        """
        wrong = self.mistakes()
        images = self.images[wrong.label]
        order = np.lexsort((wrong.predicted, wrong.label, -wrong.count / images, -wrong.count))[:most]
        columns = (wrong.label[order], wrong.predicted[order], wrong.count[order], images[order])
        return tuple(ConfusedPair(*numbers) for numbers in zip(*(column.tolist() for column in columns), strict=True))

    def _sums(self, index: NDArray[np.int64], numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        sums = np.zeros(self.classes, np.int64)
        np.add.at(sums, index, numbers)
        return sums


def confused_pairs(counts: NDArray[Any], most: int = 500) -> tuple[ConfusedPair, ...]:
    """Return the confused pairs of a matrix of images by label (row) and predicted class (column); see `ConfusionCells.pairs`."""
    return ConfusionCells.of_matrix(counts).pairs(most)


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
