"""The small parts of an inspection: a peak, a class's score. Free of torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from s3n_core.inspection.settings import Cell

PeakSet = Literal["D", "C", "both", "none", "off"]
Warped = Literal["D", "C"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """One local maximum of R.

    Attributes:
        x: Its place in the original, in pixels.
        y: The same, downwards.
        cell: (row, column) of R where it counts.
        found_at: (row, column) where it was found; another one if it was moved by hand. Names the peak in a `PeakEdit`.
        response: R at the place where it was found, in (0, 1].
        zeta: The number drawn for it (Eq. 4); None in modes that draw none.
        set: Where it belongs: "D", "C", "both", "none" (the mode uses it nowhere) or "off" (by hand).
        weight_d: Membership in T_d, in [0, 1].
        weight_c: Membership in T_c, in [0, 1].
    """

    x: float
    y: float
    cell: Cell
    found_at: Cell
    response: float
    zeta: float | None
    set: PeakSet
    weight_d: float
    weight_c: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One class and how probable a branch holds it to be.

    Attributes:
        index: The class's index.
        name: Its name.
        probability: In [0, 1].
    """

    index: int
    name: str
    probability: float
