"""One chart: its title, a legend that gives the values under the cursor, and the curves."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from s3n_gui.theme import branch_colour, number_font, px, theme, tokens
from s3n_gui.tokens import SPACE
from s3n_gui.training.charts import EMPTY, Chart, Ink, Points, value_at

THIN, THICK = 1.3, 2.2
_DENSE = 3000
"""From so many points on curves are drawn without smooth edges, which would take too long."""


def ink_colour(ink: Ink) -> QColor:
    """Return the colour of a line in the theme that holds now."""
    if ink == "text":
        return QColor(tokens().text)
    return QColor(tokens().accent) if ink == "accent" else branch_colour(ink)


class ChartPlot(QFrame):
    """Draws one chart.

    Signals:
        place_pointed: The place under the cursor in epochs, or None when it has left.
        range_moved: Somebody zoomed or panned.
        width_changed: The range of epochs that is seen is another: from, to.
        reset_asked: A double click asks for everything to be seen again.
    """

    place_pointed = Signal(object)
    range_moved = Signal()
    width_changed = Signal(float, float)
    reset_asked = Signal()

    def __init__(self, chart: Chart, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.chart = chart
        self.setProperty("role", "card")
        self.setToolTip(chart.tip)
        self.setAccessibleName(f"Chart: {chart.title}")
        self.setAccessibleDescription(chart.tip)
        self._title = QLabel(chart.title)
        self._key = QLabel(f"{chart.unit}")
        self._key.setProperty("role", "caption")
        self._legend = QLabel()
        self._legend.setWordWrap(True)
        self._legend.setTextFormat(Qt.TextFormat.RichText)
        self._legend.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self.view = _View(self)
        self.plot: Any = self.view.getPlotItem()
        self.plot.ctrlMenu.deleteLater()  # it has no owner, and is never shown
        self.plot.ctrlMenu = None
        self._prepare_plot()
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self._title)
        head.addStretch(1)
        head.addWidget(self._key)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 8, 4)
        column.setSpacing(2)
        column.addLayout(head)
        column.addWidget(self._legend)
        column.addWidget(self.view, 1)
        self._training: list[Any] = []
        self._held_out: list[Any] = []
        self._points: list[tuple[Points, Points]] = [(EMPTY, EMPTY)] * len(chart.lines)
        self._others: list[tuple[Any, Points, str, QColor]] = []
        self._bands: list[Any] = []
        self._place: float | None = None
        self._moved = False
        self.logarithmic = False
        self._make_items()
        theme().changed.connect(self._fit)
        self._fit()
        self.set_logarithmic(chart.logarithmic)

    # -- what is drawn ---------------------------------------------------------------------------------------------------

    def show_points(self, points: Sequence[tuple[Points, Points]]) -> None:
        """Draw the lines.

        Args:
            points: For each line of the chart its points on training and on held-out images.
        """
        self._points = list(points)
        for (training, held_out), thin, thick in zip(points, self._training, self._held_out, strict=True):
            dense = len(training[0]) >= _DENSE
            if dense != (thin.opts["pen"].widthF() == 1.0):
                # Qt draws lines of one pixel many times faster than wider ones.
                thin.setPen(pg.mkPen(thin.opts["pen"].color(), width=1.0 if dense else THIN))
            _set_points(thin, training, self.logarithmic)
            _set_points(thick, held_out, self.logarithmic)
        self._fit_values()
        self._fit_legend()
        self._show_values()

    def show_others(self, others: Sequence[tuple[str, QColor, Points]]) -> None:
        """Lay other runs over it: name, colour and points of each."""
        for item, *_ in self._others:
            self.plot.removeItem(item)
        self._others = []
        for name, colour, points in others:
            item = pg.PlotDataItem(pen=pg.mkPen(colour, width=THIN, style=Qt.PenStyle.DashLine), antialias=True)
            self.plot.addItem(item)
            _set_points(item, points, self.logarithmic)
            self._others.append((item, points, name, colour))
        self._fit_values()
        self._fit_legend()
        self._show_values()

    def show_bands(self, bands: Sequence[tuple[float, float, str]]) -> None:
        """Show phases of the recipe: from, to (in epochs), and what is done in each."""
        for item in self._bands:
            self.plot.removeItem(item)
        self._bands = []
        for start, end, word in bands:
            band = pg.LinearRegionItem((start, end), movable=False, pen=pg.mkPen(None))
            band.setZValue(-20)
            label = pg.InfLineLabel(band.lines[0], word, position=0.94, anchors=[(0, 0), (0, 0)])
            self._bands.append(band)
            self.plot.addItem(band, ignoreBounds=True)
            label.setFont(number_font("caption"))
        self._colour_bands()

    def show_best(self, place: float | None) -> None:
        """Mark the best epoch."""
        self._best.setVisible(place is not None)
        if place is not None:
            self._best.setValue(place)

    def show_place(self, place: float | None) -> None:
        """Move the cursor's line; the legend gives the values there, or the last ones for None."""
        self._place = place
        self._cursor.setVisible(place is not None)
        if place is not None:
            self._cursor.setValue(place)
        self._show_values()

    def set_logarithmic(self, on: bool) -> None:
        """Switch the value axis."""
        self.logarithmic = on
        self.plot.setLogMode(x=False, y=on)
        self.show_points(self._points)
        self.show_others([(name, colour, points) for _, points, name, colour in self._others])
        self.reset_values()

    def reset_values(self) -> None:
        """Let the value axis show everything again."""
        self._moved = False
        self._fit_values()

    def _fit_values(self) -> None:
        """Let a linear axis begin at zero and hold all values, unless somebody has moved it."""
        if self._moved:
            return
        if self.logarithmic:
            self.plot.enableAutoRange(y=True)
            return
        bounds = self.chart.bounds
        if bounds is None:
            every = [points for pair in self._points for points in pair] + [points for _, points, *_ in self._others]
            highest = max((float(values.max()) for _, values in every if len(values)), default=1.0)
            bounds = (0.0, highest * 1.05 or 1.0)
        self.plot.setYRange(*bounds, padding=0.04)

    def value_texts(self) -> list[str]:
        """Return what the legend says, a line each: "joint 94.1 | 98.6 %"."""
        texts = []
        for line, (training, held_out) in zip(self.chart.lines, self._points, strict=True):
            values = [self.chart.text_of(value_at(p, self._place)) for p in (held_out, training) if len(p[0])]
            texts.append(f"{line.label} {' | '.join(values)}" if values else "")
        return texts

    # -- inside ----------------------------------------------------------------------------------------------------------

    def _prepare_plot(self) -> None:
        plot = self.plot
        plot.hideButtons()
        plot.setDownsampling(auto=True, mode="peak")
        plot.setClipToView(True)
        plot.showGrid(x=False, y=True, alpha=0.12)
        plot.getAxis("left").enableAutoSIPrefix(False)
        box = plot.getViewBox()
        box.setLimits(xMin=-0.5)
        box.setAutoVisible(y=True)
        box.disableAutoRange()
        box.sigRangeChangedManually.connect(self._on_range)
        box.sigXRangeChanged.connect(self._on_width)
        plot.scene().sigMouseMoved.connect(self._on_mouse)

    def _make_items(self) -> None:
        for _ in self.chart.lines:
            thin = pg.PlotDataItem(antialias=True, pen=pg.mkPen(width=THIN))
            thick = pg.PlotDataItem(antialias=True)
            for item in (thin, thick):
                self.plot.addItem(item)
                item.setDownsampling(ds=1, auto=True, method="peak")
                item.opts["autoDownsampleFactor"] = 1.5
            self._training.append(thin)
            self._held_out.append(thick)
        self._best = pg.InfiniteLine(angle=90, label="best", labelOpts={"position": 0.08, "anchors": [(0, 1), (1, 1)]})
        self._cursor = pg.InfiniteLine(angle=90)
        for line in (self._best, self._cursor):
            line.setVisible(False)
            self.plot.addItem(line, ignoreBounds=True)

    def _fit(self) -> None:
        now = tokens()
        self._title.setFont(theme().font("body", semibold=True))
        self._legend.setFont(number_font("caption"))
        self._fit_legend()
        self.view.setBackground(now.card)
        for side in ("left", "bottom"):
            axis = self.plot.getAxis(side)
            axis.setPen(pg.mkPen(now.border))
            axis.setTextPen(pg.mkPen(now.quiet))
            axis.setStyle(tickLength=0, tickFont=number_font("caption"), tickTextOffset=6, maxTickLevel=0)
        self.plot.getAxis("left").setWidth(px(40))
        self.plot.getAxis("bottom").setHeight(px(20))
        for line, thin, thick in zip(self.chart.lines, self._training, self._held_out, strict=True):
            colour = ink_colour(line.ink)
            dense = thin.opts["pen"].widthF() == 1.0
            thin.setPen(pg.mkPen(colour, width=1.0 if dense else THIN))
            thick.setPen(pg.mkPen(colour, width=THICK))
            thick.setSymbol("o")
            thick.setSymbolSize(5)
            thick.setSymbolBrush(colour)
            thick.setSymbolPen(pg.mkPen(None))
        self._best.setPen(pg.mkPen(now.good, width=1, style=Qt.PenStyle.DashLine))
        self._best.label.setColor(QColor(now.good))
        self._best.label.setFont(number_font("caption"))
        self._cursor.setPen(pg.mkPen(now.quiet, width=1))
        self._colour_bands()
        self._show_values()

    def _fit_legend(self) -> None:
        metrics = self._legend.fontMetrics()
        texts = [*self.value_texts(), *(f"{name} 0.000" for _, _, name, _ in self._others)]
        wanted = sum(metrics.horizontalAdvance(text) + px(26) for text in texts if text)
        rows = min(3, 1 + int(wanted // max(1, self.width() - px(24))))
        self._legend.setFixedHeight(rows * metrics.lineSpacing() + SPACE)
        both = any(len(held_out[0]) and len(training[0]) for training, held_out in self._points)
        words = ["thick and first: held out"] if both and self.width() > px(240) else []
        self._key.setText(", ".join([*words, self.chart.unit] if self.chart.unit else words))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the legend as many lines as it needs."""
        super().resizeEvent(event)
        self._fit_legend()

    def _colour_bands(self) -> None:
        fill, words = QColor(tokens().accent), QColor(tokens().quiet)
        for index, band in enumerate(self._bands):
            fill.setAlphaF(0.05 if index % 2 else 0.09)
            band.setBrush(fill)
            for child in band.lines[0].childItems():
                child.setColor(words)

    def _show_values(self) -> None:
        parts = []
        for line, text in zip(self.chart.lines, self.value_texts(), strict=True):
            if text:
                parts.append(_swatch(ink_colour(line.ink), text))
        for _, points, name, colour in self._others:
            if len(points[0]):
                parts.append(_swatch(colour, f"{name} {self.chart.text_of(value_at(points, self._place))}", "┅"))
        nothing = "" if parts else f'<span style="color:{tokens().faint}">nothing measured yet</span>'
        self._legend.setText(" &nbsp; ".join(parts) or nothing)

    def _on_mouse(self, position: QPointF) -> None:
        box = self.plot.getViewBox()
        if box.sceneBoundingRect().contains(position):
            self.place_pointed.emit(float(box.mapSceneToView(position).x()))

    def _on_range(self, *_: object) -> None:
        self._moved = True
        self.range_moved.emit()

    def _on_width(self, _: object, width: tuple[float, float]) -> None:
        self.width_changed.emit(*width)


class _View(pg.PlotWidget):  # type: ignore[misc]
    """The wheel scrolls the page, with Ctrl it zooms; arrows and + and - do the same by key."""

    def __init__(self, chart: ChartPlot) -> None:
        super().__init__(enableMenu=False)
        self._chart = chart
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAccessibleName(f"Curves: {chart.chart.title}")

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom with Ctrl, else let the page scroll."""
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._zoom(0.8 if event.angleDelta().y() > 0 else 1.25)
            event.accept()
        else:
            event.ignore()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Zoom and pan by key."""
        key = event.key()
        if key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self._zoom(0.8)
        elif key == Qt.Key.Key_Minus:
            self._zoom(1.25)
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            (low, high), _ = self.getPlotItem().viewRange()
            shift = (high - low) * (0.1 if key == Qt.Key.Key_Right else -0.1)
            self._move(low + shift, high + shift)
        elif key == Qt.Key.Key_Home:
            self._chart.reset_asked.emit()
        else:
            event.ignore()

    def mouseDoubleClickEvent(self, event: Any) -> None:
        """See everything again."""
        self._chart.reset_asked.emit()
        event.accept()

    def leaveEvent(self, event: QEvent) -> None:
        """The cursor has left."""
        self._chart.place_pointed.emit(None)
        super().leaveEvent(event)

    def _zoom(self, factor: float) -> None:
        (low, high), _ = self.getPlotItem().viewRange()
        middle = (low + high) / 2
        self._move(middle - (middle - low) * factor, middle + (high - middle) * factor)

    def _move(self, low: float, high: float) -> None:
        self.getPlotItem().setXRange(max(low, -0.5), high, padding=0)
        self._chart.range_moved.emit()


def _set_points(item: Any, points: Points, logarithmic: bool) -> None:
    places, values = points
    if logarithmic and len(values):
        above = values > 0
        places, values = places[above], values[above]
    item.setData(np.asarray(places), np.asarray(values), antialias=len(values) < _DENSE)


def _swatch(colour: QColor, text: str, sign: str = "■") -> str:
    whole = html.escape(text).replace(" ", "&nbsp;")
    for mark in "|-":  # A line may break after these; a name and its values stay together.
        whole = whole.replace(mark, f"&#8288;{mark}&#8288;")
    return f'<span style="color:{colour.name()}">{sign}</span>&nbsp;{whole}'
