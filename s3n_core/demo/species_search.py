"""The search that found the codes of the later species; ``python -m s3n_core.demo.species_search`` runs it in a minute.

The codes stand in ``species.py`` as data, so nothing imports this file. It starts from the first twelve species, which stay as
they are, and anneals the variants of twelve more until all of the following hold:

- Every species has two others that share exactly two parts with it, and not the same parts (``contrasts``).
- At least `NEAR_PAIRS` pairs differ in at most two parts, and `NEXT_PAIRS` of them in one. These are the pairs by which an
  explanation is tested: few parts can be the right answer.
- Pairs that differ in one part differ in a part that is large enough to be seen in a small photograph.
- Every species has another that differs in at most two parts, so that none is told apart at a glance.

Among such codes it prefers those in which all parts differ equally often, so that no constant answer does well, and in which
the variants of a part are equally common.
"""

from __future__ import annotations

from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from s3n_core.demo.species import DEFAULT_SPECIES, PARTS, SPECIES, VARIANTS

NEAR_PAIRS: Final = 40
NEXT_PAIRS: Final = 8

Codes = NDArray[np.int64]

_SIZES = np.array([len(VARIANTS[part]) for part in PARTS])
_SMALL = np.array([part in ("eye_ring", "legs") for part in PARTS])  # too small to be the only difference
_SPARE = 2  # pairs beyond what is asked for


def find_codes(later: int = 12, *, seed: int = 0, steps: int = 60_000) -> Codes:
    """Return the codes of all species, one row per species: the number of its variant of each part of ``PARTS``.

    Args:
        later: Number of species to add to the first twelve.
        seed: Seed of the search.
        steps: Number of changes to try.

    Raises:
        RuntimeError: The search ended without a solution; try more steps or another seed.
    """
    rng = np.random.default_rng(seed)
    first = np.array(
        [[VARIANTS[part].index(variant) for part, variant in s.variants().items()] for s in SPECIES[:DEFAULT_SPECIES]]
    )
    codes = np.concatenate([first, rng.integers(_SIZES, size=(later, len(PARTS)))])
    cost, best, least = _cost(codes), codes, (np.inf, np.inf)
    for step in range(steps):
        heat = 3.0 * (1 - step / steps) ** 2 + 1e-3
        changed = codes.copy()
        for _ in range(1 if rng.random() < 0.7 else 2):
            part = int(rng.integers(len(PARTS)))
            changed[len(first) + int(rng.integers(later)), part] = rng.integers(_SIZES[part])
        new = _cost(changed)
        if rng.random() < np.exp(min(0.0, (sum(cost) - sum(new)) / heat)):
            codes, cost = changed, new
            if cost < least:
                best, least = codes, cost
    if least[0] > 0:
        raise RuntimeError("no codes found; try more steps or another seed")
    return best


def _cost(codes: Codes) -> tuple[float, float]:
    """Return by how much the codes miss what is asked for (0: not at all), and how uneven they are."""
    equal = codes[:, None] == codes[None]
    shared = equal.sum(-1)
    upper = np.triu_indices(len(codes), 1)
    apart = len(PARTS) - shared[upper]
    differ = ~equal[upper]
    missed = 1000.0 * (apart == 0).sum()
    missed += 30.0 * sum(not _has_contrast(equal[i][shared[i] == 2]) for i in range(len(codes)))
    missed += 8.0 * max(0, NEAR_PAIRS + _SPARE - int((apart <= 2).sum()))
    missed += 8.0 * max(0, NEXT_PAIRS + _SPARE - int((apart == 1).sum()))
    missed += 20.0 * int((differ[apart == 1] & _SMALL).sum())
    nearest = np.where(np.eye(len(codes), dtype=bool), len(PARTS), len(PARTS) - shared).min(1)
    missed += 20.0 * int((nearest > 2).sum())
    near = differ[apart <= 2].mean(0) if (apart <= 2).any() else np.ones(len(PARTS))
    counts = [np.bincount(codes[:, part], minlength=size) / len(codes) * size for part, size in enumerate(_SIZES)]
    uneven = 120.0 * float(near.std()) + 60.0 * float(near.max())
    return missed, uneven + 6.0 * sum(float(((count - 1) ** 2).mean()) for count in counts)


def _has_contrast(shares: NDArray[np.bool_]) -> bool:
    return any(not (first & second).any() for first, second in combinations(shares, 2))


if __name__ == "__main__":
    for row in find_codes():
        print(", ".join(f'"{VARIANTS[part][number]}"' for part, number in zip(PARTS, row, strict=True)))
