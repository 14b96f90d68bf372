"""The result of an evaluation. Does not import torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s3n_core.evaluation.accuracy import (
    Accuracy,
    ClassAccuracy,
    class_accuracies,
    mean_recall,
    mean_recall_interval,
)
from s3n_core.evaluation.cascade import CascadeOutcomes
from s3n_core.evaluation.confusion import MOST_MATRIX_CLASSES, ConfusedPair, ConfusionCells
from s3n_core.method.weight_licences import WeightLicence
from s3n_core.models.seen_images import OPTIMISTIC, SeenCounts

JOINT = "joint"
MEAN = "mean of branches"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evaluation:
    """All figures of one evaluation. Means are over images.

    Attributes:
        classes: Class names, by index.
        accuracies: First the network's own prediction ("joint"; O's if there is no joint head), then each reported
            branch, then the mean of the branches if there are several.
        cells: Images by label and predicted class.
        loss: Mean of the total loss (Eq. 9).
        losses: Its terms by name: "joint", "O", "D", "C"; includes O even if O is not reported (D+C).
        entropy: Mean H of Eq. 2, in nats.
        entropy_threshold: delta of Eq. 3, in nats.
        rules: Fraction of images under each rule of Eq. 3, by name; see ``Prediction.rule``.
        peaks: Mean number of peaks.
        without_peaks: Fraction of images without any peak.
        mode: How the peaks were assigned to D and C.
        precision: Precision of the network's layers.
        model: Digest of the model file; empty for a network in training.
        unreadable: (name, reason) of the images that could not be read or whose prediction is not finite; excluded from all
            figures.
        unlabelled: Number of images without a label; excluded from all figures.
        seen: How many of the counted images the model has seen before.
        split: Which images these are: "train", "val", "test", "validation" (those of the model's run), or "all".
        cascade: The per-image results for a cascade, if requested.
        warnings: Sentences about images whose values do not fit the model's range.
        licence: That of the weights that the model began with, if a person must be told; else None.
    """

    classes: tuple[str, ...]
    accuracies: tuple[Accuracy, ...]
    cells: ConfusionCells
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
    seen: SeenCounts = field(default_factory=SeenCounts)
    split: str = "all"
    cascade: CascadeOutcomes | None = None
    warnings: tuple[str, ...] = ()
    licence: WeightLicence | None = None

    @property
    def images(self) -> int:
        """Number of counted images."""
        return self.accuracies[0].images

    @property
    def top1(self) -> float:
        """Top-1 accuracy of the network's own prediction, in [0, 1]."""
        return self.accuracies[0].top1_share

    @property
    def interval(self) -> tuple[float, float]:
        """95 % Wilson score interval of ``top1``: the sampling uncertainty of a finite set of images."""
        return self.accuracies[0].top1_interval

    @property
    def mean_class_accuracy(self) -> float:
        """Mean accuracy over the classes with images, in [0, 1]."""
        return mean_recall(self.by_class())

    @property
    def mean_class_interval(self) -> tuple[float, float]:
        """95 % interval of ``mean_class_accuracy``; see `mean_recall_interval`."""
        return mean_recall_interval(self.by_class())

    @property
    def heading(self) -> str:
        """What must be read before any figure: which images these are, and whether the model has seen them."""
        name = {"val": "Validation", "validation": "Validation", "test": "Test", "train": "Training"}.get(self.split)
        images = f"{name} images" if name else "All images"
        if self.split in ("val", "validation") and self.seen.unseen != self.seen.images and not self.seen.training:
            return f"{images}, {OPTIMISTIC}."
        sentence = self.seen.sentence()
        return f"{images}. {sentence}" if sentence else f"{images}."

    @property
    def confusion(self) -> NDArray[np.int64]:
        """Images by label (row) and predicted class (column), int64, shape (C, C): 0.8 GB for 10,000 classes; see ``cells``."""
        return self.cells.matrix()

    def by_class(self) -> tuple[ClassAccuracy, ...]:
        """Return the joint prediction's accuracy on each class, in class order."""
        return class_accuracies(self.cells)

    def confusions(self, most: int = 10) -> tuple[ConfusedPair, ...]:
        """Return the most frequent mistakes; see `ConfusionCells.pairs`."""
        return self.cells.pairs(most)

    def figures(self) -> dict[str, float]:
        """Return the main figures by name, as stored in model files and in the epoch log."""
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

    def __repr__(self) -> str:
        return f"<Evaluation: top-1 {self.accuracies[0].top1_text}. {self.heading}>"

    def _repr_html_(self) -> str:
        """Show the accuracies in a notebook."""
        rows = "".join(
            f"<tr><td>{escape(one.name)}</td><td>{one.top1_text}</td><td>{one.top5_text}</td></tr>"
            for one in self.accuracies
        )
        about = f"<b>{escape(self.heading)}</b><br>{self.images} images; 95 % intervals in brackets"
        head = "<tr><th>prediction</th><th>top-1</th><th>top-5</th></tr>"
        return f"<table><caption>{about}</caption>{head}{rows}</table>"

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON values; numbers that are not finite become None.

        With more than `MOST_MATRIX_CLASSES` classes, ``confused`` (label, predicted class, images) replaces ``confusion``.
        """
        many = len(self.classes) > MOST_MATRIX_CLASSES
        columns = [column.tolist() for column in (self.cells.label, self.cells.predicted, self.cells.count)]
        return {
            "images": self.images,
            "split": self.split,
            "seen": self.seen.to_dict(),
            "heading": self.heading,
            "top1": self.top1,
            "top1_interval_95": list(self.interval),
            "mean_class_accuracy": self.mean_class_accuracy,
            "mean_class_accuracy_interval_95": list(self.mean_class_interval),
            "predictions": [
                {
                    "name": accuracy.name,
                    "top1": accuracy.top1_share,
                    "top5": accuracy.top5_share,
                    "top1_images": accuracy.top1,
                    "top5_images": accuracy.top5,
                    "top1_interval_95": list(accuracy.top1_interval),
                    "top5_interval_95": list(accuracy.top5_interval),
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
                {
                    "class": name,
                    "images": row.images,
                    "correct": row.correct,
                    "accuracy": row.recall,
                    "accuracy_interval_95": _ends(row.recall_interval),
                }
                for name, row in zip(self.classes, self.by_class(), strict=True)
            ],
            "confusion": None if many else self.confusion.tolist(),
            **({"confused": [list(cell) for cell in zip(*columns, strict=True)]} if many else {}),
            "unreadable": [{"file": name, "reason": reason} for name, reason in self.unreadable],
            "unlabelled": self.unlabelled,
            "warnings": list(self.warnings),
            **({} if self.licence is None else {"licence": self.licence.notice}),
        }


def _ends(interval: tuple[float, float] | None) -> list[float] | None:
    return None if interval is None else list(interval)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
