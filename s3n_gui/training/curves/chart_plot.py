"""One chart as a card: its title, its legend, the curves, and the values under the cursor."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtGui import QColor, QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QToolButton, QWidget

from s3n_gui.appearance.theme import branch_colour, px, set_icon, theme, tokens
from s3n_gui.appearance.tokens import INSIDE_GROUP, mixed
from s3n_gui.training.curves.chart_legend import ChartLegend, Entry
from s3n_gui.training.curves.chart_marks import Band
from s3n_gui.training.curves.charts import EMPTY, Chart, Ink, Points, value_at
from s3n_gui.training.curves.curve_maker import DrawnChart
from s3n_gui.training.curves.curve_view import Curve, CurveView

THIN, THICK, OTHER = 1.2, 2.2, 1.6
_NARROW = 340
_PALE = 0.45
"""How far a training curve's colour is mixed with the background if there is a validation curve."""


def ink_colour(ink: Ink) -> QColor:
    """Return a line's colour in the current theme."""
    if ink == "text":
        return QColor(tokens().text)
    return QColor(tokens().accent) if ink == "accent" else branch_colour(ink)


def pale(colour: QColor) -> QColor:
    """Return the paler colour of training curves; opaque, because Qt draws transparent lines slowly."""
    return QColor(mixed(colour.name(), tokens().card, _PALE))


