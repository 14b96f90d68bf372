"""Turns what runs measured into the points of all charts, smoothed and thinned out, in a thread beside the window's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QColor

from s3n_gui.background.tasks import Tasks
from s3n_gui.training.curves.charts import CHARTS, Chart, Points, main_points, training_points, validation_points
from s3n_gui.training.curves.metric_series import MetricSeries


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveOrder:
    """What is to be drawn.

    Attributes:
        series: Snapshot of the shown run.
        others: Name, colour and snapshot of those laid over it.
        smoothing: As the person chose it, 0 to below 1.
        low: Where the seen epochs begin.
        high: Where they end.
        columns: Columns of pixels of each chart, by name.
    """

    series: MetricSeries
    others: Sequence[tuple[str, QColor, MetricSeries]]
    smoothing: float
    low: float
    high: float
    columns: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class DrawnChart:
    """The points of one chart.

    Attributes:
        lines: For each line of the chart its points on training and on validation images.
        others: Name, colour and the points of the main line of each run laid over it.
    """

    lines: Sequence[tuple[Points, Points]]
    others: Sequence[tuple[str, QColor, Points]] = ()


class CurveMaker(QObject):
    """Makes points of the newest order; an order that another one follows is left out.

    Signals:
        made: ``DrawnChart`` s by the chart's name.
    """

    made = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks = Tasks(self)
        self._tasks.done.connect(self._on_done)
        self._next: CurveOrder | None = None

    def make(self, order: CurveOrder) -> None:
        """Make these points; ``made`` follows."""
        if self._tasks.is_open("curves"):
            self._next = order  # not at once: orders that come faster than curves are made would never be seen
        else:
            self._tasks.run("curves", partial(_draw_all, order))

    @property
    def is_idle(self) -> bool:
        """Whether all that was ordered is made."""
        return not self._tasks.is_open("curves")

    def close(self) -> None:
        """Make no more."""
        self._next = None
        self._tasks.close()

    @Slot(str, object)
    def _on_done(self, _: str, drawn: Mapping[str, DrawnChart]) -> None:
        if self._next is not None:
            order, self._next = self._next, None
            self.make(order)
        self.made.emit(drawn)


def _draw_all(order: CurveOrder) -> dict[str, DrawnChart]:
    return {chart.name: drawn_chart(chart, order) for chart in CHARTS}


def drawn_chart(chart: Chart, order: CurveOrder) -> DrawnChart:
    """Return the points of one chart."""
    low, high, columns = order.low, order.high, order.columns.get(chart.name, 1)
    return DrawnChart(
        tuple(
            (
                thinned(training_points(order.series, chart, line, order.smoothing), low, high, columns),
                thinned(validation_points(order.series, chart, line), low, high, columns),
            )
            for line in chart.lines
        ),
        tuple(
            (name, colour, thinned(main_points(other, chart, order.smoothing), low, high, columns))
            for name, colour, other in order.others
        ),
    )


def thinned(points: Points, low: float, high: float, columns: int) -> Points:
    """Return what has to be drawn of a curve: of many points in one column of pixels only the lowest and the highest.

    Args:
        points: Places, rising, and values.
        low: Where the seen range begins.
        high: Where it ends. As much again is kept on both sides, so that a curve is there while it is dragged.
        columns: Columns of pixels that the seen range takes.

    Returns:
        Points of the same shape on the screen: all of them where they are few, else two a column; the last is kept.
    """
    places, values = points
    width = high - low
    first = max(0, int(np.searchsorted(places, low - width)) - 1)
    last = min(len(places), int(np.searchsorted(places, high + width, side="right")) + 1)
    places, values = places[first:last], values[first:last]
    columns = max(1, 3 * columns)
    if len(places) <= 2 * columns:
        return places, values
    edges = np.linspace(low - width, high + width, columns + 1)
    starts = np.unique(np.minimum(np.searchsorted(places, edges[:-1]), len(places) - 1))
    lowest, highest = np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)
    falls = values[starts] > (lowest + highest) / 2  # So the line between two columns goes on where it is.
    pairs = np.stack([np.where(falls, highest, lowest), np.where(falls, lowest, highest)], axis=1)
    return np.append(np.repeat(places[starts], 2), places[-1]), np.append(pairs.ravel(), values[-1])
