"""Coverage: how many images are left where only predictions from a confidence on count, and how many of these are correct."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Coverage:
    """What a threshold on the confidence leaves of a table. Shares are of all images, those without a prediction too.

    Attributes:
        images: Images in the table.
        confidences: Of all predictions, the highest first.
        correct_above: Correct images among so many of the highest, one entry more than ``confidences``.
        counted_above: Images among so many of the highest that can be told correct from wrong.
    """

    images: int
    confidences: NDArray[np.float64]
    correct_above: NDArray[np.int64]
    counted_above: NDArray[np.int64]

    def at(self, threshold: float) -> tuple[float, float | None]:
        """Return which share of all images has at least this confidence, and how many of those are correct.

        The second is None where no counted image lies above the threshold.
        """
        count = int(np.searchsorted(-self.confidences, -threshold, side="right"))
        counted = int(self.counted_above[count])
        return count / self.images if self.images else 0.0, int(
            self.correct_above[count]
        ) / counted if counted else None

    def curve(self, points: int = 300) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return coverage and accuracy from the highest confidence down, at most so many points.

        The first few images are left out, where a single one would make the curve jump.
        """
        predicted = len(self.confidences)
        least = min(max(5, predicted // 100), predicted)
        counts = np.unique(np.linspace(least, predicted, points).round().astype(np.int64))
        counts = counts[(counts > 0) & (self.counted_above[counts] > 0)]
        return counts / max(self.images, 1), self.correct_above[counts] / self.counted_above[counts]

    def by_threshold(self, points: int = 201) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return thresholds from 0 to 1, and which share of all images has at least that confidence."""
        thresholds = np.linspace(0.0, 1.0, points)
        counts = np.searchsorted(-self.confidences, -thresholds, side="right")
        return thresholds, counts / max(self.images, 1)


def coverage_of(confidence: NDArray[Any], correct: NDArray[Any], predicted: NDArray[np.bool_]) -> Coverage:
    """Sort a table's predictions by their confidence, equals in the order of the images.

    Args:
        confidence: Probability of each prediction.
        correct: 1, 0, or -1 where the image does not count.
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
