"""A peak of R, and the edits that the user can make to it. Does not import torch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

Cell = tuple[int, int]
"""(row, column) of a map cell."""

PeakSet = Literal["D", "C", "both", "none", "off"]
ForcedSet = Literal["D", "C", "both"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """One local maximum of R.

    Attributes:
        x: Horizontal position in the original, in pixels.
        y: Vertical position in the original, in pixels, downwards.
        cell: (row, column) of R where it is used.
        found_at: (row, column) where it was found, before the user moved it. Identifies the peak in a `PeakEdit`.
        response: R at the cell where it was found, in (0, 1].
        zeta: The number drawn for it (Eq. 4); None in modes without draws.
        set: Its set: "D", "C", "both", "none" (not used by the mode) or "off" (switched off by the user).
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
    """The user's edit of one peak.

    Attributes:
        cell: (row, column) where the peak was found; an edit of a cell without a peak has no effect.
        off: Whether the peak is switched off.
        moved_to: (row, column) to move it to, with its response and zeta; the nearest free cell is used.
        forced: The set to assign it to, regardless of the mode.
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