class ChartPlot(QFrame):
    """Draws one chart.

    Signals:
        place_pointed: The epoch under the cursor, or None when it has left; and the chart's name.
        width_moved: The user has zoomed or panned the epoch axis; start and end.
        whole_asked: Show all epochs.
        alone_asked: Maximise this chart or restore all; its name.
    """

    place_pointed = Signal(object, str)
    width_moved = Signal(float, float)
    whole_asked = Signal()
    alone_asked = Signal(str)

    def __init__(self, chart: Chart, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.chart = chart
        self.setProperty("role", "card")
        self.setAccessibleName(f"Chart: {chart.title}")
        self._title, self._unit = QLabel(chart.title, self), QLabel(chart.unit, self)
        self._title.setToolTip(chart.tip)
        self._unit.setProperty("role", "caption")
        self._legend = ChartLegend(self)
        self.alone = QToolButton(self)
        self.alone.setProperty("role", "small")
        self.view = CurveView(chart.title, bounds=chart.bounds, marks=chart.large)
        self.view.setAccessibleDescription(
            f"{chart.tip} Zoom with + and -, move with the arrow keys, show all with Home."
        )
        self._layout = QGridLayout(self)
        self._layout.setContentsMargins(12, 4, 4, 4)
        self._layout.setHorizontalSpacing(INSIDE_GROUP)
        self._layout.setVerticalSpacing(0)
        self._layout.setColumnStretch(2, 1)
        self._layout.setRowStretch(2, 1)
        self._layout.addWidget(self._title, 0, 0)
        self._layout.addWidget(self._unit, 0, 1)
        self._layout.addWidget(self.alone, 0, 3)
        self._layout.addWidget(self.view, 2, 0, 1, 4)
        self._drawn = DrawnChart([(EMPTY, EMPTY)] * len(chart.lines))
        self._place: float | None = None
        self._legend_row = -1
        self.view.place_pointed.connect(self._on_place)
        self.view.width_moved.connect(self.width_moved)
        self.view.whole_asked.connect(self.whole_asked)
        self.view.alone_asked.connect(self._on_alone)
        self.alone.clicked.connect(self._on_alone)
        theme().changed.connect(self._fit)
        self.show_alone(False)
        self._fit()
        self.set_logarithmic(chart.logarithmic)

    # -- content -------------------------------------------------------------------------------------------------------

    def show_drawn(self, drawn: DrawnChart) -> None:
        """Draw the lines of the shown run and of the overlaid runs."""
        self._drawn = drawn
        self._show_curves()
        self._show_values()

    def show_bands(self, bands: Sequence[Band]) -> None:
        """Show bands such as the recipe's phases: start and end in epochs, and the label."""
        self.view.show_bands(bands)

    def show_best(self, place: float | None) -> None:
        """Mark the best epoch."""
        self.view.show_best(place)

    def show_place(self, place: float | None) -> None:
        """Move the cursor line; the legend shows the values there, or the last values for None."""
        self._place = place
        self.view.show_place(place)
        self._show_values()

    def all_values(self) -> list[Entry]:
        """Return the values under the cursor, including those of overlaid runs."""
        drawn = self._drawn
        others = [
            Entry(colour, name, self._values(points, images))
            for (name, colour, points), images in zip(drawn.others, drawn.other_images, strict=True)
        ]
        return [entry for entry in [*self._entries(), *others] if entry.values]

    def show_alone(self, alone: bool) -> None:
        """Set whether this chart is maximised."""
        self._is_alone = alone
        self._fit_button()
        words = "Show all charts again (Esc)" if alone else "Maximise this chart (F, or double-click)"
        self.alone.setToolTip(words)
        self.alone.setAccessibleName(f"{self.chart.title}: {words}")

    def set_logarithmic(self, on: bool) -> None:
        """Switch the value axis between linear and logarithmic."""
        self.view.set_logarithmic(on)

    @property
    def columns(self) -> int:
        """Number of point columns of the curves: one per two pixels is as fine as a screen shows."""
        return max(40, int(self.view.width() - px(38)) // 2)

    def value_texts(self) -> list[str]:
        """Return the legend's text for each line: "joint 94.1 | 98.6"."""
        return [f"{e.label} {' | '.join(e.values)}" if e.values else "" for e in self._entries()]

    # -- inside --------------------------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Place the legend beside the title if it fits, else below."""
        super().resizeEvent(event)
        self._place_legend()

    def _show_curves(self) -> None:
        training, validation = [], []
        # All lines of a chart use one style: training curves are pale if any line has a validation curve.
        tested = any(len(points[0]) for _, points in self._drawn.lines)
        for line, (learnt, known) in zip(self.chart.lines, self._drawn.lines, strict=True):
            colour = ink_colour(line.ink)
            training.append(Curve(points=learnt, colour=pale(colour) if tested else colour, width=THIN))
            validation.append(Curve(points=known, colour=colour, width=THICK, dots=True))
        others = [Curve(points=points, colour=colour, width=OTHER) for _, colour, points in self._drawn.others]
        self.view.show_curves([*reversed(training), *others, *reversed(validation)])

    def _entries(self) -> list[Entry]:
        drawn = self._drawn
        entries = []
        for index, (line, (training, validation)) in enumerate(zip(self.chart.lines, drawn.lines, strict=True)):
            values = self._values(validation, drawn.images)
            if self.chart.shows_accuracy:
                values += self._values(drawn.learnt[index] if drawn.learnt else EMPTY, drawn.training_images)
            elif len(training[0]):
                values += (self.chart.text_of(value_at(training, self._place)),)
            entries.append(Entry(ink_colour(line.ink), line.label, values))
        return entries

    def _values(self, points: Points, images: int | None) -> tuple[str, ...]:
        return (self.chart.measured_text(value_at(points, self._place), images),) if len(points[0]) else ()

    def _show_values(self) -> None:
        learning = self.chart.shows_accuracy and any(len(training[0]) for training, _ in self._drawn.lines)
        self._legend.show_entries(
            self._entries(), "numbers come after the first epoch" if learning else "no values yet"
        )
        if self._place is None:
            self.setAccessibleDescription("; ".join(text for text in self.value_texts() if text))

    def _place_legend(self) -> None:
        labels = [line.label for line in self.chart.lines]
        taken = sum(part.sizeHint().width() for part in (self._title, self._unit, self.alone))
        beside = self.width() - taken - 4 * INSIDE_GROUP - 16
        row = 0 if self._legend.room_for(labels) <= beside else 1
        # The accuracy of the main line, with its interval, must not give way to the names of the others. Both large charts
        # do the same, so that their curves begin at the same height.
        self._legend.set_lines(2 if self.chart.large and self.width() < px(_NARROW) else 1)
        if row != self._legend_row:
            self._legend_row = row
            self._layout.addWidget(self._legend, *((0, 2) if row == 0 else (1, 0, 1, 4)))

    def _on_place(self, place: float | None) -> None:
        self.place_pointed.emit(place, self.chart.name)

    def _on_alone(self) -> None:
        self.alone_asked.emit(self.chart.name)

    def _fit_button(self) -> None:
        set_icon(self.alone, "restore" if self._is_alone else "maximise", colour=tokens().quiet)

    def _fit(self) -> None:
        self._fit_button()
        self._title.setFont(theme().font("body", semibold=True))
        self.alone.setFixedSize(px(24), px(24))
        self.view.fit_look()
        self._show_curves()
        self._place_legend()
        self._show_values()
