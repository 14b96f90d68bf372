"""Formulas for holding attributions against exact interventions, after FunnyBirds (Hesse et al., ICCV 2023). Without torch.

An attribution is a picture: how much each pixel of an image speaks for a class. A *region* is what can be removed from the
image: a part of the bird, or an object of the background. The importance of a region is the attribution inside its mask.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

THRESHOLDS = np.linspace(0.01, 0.50, 80)
"""Shares of an attribution's total above which a region counts as important."""

DILATION = 5
"""Side of the square by which masks are dilated, in pixels."""

LEAST_CHANGE = 0.05
"""Share of a logit by which removing a region must lower it, or the region is irrelevant."""

Mask = NDArray[np.bool_]
Numbers = NDArray[np.floating[Any]]


def dilated(mask: Mask, side: int = DILATION) -> Mask:
    """Return a mask (h, w) grown by a square of ``side`` pixels, which is odd."""
    grown = mask
    for axis in (0, 1):
        lines = np.moveaxis(grown, axis, 0)
        result = lines.copy()
        for shift in range(1, side // 2 + 1):
            result[shift:] |= lines[:-shift]
            result[:-shift] |= lines[shift:]
        grown = np.moveaxis(result, 0, axis)
    return grown


def masses(picture: Numbers, masks: Sequence[Mask]) -> NDArray[np.float64]:
    """Return the sum of a picture (h, w) inside each mask (h, w), shape (regions,)."""
    return np.array([picture[mask].sum(dtype=np.float64) for mask in masks])


def densities(picture: Numbers, masks: Sequence[Mask]) -> NDArray[np.float64]:
    """Return the mean of a picture (h, w) inside each mask (h, w), 0 for an empty mask, shape (regions,)."""
    means: NDArray[np.float64] = masses(picture, masks) / areas(masks)
    return means


def areas(masks: Sequence[Mask]) -> NDArray[np.float64]:
    """Return the number of pixels of each mask, at least 1, shape (regions,)."""
    return np.array([max(1, int(mask.sum())) for mask in masks], dtype=np.float64)


def spread(importances: Numbers, masks: Sequence[Mask]) -> NDArray[np.float64]:
    """Return a picture that spreads the importance of each region evenly over its mask (h, w); empty masks get nothing."""
    picture = np.zeros(masks[0].shape)
    for density, mask in zip(importances / areas(masks), masks, strict=True):
        picture[mask] += density
    return picture


def read_at_cells(picture: Numbers, pixels: NDArray[np.intp], cells: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return a picture (h, w) as it is seen through cells: each cell holds the mean of its pixels.

    Args:
        picture: The picture.
        pixels: Pixels (row-major) that belong to a cell.
        cells: The number of the cell of each.
    """
    count = np.bincount(cells)
    mean = np.bincount(cells, picture.reshape(-1)[pixels]) / np.maximum(count, 1)
    seen = np.bincount(pixels, mean[cells], picture.size).astype(np.float64)
    return seen.reshape(picture.shape)


def important(importances: Numbers, total: float, thresholds: Numbers = THRESHOLDS) -> Mask:
    """Return which regions are important at each threshold: more than this share of the total, shape (thresholds, regions)."""
    above: Mask = importances[None] > thresholds[:, None] * total
    return above


def sufficiency(important_parts: Mask, sets: Sequence[Mask]) -> NDArray[np.float64]:
    """Return how much of a sufficient set of parts is important, of the best such set (CSDC), shape (thresholds,).

    Args:
        important_parts: Which parts are important, shape (thresholds, parts).
        sets: The minimal sufficient sets, each shape (parts,), at least one.
    """
    shares: NDArray[np.float64] = np.max([important_parts[:, chosen].mean(axis=1) for chosen in sets], axis=0)
    return shares


def irrelevant(logit: float, without: Numbers) -> Mask:
    """Return which regions are irrelevant: removing them lowers a positive logit by less than 5 %, or raises it.

    Args:
        logit: The logit of the class, above 0.
        without: The same without each region, shape (regions,).
    """
    less: Mask = logit - without < LEAST_CHANGE * logit
    return less


def distractibility(important_regions: Mask, irrelevant_regions: Mask) -> NDArray[np.float64] | None:
    """Return 1 - the share of the irrelevant regions that count as important (D), shape (thresholds,).

    Args:
        important_regions: Shape (thresholds, regions).
        irrelevant_regions: Shape (regions,). If there are none, the result is None.
    """
    if not irrelevant_regions.any():
        return None
    share: NDArray[np.float64] = 1 - important_regions[:, irrelevant_regions].mean(axis=1)
    return share


def ranks(values: Numbers) -> NDArray[np.float64]:
    """Return the ranks of values, from 1; equal values share the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    mean: NDArray[np.float64] = (last - (counts - 1) / 2)[inverse]
    return mean


def rank_correlation(first: Numbers, second: Numbers) -> float | None:
    """Return Spearman's rank correlation, None where all values of a side are equal."""
    a, b = (of - of.mean() for of in map(ranks, (first, second)))
    norm = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return float((a * b).sum()) / norm if norm > 0 else None


def single_deletion(importances: Numbers, drops: Numbers) -> float | None:
    """Return how well importances order the parts as removing each does (SD): 0.5 + 0.5 x rank correlation.

    Args:
        importances: Importance of each part.
        drops: By how much the logit drops without each part.

    Returns:
        In [0, 1], 0.5 for no relation; None where all importances, or all drops, are equal.
    """
    correlation = rank_correlation(importances, drops)
    return None if correlation is None else 0.5 + 0.5 * correlation


def premise_holds(without_first: tuple[float, float], without_second: tuple[float, float]) -> bool:
    """Return whether two classes depend on the parts that the image shares with each, so that attributions should, too.

    Args:
        without_first: Logits of the first and of the second class, without the parts shared with the first.
        without_second: The same without the parts shared with the second.
    """
    return without_first[0] < without_second[0] and without_second[1] < without_first[1]


def target_sensitivity(for_first: tuple[float, float], for_second: tuple[float, float]) -> float:
    """Return whether attributions tell two classes apart by the parts shared with each (TS): mean of two comparisons.

    Args:
        for_first: Importance of the parts shared with the first class, and with the second, for the first class.
        for_second: The same for the second class.

    Returns:
        0, 0.5 or 1: each comparison counts by itself, and equal importances count as wrong.
    """
    return ((for_first[0] > for_second[0]) + (for_second[1] > for_first[1])) / 2


def best_threshold(csdc: Numbers, pc: Numbers, dc: Numbers, d: Numbers) -> int:
    """Return the position of the first threshold that maximises CSDC/3 + PC/3 + DC/3 + D, shape (thresholds,) each."""
    return int(np.argmax((csdc + pc + dc) / 3 + d))


def completeness(values: Numbers) -> NDArray[np.float64]:
    """Return ((CSDC + PC + DC)/3 + D)/2, each the mean over the images that it applies to.

    Args:
        values: CSDC, PC, DC and D of each image, NaN where one does not apply, shape (..., images, 4).

    Returns:
        Shape (...); NaN where one applies to no image.
    """
    known = np.isfinite(values)
    count = known.sum(axis=-2)
    means = np.divide(np.where(known, values, 0).sum(axis=-2), count, out=np.full(count.shape, np.nan), where=count > 0)
    whole: NDArray[np.float64] = (means[..., :3].mean(axis=-1) + means[..., 3]) / 2
    return whole
