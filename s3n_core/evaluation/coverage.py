"""Coverage: the fraction of images whose confidence reaches a threshold, and the accuracy on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from s3n_core.evaluation.intervals import wilson_interval


class CoverageCurve(NamedTuple):
    """Accuracy against coverage, in order of descending confidence; arrays of one length with values in [0, 1].

    Attributes:
        coverage: Fraction of all images.
        accuracy: Accuracy on them.
        low: Lower end of its 95 % Wilson interval.
        high: Upper end of it.
    """

    coverage: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


@dataclass(frozen=True)
class Coverage:
    """Coverage and accuracy of a table by confidence threshold. Coverage is relative to all images, predicted or not.

    Attributes:
        images: Number of images in the table.
        confidences: Confidence of all predictions, in descending order.
        correct_above: Entry n: number of correct images among the n most confident; n runs from 0.
        counted_above: Entry n: number of counted images (those with a known label) among the n most confident.
    """

    images: int
    confidences: NDArray[np.float64]
    correct_above: NDArray[np.int64]
    counted_above: NDArray[np.int64]

    def at(self, threshold: float) -> tuple[float, float | None]:
        """Return the fraction of all images with at least this confidence, and the accuracy on them.

        The accuracy is None if none of them is counted.
        """
        count = int(np.searchsorted(-self.confidences, -threshold, side="right"))
        correct, counted = self.counts_at(threshold)
        return count / self.images if self.images else 0.0, correct / counted if counted else None

    def counts_at(self, threshold: float) -> tuple[int, int]:
        """Return how many images with at least this confidence are correct, and how many of them are counted."""
        count = int(np.searchsorted(-self.confidences, -threshold, side="right"))
        return int(self.correct_above[count]), int(self.counted_above[count])

    def curve(self, points: int = 300) -> CoverageCurve:
        """Return coverage and accuracy with its interval in order of descending confidence, with at most ``points`` points.

        Leaves out the first few images, where a single one would make the curve jump.
        """
        predicted = len(self.confidences)
        least = min(max(5, predicted // 100), predicted)
        counts = np.unique(np.linspace(least, predicted, points).round().astype(np.int64))
        counts = counts[(counts > 0) & (self.counted_above[counts] > 0)]
        correct, counted = self.correct_above[counts], self.counted_above[counts]
        bounds = [wilson_interval(*pair) for pair in zip(correct.tolist(), counted.tolist(), strict=True)]
        low, high = np.asarray(bounds, dtype=np.float64).reshape(-1, 2).T
        return CoverageCurve(counts / max(self.images, 1), correct / counted, low, high)

    def by_threshold(self, points: int = 201) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return thresholds from 0 to 1, and the fraction of all images with at least that confidence."""
        thresholds = np.linspace(0.0, 1.0, points)
        counts = np.searchsorted(-self.confidences, -thresholds, side="right")
        return thresholds, counts / max(self.images, 1)


def coverage_of(confidence: NDArray[Any], correct: NDArray[Any], predicted: NDArray[np.bool_]) -> Coverage:
    """Compute the coverage of a table's predictions; ties in confidence keep the order of the images.

    Args:
        confidence: Probability of each prediction.
        correct: 1, 0, or -1 if the image is not counted.
        predicted: Whether the image has a prediction.
    """
    order = np.flatnonzero(predicted)
    order = order[np.argsort(-confidence[order], kind="stable")]
    return Coverage(
        images=len(predicted),
        confidences=confidence[order],
        correct_above=np.concatenate([[0], np.cumsum(correct[order] == 1)]),
        counted_above=np.concatenate([[0], np.cumsum(correct[order] >= 0)]),
    )
