"""What the two ends of a colour bar stand for, and the round numbers between them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Steps = Literal["even", "root", "ratio"]


@dataclass(frozen=True, slots=True)
class ValueRange:
    """Values that the ends of a palette stand for.

    Attributes:
        low: At the palette's first colour.
        high: At its last.
        steps: Which values take equal room: "even", equal differences; "root", equal differences of the square root of what
            lies above ``low``, so that small values have more colours; "ratio", equal ratios (both ends must be positive).
    """

    low: float
    high: float
    steps: Steps = "even"

    @classmethod
    def of(cls, *maps: NDArray[np.floating], steps: Steps = "even") -> ValueRange:
        """Return the range that maps share; values that are not finite do not count."""
        finite = np.concatenate([values[np.isfinite(values)].ravel() for values in maps])
        if steps == "ratio":
            finite = finite[finite > 0]
        if not len(finite):
            return cls(1.0, 1.0, steps) if steps == "ratio" else cls(0.0, 1.0, steps)
        return cls(float(finite.min()), float(finite.max()), steps)

    @property
    def flat(self) -> bool:
        """Whether there is no difference to show."""
        return not self.high - self.low > 1e-6 * max(abs(self.low), abs(self.high), 1e-30)

    def share(self, values: NDArray[np.floating] | float) -> NDArray[np.float64]:
        """Scale values to 0 ... 1 over the range, cut off at its ends; 0 where the range is flat."""
        array = np.nan_to_num(np.asarray(values, dtype=np.float64), nan=self.low, posinf=self.high, neginf=self.low)
        if self.flat:
            return np.zeros_like(array)
        low, high = self.low, self.high
        if self.steps == "ratio":
            array, low, high = np.log(np.maximum(array, low)), math.log(low), math.log(high)
        share: NDArray[np.float64] = np.clip((array - low) / (high - low), 0.0, 1.0)
        return np.sqrt(share) if self.steps == "root" else share

    def ticks(self, most: int = 4) -> list[tuple[float, str]]:
        """Return values for a colour bar and their texts: its two ends, and round values with room between them.

        Args:
            most: About so many steps between the ends.
        """
        if self.flat:
            return [(self.low, number_text(self.low))]
        room = 0.6 / most
        kept: list[float] = []
        if self.steps == "root":  # of finer steps than there is room for, those nearest to where a number should stand
            fine = np.array(_round_steps(self.low, self.high, 4 * most))
            shares, last = self.share(fine), 0.0
            for place in range(1, most):
                free = (last + room <= shares) & (shares <= 1 - room)
                if free.any():
                    at = int(np.where(free, np.abs(shares - place / most), np.inf).argmin())
                    kept.append(float(fine[at]))
                    last = float(shares[at])
        else:
            inside = (
                _round_steps(self.low, self.high, most) if self.steps == "even" else _doublings(self.low, self.high)
            )
            kept = [value for value in inside if room <= float(self.share(value)) <= 1 - room]
            while len(kept) > most:
                kept = kept[::2]
        return [(value, number_text(value)) for value in (self.low, *kept, self.high)]


def number_text(value: float, digits: int = 3) -> str:
    """Write a number with three significant digits, never in powers of ten where it can be avoided."""
    if not math.isfinite(value):
        return "∞" if value > 0 else "–∞"
    value = float(f"{value:.{digits}g}") + 0.0
    if value == 0:
        return "0"
    places = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    if places > 6:
        return f"{value:.1e}"
    text = f"{value:.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent_text(share: float) -> str:
    """Write a share as a percentage with one decimal, never rounding a doubt away."""
    if 0.9995 <= share < 1:
        return "> 99.9"
    if 0 < share < 0.0005:
        return "< 0.1"
    return f"{100 * share:.1f}"


def _round_steps(low: float, high: float, most: int) -> list[float]:
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [index * step for index in range(first, math.floor(high / step + 1e-9) + 1)]


def _doublings(low: float, high: float) -> list[float]:
    return [2.0**power for power in range(math.ceil(math.log2(low)), math.floor(math.log2(high)) + 1)]
