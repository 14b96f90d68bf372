"""The definitions of the charts and the points of their lines. No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from s3n_core.evaluation.intervals import accuracy_share_text
from s3n_gui.training.curves.metric_series import Column, MetricSeries, line_weight, smoothed

Ink = Literal["text", "accent", "O", "D", "C", "joint"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One quantity: its training metric (thin, pale) and its validation metric (thick, one dot per epoch).

    Attributes:
        label: Its name in the legend.
        ink: Its colour: a token or a branch.
        training: Name of the training metric; empty without one.
        validation: Name of the validation metric; empty without one.
        per_step: Whether the step lines have the training metric, too.
        complement: Whether to draw 1 - value.
    """

    label: str
    ink: Ink
    training: str = ""
    validation: str = ""
    per_step: bool = False
    complement: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One chart.

    Attributes:
        name: Its name in the code and in files.
        title: The heading above it.
        tip: What it shows and what to look for.
        lines: Its lines; comparisons of runs draw only the first.
        unit: The unit after the values.
        scale: The factor of the values.
        bounds: Range of the value axis; None fits the values.
        logarithmic: Whether its value axis is logarithmic by default.
        large: Whether it is one of the two large charts.
    """

    name: str
    title: str
    tip: str
    lines: tuple[Line, ...]
    unit: str = ""
    scale: float = 1.0
    bounds: tuple[float, float] | None = None
    logarithmic: bool = False
    large: bool = False

    @property
    def shows_accuracy(self) -> bool:
        """Whether its validation values are accuracies, which are shown with their interval."""
        return any(line.validation.startswith("validation_accuracy_") for line in self.lines)

    def measured_text(self, value: float, images: int | None) -> str:
        """Return the value of an epoch as text: an accuracy with its interval.

        Args:
            value: The value, in the chart's unit.
            images: Number of images that it is measured on; None if it is unknown.
        """
        return accuracy_share_text(value / self.scale, images) if self.shows_accuracy else self.text_of(value)

    def text_of(self, value: float) -> str:
        """Return a value as text for the legend, without its unit."""
        if not np.isfinite(value):
            return "–"
        if self.unit == "%":
            return f"{value:.1f}"
        return f"{value:.3g}".replace("e-0", "e-") if abs(value) < 1e5 else f"{value:.0f}"


_BRANCHES: tuple[tuple[str, Ink], ...] = (("joint", "joint"), ("O", "O"), ("D", "D"), ("C", "C"))

CHARTS: tuple[Chart, ...] = (
    Chart(
        name="loss",
        title="Loss",
        tip="What training minimises: the sum of four losses, one for the joint prediction and one for each branch.",
        lines=(
            Line(label="total", ink="text", training="loss", validation="validation_loss", per_step=True),
            *(Line(label=name, ink=ink, training=f"loss_{name}", per_step=True) for name, ink in _BRANCHES),
        ),
        large=True,
    ),
    Chart(
        name="accuracy",
        title="Accuracy",
        tip="Share of images that are predicted correctly: pale for training images, thick for validation images, with "
        "the 95 % interval in brackets. The numbers are those of whole epochs; the pale curve is a mean over the latest batches.",
        lines=tuple(
            Line(
                label=name,
                ink=ink,
                training=f"accuracy_{name}",
                validation=f"validation_accuracy_{name}",
                per_step=True,
            )
            for name, ink in _BRANCHES
        ),
        unit="%",
        scale=100.0,
        bounds=(0.0, 100.0),
        large=True,
    ),
    Chart(
        name="rates",
        title="Learning rates",
        tip="Learning rate of each group of parameters, on a logarithmic axis.",
        lines=(
            Line(label="new layers", ink="text", training="rate_heads", per_step=True),
            Line(label="backbone", ink="accent", training="rate_backbone", per_step=True),
            Line(label="β₁", ink="D", training="rate_radius_d", per_step=True),
            Line(label="β₂", ink="C", training="rate_radius_c", per_step=True),
        ),
        logarithmic=True,
    ),
    Chart(
        name="radii",
        title="Enlargement width (β₁, β₂)",
        tip="How far around a peak the D image (β₁) and the C image (β₂) are enlarged, in cells of the map.",
        lines=(Line(label="β₁", ink="D", training="beta_d"), Line(label="β₂", ink="C", training="beta_c")),
        unit="cells",
    ),
    Chart(
        name="peaks",
        title="Peaks per image",
        tip="Number of peaks in the response map. Without peaks, nothing is enlarged.",
        lines=(Line(label="peaks", ink="accent", training="peaks", validation="validation_peaks"),),
    ),
    Chart(
        name="rules",
        title="Certain and uncertain images",
        tip="Share of images for which the network was certain (map of one class) or uncertain (mean of several maps).",
        lines=(
            Line(label="certain", ink="accent", training="sure_share", validation="validation_sure_share"),
            Line(
                label="uncertain", ink="O", training="sure_share", validation="validation_sure_share", complement=True
            ),
        ),
        unit="%",
        scale=100.0,
        bounds=(0.0, 100.0),
    ),
    Chart(
        name="memory",
        title="Memory",
        tip="Peak memory that training has used on its device.",
        lines=(Line(label="memory", ink="accent", training="memory_bytes"),),
        unit="GB",
        scale=1e-9,
    ),
    Chart(
        name="pace",
        title="Speed",
        tip="Training images per second. If it drops, another program may be using the machine.",
        lines=(Line(label="speed", ink="accent", training="images_per_second", per_step=True),),
        unit="images/s",
    ),
)
"""All charts, in display order."""

Points = tuple[Column, Column]
"""Positions in epochs and values in the chart's unit, both (n,) and finite."""

