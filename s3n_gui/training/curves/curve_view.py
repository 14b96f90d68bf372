"""The plot area of one chart: axes, curves, bands, marks and cursor line, with zoom and pan by mouse and keyboard.

It uses only pyqtgraph's axes, view box and curves: the full PlotItem with menus, buttons and settings takes several
times as long to create, and a page of charts must not block the window.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QWheelEvent

from s3n_gui.appearance.theme import number_font, px, tokens
from s3n_gui.training.curves.chart_marks import Band, Bands, Marks
from s3n_gui.training.curves.charts import Points

_DENSE = 1500
"""From this many points on, curves are drawn one pixel wide and without antialiasing, which is many times faster in Qt."""
_DOTS = 80
"""Curves with at most this many points may have dots."""
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One curve to draw.

    Attributes:
        points: Positions in epochs, and values in the chart's unit.
        colour: Its colour.
        width: Its pen width, in pixels.
        dots: Whether each point has a dot, if there are few points.
    """

    points: Points
    colour: QColor
    width: float
    dots: bool = False


class CurveView(pg.GraphicsView):  # type: ignore[misc]
    """Draws curves over epochs.

    Signals:
        place_pointed: The epoch under the cursor, or None when it has left.
        width_moved: The user has zoomed or panned the epoch axis; start and end.
        whole_asked: Show all epochs (Home).
        alone_asked: Maximise this chart or restore all (double click).
    """

    place_pointed = Signal(object)
    width_moved = Signal(float, float)
    whole_asked = Signal()
    alone_asked = Signal()

    def __init__(self, name: str, *, bounds: tuple[float, float] | None, marks: bool) -> None:
        super().__init__(background=tokens().card)
        self.setAccessibleName(f"Curves: {name}")
        self._bounds = bounds
        self._curves: list[Curve] = []
        self._lines: list[tuple[Any, Any]] = []
        self._moved = False
        self.logarithmic = False
        self.box = _Box(enableMenu=False, defaultPadding=0)
        self.box.disableAutoRange()
        self.box.setLimits(xMin=-0.5)
        self.left = _ValueAxis("left", linkView=self.box)
        self.bottom = pg.AxisItem("bottom", linkView=self.box)
        self.marks = Marks(self.box) if marks else None
        layout = self.centralLayout
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        if self.marks is not None:
            layout.addItem(self.marks, 0, 1)
        layout.addItem(self.left, 1, 0)
        layout.addItem(self.box, 1, 1)
        layout.addItem(self.bottom, 2, 1)
        layout.setRowStretchFactor(1, 100)
        layout.setColumnStretchFactor(1, 100)
        self.left.enableAutoSIPrefix(False)
        self.left.setGrid(30)
        self.left.setZValue(-30)
        self._bands = Bands()
        self._best, self._cursor = pg.InfiniteLine(angle=90), pg.InfiniteLine(angle=90)
        for item in (self._bands, self._best, self._cursor):
            item.setVisible(False)
            self.box.addItem(item, ignoreBounds=True)
        self.box.sigRangeChangedManually.connect(self._on_moved)
        self.fit_look()
        self._show_numbers(False)

    # -- content -------------------------------------------------------------------------------------------------------

    def show_curves(self, curves: Sequence[Curve]) -> None:
        """Replace the curves; the first one is at the bottom."""
        curves = self._curves = [curve for curve in curves if len(curve.points[0])]
        while len(self._lines) < len(curves):
            line, dots = pg.PlotCurveItem(skipFiniteCheck=True), pg.ScatterPlotItem()
            for item in (line, dots):
                item.setZValue(len(self._lines))
                self.box.addItem(item, ignoreBounds=True)
            self._lines.append((line, dots))
        for curve, (line, dots) in zip(curves, self._lines, strict=False):
            self._draw(curve, line, dots)
        for line, dots in self._lines[len(curves) :]:
            line.setVisible(False)
            dots.setVisible(False)
        self._show_numbers(bool(curves))
        self.fit_values()

    def show_bands(self, bands: Sequence[Band]) -> None:
        """Show tinted bands: start and end in epochs, and the label."""
        self._bands.show_bands(bands)
        if self.marks is not None:
            self.marks.show_bands(bands)

    def show_best(self, place: float | None) -> None:
        """Mark the best epoch with a dashed line and a label above the curves."""
        self._best.setVisible(place is not None)
        if place is not None:
            self._best.setValue(place)
        if self.marks is not None:
            self.marks.show_best(place)

    def show_place(self, place: float | None) -> None:
        """Move the cursor line; None hides it."""
        self._cursor.setVisible(place is not None)
        if place is not None:
            self._cursor.setValue(place)

    def show_width(self, low: float, high: float) -> None:
        """Set the visible range of epochs."""
        self.box.setXRange(low, high, padding=0)

    def width_seen(self) -> tuple[float, float]:
        """Return the visible range of epochs: start and end."""
        low, high = self.box.viewRange()[0]
        return float(low), float(high)

    def set_logarithmic(self, on: bool) -> None:
        """Switch the value axis between linear and logarithmic."""
        self.logarithmic = on
        self.left.setLogMode(on)
        self.show_curves(self._curves)
        self.reset_values()

    def reset_values(self) -> None:
        """Fit the value axis again after the user has moved it."""
        self._moved = False
        self.fit_values()

    def fit_values(self) -> None:
        """Fit the value axis to the visible values, from zero if linear, unless the user has moved it."""
        if self._moved:
            return
        low, high = self.width_seen()
        seen = [
            values[(places >= low) & (places <= high)] for places, values in (curve.points for curve in self._curves)
        ]
        known = np.concatenate([np.zeros(0), *seen])
        if self.logarithmic:
            known = np.log10(known[known > 0])
            bounds = (float(known.min()), float(known.max())) if len(known) else (-1.0, 0.0)
            bounds = bounds if bounds[1] - bounds[0] > 0.1 else (bounds[0] - 0.5, bounds[1] + 0.5)
        elif self._bounds is not None:
            bounds = self._bounds
        else:
            bounds = (0.0, float(known.max()) * 1.05 if len(known) and known.max() > 0 else 1.0)
        self.box.setYRange(*bounds, padding=0.05)

    def fit_look(self) -> None:
        """Apply the theme's colours and sizes."""
        now = tokens()
        self.setBackground(now.card)
        for axis in (self.left, self.bottom):
            axis.setPen(pg.mkPen(now.border))
            axis.setTextPen(pg.mkPen(now.quiet))
            axis.setStyle(tickLength=0, tickFont=number_font("caption"), tickTextOffset=6, maxTickLevel=0)
        self.left.setWidth(px(38))
        self.bottom.setHeight(px(20))
        self._best.setPen(pg.mkPen(now.good, width=1, style=Qt.PenStyle.DashLine))
        self._cursor.setPen(pg.mkPen(now.quiet, width=1))
        self._bands.update()
        if self.marks is not None:
            self.marks.setFixedHeight(px(15))
            self.marks.update()

    # -- mouse and keys ------------------------------------------------------------------------------------------------

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom if Ctrl is held, else let the page scroll."""
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            place = self.box.mapSceneToView(self.mapToScene(event.position().toPoint())).x()
            self._zoom(0.8 if event.angleDelta().y() > 0 else 1.25, float(place))
            event.accept()
        else:
            event.ignore()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Zoom and pan with the keyboard."""
        key = event.key()
        low, high = self.width_seen()
        if key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self._zoom(0.8, (low + high) / 2)
        elif key == Qt.Key.Key_Minus:
            self._zoom(1.25, (low + high) / 2)
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            shift = (high - low) * (0.1 if key == Qt.Key.Key_Right else -0.1)
            self._move(low + shift, high + shift)
        elif key == Qt.Key.Key_Home:
            self.whole_asked.emit()
        else:
            event.ignore()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Request to maximise this chart or restore all."""
        self.alone_asked.emit()
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Emit the epoch under the cursor."""
        super().mouseMoveEvent(event)
        place = self.mapToScene(event.position().toPoint())
        inside = self.box.sceneBoundingRect().contains(place)
        self.place_pointed.emit(float(self.box.mapSceneToView(place).x()) if inside else None)

    def leaveEvent(self, event: QEvent) -> None:
        """Emit that the cursor has left."""
        self.place_pointed.emit(None)
        super().leaveEvent(event)

    # -- inside --------------------------------------------------------------------------------------------------------

    def _draw(self, curve: Curve, line: Any, dots: Any) -> None:
        places, values = curve.points
        if self.logarithmic and len(values):
            above = values > 0
            places, values = places[above], np.log10(values[above])
        dense = len(values) >= _DENSE
        pen = pg.mkPen(curve.colour, width=1.0 if dense else curve.width)
        line.setData(places, values, pen=pen, antialias=not dense, skipFiniteCheck=True)
        line.setVisible(len(values) > 0)
        # a single point makes no line
        dotted = len(values) == 1 or (curve.dots and 0 < len(values) <= _DOTS)
        dots.setVisible(dotted)
        if dotted:
            dots.setData(x=places, y=values, size=5, brush=pg.mkBrush(curve.colour), pen=None, antialias=True)

    def _show_numbers(self, shown: bool) -> None:
        """Show axis labels only if something is drawn."""
        for axis in (self.left, self.bottom):
            if axis.style["showValues"] != shown:
                axis.setStyle(showValues=shown)

    def _zoom(self, factor: float, fixed: float) -> None:
        low, high = self.width_seen()
        self._move(fixed - (fixed - low) * factor, fixed + (high - fixed) * factor)

    def _move(self, low: float, high: float) -> None:
        self.show_width(max(low, -0.5), high)
        self.width_moved.emit(*self.width_seen())

    def _on_moved(self, axes: Sequence[bool]) -> None:
        self._moved = self._moved or bool(axes[1] and self.box.values_dragged)
        self.width_moved.emit(*self.width_seen())


