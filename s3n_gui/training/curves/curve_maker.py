"""Computation of the points of all charts from the metrics, smoothed and downsampled, in a worker thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QColor

from s3n_gui.background.tasks import Tasks
from s3n_gui.training.curves.charts import (
    CHARTS,
    Chart,
    Points,
    epoch_points,
    main_points,
    training_points,
    validation_points,
)
from s3n_gui.training.curves.metric_series import MetricSeries


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveOrder:
    """What to draw.

    Attributes:
        series: Snapshot of the shown run's metrics.
        others: Name, colour and snapshot of each overlaid run.
        smoothing: The chosen smoothing, in [0, 1).
        low: Start of the visible range, in epochs.
        high: Its end.
        columns: Point columns of each chart, by chart name.
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
        lines: For each line of the chart, its training and its validation points.
        others: Name, colour and main line's points of each overlaid run.
        images: Number of validation images of the shown run; None if it is unknown.
        other_images: The same of each overlaid run.
        learnt: In a chart of accuracies, for each line its training values of whole epochs, which have a number of images; the
            training curve is a mean over the latest batches, which has none.
        training_images: Number of images behind each of these; None if it is unknown.
    """

    lines: Sequence[tuple[Points, Points]]
    others: Sequence[tuple[str, QColor, Points]] = ()
    images: int | None = None
    other_images: Sequence[int | None] = ()
    learnt: Sequence[Points] = ()
    training_images: int | None = None


class CurveMaker(QObject):
    """Computes the points of the most recent order; intermediate orders are skipped.

    Signals:
        made: A ``DrawnChart`` for each chart, by chart name.
    """

    made = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks = Tasks(self)
        self._tasks.done.connect(self._on_done)
        self._next: CurveOrder | None = None

    def make(self, order: CurveOrder) -> None:
        """Compute the points of an order; ``made`` follows."""
        if self._tasks.is_open("curves"):
            self._next = order  # do not cancel: with orders faster than the computation, nothing would ever be drawn
        else:
            self._tasks.run("curves", partial(_draw_all, order))

    @property
    def is_idle(self) -> bool:
        """Whether all orders are done."""
        return not self._tasks.is_open("curves")

    def close(self) -> None:
        """Stop computing."""
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
        order.series.validation_images,
        tuple(other.validation_images for _, _, other in order.others),
        tuple(epoch_points(order.series, chart, line) for line in chart.lines) if chart.shows_accuracy else (),
        order.series.training_images,
    )


def thinned(points: Points, low: float, high: float, columns: int) -> Points:
    """Downsample a curve for drawing: keep only the lowest and the highest value of each column.

    Args:
        points: Ascending positions, and values.
        low: Start of the visible range.
        high: Its end. The same width is kept on both sides, so that the curve exists while it is being dragged.
        columns: Point columns in the visible range.

    Returns:
        Points that look the same on the screen: all points if they are few, else two per column and the last one.
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
    falls = values[starts] > (lowest + highest) / 2  # order each pair so that it connects to its neighbours
    pairs = np.stack([np.where(falls, highest, lowest), np.where(falls, lowest, highest)], axis=1)
    return np.append(np.repeat(places[starts], 2), places[-1]), np.append(pairs.ravel(), values[-1])
