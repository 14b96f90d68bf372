"""What a run measured as columns of numbers: grown as lines come, ready to be drawn. No Qt."""

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
    """Some lines of ``metrics.jsonl`` as columns; made in the reading thread, so that the window only appends.

    Attributes:
        steps: Columns of the ``step`` lines by name, all of one length; NaN where a line has no such number.
        epochs: The ``epoch`` lines as they were read.
    """

    steps: Mapping[str, Column] = field(default_factory=dict)
    epochs: Sequence[Mapping[str, Any]] = ()

    @property
    def count(self) -> int:
        """How many step lines."""
        return len(next(iter(self.steps.values()), ()))


def block_of(lines: Iterable[Mapping[str, Any]]) -> LineBlock:
    """Sort lines into columns."""
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
            # All at once is three times as fast as a column at a time; it needs the same numbers in every line.
            table = np.array(list(map(itemgetter(*names), steps)), dtype=np.float64)
            return LineBlock(dict(zip(names, table.T, strict=True)), epochs)
        except (KeyError, TypeError, ValueError):
            pass
    for name in names:
        try:
            # None, as JSON's null, becomes NaN; a text, or something of a newer version, is no column.
            columns[name] = np.array([line.get(name) for line in steps], dtype=np.float64)
        except (TypeError, ValueError):
            continue
    return LineBlock(columns, epochs)


def joined(blocks: Sequence[LineBlock]) -> LineBlock:
    """Return the lines of several blocks as one; NaN where a block has no such column."""
    if len(blocks) == 1:
        return blocks[0]
    names = dict.fromkeys(name for block in blocks for name in block.steps)
    steps = {
        name: np.concatenate([block.steps.get(name, np.full(block.count, np.nan)) for block in blocks])
        for name in names
    }
    return LineBlock(steps, [line for block in blocks for line in block.epochs])


class _Grown:
    """Columns that grow: room is doubled when it is full."""

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
        # Numbers that have come are never written again: what grows is behind them, or in larger room elsewhere.
        taken = _Grown()
        taken.length, taken._room = self.length, dict(self._room)
        return taken

    def get(self, name: str) -> Column:
        room = self._room.get(name)
        return np.full(self.length, np.nan) if room is None else room[: self.length]

    def names(self) -> set[str]:
        return set(self._room)


class MetricSeries:
    """All that one run measured.

    Step lines hold the values of single batches; smoothing is the reader's choice.

    Attributes:
        epoch_lines: The lines of the finished epochs.
    """

    def __init__(self) -> None:
        self._steps = _Grown()
        self.epoch_lines: list[Mapping[str, Any]] = []
        self._batches = 0

    def snapshot(self) -> MetricSeries:
        """Return all that is known now, for another thread: what is added later does not change it."""
        taken = MetricSeries()
        taken._steps = self._steps.snapshot()
        taken.epoch_lines, taken._batches = list(self.epoch_lines), self._batches
        return taken

    def clear(self) -> None:
        """Forget everything."""
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
        """Say how many batches an epoch has, where no finished epoch has told yet."""
        if batches > 0 and not self.epoch_lines:
            self._batches = batches

    @property
    def step_count(self) -> int:
        """How many step lines there are."""
        return self._steps.length

    def names(self) -> set[str]:
        """Return the names of all that was measured."""
        return self._steps.names() | {name for line in self.epoch_lines[-1:] for name in line}

    def step_places(self) -> Column:
        """Return where the step lines lie, in epochs from 0: 1.5 is the middle of the second."""
        steps = self._steps.get("step")
        batches = self._batches or (np.nanmax(steps) if len(steps) else 1.0)
        return np.asarray(steps / batches, dtype=np.float64)

    def step_values(self, name: str) -> Column:
        """Return a column of the step lines, NaN where a line has no such number."""
        return self._steps.get(name)

    def epoch_places(self) -> Column:
        """Return where the epoch lines lie: at the epochs' ends, so that the first is at 1."""
        return np.array([_number(line.get("epoch")) + 1.0 for line in self.epoch_lines], dtype=np.float64)

    def epoch_values(self, name: str) -> Column:
        """Return a column of the epoch lines, NaN where a line has no such number."""
        return np.array([_number(line.get(name)) for line in self.epoch_lines], dtype=np.float64)


_NOTHING = 1e-20
_FINE_LINES = 1000


def line_weight(smoothing: float, lines: int) -> float:
    """Return the weight of what came before from one line to the next, for ``smoothed``.

    Up to a thousand lines it is the smoothing itself. Beyond, it is nearer to 1, so that a long run's curve looks as
    smooth as a short one's: what matters to the eye is the share of the chart that a mean goes over.
    """
    return float(smoothing ** (_FINE_LINES / lines)) if lines > _FINE_LINES and smoothing > 0.0 else smoothing


def smoothed(values: Column, weight: float) -> Column:
    """Return the exponential moving mean with bias correction; gaps (NaN) stay gaps and do not spread.

    Args:
        values: (n,).
        weight: Share of what came before, 0 (as measured) to below 1.
    """
    if weight <= 0.0 or not len(values):
        return values
    known = np.isfinite(values)
    sums = _fading_sums(np.where(known, values, 0.0), weight)
    weights = _fading_sums(known.astype(np.float64), weight)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(known, sums / weights, np.nan)


def _fading_sums(values: Column, weight: float) -> Column:
    """Return s with s[i] = weight * s[i - 1] + values[i]: each round adds what stands twice as far back.

    ``scipy.signal.lfilter`` does it, too, but loading it stops the window for a second or two.
    """
    sums, back, share = values.astype(np.float64), 1, weight
    while back < len(sums) and share > _NOTHING:
        sums[back:] += share * sums[:-back]
        back, share = 2 * back, share * share
    return sums


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else float("nan")