class _ValueAxis(pg.AxisItem):  # type: ignore[misc]
    """A value axis whose labels never overlap, however low the chart is."""

    def tickValues(self, low: float, high: float, size: float) -> list[tuple[float, list[float]]]:
        """Return the tick positions, fewer if the labels would touch."""
        if self.logMode:
            return [(1.0, _log_places(low, high, size))] if high > low else []
        levels: list[tuple[float, list[float]]] = super().tickValues(low, high, size)
        if not levels or high <= low:
            return levels
        spacing, values = levels[0]
        while spacing and len(values) > 2 and size * spacing / (high - low) < px(15):
            spacing *= 2
            values = [value for value in values if abs(value / spacing - round(value / spacing)) < 1e-3]
        return [(spacing, values)]

    def logTickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        """Return decimal labels for numbers of usual size, and powers of ten for the others."""
        return [f"{10**value:.3g}" if -3.01 < value < 4 else _power_text(value) for value in values]


def _power_text(value: float) -> str:
    """Format ``10**value`` with one significant digit: 2·10⁻⁵."""
    digit, _, exponent = f"{10**value:.0e}".partition("e")
    power = "10" + str(int(exponent)).translate(_RAISED)
    return power if digit == "1" else f"{digit}·{power}"


def _log_places(low: float, high: float, size: float) -> list[float]:
    """Return log10 of the labelled values between ``10**low`` and ``10**high``: round ones that do not overlap."""
    apart = px(15) * (high - low) / max(size, 1.0)
    taken: list[float] = []
    for digits in ((1,), (2, 5), (3, 4, 6, 7, 8, 9)):  # rounder digits first
        if digits[0] == 3 and len(taken) > 1:
            break
        for decade in range(math.floor(low), math.ceil(high) + 1):
            for place in (decade + math.log10(digit) for digit in digits):
                if low <= place <= high and all(abs(place - other) >= apart for other in taken):
                    taken.append(place)
    return sorted(taken)


class _Box(pg.ViewBox):  # type: ignore[misc]
    """A view box that pans along the epochs; along the values only by dragging the value axis."""

    values_dragged = False

    def mouseDragEvent(self, event: Any, axis: int | None = None) -> None:
        """Pan."""
        self.values_dragged = axis == 1
        super().mouseDragEvent(event, axis=0 if axis is None else axis)
