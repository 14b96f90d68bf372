"""Statistics over images and seeds: means and paired differences with bootstrap intervals, adjusted for several controls.

Images and seeds are drawn with replacement, crossed: a draw keeps the same images for all its seeds, and the same draws for both
sides of a difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from s3n_core.evaluation.bootstrap import CROSSED, LEVEL, crossed_means, middle

Values = Mapping[int, Mapping[str, float]]
"""By seed and image name: 1 if the prediction is right, else 0; or another number per image."""


FEWEST_SEEDS = 3
"""With fewer seeds there is no verdict. One says nothing about how much trainings vary, and draws from S seeds have only
(S - 1) / S of the variance between trainings: half of it with two, so that a lower bound above zero would come too easily."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its 95 % interval."""

    mean: float
    low: float
    high: float


def table_of(values: Values) -> NDArray[np.float64]:
    """Return an array (seeds, images) of the images that all seeds have in common."""
    common = sorted(set.intersection(*(set(images) for images in values.values())))
    return np.array([[values[seed][name] for name in common] for seed in sorted(values)], dtype=np.float64)


def interval(values: NDArray[np.float64], seed: int = 0) -> Interval:
    """Return the mean of an array (seeds, images) with its 95 % interval; NaN does not count, but not all may be NaN."""
    means = crossed_means(values, seed=seed)
    mean = values.mean() if not np.isnan(values).any() else np.nanmean(values)
    return Interval(float(mean), *middle(means[~np.isnan(means)]))


def paired(ours: Values, theirs: Values) -> NDArray[np.float64] | None:
    """Return the differences of common seeds and images, shape (seeds, images); None if there are none."""
    seeds = sorted(set(ours) & set(theirs))
    if not seeds:
        return None
    names = sorted(set.intersection(*(set(side[seed]) for side in (ours, theirs) for seed in seeds)))
    if not names:
        return None
    return np.array([[float(ours[seed][name]) - float(theirs[seed][name]) for name in names] for seed in seeds])


def difference(ours: Values, theirs: Values) -> Interval | None:
    """Return the paired difference over common seeds and images, with its interval; None if there are none."""
    values = paired(ours, theirs)
    return None if values is None else interval(values)


def holm_lower_bounds(differences: Mapping[str, NDArray[np.float64]], *, draws: int = CROSSED) -> dict[str, float]:
    """Return the lower bounds of several differences, adjusted for their number (Holm 1979).

    The differences are ordered by how often a draw is not above zero. The k-th (from 0) of m gets the two-sided level
    0.05 / (m - k). As Holm's procedure stops at the first that is not significant, a later bound is at most zero then.

    Args:
        differences: By name, arrays (seeds, images).
        draws: Number of draws.
    """
    means = {name: crossed_means(values, draws=draws) for name, values in differences.items()}
    order = sorted(means, key=lambda name: (float((means[name] <= 0).mean()), -float(means[name].mean())))
    bounds: dict[str, float] = {}
    stopped = False
    for place, name in enumerate(order):
        low, _ = middle(means[name], 1 - (1 - LEVEL) / (len(order) - place))
        bounds[name] = min(low, 0.0) if stopped else low
        stopped = stopped or low <= 0
    return bounds


def adjusted_bounds(compared: str, values: Mapping[str, Values], *, draws: int = CROSSED) -> dict[str, float]:
    """Return by name the lower bound of what one has over each other, adjusted for their number (`holm_lower_bounds`).

    None at all, while one of them has no seeds and images in common with it.

    Args:
        compared: The name of the one that the others are compared with.
        values: By name, among them its own.
        draws: Number of draws.
    """
    ours = values.get(compared, {})
    differences = {name: paired(ours, theirs) for name, theirs in values.items() if name != compared}
    known = {name: difference for name, difference in differences.items() if difference is not None}
    return holm_lower_bounds(known, draws=draws) if len(known) == len(differences) else {}


def too_few_seeds(seeds: int) -> str:
    """Return why so many seeds are too few for a verdict, as a clause; "" if they are not."""
    if seeds >= FEWEST_SEEDS:
        return ""
    there = "there is 1 seed" if seeds == 1 else f"there are {seeds} seeds"
    return f"{there}, and fewer than {FEWEST_SEEDS} say too little about how much trainings vary"


def points_text(value: Interval | None) -> str:
    """Return a difference of shares in points, with its interval; empty if there is none."""
    return "" if value is None else f"{100 * value.mean:+.1f} ({100 * value.low:+.1f} to {100 * value.high:+.1f})"


def nats_text(value: Interval | None) -> str:
    """Return a difference of log losses, with its interval; empty if there is none."""
    return "" if value is None else f"{value.mean:+.3f} ({value.low:+.3f} to {value.high:+.3f})"