EMPTY: Points = (np.zeros(0), np.zeros(0))


def training_points(series: MetricSeries, chart: Chart, line: Line, smoothing: float) -> Points:
    """Return the points of a line's training metric."""
    if not line.training:
        return EMPTY
    if line.per_step and line.training in series.names():
        places, values = series.step_places(), series.step_values(line.training)
        if not line.training.startswith("rate_"):
            values = smoothed(values, line_weight(smoothing, len(values)))
        return _finite(places, values, chart, line)
    return epoch_points(series, chart, line)


def epoch_points(series: MetricSeries, chart: Chart, line: Line) -> Points:
    """Return the points of a line's training metric, one per epoch."""
    return _finite(series.epoch_places(), series.epoch_values(line.training), chart, line) if line.training else EMPTY


def validation_points(series: MetricSeries, chart: Chart, line: Line) -> Points:
    """Return the points of a line's validation metric, one per epoch."""
    if not line.validation:
        return EMPTY
    return _finite(series.epoch_places(), series.epoch_values(line.validation), chart, line)


def main_points(series: MetricSeries, chart: Chart, smoothing: float) -> Points:
    """Return the line that represents a run in a comparison: the validation metric if there is one."""
    for line in chart.lines:
        for points in (validation_points(series, chart, line), training_points(series, chart, line, smoothing)):
            if len(points[0]):
                return points
    return EMPTY


def value_at(points: Points, place: float | None) -> float:
    """Return the value nearest to a position, or the last one for None; NaN without points."""
    places, values = points
    if not len(places):
        return float("nan")
    if place is None:
        return float(values[-1])
    index = int(np.searchsorted(places, place))
    if index > 0 and (index == len(places) or place - places[index - 1] <= places[index] - place):
        index -= 1
    return float(values[index])


def _finite(places: Column, values: Column, chart: Chart, line: Line) -> Points:
    if line.complement:
        values = 1.0 - values
    known = np.isfinite(values) & np.isfinite(places)
    if not known.all():
        places, values = places[known], values[known]
    return places, values * chart.scale
