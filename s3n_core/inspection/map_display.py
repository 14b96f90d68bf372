"""Display of maps in the window and in figures: value ranges, colour bars and colours."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from s3n_core.inspection.geometry import inner_magnification
from s3n_core.inspection.number_text import number_text
from s3n_core.inspection.palettes import DivergingName, PaletteName, palette_bytes

Steps = Literal["even", "root", "ratio"]

_MOST_MAGNIFIED = 64.0  # the largest magnification on a colour bar; the smallest is its inverse


@dataclass(frozen=True, slots=True)
class ValueRange:
    """The value range of a colour bar and its scale.

    Ticks are placed at their colours, so they are correct for every scale.

    Attributes:
        low: Value of the first colour.
        high: Value of the last colour.
        steps: The scale: "even" is linear; "root" is the square root of the value above ``low``, which gives small
            values more colours; "ratio" is logarithmic (both ends must be positive).
    """

    low: float
    high: float
    steps: Steps = "even"

    @classmethod
    def of(cls, *maps: NDArray[np.floating], steps: Steps = "even") -> ValueRange:
        """Return the common range of maps, ignoring values that are not finite or, for "ratio", not positive."""
        finite = np.concatenate([values[np.isfinite(values)].ravel() for values in maps])
        if steps == "ratio":
            finite = finite[finite > 0]
        if not len(finite):
            return cls(1.0, 1.0, steps) if steps == "ratio" else cls(0.0, 1.0, steps)
        return cls(float(finite.min()), float(finite.max()), steps)

    @property
    def flat(self) -> bool:
        """Whether the range is empty."""
        return not self.high - self.low > 1e-6 * max(abs(self.low), abs(self.high), 1e-30)

    def share(self, values: NDArray[np.floating] | float) -> NDArray[np.float64]:
        """Return the positions of values on the bar, clipped to [0, 1]; 0 if the range is flat, and for NaN."""
        array = np.nan_to_num(np.asarray(values, dtype=np.float64), nan=self.low, posinf=self.high, neginf=self.low)
        if self.flat:
            return np.zeros_like(array)
        low, high = self.low, self.high
        if self.steps == "ratio":
            array, low, high = np.log(np.maximum(array, low)), math.log(low), math.log(high)
        share: NDArray[np.float64] = np.clip((array - low) / (high - low), 0.0, 1.0)
        return np.sqrt(share) if self.steps == "root" else share

    def ticks(self, most: int = 4) -> list[tuple[float, str]]:
        """Return tick values for a colour bar and their texts: its two ends, and round values spaced between them.

        Args:
            most: Approximate number of intervals.
        """
        if self.flat:
            return [(self.low, number_text(self.low))]
        room = 0.6 / most
        kept: list[float] = []
        if self.steps == "root":  # of a series finer than there is room for, those nearest to even spacing
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
"""Range of R, which is normalised to it."""


def class_map_range(class_maps: NDArray[np.floating]) -> ValueRange:
    """Return the common range of an image's class maps M (n, h, w), so that the strongest class looks strongest.

    A map of its own range would make every class look equally strong. Reading maps between their cells stays in it.
    """
    return ValueRange.of(class_maps)


def sampling_map_range(*maps: NDArray[np.floating]) -> ValueRange:
    """Return a common range for sampling maps Q that are compared: Q_d and Q_c of an image, or one of them over epochs.

    Gaussians of nearby peaks add up to many times the height of a weak peak, mostly in one of the two maps; on a linear
    scale the other would be nearly black. The square root scale avoids this without clipping.
    """
    return ValueRange.of(*maps, steps="root")


def magnification_range(*grids: NDArray[np.floating]) -> ValueRange:
    """Return a common range for the magnification of grids (H, W, 2) that are compared, over their inner squares."""
    inner = np.concatenate([inner_magnification(grid) for grid in grids])
    return ValueRange.of(np.clip(inner, 1 / _MOST_MAGNIFIED, _MOST_MAGNIFIED), steps="ratio")


def contribution_range(density: NDArray[np.floating]) -> ValueRange:
    """Return the range of a map of contributions, symmetric, so that zero is the middle of a diverging palette.

    Its ends are round numbers, for a colour bar that reads well.
    """
    most = float(np.abs(np.nan_to_num(density)).max(initial=0.0)) or 1.0
    power = 10.0 ** math.floor(math.log10(most))
    end = next(factor * power for factor in (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if factor * power >= most)
    return ValueRange(-end, end)


@functools.cache
def palette_colours(name: PaletteName | DivergingName) -> NDArray[np.uint8]:
    """Return a palette's colours from the lowest to the highest value, RGB, uint8 (256, 3), read-only."""
    return np.frombuffer(palette_bytes(name), dtype=np.uint8).reshape(256, 3)


def coloured(share: NDArray[np.floating], palette: PaletteName | DivergingName) -> NDArray[np.uint8]:
    """Return the palette's colours at positions 0 ... 1 on the colour bar, shape (..., 3)."""
    colours: NDArray[np.uint8] = palette_colours(palette)[np.round(np.asarray(share) * 255).astype(np.intp)]
    return colours


def grey_of(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the luma of an RGB image (..., 3), 0 ... 255, the background of a map."""
    grey: NDArray[np.float32] = image.astype(np.float32) @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    return grey


def overlaid(image: NDArray[np.uint8], colours: NDArray[np.uint8], opacity: float) -> NDArray[np.uint8]:
    """Blend colours over the image in grey, so that the image's own colours cannot be mistaken for the map's."""
    mixed = (1 - opacity) * grey_of(image)[..., None] + opacity * colours.astype(np.float32)
    return np.rint(mixed).astype(np.uint8)


def _round_values(low: float, high: float, most: int) -> list[float]:
    """Return the multiples of a round step within a range, about ``most`` of them."""
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [index * step for index in range(first, math.floor(high / step + 1e-9) + 1)]


def _powers_of_two(low: float, high: float) -> list[float]:
    return [2.0**power for power in range(math.ceil(math.log2(low)), math.floor(math.log2(high)) + 1)]
