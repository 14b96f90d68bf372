"""Maps as colours: one range, one palette, laid over the grey original; and the numbers beside the colour bar."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ValueRange:
    """Values that the ends of a colour bar stand for, and how colours go from one to the other.

    Attributes:
        low: Of the first colour.
        high: Of the last.
        power: A colour stands for (value - low) / (high - low) to this power: 1 is even steps, 0.5 gives small values more
            colours. The numbers beside a bar stand where their colours are, so they are true either way.
    """

    low: float
    high: float
    power: float = 1.0

    @classmethod
    def of(cls, *maps: NDArray[np.floating], power: float = 1.0) -> ValueRange:
        """Return the range that maps share; values that are not finite do not count."""
        finite = np.concatenate([values[np.isfinite(values)].ravel() for values in maps])
        if not len(finite):
            return cls(0.0, 1.0, power)
        return cls(float(finite.min()), float(finite.max()), power)

    @property
    def flat(self) -> bool:
        """Whether there is no difference to show."""
        return not self.high - self.low > 1e-9 * max(abs(self.low), abs(self.high), 1e-30)

    def share(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the places 0 ... 1 of values on the bar, cut off at its ends; 0 where the range is flat."""
        values = np.nan_to_num(np.asarray(values, dtype=np.float64), nan=self.low, posinf=self.high, neginf=self.low)
        if self.flat:
            return np.zeros_like(values)
        places: NDArray[np.float64] = np.clip((values - self.low) / (self.high - self.low), 0.0, 1.0)
        return places if self.power == 1.0 else np.power(places, self.power)

    def ticks(self, most: int = 4) -> list[tuple[float, str]]:
        """Return values for a colour bar and their texts: its two ends, and round values with room between them.

        Args:
            most: About so many steps between the ends.
        """
        if self.flat:
            return [(self.low, _text(self.low))]
        ends = [(self.low, _text(self.low)), (self.high, _text(self.high))]
        room, kept = 0.55 / most, [0.0]
        inside: list[tuple[float, str]] = []
        # Finer steps where the bar is not even: its lower part has room for them.
        steps = most if self.power == 1.0 else 4 * most
        for value in MaxNLocator(nbins=steps, steps=[1, 2, 2.5, 5, 10]).tick_values(self.low, self.high):
            place = float(self.share(np.array(value)))
            if kept[-1] + room <= place <= 1 - room and (self.power == 1.0 or place >= kept[-1] + 0.9 / most):
                inside.append((float(value), _text(value)))
                kept.append(place)
        return [ends[0], *inside, ends[1]]


def _text(value: float) -> str:
    return f"{value + 0.0:.3g}"


def coloured(share: NDArray[np.floating], palette: str) -> NDArray[np.uint8]:
    """Return the palette's colours of values 0 ... 1, shape (..., 3)."""
    table = _table(palette)
    result: NDArray[np.uint8] = table[np.round(np.asarray(share) * (len(table) - 1)).astype(np.intp)]
    return result


def overlaid(image: NDArray[np.uint8], colours: NDArray[np.uint8], opacity: float) -> NDArray[np.uint8]:
    """Lay colours over an image in grey: its form stays to be seen, its colours cannot be taken for the map's."""
    grey = image.astype(np.float32) @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    mixed = (1 - opacity) * grey[..., None] + opacity * colours.astype(np.float32)
    return np.rint(mixed).astype(np.uint8)


@functools.lru_cache(maxsize=8)
def _table(palette: str) -> NDArray[np.uint8]:
    colours = matplotlib.colormaps[palette].resampled(1024)(np.linspace(0, 1, 1024), bytes=True)
    table: NDArray[np.uint8] = np.asarray(colours, dtype=np.uint8)[:, :3]
    return table
