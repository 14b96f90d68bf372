"""How good the answers of a table are: accuracy, each class, who is taken for whom, and what a threshold would cost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from s3n_gui.prediction.table.prediction_columns import PredictionColumns


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """One class.

    Attributes:
        index: Into ``PredictionColumns.names``.
        images: How many images are known to be of it.
        recall: Share of these that are predicted as it; NaN without images.
        precision: Share of the images predicted as it that are of it, among those with a label; NaN where there are none.
        answers: How many images are predicted as it, with a label or without.
    """

    index: int
    images: int
    recall: float
    precision: float
    answers: int


@dataclass(frozen=True)
class Merit:
    """What a table says about its model.

    Attributes:
        rows: Images in the table.
        answered: Images with an answer.
        judged: Images with an answer and a label that the model knows.
        right: How many of these are right.
        classes: Indices of the classes that occur as a label of a judged image or as its answer, in the model's order.
        confusion: Judged images by label (rows) and answer (columns), both in the order of ``classes``.
        figures: One entry a class of ``classes``; where nothing is judged, one a class that any image is answered with.
        probabilities: Of all answers, the highest first; for ``coverage``.
        right_above: Judged and right among so many of the highest, one entry more than ``probabilities``.
        judged_above: Judged among so many of the highest.
    """

    rows: int
    answered: int
    judged: int
    right: int
    classes: NDArray[np.int64]
    confusion: NDArray[np.int64]
    figures: tuple[ClassFigures, ...]
    probabilities: NDArray[np.float64]
    right_above: NDArray[np.int64]
    judged_above: NDArray[np.int64]

    @property
    def accuracy(self) -> float | None:
        """Share of the judged images that are right; None without any."""
        return self.right / self.judged if self.judged else None

    def at(self, threshold: float) -> tuple[float, float | None]:
        """Return which share of all images is answered with at least this probability, and how many of those are right.

        The second is None where no judged image lies above the threshold.
        """
        count = int(np.searchsorted(-self.probabilities, -threshold, side="right"))
        coverage = count / self.rows if self.rows else 0.0
        judged = int(self.judged_above[count])
        return coverage, int(self.right_above[count]) / judged if judged else None

    def curve(self, points: int = 300) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return coverage and accuracy from the surest answers down, at most so many points; the first few are left out,
        where a single image would make the curve jump.
        """
        least = min(max(5, self.answered // 100), self.answered)
        counts = np.unique(np.linspace(least, self.answered, points).round().astype(np.int64))
        counts = counts[(counts > 0) & (self.judged_above[counts] > 0)]
        return counts / max(self.rows, 1), self.right_above[counts] / self.judged_above[counts]

    def coverages(self, points: int = 201) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return thresholds from 0 to 1, and which share of all images is answered with at least each of them."""
        thresholds = np.linspace(0.0, 1.0, points)
        counts = np.searchsorted(-self.probabilities, -thresholds, side="right")
        return thresholds, counts / max(self.rows, 1)


def judge(answers: PredictionColumns) -> Merit:
    """Work out how good the answers are; some milliseconds for 100,000 rows."""
    predicted, label, correct = answers.column("class"), answers.column("label"), answers.column("correct")
    answered, judged = predicted >= 0, correct >= 0
    count = len(answers.names)
    pairs = (
        np.bincount(label[judged] * count + predicted[judged], minlength=count * count) if count else np.zeros(0, int)
    )
    table = pairs.reshape(count, count)
    by_label, by_answer = table.sum(axis=1), table.sum(axis=0)
    classes = np.flatnonzero(by_label + by_answer)
    named = np.bincount(predicted[answered], minlength=count)
    hits = table.diagonal()
    figures = tuple(
        ClassFigures(
            int(index),
            int(by_label[index]),
            hits[index] / by_label[index] if by_label[index] else float("nan"),
            hits[index] / by_answer[index] if by_answer[index] else float("nan"),
            int(named[index]),
        )
        for index in (classes if len(classes) else np.flatnonzero(named))
    )
    probability = answers.column("probability")
    order = np.flatnonzero(answered)
    order = order[np.argsort(-probability[order], kind="stable")]
    return Merit(
        rows=len(answers),
        answered=int(answered.sum()),
        judged=int(judged.sum()),
        right=int((correct == 1).sum()),
        classes=classes,
        confusion=table[np.ix_(classes, classes)],
        figures=figures,
        probabilities=probability[order],
        right_above=np.concatenate([[0], np.cumsum(correct[order] == 1)]),
        judged_above=np.concatenate([[0], np.cumsum(judged[order])]),
    )
