"""Turns what runs measured into the points of all charts, smoothed and thinned out, in a thread beside the window's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QObject, QRunnable, QThreadPool, Signal, Slot
from PySide6.QtGui import QColor

from s3n_gui.training.curves.charts import CHARTS, Chart, Points, held_out_points, main_points, training_points
from s3n_gui.training.curves.metric_series import MetricSeries
from s3n_gui.training.curves.thinning import thinned


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
        lines: For each line of the chart its points on training and on held-out images.
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
    _done = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)
        self._working = False
        self._next: CurveOrder | None = None
        self._done.connect(self._on_done)

    def make(self, order: CurveOrder) -> None:
        """Make these points; ``made`` follows."""
        if self._working:
            self._next = order
        else:
            self._working = True
            self._pool.start(_Making(self._done, order))

    @property
    def is_idle(self) -> bool:
        """Whether all that was ordered is made."""
        return not self._working

    def close(self) -> None:
        """Make no more."""
        self._next = None
        self._pool.waitForDone()

    @Slot(object)
    def _on_done(self, drawn: Mapping[str, DrawnChart]) -> None:
        self._working = False
        if self._next is not None:
            order, self._next = self._next, None
            self.make(order)
        self.made.emit(drawn)


class _Making(QRunnable):
    def __init__(self, done: object, order: CurveOrder) -> None:
        super().__init__()
        self._done, self._order = done, order

    def run(self) -> None:
        """Make all charts."""
        drawn = {chart.name: drawn_chart(chart, self._order) for chart in CHARTS}
        self._done.emit(drawn)  # type: ignore[attr-defined]


def drawn_chart(chart: Chart, order: CurveOrder) -> DrawnChart:
    """Return the points of one chart."""
    low, high, columns = order.low, order.high, order.columns.get(chart.name, 1)
    return DrawnChart(
        tuple(
            (
                thinned(training_points(order.series, chart, line, order.smoothing), low, high, columns),
                thinned(held_out_points(order.series, chart, line), low, high, columns),
            )
            for line in chart.lines
        ),
        tuple(
            (name, colour, thinned(main_points(other, chart, order.smoothing), low, high, columns))
            for name, colour, other in order.others
        ),
    )
