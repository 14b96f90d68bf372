"""Which values of images with more than 8 bits are black and white: the range that a model keeps, and how it is found.

A file of 16 bits seldom uses all of them: a camera of 12 bits fills a sixteenth, a thermal camera a narrow band. Before a
training begins, the values of all its training images that have more than 8 bits are counted, and one range for whole numbers
and one for floating point numbers follow from the counts. ``docs/reference/bit-depth.md`` holds the rules as a table.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

ValueKind = Literal["integers", "floats"]
"""Whole numbers of any width and sign, or floating point numbers; a range is kept for each."""

ValueRange = tuple[float, float]
"""The value that becomes black (0) and the value that becomes white (255)."""

WhatOccurs = tuple[NDArray[np.float64], NDArray[np.float64]]
"""The values that occur, rising, and how often each does."""

OUTSIDE = 0.001
"""Share of all pixels that may lie below a range, and as many above it: hot and dead pixels decide nothing."""

LEAST_USED = 0.25
"""Least share of a range that values must use, or they appear nearly black."""

_TOLERANCE = 0.05  # of the range, by which a folder's values may pass its ends without a word
_WHOLE_NUMBERS = 65535
_TOPS = {
    "integers": (*(2.0**bits - 1 for bits in range(8, 17)), 2.0**24 - 1, 2.0**31 - 1, 2.0**32 - 1),
    "floats": (1.0, *(2.0**bits - 1 for bits in range(8, 17))),
}
_MERGED_AT_ONCE = 32  # images whose counts wait, so that merging costs little


@dataclass(frozen=True, slots=True)
class ValueRanges:
    """The ranges that a model was trained with; an image of 8 bits needs none.

    Attributes:
        integers: Of whole numbers; None: no training image had more than 8 bits of them.
        floats: Of floating point numbers; None: no training image had them.
    """

    integers: ValueRange | None = None
    floats: ValueRange | None = None

    def __post_init__(self) -> None:
        for found in (self.integers, self.floats):
            if found is not None and not (len(found) == 2 and np.isfinite(found).all() and found[0] < found[1]):
                raise ValueError(f"a range of values must be two rising numbers, not {found}")

    def __bool__(self) -> bool:
        return self.integers is not None or self.floats is not None

    def of(self, kind: ValueKind) -> ValueRange | None:
        """Return the range of a kind of values, or None."""
        return self.integers if kind == "integers" else self.floats

    def sentence(self) -> str:
        """Say the ranges to a person; empty without any."""
        parts = [f"{range_text(found)} ({name})" for name, found in self._named()]
        return f"Range of images with more than 8 bits, black to white: {', '.join(parts)}." if parts else ""

    def _named(self) -> list[tuple[str, ValueRange]]:
        named = (("whole numbers", self.integers), ("floating point", self.floats))
        return [(name, found) for name, found in named if found is not None]


NO_RANGES = ValueRanges()
"""Of a model whose training images have 8 bits, and of images of which nothing but the file is known."""


def range_text(found: ValueRange) -> str:
    """Return a range for a person: "0 to 4,095"."""
    return f"{value_text(found[0])} to {value_text(found[1])}"


def value_text(value: float) -> str:
    """Return a pixel's value for a person: whole numbers with separators, others with four digits."""
    return f"{value:,.0f}" if value == round(value) and abs(value) < 1e15 else f"{value:.4g}"


def scaled(values: NDArray[np.generic], found: ValueRange, *, inverted: bool = False) -> NDArray[np.uint8]:
    """Scale values to 0 ... 255; what lies outside the range becomes black or white.

    Args:
        values: Of any shape and number type; what is no number counts as the lower end.
        found: The range.
        inverted: Its lower end is white (TIFF's WhiteIsZero).

    Returns:
        uint8, of the same shape.
    """
    if values.dtype == np.uint16:  # one entry for each possible value is quicker than arithmetic on every pixel
        table: NDArray[np.uint8] = _scaled(np.arange(_WHOLE_NUMBERS + 1), found, inverted)[values]
        return table
    return _scaled(values, found, inverted)


def _scaled(values: NDArray[np.generic], found: ValueRange, inverted: bool) -> NDArray[np.uint8]:
    low, high = found
    numbers = values.astype(np.float64)
    numbers = np.where(np.isnan(numbers), low, numbers)
    bright = np.clip(np.rint((np.clip(numbers, low, high) - low) * (255.0 / (high - low))), 0, 255)
    result: NDArray[np.uint8] = (255 - bright if inverted else bright).astype(np.uint8)
    return result


