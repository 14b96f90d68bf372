"""The scrollable grid of charts: linked epoch axes, a shared cursor, and one chart maximised on request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from PySide6.QtCore import QPointF, QSize, QTimer, Signal
from PySide6.QtGui import QColor, QCursor, QHideEvent, QPixmap, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QScrollArea, QWidget

from s3n_gui.appearance.theme import px
from s3n_gui.appearance.tokens import INSIDE_GROUP
from s3n_gui.background.incremental import IncrementalWork
from s3n_gui.training.curves.chart_layout import LEAST_LARGE, UNITS, ChartPlace, chart_places
from s3n_gui.training.curves.chart_marks import Band
from s3n_gui.training.curves.chart_plot import ChartPlot
from s3n_gui.training.curves.charts import CHARTS, Chart
from s3n_gui.training.curves.curve_maker import CurveMaker, CurveOrder, DrawnChart
from s3n_gui.training.curves.metric_series import MetricSeries
from s3n_gui.training.curves.value_box import ValueBox

_REDRAW_MS, _CURSOR_MS = 150, 15
Other = tuple[str, QColor, MetricSeries]


class ChartGrid(QScrollArea):
    """Draws a run and its overlaid runs, at a limited rate and only while visible.

    Signals:
        alone_changed: Whether a chart is maximised.
    """

    alone_changed = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAccessibleName("Curves")
        self.charts: dict[str, ChartPlot] = {}
        self.alone = ""
        self._ground = QWidget()
        self._ground.setObjectName("pageArea")
        self._layout = QGridLayout(self._ground)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(INSIDE_GROUP)
        for unit in range(UNITS):
            self._layout.setColumnStretch(unit, 1)
        self.setWidget(self._ground)
        self._series = MetricSeries()
        self._others: Sequence[Other] = ()
        self._bands: Sequence[Band] = ()
        self._best: float | None = None
        self._smoothing = 0.6
        self._logarithmic = False
        self._epochs = 1.0
        self._low, self._high = -0.02, 1.02
        self._zoomed = False
        self._dirty = False
        self._scrolled = 0
        self.verticalScrollBar().rangeChanged.connect(self._on_scroll_range)
        self._place: float | None = None
        self._pointed: ChartPlot | None = None
        self.box = ValueBox(self)
        self._pending: dict[str, DrawnChart] = {}
        self._placed: dict[str, tuple[int, int, int]] = {}
        self._details = False
        self._maker = CurveMaker(self)
        self._maker.made.connect(self._on_made)
        self._incremental = IncrementalWork(self)
        self._timer = self._once(_REDRAW_MS, self._order)
        self._cursor_timer = self._once(_CURSOR_MS, self._show_place)
        for chart in CHARTS:
            self._incremental.add(partial(self._make, chart))

    # -- what is shown -------------------------------------------------------------------------------------------------

    def show_series(self, series: MetricSeries, epochs: int) -> None:
        """Show a run.

        Args:
            series: Its metrics; call ``refresh`` after they have grown.
            epochs: Planned number of epochs, the width of the charts.
        """
        self._series = series
        self._zoomed = False
        self._epochs = 0.0
        self.set_epochs(epochs)
        self.refresh()

    def set_epochs(self, epochs: int) -> None:
        """Set the planned number of epochs."""
        width = float(max(epochs, 1))
        if width != self._epochs:
            self._epochs = width
            if not self._zoomed:
                self.reset_zoom()

    def show_others(self, others: Sequence[Other]) -> None:
        """Overlay other runs: name, colour and metrics of each."""
        self._others = others
        if not self._zoomed:
            self.reset_zoom()
        self.refresh()

    def set_smoothing(self, weight: float) -> None:
        """Set the smoothing of the training curves, in [0, 1)."""
        self._smoothing = weight
        self.refresh()

    def set_logarithmic(self, on: bool) -> None:
        """Make the value axes logarithmic; that of the learning rates always is."""
        self._logarithmic = on
        for plot in self.charts.values():
            if not plot.chart.logarithmic:
                plot.set_logarithmic(on)

    def show_bands(self, bands: Sequence[Band]) -> None:
        """Show bands, such as the recipe's phases, in all charts."""
        self._bands = bands
        for plot in self.charts.values():
            plot.show_bands(bands)

    def show_best(self, place: float | None) -> None:
        """Mark the best epoch in the two large charts."""
        self._best = place
        for plot in self.charts.values():
            if plot.chart.large:
                plot.show_best(place)

    def show_details(self, on: bool) -> None:
        """Show all charts, or only the large ones; a chart of the details that is maximised is put back."""
        self._details = on
        alone = self.charts.get(self.alone)
        if alone is not None and not on and not alone.chart.large:
            self.show_alone("")
        self._show_charts()
        self._arrange()
        self.refresh()

    def show_alone(self, name: str) -> None:
        """Maximise one chart; "" restores all charts and the scroll position."""
        if name == self.alone:
            return
        if not self.alone:
            self._scrolled = self.verticalScrollBar().value()
        self.alone = name
        for other, plot in self.charts.items():
            plot.show_alone(other == name)
        self._show_charts()
        self._arrange()
        self.refresh()
        self.alone_changed.emit(bool(name))

    def toggle_alone(self) -> None:
        """Maximise the chart under the cursor, else the focused one, else the first; or restore all."""
        if self.alone:
            self.show_alone("")
            return
        under = [
            n for n, p in self.charts.items() if p.isVisible() and p.rect().contains(p.mapFromGlobal(QCursor.pos()))
        ]
        focused = [name for name, plot in self.charts.items() if plot.view.hasFocus() or plot.alone.hasFocus()]
        self.show_alone((focused or under or [CHARTS[0].name])[0])

    def refresh(self) -> None:
        """Schedule a redraw."""
        self._dirty = True
        if self.isVisible() and not self._timer.isActive():
            self._timer.start()

    def reset_zoom(self) -> None:
        """Show all epochs."""
        self._zoomed = False
        width = max([self._epochs, *(float(len(series.epoch_lines)) for _, _, series in self._others)])
        self._show_width(-0.02 * width, 1.02 * width)
        for plot in self.charts.values():
            plot.view.reset_values()
        self.refresh()

    @property
    def is_settled(self) -> bool:
        """Whether everything visible has been drawn."""
        return not (self._dirty and self.isVisible()) and self._maker.is_idle and self._incremental.is_idle

    def finish(self) -> None:
        """Build everything that is still missing."""
        self._incremental.finish()

    def picture(self) -> QPixmap:
        """Return an image of all charts that are shown, including those scrolled out of view."""
        self.finish()
        return self._ground.grab()

    def values(self) -> Mapping[str, Sequence[str]]:
        """Return the legends' values, by chart name."""
        return {name: plot.value_texts() for name, plot in self.charts.items()}

    def close_maker(self) -> None:
        """Stop computing and drawing curves."""
        self._timer.stop()
        self._cursor_timer.stop()
        self._incremental.clear()
        self._maker.close()

    # -- inside --------------------------------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        """Draw what has arrived while hidden."""
        super().showEvent(event)
        if self._dirty:
            self.refresh()

    def hideEvent(self, event: QHideEvent) -> None:
        """Stop drawing while hidden."""
        self._timer.stop()
        super().hideEvent(event)

    def minimumSizeHint(self) -> QSize:
        """Return a height at which a large chart is whole; the width may be small."""
        return QSize(super().minimumSizeHint().width(), px(LEAST_LARGE))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Rearrange the charts and recompute their curves for the new widths."""
        super().resizeEvent(event)
        self._arrange()
        self.refresh()

    def _once(self, milliseconds: int, slot: object) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(milliseconds)
        timer.timeout.connect(slot)
        return timer

    def _make(self, chart: Chart) -> None:
        plot = self.charts[chart.name] = ChartPlot(chart, self._ground)
        plot.place_pointed.connect(self._on_place)
        plot.width_moved.connect(self._on_width)
        plot.whole_asked.connect(self.reset_zoom)
        plot.alone_asked.connect(self._on_alone)
        plot.show_bands(self._bands)
        plot.show_best(self._best if chart.large else None)
        plot.view.show_width(self._low, self._high)
        if self._logarithmic:
            plot.set_logarithmic(True)
        self._arrange()
        self._show_charts()
        if chart is CHARTS[-1]:
            self.refresh()

    def _show_charts(self) -> None:
        for name, plot in self.charts.items():
            plot.setVisible(name == self.alone if self.alone else self._details or plot.chart.large)

    def _arrange(self) -> None:
        room = self.viewport().height()
        if self.alone:
            places = {self.alone: ChartPlace(0, 0, UNITS, room)}
        else:
            places = chart_places(self.viewport().width(), room, details=self._details)
        for name, place in places.items():
            plot = self.charts.get(name)
            if plot is not None:
                plot.setFixedHeight(place.height)
                cells = place.row, place.column, place.span
                if self._placed.get(name) != cells:
                    self._placed[name] = cells
                    self._layout.addWidget(plot, place.row, place.column, 1, place.span)

    def _order(self) -> None:
        self._dirty = False
        self._maker.make(
            CurveOrder(
                series=self._series.snapshot(),
                others=[(name, colour, series.snapshot()) for name, colour, series in self._others],
                smoothing=self._smoothing,
                low=self._low,
                high=self._high,
                columns={name: plot.columns for name, plot in self.charts.items()},
            )
        )

    def _on_made(self, drawn: Mapping[str, DrawnChart]) -> None:
        for name in drawn:
            if name not in self._pending:
                self._incremental.add(partial(self._draw, name))
        self._pending.update(drawn)

    def _draw(self, name: str) -> None:
        self.charts[name].show_drawn(self._pending.pop(name))

    def _on_place(self, place: float | None, chart: str) -> None:
        self._place, self._pointed = place, self.charts.get(chart)
        if not self._cursor_timer.isActive():
            self._cursor_timer.start()

    def _show_place(self) -> None:
        for plot in self.charts.values():
            if not plot.visibleRegion().isEmpty():
                plot.show_place(self._place)
        if self._pointed is None or self._place is None:
            self.box.hide()
        else:
            values = self._pointed.all_values()
            self.box.show_values(self._place, values, QPointF(self.mapFromGlobal(QCursor.pos())))

    def _on_width(self, low: float, high: float) -> None:
        self._zoomed = True
        self._show_width(low, high)
        self.refresh()

    def _show_width(self, low: float, high: float) -> None:
        # pyqtgraph's axis link aligns views on the screen; here each view shows the same epochs over its whole width.
        self._low, self._high = low, high
        for plot in self.charts.values():
            plot.view.show_width(low, high)

    def _on_scroll_range(self, _low: int, high: int) -> None:
        # The scroll position can be restored only after the layout of all charts.
        if not self.alone and 0 < self._scrolled <= high:
            self.verticalScrollBar().setValue(self._scrolled)
            self._scrolled = 0

    def _on_alone(self, name: str) -> None:
        self.show_alone("" if self.alone else name)
