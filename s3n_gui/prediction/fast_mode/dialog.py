"""The dialog of fast mode: what it gains and costs on the validation images, and its threshold."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, QSize, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from s3n_core.evaluation.cascade import CascadePoint
from s3n_gui.appearance.theme import px, theme
from s3n_gui.appearance.tokens import BETWEEN_GROUPS, INSIDE_GROUP
from s3n_gui.appearance.wording import count_text
from s3n_gui.prediction.fast_mode.measurement import FastModeMeasurement
from s3n_gui.prediction.fast_mode.plot import FastModePlot
from s3n_gui.widgets.dialog_size import fit_in_window
from s3n_gui.widgets.number_fields import FractionField

_HIGHEST = 10.0  # nats: the entropy of 20,000 equally probable classes
_ABOUT = (
    "Where branch O alone is certain, branches D and C are skipped: one pass through the network instead of several. An "
    "image counts as certain if its entropy H is at most a threshold. Inspect always runs all branches."
)


class FastModeDialog(QDialog):
    """Shows the measured effect, and lets the user choose the threshold with one click, by the curve or by number.

    Signals:
        chosen: The entropy, in nats, up to which O alone predicts an image; None turns fast mode off.
    """

    chosen = Signal(object)

    def __init__(self, measurement: FastModeMeasurement, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Fast mode")
        self._measurement = measurement
        self._stop_below: float | None = None
        self._running = False
        title, about = QLabel("Fast mode"), QLabel(_ABOUT)
        title.setProperty("role", "section")
        about.setWordWrap(True)
        self.plot = FastModePlot()
        self.effect = QLabel()
        self.effect.setWordWrap(True)
        self.advice = QLabel()
        self.advice.setProperty("role", "quiet")
        self.advice.setWordWrap(True)
        self.measure = QPushButton("Measure effect")
        self.measure.setProperty("role", "primary")
        self.best = QPushButton("No loss on these images")
        self.best.setProperty("role", "primary")
        self.best.setToolTip("The threshold that saves the most without losing accuracy on the validation images")
        self.off = QPushButton("Turn off")
        self.threshold = FractionField(trimmed=True)
        self.threshold.setRange(0.0, _HIGHEST)
        self.threshold.setDecimals(6)
        self.threshold.setSingleStep(0.05)
        self.threshold.setSpecialValueText("off")
        self.threshold.setPrefix("H ≤ ")
        self.threshold.setSuffix(" nats")
        self.threshold.setAccessibleName("Fast mode: stop after O up to this entropy")
        self.threshold.setToolTip("Stop after O if entropy H is at most this value, in nats; 0 turns fast mode off")
        self.close_button = QPushButton("Close")
        for button in (self.measure, self.best, self.off, self.close_button):
            button.setAutoDefault(False)  # Enter in the number field must not press one
        row = QHBoxLayout()
        row.setSpacing(INSIDE_GROUP)
        for control in (self.measure, self.best, self.threshold, self.off):
            row.addWidget(control)
        row.addStretch(1)
        row.addWidget(self.close_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(BETWEEN_GROUPS, BETWEEN_GROUPS, BETWEEN_GROUPS, 16)
        column.setSpacing(INSIDE_GROUP)
        for widget in (title, about, self.plot, self.effect, self.advice):
            column.addWidget(widget)
        column.setStretchFactor(self.plot, 1)
        column.addSpacing(BETWEEN_GROUPS - INSIDE_GROUP)
        column.addLayout(row)
        self.measure.clicked.connect(measurement.measure)
        self.best.clicked.connect(self._take_best)
        self.off.clicked.connect(self._turn_off)
        self.threshold.valueChanged.connect(self._on_threshold)
        self.plot.picked.connect(self._take)
        self.close_button.clicked.connect(self.close)
        measurement.changed.connect(self._show)
        theme().changed.connect(self._fit)
        self._fit()
        self._show()

    def show_stop_below(self, entropy: float | None) -> None:
        """Show the chosen threshold, without emitting a signal."""
        self._stop_below = entropy
        with QSignalBlocker(self.threshold):
            self.threshold.setValue(entropy or 0.0)
        self._show()

    def show_running(self, running: bool) -> None:
        """Show whether a prediction is running: another threshold would end it, so none can be chosen then."""
        if running != self._running:
            self._running = running
            self._show()

    def showEvent(self, event: QShowEvent) -> None:
        """Put the focus on what the user most probably wants."""
        super().showEvent(event)
        (self.best if self._measurement.stage == "measured" else self.measure).setFocus()
        self._make_room()

    def _fit(self) -> None:
        self.setMinimumWidth(px(560))
        self._make_room()

    def _make_room(self) -> None:
        """Grow to the height that the wrapped words need at this width, which a layout alone does not ask for."""
        layout = self.layout()
        if layout is not None and self.isVisible():
            needed = QSize(self.width(), max(self.height(), layout.totalHeightForWidth(self.width())))
            fit_in_window(self, needed)

    def _show(self) -> None:
        stage, outcomes = self._measurement.stage, self._measurement.outcomes
        measured = stage == "measured" and outcomes is not None
        self.plot.setVisible(measured)
        self.best.setVisible(measured)
        self.measure.setVisible(stage in ("unmeasured", "measuring"))
        self.measure.setEnabled(stage == "unmeasured")
        for control in (self.plot, self.threshold):
            control.setEnabled(not self._running)
        self.off.setEnabled(self._stop_below is not None and not self._running)
        advice = self._measurement.words or (
            "It can be changed when the prediction has ended." if self._running else ""
        )
        self.advice.setText(advice)
        self.advice.setVisible(bool(advice))
        if not measured or outcomes is None:
            self.effect.setText(
                {
                    "looking": "Looking for the validation images …",
                    "measuring": f"Predicting the validation images of {self._measurement.folder} …",
                    "unmeasured": f"Its effect on the validation images of {self._measurement.folder} is not known yet.",
                }.get(stage, "There is nothing to measure its effect on.")
            )
            return
        curve, whole = outcomes.curve(), outcomes.at(None)
        point, best = outcomes.at(self._stop_below), outcomes.no_loss()
        self.plot.show_curve(curve)
        self.plot.show_mark(point)
        images = count_text(whole.images, "validation image")
        effect = point.effect_text(whole)
        self.effect.setText(f"On {images} of {self._measurement.folder}: {effect}.")
        self.best.setEnabled(best.stop_below not in (None, self._stop_below) and not self._running)
        if best.stop_below is None:
            self.advice.setText("Even the lowest threshold loses accuracy on these images.")
            self.advice.show()
        self._make_room()

    def _take_best(self) -> None:
        if self._measurement.outcomes is not None:
            self._take(self._measurement.outcomes.no_loss())

    def _take(self, point: CascadePoint) -> None:
        self.chosen.emit(point.stop_below)

    def _turn_off(self) -> None:
        self.chosen.emit(None)

    def _on_threshold(self, entropy: float) -> None:
        self.chosen.emit(round(entropy, 6) or None)
