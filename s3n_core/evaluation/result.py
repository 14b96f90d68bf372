"""What a model gets right on labelled images: every figure of one evaluation, free of torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s3n_core.evaluation.cascade import CascadeAnswers
from s3n_core.evaluation.result_text import evaluation_text

NORMAL_95 = 1.959963984540054
"""Two-sided 95 % point of the normal distribution."""

JOINT = "joint"
MEAN = "mean of branches"


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How often one prediction is right.

    Attributes:
        name: "joint", a branch's letter, or "mean of branches" (the mean of the reported branches' probabilities).
        images: Images counted.
        top1: Images whose most probable class is right.
        top5: Images whose five most probable classes hold the right one (all classes, where there are at most five).
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
    """How often the joint prediction is right on one class's images; ``images`` may be 0, then ``share`` is None."""

    name: str
    images: int
    correct: int

    @property
    def share(self) -> float | None:
        """Accuracy in [0, 1], or None without images."""
        return self.correct / self.images if self.images else None


@dataclass(frozen=True, slots=True)
class Confusion:
    """One kind of mistake: ``count`` images of ``label`` were taken for ``predicted``."""

    label: str
    predicted: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evaluation:
    """Every figure of one evaluation. Mean values are means over the images.

    Attributes:
        classes: Class names, by index.
        accuracies: First the network's own prediction ("joint"; O's, where there is no joint head), then each reported
            branch, then the mean of the branches, where there are several.
        confusion: int64, shape (C, C): images of class (row) that the network took for class (column).
        loss: Mean of the total loss (Eq. 9).
        losses: Its parts by name: "joint", "O", "D", "C"; O's is there even where O is not reported (D+C).
        entropy: Mean H of Eq. 2, in nats.
        entropy_threshold: delta of Eq. 3.
        rules: Share of images under each rule of Eq. 3 by its name, see ``PredictionRow.rule``.
        peaks: Mean number of peaks.
        without_peaks: Share of images without any peak.
        mode: How the peaks were divided between D and C.
        precision: Of the network's layers.
        model: Digest of the model file; empty for a network in training.
        unreadable: (name, reason) of the images that could not be read; they are counted nowhere.
        unlabelled: Number of images without a label; they are counted nowhere.
        cascade: What stopping after O is counted from, where that was asked for.
    """

    classes: tuple[str, ...]
    accuracies: tuple[Accuracy, ...]
    confusion: NDArray[np.int64]
    loss: float
    losses: Mapping[str, float]
    entropy: float
    entropy_threshold: float
    rules: Mapping[str, float]
    peaks: float
    without_peaks: float
    mode: str
    precision: str
    model: str = ""
    unreadable: tuple[tuple[str, str], ...] = field(default=())
    unlabelled: int = 0
    cascade: CascadeAnswers | None = None

    @property
    def images(self) -> int:
        """Images counted."""
        return self.accuracies[0].images

    @property
    def top1(self) -> float:
        """Top-1 accuracy of the network's own prediction, in [0, 1]."""
        return self.accuracies[0].top1_share

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of ``top1``: what other images of the same kind might have given."""
        return wilson_interval(self.accuracies[0].top1, self.images)

    @property
    def mean_class_accuracy(self) -> float:
        """Mean of the accuracies of the classes that have images, in [0, 1]."""
        shares = [share for share in (row.share for row in self.by_class()) if share is not None]
        return sum(shares) / len(shares)

    def by_class(self) -> tuple[ClassAccuracy, ...]:
        """Return the joint prediction's accuracy on each class, in class order."""
        counts, correct = self.confusion.sum(axis=1).tolist(), self.confusion.diagonal().tolist()
        return tuple(ClassAccuracy(*row) for row in zip(self.classes, counts, correct, strict=True))

    def confusions(self, most: int = 10) -> tuple[Confusion, ...]:
        """Return the most frequent mistakes, the most frequent first (ties in class order)."""
        mistakes = self.confusion.copy()
        np.fill_diagonal(mistakes, 0)
        rows, columns = mistakes.nonzero()
        counts = mistakes[rows, columns]
        order = np.argsort(-counts, kind="stable")[:most]
        return tuple(Confusion(self.classes[rows[i]], self.classes[columns[i]], int(counts[i])) for i in order)

    def figures(self) -> dict[str, float]:
        """Return the main figures by name, as a model file and an epoch's line keep them."""
        names = {accuracy.name: accuracy.top1_share for accuracy in self.accuracies}
        top = self.accuracies[0]
        return {
            "accuracy": top.top1_share,
            "accuracy_top5": top.top5_share,
            **{f"accuracy_{'mean' if name == MEAN else name}": share for name, share in names.items()},
            "loss": self.loss,
            **{f"loss_{name}": value for name, value in self.losses.items()},
            "entropy": self.entropy,
            "peaks": self.peaks,
        }

    def to_dict(self) -> dict[str, Any]:
        """Return everything as values that JSON holds; a number that is not finite becomes None."""
        return {
            "images": self.images,
            "top1": self.top1,
            "top1_interval_95": list(self.interval),
            "mean_class_accuracy": self.mean_class_accuracy,
            "predictions": [
                {
                    "name": accuracy.name,
                    "top1": accuracy.top1_share,
                    "top5": accuracy.top5_share,
                    "top1_images": accuracy.top1,
                    "top5_images": accuracy.top5,
                }
                for accuracy in self.accuracies
            ],
            "loss": _finite(self.loss),
            "losses": {name: _finite(value) for name, value in self.losses.items()},
            "entropy": _finite(self.entropy),
            "entropy_threshold": self.entropy_threshold,
            "rules": dict(self.rules),
            "peaks": self.peaks,
            "without_peaks": self.without_peaks,
            "mode": self.mode,
            "precision": self.precision,
            "model": self.model,
            "classes": list(self.classes),
            "by_class": [
                {"class": row.name, "images": row.images, "correct": row.correct, "accuracy": row.share}
                for row in self.by_class()
            ],
            "confusion": self.confusion.tolist(),
            "unreadable": [{"file": name, "reason": reason} for name, reason in self.unreadable],
            "unlabelled": self.unlabelled,
        }

    def text(self) -> str:
        """Return everything as aligned tables for a terminal, with a final line end."""
        return evaluation_text(self)


def wilson_interval(right: int, count: int, *, z: float = NORMAL_95) -> tuple[float, float]:
    """Return Wilson's score interval of a share, which holds its level for few images and near 0 and 1, too.

    Args:
        right: Images that are right.
        count: Images in all, at least 1.
        z: Point of the normal distribution; the default gives 95 %.

    Returns:
        Lower and upper end, in [0, 1].
    """
    share, square = right / count, z * z / count
    centre = (share + square / 2) / (1 + square)
    half = z * math.sqrt(share * (1 - share) / count + square / (4 * count)) / (1 + square)
    return max(0.0, centre - half), min(1.0, centre + half)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
