"""All charts on one scrolling ground: their epochs are linked, one cursor runs through all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QTimer
from PySide6.QtGui import QColor, QHideEvent, QPixmap, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QScrollArea, QWidget

from s3n_gui.theme import px
from s3n_gui.tokens import INSIDE_GROUP
from s3n_gui.training.chart_plot import ChartPlot
from s3n_gui.training.charts import CHARTS, held_out_points, main_points, training_points
from s3n_gui.training.metric_series import MetricSeries

_REDRAW_MS = 150
_WIDE, _MIDDLE = 820, 480
_SMALLEST_HEIGHT, _LARGEST_HEIGHT = 168, 420
Other = tuple[str, QColor, MetricSeries]


class ChartGrid(QScrollArea):
    """Draws a run and those laid over it, at most some times a second and only while it is seen."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAccessibleName("Curves")
        self.charts: dict[str, ChartPlot] = {}
        self._ground = QWidget()
        self._ground.setObjectName("pageArea")
        self._layout = QGridLayout(self._ground)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(INSIDE_GROUP)
        self.setWidget(self._ground)
        self._series = MetricSeries()
        self._others: Sequence[Other] = ()
        self._smoothing = 0.6
        self._epochs = 1.0
        self._width = 0.0
        self._zoomed = False
        self._dirty = False
        self._columns = 0
        self._linking = False
        for chart in CHARTS:
            plot = ChartPlot(chart)
            self.charts[chart.name] = plot
            plot.place_pointed.connect(self._on_place)
            plot.range_moved.connect(self._on_range)
            plot.reset_asked.connect(self.reset_zoom)
            plot.width_changed.connect(self._on_width)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_REDRAW_MS)
        self._timer.timeout.connect(self.draw)
        self._arrange()

    # -- what is shown -----------------------------------------------------------------------------------------------------

    def show_series(self, series: MetricSeries, epochs: int) -> None:
        """Show a run.

        Args:
            series: What it measured; it may grow: call ``refresh`` then.
            epochs: How many epochs it is to have, for the width of the charts.
        """
        self._series = series
        self._zoomed = False
        self._epochs = 0.0
        self.set_epochs(epochs)
        self.refresh()

    def set_epochs(self, epochs: int) -> None:
        """Say how many epochs the run is to have."""
        width = float(max(epochs, 1))
        if width != self._epochs:
            self._epochs = width
            if not self._zoomed:
                self.reset_zoom()

    def show_others(self, others: Sequence[Other]) -> None:
        """Lay other runs over it: name, colour and series of each."""
        self._others = others
        self.refresh()

    def set_smoothing(self, weight: float) -> None:
        """Choose how much the curves of training steps are smoothed, 0 to below 1."""
        self._smoothing = weight
        self.refresh()

    def set_logarithmic(self, on: bool) -> None:
        """Make the value axes logarithmic; the learning rates' always is."""
        for plot in self.charts.values():
            if not plot.chart.logarithmic:
                plot.set_logarithmic(on)

    def show_bands(self, bands: Sequence[tuple[float, float, str]]) -> None:
        """Show the recipe's phases in all charts."""
        for plot in self.charts.values():
            plot.show_bands(bands)

    def show_best(self, place: float | None) -> None:
        """Mark the best epoch in the two large charts."""
        for plot in self.charts.values():
            if plot.chart.large:
                plot.show_best(place)

    def refresh(self) -> None:
        """Draw soon."""
        self._dirty = True
        if self.isVisible() and not self._timer.isActive():
            self._timer.start()

    def draw(self) -> None:
        """Draw now."""
        self._dirty = False
        if not self._zoomed and self._whole_width() != self._width:
            self.reset_zoom()
        for plot in self.charts.values():
            chart = plot.chart
            plot.show_points(
                [
                    (
                        training_points(self._series, chart, line, self._smoothing),
                        held_out_points(self._series, chart, line),
                    )
                    for line in chart.lines
                ]
            )
            plot.show_others(
                [(name, colour, main_points(series, chart, self._smoothing)) for name, colour, series in self._others]
            )

    def reset_zoom(self) -> None:
        """See everything again."""
        self._zoomed = False
        width = self._width = self._whole_width()
        self._on_width(-0.02 * width, 1.02 * width)
        for plot in self.charts.values():
            plot.reset_values()

    def _whole_width(self) -> float:
        return max([self._epochs, *(float(len(series.epoch_lines)) for _, _, series in self._others)])

    @property
    def is_settled(self) -> bool:
        """Whether all is drawn."""
        return not self._dirty

    def picture(self) -> QPixmap:
        """Return all charts as one picture, also those that are scrolled away."""
        return self._ground.grab()

    def values(self) -> Mapping[str, Sequence[str]]:
        """Return what the legends say, by chart."""
        return {name: plot.value_texts() for name, plot in self.charts.items()}

    # -- inside --------------------------------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        """Draw what came while nobody looked."""
        super().showEvent(event)
        if self._dirty:
            self.refresh()

    def hideEvent(self, event: QHideEvent) -> None:
        """Draw nothing that nobody sees."""
        self._timer.stop()
        super().hideEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Arrange the charts anew."""
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        width = self.viewport().width()
        columns = 3 if width >= px(_WIDE) else 2 if width >= px(_MIDDLE) else 1
        rows = {3: 3, 2: 4, 1: 8}[columns]
        height = (self.viewport().height() - (rows - 1) * INSIDE_GROUP) // rows
        height = min(max(height, px(_SMALLEST_HEIGHT)), px(_LARGEST_HEIGHT))
        for plot in self.charts.values():
            plot.setFixedHeight(height)
        if columns == self._columns:
            return
        self._columns = columns
        row, column = 0, 0
        for plot in self.charts.values():
            # Six units of width: the two large charts take three each, the small ones two where there is room.
            span = 6 // min(columns, 2) if plot.chart.large else 6 // columns
            if column + span > 6:
                row, column = row + 1, 0
            self._layout.addWidget(plot, row, column, 1, span)
            column += span
        for unit in range(6):
            self._layout.setColumnStretch(unit, 1)

    def _on_place(self, place: float | None) -> None:
        for plot in self.charts.values():
            plot.show_place(place)

    def _on_width(self, low: float, high: float) -> None:
        # pyqtgraph's own link keeps views aligned on the screen; here each shows the same epochs over its whole width.
        if not self._linking:
            self._linking = True
            for plot in self.charts.values():
                plot.plot.setXRange(low, high, padding=0)
            self._linking = False

    def _on_range(self) -> None:
        self._zoomed = True
