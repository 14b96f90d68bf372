"""Fewer points for the screen: of many in one column of pixels only the lowest and the highest are drawn. No Qt."""

from __future__ import annotations

import numpy as np

from s3n_gui.training.curves.charts import Points


def thinned(points: Points, low: float, high: float, columns: int) -> Points:
    """Return what has to be drawn of a curve.

    Args:
        points: Places, rising, and values.
        low: Where the seen range begins.
        high: Where it ends. As much again is kept on both sides, so that a curve is there while it is dragged.
        columns: Columns of pixels that the seen range takes.

    Returns:
        Points of the same shape on the screen: all of them where they are few, else two a column; the last is kept.
    """
    places, values = points
    width = high - low
    first = max(0, int(np.searchsorted(places, low - width)) - 1)
    last = min(len(places), int(np.searchsorted(places, high + width, side="right")) + 1)
    places, values = places[first:last], values[first:last]
    columns = max(1, 3 * columns)
    if len(places) <= 2 * columns:
        return places, values
    edges = np.linspace(low - width, high + width, columns + 1)
    starts = np.unique(np.minimum(np.searchsorted(places, edges[:-1]), len(places) - 1))
    lowest, highest = np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)
    falls = values[starts] > (lowest + highest) / 2  # So the line between two columns goes on where it is.
    pairs = np.stack([np.where(falls, highest, lowest), np.where(falls, lowest, highest)], axis=1)
    return np.append(np.repeat(places[starts], 2), places[-1]), np.append(pairs.ravel(), values[-1])
