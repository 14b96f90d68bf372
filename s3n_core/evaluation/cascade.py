"""The cascade (fast mode): computation saved and accuracy lost by stopping after O, for every entropy threshold.

An image with entropy H (Eq. 2) up to the threshold keeps O's prediction, after one backbone pass; all others run
through the other branches to the joint prediction. Computed from existing predictions. Does not import torch.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s3n_core.evaluation.intervals import accuracy_text, wilson_interval
from s3n_core.inspection.number_text import probability_text
from s3n_core.prediction.rows import Prediction

_STEPS = 20
_DIGITS = 3


@dataclass(frozen=True, slots=True)
class CascadePoint:
    """The result for one threshold.

    Attributes:
        stop_below: The threshold in nats; None stops no image.
        images: Number of images.
        stopped: How many of them stop after O.
        right: How many are correct: by O's prediction if the image stops, else by the joint one.
        passes: Mean number of backbone passes per image.
    """

    stop_below: float | None
    images: int
    stopped: int
    right: int
    passes: float

    @property
    def top1(self) -> float:
        """Accuracy in [0, 1]."""
        return self.right / self.images

    @property
    def top1_text(self) -> str:
        """The accuracy with its interval, as it is shown; see `accuracy_text`."""
        return accuracy_text(self.right, self.images)

    def text(self) -> str:
        """Return a sentence that ends with a newline."""
        return (
            f"With --stop-below {self.stop_below}: top-1 {self.top1_text}, {probability_text(self.stopped / self.images)} "
            f"of the images by O alone, {self.passes:.2f} backbone passes per "
            "image\n"
        )

    def effect_text(self, whole: CascadePoint) -> str:
        """Return what this threshold gains and costs, as a clause.

        Args:
            whole: The result on the same images if none stops.
        """
        if self.stop_below is None:
            return f"all {self.passes:.0f} branches for every image, accuracy {self.top1_text}"
        return (
            f"stopping after O up to H = {self.stop_below:g} nats, {self.passes:.2f} instead of {whole.passes:.2f} passes "
            f"per image, accuracy {self.top1_text} instead of {whole.top1_text}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return {
            "stop_below": self.stop_below,
            "stopped": self.stopped / self.images,
            "top1": self.top1,
            "top1_images": self.right,
            "top1_interval_95": list(wilson_interval(self.right, self.images)),
            "passes": self.passes,
        }


@dataclass(frozen=True, eq=False)
class CascadeOutcomes:
    """The per-image results from which a cascade is computed; arrays with one entry per image.

    Attributes:
        entropy: H of Eq. 2 in nats, float32.
        right_o: Whether O's prediction is correct, bool.
        right_joint: Whether the joint prediction is correct, bool.
        branches: Number of passes of an image that does not stop, including O's.
    """

    entropy: NDArray[np.float32]
    right_o: NDArray[np.bool_]
    right_joint: NDArray[np.bool_]
    branches: int

    def at(self, stop_below: float | None) -> CascadePoint:
        """Return the result for a threshold; None runs the whole network for every image."""
        images = len(self.entropy)
        stops = np.zeros(images, dtype=bool) if stop_below is None else self.entropy <= np.float32(stop_below)
        stopped = int(stops.sum())
        right = int(np.where(stops, self.right_o, self.right_joint).sum())
        return CascadePoint(stop_below, images, stopped, right, self.branches - (self.branches - 1) * stopped / images)

    def no_loss(self) -> CascadePoint:
        """Return the threshold that saves the most without losing accuracy on these images; see `most_saving`."""
        return most_saving(self.curve())

    def curve(self) -> tuple[CascadePoint, ...]:
        """Return points from stopping no image to stopping all, in steps of at least a twentieth of the images.

        Thresholds are first rounded up to three digits and then evaluated, so that `at` reproduces each point.
        """
        ranked = np.sort(self.entropy[np.isfinite(self.entropy)])
        places = {math.ceil(len(ranked) * step / _STEPS) - 1 for step in range(1, _STEPS + 1)} if len(ranked) else set()
        thresholds = {_rounded_up(float(ranked[place])) for place in places}
        return self.at(None), *(self.at(threshold) for threshold in sorted(thresholds))


def outcomes_of_rows(rows: Iterable[Prediction]) -> CascadeOutcomes | None:
    """Return the outcomes of the labelled images of a table in which no image stopped.

    Args:
        rows: Its rows; those without a prediction or without a class that the model knows do not count.

    Returns:
        None if no image counts, or if images cannot stop after O in this network: it reports one branch, or not O.
    """
    counted = [row for row in rows if row.correct is not None and row.entropy is not None and len(row.branches) > 1]
    if not counted or counted[0].branches[0][0] != "O":
        return None
    return CascadeOutcomes(
        np.array([row.entropy for row in counted], dtype=np.float32),
        np.array([row.branches[0][1] == row.label for row in counted]),
        np.array([bool(row.correct) for row in counted]),
        len(counted[0].branches),
    )


def most_saving(curve: Sequence[CascadePoint]) -> CascadePoint:
    """Return the last point of a curve before the first that is less accurate than stopping no image.

    A higher threshold may reach that accuracy again, but only because gains on some images happen to offset losses.
    """
    return list(itertools.takewhile(lambda point: point.right >= curve[0].right, curve))[-1]


def _rounded_up(number: float) -> float:
    rounded = float(f"{number:.{_DIGITS}g}")
    if np.float32(rounded) >= np.float32(number):
        return rounded
    step = 10.0 ** (math.floor(math.log10(number)) - _DIGITS + 1)
    return float(f"{rounded + step:.{_DIGITS}g}")
