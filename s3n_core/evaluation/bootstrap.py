"""Bootstrap intervals: over images, or over images and seeds, which are drawn crossed. Does not import torch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from s3n_core.system.seeding import keyed_generator

LEVEL = 0.95

FEWEST = 10
"""For fewer images than this there is no interval over images alone."""

_OVER_IMAGES = 2000  # draws

_AT_ONCE = 2_000_000
"""So many values are drawn at once, so that many images do not need more memory."""

CROSSED = 4000
"""Draws over images and seeds."""


def middle(draws: NDArray[np.float64], level: float = LEVEL) -> tuple[float, float]:
    """Return the ends of the range that holds the middle ``level`` of draws, shape (n,)."""
    low, high = np.percentile(draws, [50 * (1 - level), 50 * (1 + level)]).tolist()
    return low, high


def interval_over_images(
    values: NDArray[np.float64],
    *key: str,
    statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None,
) -> tuple[float, float] | None:
    """Return the 95 % interval of a statistic over images; None for fewer than `FEWEST`.

    Args:
        values: One value per image, or one row.
        key: What the values are: equal keys draw the same images again.
        statistic: From some of the draws of the values, shape (draws, images, ...), to one number per draw; None: their mean.
            Where it is NaN in some draw, there is no interval.
    """
    count = len(values)
    if count < FEWEST:
        return None
    generator = keyed_generator(0, *key)
    rows = max(_AT_ONCE // max(values.size, 1), 1)
    blocks = []
    # The blocks are what one call would draw: each goes on where the last has ended.
    for start in range(0, _OVER_IMAGES, rows):
        drawn = values[generator.integers(0, count, (min(rows, _OVER_IMAGES - start), count))]
        blocks.append(drawn.mean(axis=1) if statistic is None else statistic(drawn))
    found = np.concatenate(blocks)
    return middle(found) if np.isfinite(found).all() else None


def crossed_means(values: NDArray[np.float64], *, draws: int = CROSSED, seed: int = 0) -> NDArray[np.float64]:
    """Return means of draws with replacement of an array (seeds, images), shape (draws,).

    A draw keeps the same images for all its seeds. Values that are NaN do not count; a draw of nothing else is NaN.
    """
    known = ~np.isnan(values)
    filled = np.where(known, values, 0.0)
    generator = np.random.default_rng(seed)
    seeds, images = values.shape
    means = np.empty(draws)
    for draw in range(draws):
        rows = generator.integers(seeds, size=seeds)
        columns = generator.integers(images, size=images)
        if known.all():
            means[draw] = values[rows][:, columns].mean()
        else:
            number = known[rows][:, columns].sum()
            means[draw] = filled[rows][:, columns].sum() / number if number else np.nan
    return means
