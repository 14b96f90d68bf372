"""A reference implementation of Eqs. 1-8 in float64 with plain loops: slow, but close to the paper's text."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
PADDING = 30


def class_maps(features: Array, weight: Array) -> Array:
    return np.stack([sum(weight[c, d] * features[d] for d in range(len(features))) for c in range(len(weight))])


def entropy(logits: Array, top_k: int) -> float:
    exponentials = [math.exp(value - logits.max()) for value in logits]
    probabilities = sorted((value / sum(exponentials) for value in exponentials), reverse=True)
    return -sum(p * math.log(p) for p in probabilities[:top_k] if p > 0)


def place(cell: int, cells: int, source: int, align: str) -> float:
    """Return the position of a response map cell in feature cells."""
    fraction = cell / (cells - 1)  # aligned corners: 0 is the image's first pixel, 1 its last
    if align == "corners":
        return fraction * (source - 1)
    return min(max(fraction * source - {"origins": 0, "centres": 0.5}[align], 0), source - 1)


def resized(plane: Array, size: int, align: str) -> Array:
    height, width = plane.shape
    result = np.zeros((size, size))
    for row in range(size):
        for column in range(size):
            y, x = place(row, size, height, align), place(column, size, width, align)
            top, left = min(int(y), height - 2), min(int(x), width - 2)
            v, u = y - top, x - left
            result[row, column] = (
                plane[top, left] * (1 - v) * (1 - u)
                + plane[top, left + 1] * (1 - v) * u
                + plane[top + 1, left] * v * (1 - u)
                + plane[top + 1, left + 1] * v * u
            )
    return result


def response(maps: Array, logits: Array, *, threshold: float, top_k: int, size: int, align: str) -> Array:
    order = sorted(range(len(logits)), key=lambda c: -logits[c])
    chosen = order[:1] if entropy(logits, top_k) <= threshold else order[:top_k]
    merged = sum(resized(maps[c], size, align) for c in chosen)
    return (merged - merged.min()) / (merged.max() - merged.min())


def peaks(plane: Array, window: int, floor: str | float) -> NDArray[np.bool_]:
    """A cell is a peak if no cell of its window is higher, none before it in row-major order is as high, and R > 0."""
    height, width = plane.shape
    half = window // 2
    least = plane.mean() if floor == "mean" else -math.inf if floor == "none" else floor
    found = np.zeros(plane.shape, dtype=bool)
    if plane.max() == plane.min():
        return found
    for row in range(height):
        for column in range(width):
            value = plane[row, column]
            rows = range(max(0, row - half), min(height, row + half + 1))
            columns = range(max(0, column - half), min(width, column + half + 1))
            found[row, column] = (
                value > 0
                and value >= least
                and all(
                    plane[r, c] < value or (plane[r, c] == value and (r, c) >= (row, column))
                    for r in rows
                    for c in columns
                )
            )
    return found


def sampling_map(weights: Array, plane: Array, beta: float, *, complementary: bool, base: float) -> Array:
    height, width = plane.shape
    result = np.full(plane.shape, base)
    for row, column in zip(*np.nonzero(weights), strict=True):
        strength = max(plane[row, column], 1e-3)
        amplitude = (1 / strength if complementary else strength) * weights[row, column]
        for y in range(height):
            for x in range(width):
                squared = (y - row) ** 2 + (x - column) ** 2
                result[y, x] += amplitude * math.exp(-squared / (strength * beta**2))
    return result


def grid(quality: Array, kernel: Array) -> Array:
    height, width = quality.shape
    padded = np.pad(quality, PADDING, mode="edge")
    x = np.arange(-PADDING, width + PADDING) / (width - 1) * 2 - 1
    y = np.arange(-PADDING, height + PADDING) / (height - 1) * 2 - 1
    result = np.zeros((height, width, 2))
    side = 2 * PADDING + 1
    for row in range(height):
        for column in range(width):
            weight = kernel * padded[row : row + side, column : column + side]
            result[row, column, 0] = (weight * x[column : column + side]).sum() / weight.sum()
            result[row, column, 1] = (weight * y[row : row + side, None]).sum() / weight.sum()
    return result.clip(-1, 1)


def gaussian(sigma: float) -> Array:
    offsets = np.arange(-PADDING, PADDING + 1)
    return np.exp(-(offsets[:, None] ** 2 + offsets[None, :] ** 2) / (2 * sigma**2))
