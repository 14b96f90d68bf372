"""Places of an atlas on a map of two dimensions: what looks alike lies together. Without torch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from s3n_core.system.seeding import keyed_generator

_SAMPLE = 50_000  # places that the two directions come from


def plane(projected: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the two directions in which places differ most, as a map: the first two principal components.

    Args:
        projected: Descriptors, or their projections onto many directions, (n, D), may be memory-mapped.

    Returns:
        Positions, float32 (n, 2), around 0; each axis points to where the place farthest from 0 has a positive value.
    """
    count = len(projected)
    rows = np.arange(count)
    if count > _SAMPLE:
        rows = np.sort(keyed_generator(0, "plane").choice(count, _SAMPLE, replace=False))
    sample = np.asarray(projected[rows], dtype=np.float64)
    mean = sample.mean(axis=0)
    _, _, directions = np.linalg.svd(sample - mean, full_matrices=False)
    chosen = np.zeros((2, projected.shape[1]))
    chosen[: min(2, len(directions))] = directions[:2]
    along = (sample - mean) @ chosen.T
    chosen *= np.where(along[np.abs(along).argmax(axis=0), (0, 1)] < 0, -1, 1)[:, None]
    found: NDArray[np.float32] = (projected @ chosen.T.astype(np.float32)) - (mean @ chosen.T).astype(np.float32)
    return found
