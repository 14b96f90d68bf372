"""A run's metrics as growing NumPy columns, ready for drawing. No Qt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]


@dataclass(frozen=True)
class LineBlock:
    """Some lines of ``metrics.jsonl`` as columns; built in the reader thread, so that the GUI thread only appends.

    Attributes:
        steps: Columns of the ``step`` lines by name, all of one length; NaN for missing values.
        epochs: The ``epoch`` lines as they were read.
    """

    steps: Mapping[str, Column] = field(default_factory=dict)
    epochs: Sequence[Mapping[str, Any]] = ()

    @property
    def count(self) -> int:
        """Number of step lines."""
        return len(next(iter(self.steps.values()), ()))


def block_of(lines: Iterable[Mapping[str, Any]]) -> LineBlock:
    """Convert lines to columns."""
    steps, epochs = [], []
    for line in lines:
        kind = line.get("kind")
        if kind == "step":
            steps.append(line)
        elif kind == "epoch":
            epochs.append(line)
    names = dict.fromkeys(name for line in (steps[:1] + steps[-1:]) for name in line)
    names.pop("kind", None)
    columns: dict[str, Column] = {}
    if len(names) > 1:
        try:
            # Converting all columns at once is three times as fast, but every line must have the same numbers.
            table = np.array(list(map(itemgetter(*names), steps)), dtype=np.float64)
            return LineBlock(dict(zip(names, table.T, strict=True)), epochs)
        except (KeyError, TypeError, ValueError):
            pass
    for name in names:
        try:
            # None (JSON null) becomes NaN; non-numeric values, such as those of a newer version, make no column.
            columns[name] = np.array([line.get(name) for line in steps], dtype=np.float64)
        except (TypeError, ValueError):
            continue
    return LineBlock(columns, epochs)


def joined(blocks: Sequence[LineBlock]) -> LineBlock:
    """Concatenate several blocks; columns that a block lacks are NaN."""
    if len(blocks) == 1:
        return blocks[0]
    names = dict.fromkeys(name for block in blocks for name in block.steps)
    steps = {
        name: np.concatenate([block.steps.get(name, np.full(block.count, np.nan)) for block in blocks])
        for name in names
    }
    return LineBlock(steps, [line for block in blocks for line in block.epochs])


class _Grown:
    """Growing columns; the capacity doubles when it is full."""

    def __init__(self) -> None:
        self.length = 0
        self._room: dict[str, Column] = {}

    def append(self, columns: Mapping[str, Column], count: int) -> None:
        end = self.length + count
        for name in columns.keys() - self._room.keys():
            self._room[name] = np.full(max(256, end), np.nan)
        for name, room in self._room.items():
            if len(room) < end:
                larger = np.full(max(2 * len(room), end), np.nan)
                larger[: self.length] = room[: self.length]
                self._room[name] = room = larger
            if name in columns:
                room[self.length : end] = columns[name]
        self.length = end

    def snapshot(self) -> _Grown:
        # Safe to share: written values never change; new ones go behind them or into a larger array.
        taken = _Grown()
        taken.length, taken._room = self.length, dict(self._room)
        return taken

    def get(self, name: str) -> Column:
        room = self._room.get(name)
        return np.full(self.length, np.nan) if room is None else room[: self.length]

    def names(self) -> set[str]:
        return set(self._room)


class MetricSeries:
    """All metrics of one run.

    Step lines hold the values of single batches, unsmoothed.

    Attributes:
        epoch_lines: The lines of the finished epochs.
    """

    def __init__(self) -> None:
        self._steps = _Grown()
        self.epoch_lines: list[Mapping[str, Any]] = []
        self._batches = 0
        self._validation_images: int | None = None

    def snapshot(self) -> MetricSeries:
        """Return a copy for another thread; values added later do not change it."""
        taken = MetricSeries()
        taken._steps = self._steps.snapshot()
        taken.epoch_lines, taken._batches = list(self.epoch_lines), self._batches
        taken._validation_images = self._validation_images
        return taken

    def clear(self) -> None:
        """Remove everything."""
        self.__init__()  # type: ignore[misc]

    def add(self, block: LineBlock) -> None:
        """Append lines."""
        if block.count:
            self._steps.append(block.steps, block.count)
        for line in block.epochs:
            self.epoch_lines.append(line)
            step, epoch = line.get("step"), line.get("epoch")
            if isinstance(step, int) and isinstance(epoch, int) and step >= epoch + 1:
                self._batches = max(1, round(step / (epoch + 1)))

    def set_batches(self, batches: int) -> None:
        """Set the number of batches per epoch, used until an epoch has finished."""
        if batches > 0 and not self.epoch_lines:
            self._batches = batches

    def set_validation_images(self, count: int | None) -> None:
        """Set the number of the run's validation images, used where the epochs do not hold it; None if unknown."""
        self._validation_images = count

    @property
    def validation_images(self) -> int | None:
        """Number of images behind each validation accuracy; None if it is unknown."""
        read = _number(self.epoch_lines[-1].get("validation_images")) if self.epoch_lines else float("nan")
        return self._validation_images if np.isnan(read) else int(read)

    @property
    def training_images(self) -> int | None:
        """Number of images behind an epoch's training accuracy; None if it is unknown."""
        read = _number(self.epoch_lines[-1].get("images")) if self.epoch_lines else float("nan")
        return None if np.isnan(read) else int(read)

    @property
    def step_count(self) -> int:
        """Number of step lines."""
        return self._steps.length

    def names(self) -> set[str]:
        """Return the names of all metrics."""
        return self._steps.names() | {name for line in self.epoch_lines[-1:] for name in line}

    def step_places(self) -> Column:
        """Return the positions of the step lines, in epochs from 0: 1.5 is the middle of the second epoch."""
        steps = self._steps.get("step")
        batches = self._batches or (np.nanmax(steps) if len(steps) else 1.0)
        return np.asarray(steps / batches, dtype=np.float64)

    def step_values(self, name: str) -> Column:
        """Return a column of the step lines; NaN for missing values."""
        return self._steps.get(name)

    def epoch_places(self) -> Column:
        """Return the positions of the epoch lines, in epochs: at the ends of the epochs, so the first is at 1."""
        return np.array([_number(line.get("epoch")) + 1.0 for line in self.epoch_lines], dtype=np.float64)

    def epoch_values(self, name: str) -> Column:
        """Return a column of the epoch lines; NaN for missing values."""
        return np.array([_number(line.get(name)) for line in self.epoch_lines], dtype=np.float64)


