"""Equal rows of an array, for the files and hashes of very many images: a dictionary would take 250 bytes an image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def first_equal(rows: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return for each row the position of the first row that is equal to it.

    Args:
        rows: uint8 (N, bytes).

    Returns:
        int64 (N,): a row's own position if it is the first.
    """
    # Text of this type loses zeros at its end, but all rows have the same length.
    texts = np.ascontiguousarray(rows).view(f"S{rows.shape[1]}").ravel()
    _, first, member = np.unique(texts, return_index=True, return_inverse=True)
    positions: NDArray[np.int64] = first[member.ravel()].astype(np.int64)
    return positions


def groups_of(numbers: NDArray[np.int64]) -> list[list[int]]:
    """Return the positions of equal numbers, ascending, for each that occurs more than once, in the order of the numbers.

    Args:
        numbers: int64 (N,).
    """
    order = np.argsort(numbers, kind="stable")
    ordered = numbers[order]
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])) if len(order) else order
    lengths = np.diff(np.append(starts, len(order)))
    several = lengths > 1
    spans = zip(starts[several].tolist(), lengths[several].tolist(), strict=True)
    return [order[start : start + length].tolist() for start, length in spans]