class ValueCounts:
    """How often each value occurs over many images of one kind; values keep 16 significant bits. For any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: NDArray[np.float64] = np.empty(0)
        self._counts: NDArray[np.float64] = np.empty(0)
        self._waiting: list[WhatOccurs] = []

    def add(self, values: NDArray[np.generic]) -> None:
        """Count the finite values of an image."""
        self.join(_counted(values))

    def join(self, counted: WhatOccurs) -> None:
        """Add values that were counted elsewhere."""
        with self._lock:
            self._waiting.append(counted)
            if len(self._waiting) >= _MERGED_AT_ONCE:
                self._merge()

    def counted(self) -> WhatOccurs:
        """Return the values that occurred, rising, and how often each did."""
        with self._lock:
            self._merge()
            return self._values, self._counts

    def ends(self) -> ValueRange | None:
        """Return the values below and above which a share of `OUTSIDE` of the pixels lies; None before the first image."""
        with self._lock:
            self._merge()
            if not len(self._values):
                return None
            sums = np.cumsum(self._counts)
            places = np.searchsorted(sums, [OUTSIDE * sums[-1], (1 - OUTSIDE) * sums[-1]])
            low, high = self._values[np.minimum(places, len(sums) - 1)].tolist()
            return low, high

    def _merge(self) -> None:
        parts = [(self._values, self._counts), *self._waiting]
        self._waiting = []
        values, places = np.unique(np.concatenate([part[0] for part in parts]), return_inverse=True)
        weights = np.concatenate([part[1] for part in parts])
        self._counts = np.bincount(places, weights=weights, minlength=len(values)).astype(np.float64)
        self._values = values


def _counted(values: NDArray[np.generic]) -> WhatOccurs:
    """Return the values that occur, rising, and how often each does."""
    if values.dtype == np.uint16:
        counts = np.bincount(values.reshape(-1), minlength=_WHOLE_NUMBERS + 1)
        found = np.flatnonzero(counts)
        return found.astype(np.float64), counts[found].astype(np.float64)
    numbers = values.reshape(-1).astype(np.float32)
    numbers = numbers[np.isfinite(numbers)]
    # 16 significant bits hold every whole number up to 65,535, and far fewer different values than there are pixels.
    short = (numbers.view(np.uint32) & np.uint32(0xFFFFFF00)).view(np.float32)
    different, counts = np.unique(short, return_counts=True)
    return different.astype(np.float64), counts.astype(np.float64)


def range_of(counts: ValueCounts, kind: ValueKind) -> ValueRange | None:
    """Return the range of the values of a training, or of one image.

    From 0 to the largest value of a usual bit depth (8 to 16 bits, also 1.0 for floating point numbers) that holds the upper end
    of the values. Where there are negative values, or the values use less than a quarter of such a range, from their own
    lower to their own upper end.

    Args:
        counts: How often each value occurs.
        kind: Of the values.

    Returns:
        The range; None without a value.
    """
    ends = counts.ends()
    if ends is None:
        return None
    low, high = ends
    top = next((top for top in _TOPS[kind] if high <= top), None)
    if low >= 0 and top is not None and high - low >= LEAST_USED * top:
        return 0.0, top
    return (low, high) if low < high else (low, low + 1)


class RangeWatch:
    """Compares the values of images that a model is given with the ranges that it was trained with. For any thread."""

    def __init__(self, ranges: ValueRanges) -> None:
        self._ranges = ranges
        self._counts: dict[ValueKind, ValueCounts] = {"integers": ValueCounts(), "floats": ValueCounts()}

    def add(self, kind: ValueKind, values: NDArray[np.generic]) -> None:
        """Take the values of an image."""
        self._counts[kind].add(values)

    def counts(self) -> dict[ValueKind, WhatOccurs]:
        """Return how often each value has occurred so far, for another process's `join`."""
        return {kind: counts.counted() for kind, counts in self._counts.items()}

    def join(self, others: Mapping[ValueKind, WhatOccurs]) -> None:
        """Take what another process counted."""
        for kind, counted in others.items():
            self._counts[kind].join(counted)

    def warnings(self, images: str = "these images of more than 8 bits") -> tuple[str, ...]:
        """Return a sentence for each kind of values that lie beyond the model's range, or use less than a quarter of it.

        Args:
            images: Whose values these are, such as "this image".
        """
        kinds: Sequence[ValueKind] = ("integers", "floats")
        found = (self._warning(kind, self._counts[kind].ends(), images) for kind in kinds)
        return tuple(sentence for sentence in found if sentence)

    def _warning(self, kind: ValueKind, ends: ValueRange | None, images: str) -> str:
        if ends is None:
            return ""
        own = self._ranges.of(kind)
        if own is None and kind == "floats":
            return ""  # each image is scaled by the smallest usual range that holds it
        low, high = own or (0.0, float(_WHOLE_NUMBERS))
        whose = "the model's range is" if own else "the model was trained without such images and takes"
        values = f"The values of {images} go from {range_text(ends)}, but {whose}"
        model = f"{values} {range_text((low, high))}"
        span = high - low
        if ends[1] > high + _TOLERANCE * span or ends[0] < low - _TOLERANCE * span:
            return f"{model}: what lies beyond it is only black or white. Predictions may be wrong."
        if ends[1] - low < LEAST_USED * span:
            return f"{model}: they use less than a quarter of it and appear nearly black. Predictions may be wrong."
        return ""