_NOTHING = 1e-20
_FINE_LINES = 1000


def line_weight(smoothing: float, lines: int) -> float:
    """Return the weight of the previous values for ``smoothed``.

    Up to a thousand lines it equals the smoothing. Beyond, it is closer to 1, so that a long run's curve looks as
    smooth as a short one's: the mean covers the same share of the chart.
    """
    return float(smoothing ** (_FINE_LINES / lines)) if lines > _FINE_LINES and smoothing > 0.0 else smoothing


def smoothed(values: Column, weight: float) -> Column:
    """Return the exponential moving average with bias correction; gaps (NaN) stay gaps and do not spread.

    Args:
        values: (n,).
        weight: Weight of the previous values, in [0, 1); 0 does not smooth.
    """
    if weight <= 0.0 or not len(values):
        return values
    known = np.isfinite(values)
    sums = _fading_sums(np.where(known, values, 0.0), weight)
    weights = _fading_sums(known.astype(np.float64), weight)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(known, sums / weights, np.nan)


def _fading_sums(values: Column, weight: float) -> Column:
    """Return s with s[i] = weight * s[i - 1] + values[i], by doubling: each pass doubles the number of terms summed.

    ``scipy.signal.lfilter`` does the same, but importing it blocks the window for a second or two.
    """
    sums, back, share = values.astype(np.float64), 1, weight
    while back < len(sums) and share > _NOTHING:
        sums[back:] += share * sums[:-back]
        back, share = 2 * back, share * share
    return sums


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else float("nan")
