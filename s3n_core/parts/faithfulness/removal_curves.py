"""Removal curves: how a probability changes while an image is taken away, or put back, patch by patch. Without torch.

Patches are removed in the order of a map, from the largest value down (deletion), or put into an otherwise removed image in
the same order (insertion). Both end points belong to a curve.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

FRACTIONS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""The removed fractions of the area at which a curve is measured."""


def removal_order(values: NDArray[np.floating]) -> NDArray[np.intp]:
    """Return the patches of a map (h, w), row-major, from the largest value down; ties in row-major order."""
    return np.argsort(-values.reshape(-1), kind="stable")


def random_order(generator: np.random.Generator, inside: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return the patches in random order, those inside the object (bool, shape (h, w)) before all others."""
    drawn = generator.permutation(inside.size)
    return np.concatenate([drawn[inside.reshape(-1)[drawn]], drawn[~inside.reshape(-1)[drawn]]])


def removed(order: NDArray[np.intp], fraction: float, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return which patches are removed, bool of ``shape``: the first ``fraction`` of them, rounded."""
    mask = np.zeros(order.size, dtype=bool)
    mask[order[: round(fraction * order.size)]] = True
    return mask.reshape(shape)


def area_under(fractions: Sequence[float], values: Sequence[float]) -> float:
    """Return the area under a curve by the trapezoid rule, over the range of its fractions: its mean height.

    Raises:
        ValueError: There are fewer than two points, or the fractions do not increase.
    """
    x, y = np.asarray(fractions, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if len(x) < 2 or len(x) != len(y) or not (np.diff(x) > 0).all():
        raise ValueError("a curve needs at least two points, in the order of increasing fractions")
    return float((np.diff(x) * (y[1:] + y[:-1]) / 2).sum() / (x[-1] - x[0]))


def relative_drop(before: tuple[float, float], after: tuple[float, float]) -> float:
    """Return how much more the first of two classes lost than the second: (p_A - p_A') - (p_B - p_B').

    Args:
        before: p_A and p_B for the image.
        after: p_A' and p_B' when some of it is removed.

    Returns:
        In [-2, 2]; positive if what was removed spoke for A against B.
    """
    return (before[0] - after[0]) - (before[1] - after[1])
