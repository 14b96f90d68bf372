"""A peak of R, and what a person may change in it. Free of torch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

Cell = tuple[int, int]
"""(row, column) of a map."""

PeakSet = Literal["D", "C", "both", "none", "off"]
ForcedSet = Literal["D", "C", "both"]


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
class PeakEdit:
    """One peak changed by hand.

    Attributes:
        cell: (row, column) where the peak was found; an edit of a cell without a peak has no effect.
        off: The peak is left out.
        moved_to: (row, column) where it is put instead, with its response and its zeta: the nearest free cell is taken.
        forced: The set that it belongs to, whatever the mode says.
    """

    cell: Cell
    off: bool = False
    moved_to: tuple[float, float] | None = None
    forced: ForcedSet | None = None

    def __post_init__(self) -> None:
        if self.moved_to is not None and not all(math.isfinite(value) for value in self.moved_to):
            raise ValueError(f"moved_to must be two finite numbers, not {self.moved_to}")
        if self.forced is not None and self.forced not in get_args(ForcedSet):
            raise ValueError(f"forced must be one of {', '.join(get_args(ForcedSet))}, not {self.forced!r}")
