"""Keyed random numbers: each is a function of (seed, epoch, sample), never of the order of calls.

A sample is identified by its path inside the data set, so its draws do not depend on the number of workers, the rank,
the micro-batch size, or resuming (METHOD.md, "Split").
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

EVALUATION = -1
"""Replaces the epoch in the keys of random draws in evaluation."""


def keyed_generator(*key: int | str) -> np.random.Generator:
    """Return the random generator for ``key``.

    Args:
        key: Integers and strings, for example ``(seed, epoch, "augmentation", sample)``.

    Returns:
        A counter-based (Philox) generator; equal keys give equal streams on every platform.
    """
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in key)
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest, "little")))


def peak_draws(seed: int, epoch: int, samples: Sequence[str], map_size: int) -> NDArray[np.float32]:
    """Draw zeta of Eq. 4 for every cell of every sample's map.

    Args:
        seed: The run's seed.
        epoch: The epoch, from 0.
        samples: The sample names.
        map_size: Side H = W of the response map in cells.

    Returns:
        Uniform draws in [0, 1), shape (B, H, W).
    """
    draws = np.empty((len(samples), map_size, map_size), dtype=np.float32)
    for row, sample in enumerate(samples):
        draws[row] = keyed_generator(seed, epoch, "zeta", sample).random((map_size, map_size), dtype=np.float32)
    return draws


def epoch_order(seed: int, epoch: int, count: int) -> NDArray[np.int64]:
    """Return the order in which an epoch visits ``count`` samples: a permutation of ``range(count)``."""
    return keyed_generator(seed, epoch, "order").permutation(count)
