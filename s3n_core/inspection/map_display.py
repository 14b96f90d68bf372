"""How maps are shown, in the window and on figures alike: which values the colours stand for, and the colours themselves."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from s3n_core.inspection.geometry import inner_magnification
from s3n_core.inspection.number_text import number_text
from s3n_core.inspection.palettes import PaletteName, palette_bytes

Steps = Literal["even", "root", "ratio"]

_MOST_MAGNIFIED = 64.0  # a colour bar shows no more, and no less than one over it


@dataclass(frozen=True, slots=True)
class ValueRange:
    """Values that the ends of a colour bar stand for, and how colours go from one to the other.

    The numbers beside a bar stand where their colours are, so they are true whatever the steps.

    Attributes:
        low: Of the first colour.
        high: Of the last.
        steps: Which values take equal room: "even", equal differences; "root", equal differences of the square root of what
            lies above ``low``, so that small values have more colours; "ratio", equal ratios (both ends must be positive).
    """

    low: float
    high: float
    steps: Steps = "even"

    @classmethod
    def of(cls, *maps: NDArray[np.floating], steps: Steps = "even") -> ValueRange:
        """Return the range that maps share; values that are not finite do not count, nor, in ratios, those below 0."""
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
        """Return the places 0 ... 1 of values on the bar, cut off at its ends; 0 where the range is flat, and for NaN."""
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
            fine = np.array(_round_values(self.low, self.high, 4 * most))
            shares, last = self.share(fine), 0.0
            for place in range(1, most):
                free = (last + room <= shares) & (shares <= 1 - room)
                if free.any():
                    at = int(np.where(free, np.abs(shares - place / most), np.inf).argmin())
                    kept.append(float(fine[at]))
                    last = float(shares[at])
        else:
            even = self.steps == "even"
            inside = _round_values(self.low, self.high, most) if even else _powers_of_two(self.low, self.high)
            kept = [value for value in inside if room <= float(self.share(value)) <= 1 - room]
            while len(kept) > most:
                kept = kept[::2]
        return [(value, number_text(value)) for value in (self.low, *kept, self.high)]


RESPONSE_RANGE = ValueRange(0.0, 1.0)
"""Of R and of class maps, which are scaled to it."""


def sampling_map_range(*maps: NDArray[np.floating]) -> ValueRange:
    """Return the one range of sampling maps Q that are compared: Q_d and Q_c of an image, or one of them over the epochs.

    Gaussians of near peaks add up to many times what a weak peak has, mostly in one of the two; in even steps the other map
    would be nearly black. So colours follow the square root, and nothing is cut off.
    """
    return ValueRange.of(*maps, steps="root")


def magnification_range(*grids: NDArray[np.floating]) -> ValueRange:
    """Return the one range of the magnification of grids (H, W, 2) that are compared, over their inner squares."""
    inner = np.concatenate([inner_magnification(grid) for grid in grids])
    return ValueRange.of(np.clip(inner, 1 / _MOST_MAGNIFIED, _MOST_MAGNIFIED), steps="ratio")


@functools.cache
def palette_colours(name: PaletteName) -> NDArray[np.uint8]:
    """Return a palette's colours from the lowest value to the highest, RGB, uint8 (256, 3), read only."""
    return np.frombuffer(palette_bytes(name), dtype=np.uint8).reshape(256, 3)


def coloured(share: NDArray[np.floating], palette: PaletteName) -> NDArray[np.uint8]:
    """Return the palette's colours of places 0 ... 1 on the colour bar, shape (..., 3)."""
    colours: NDArray[np.uint8] = palette_colours(palette)[np.round(np.asarray(share) * 255).astype(np.intp)]
    return colours


def grey_of(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the brightness of an RGB image (..., 3), 0 ... 255: what a map is laid over."""
    grey: NDArray[np.float32] = image.astype(np.float32) @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    return grey


def overlaid(image: NDArray[np.uint8], colours: NDArray[np.uint8], opacity: float) -> NDArray[np.uint8]:
    """Lay colours over an image in grey: its form stays to be seen, its colours cannot be taken for the map's."""
    mixed = (1 - opacity) * grey_of(image)[..., None] + opacity * colours.astype(np.float32)
    return np.rint(mixed).astype(np.uint8)


def _round_values(low: float, high: float, most: int) -> list[float]:
    """Return the multiples within a range of the smallest round step of which about ``most`` fit into it."""
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [index * step for index in range(first, math.floor(high / step + 1e-9) + 1)]


def _powers_of_two(low: float, high: float) -> list[float]:
    return [2.0**power for power in range(math.ceil(math.log2(low)), math.floor(math.log2(high)) + 1)]
