"""The confidence cascade: what stopping after O saves, and what it costs in accuracy, for every threshold on the entropy.

An image whose entropy H (Eq. 2) lies at or below the threshold keeps O's prediction, after one pass of the backbone; the others
go through the network's further branches to the joint prediction. Counted from predictions that are there. Free of torch.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_STEPS = 20
_DIGITS = 3


@dataclass(frozen=True, slots=True)
class CascadePoint:
    """What one threshold gives.

    Attributes:
        stop_below: The threshold in nats; None stops nothing.
        images: Images counted.
        stopped: How many of them stop after O.
        right: How many are correct, by O where it stops and by the joint head elsewhere.
        passes: Mean passes of the backbone an image.
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

    def text(self) -> str:
        """Return a sentence with a final line end."""
        return (
            f"With --stop-below {self.stop_below}: top-1 {100 * self.top1:.1f} % of {self.images} images, "
            f"{100 * self.stopped / self.images:.1f} % of them by O alone, {self.passes:.2f} backbone passes per "
            "image\n"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return everything as values that JSON holds."""
        return {
            "stop_below": self.stop_below,
            "stopped": self.stopped / self.images,
            "top1": self.top1,
            "top1_images": self.right,
            "passes": self.passes,
        }


@dataclass(frozen=True, eq=False)
class CascadeOutcomes:
    """What a cascade is counted from; arrays of one length, an image each.

    Attributes:
        entropy: H of Eq. 2 in nats, float32.
        right_o: O is correct, bool.
        right_joint: The joint prediction is correct, bool.
        branches: Passes of an image that does not stop, O's included.
    """

    entropy: NDArray[np.float32]
    right_o: NDArray[np.bool_]
    right_joint: NDArray[np.bool_]
    branches: int

    def at(self, stop_below: float | None) -> CascadePoint:
        """Return what a threshold gives; None is the whole network for every image."""
        images = len(self.entropy)
        stops = np.zeros(images, dtype=bool) if stop_below is None else self.entropy <= np.float32(stop_below)
        stopped = int(stops.sum())
        right = int(np.where(stops, self.right_o, self.right_joint).sum())
        return CascadePoint(stop_below, images, stopped, right, self.branches - (self.branches - 1) * stopped / images)

    def curve(self) -> tuple[CascadePoint, ...]:
        """Return points from stopping nothing to stopping everything, a twentieth of the images or more apart.

        Thresholds have three digits, rounded up, and are counted as they are said, so that giving one again gives its point.
        """
        ranked = np.sort(self.entropy[np.isfinite(self.entropy)])
        places = {math.ceil(len(ranked) * step / _STEPS) - 1 for step in range(1, _STEPS + 1)} if len(ranked) else set()
        thresholds = {_rounded_up(float(ranked[place])) for place in places}
        return self.at(None), *(self.at(threshold) for threshold in sorted(thresholds))


def most_saving(curve: Sequence[CascadePoint]) -> CascadePoint:
    """Return the last point of a curve before the first that is right less often than stopping nothing.

    A threshold further on may be right as often again, but only where some images that it loses happen to be outweighed.
    """
    return list(itertools.takewhile(lambda point: point.right >= curve[0].right, curve))[-1]


def _rounded_up(number: float) -> float:
    rounded = float(f"{number:.{_DIGITS}g}")
    if np.float32(rounded) >= np.float32(number):
        return rounded
    step = 10.0 ** (math.floor(math.log10(number)) - _DIGITS + 1)
    return float(f"{rounded + step:.{_DIGITS}g}")
