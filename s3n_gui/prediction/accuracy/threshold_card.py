"""The accuracy card: overall accuracy, and accuracy of the predictions above a confidence threshold."""

from __future__ import annotations

import math

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSlider, QWidget

from s3n_core.evaluation.accuracy import TableAccuracy
from s3n_core.evaluation.intervals import accuracy_text
from s3n_gui.appearance.theme import number_font, theme
from s3n_gui.appearance.wording import percent_text
from s3n_gui.prediction.accuracy.card import Card
from s3n_gui.prediction.accuracy.coverage_plot import CoveragePlot

_POSITIONS = 1000


class ThresholdCard(Card):
    """Accuracy, and coverage and accuracy above a confidence threshold.

    Signals:
        threshold_changed: The minimum confidence of an accepted prediction, in [0, 1].
    """

    threshold_changed = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Accuracy", parent)
        self._accuracy: TableAccuracy | None = None
        self.plot = CoveragePlot()
        self.sentence = QLabel()
        self.sentence.setWordWrap(True)
        self.sentence.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, _POSITIONS)
        self.slider.setAccessibleName("Confidence threshold")
        self.slider.setToolTip("Images with lower confidence are left to a person")
        self.number = QLabel()
        name = QLabel("Threshold")
        name.setProperty("role", "quiet")
        name.setBuddy(self.slider)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(name)
        row.addWidget(self.slider, 1)
        row.addWidget(self.number)
        self.column.addWidget(self.plot, 1)
        self.column.addLayout(row)
        self.column.addWidget(self.sentence)
        self.slider.valueChanged.connect(self._on_slider)
        self.plot.picked.connect(self._on_picked)
        theme().changed.connect(self._on_theme)
        self._on_theme()

    @property
    def threshold(self) -> float:
        """The minimum confidence of an accepted prediction, in [0, 1]."""
        return self.slider.value() / _POSITIONS

    def show_accuracy(self, accuracy: TableAccuracy | None, *, labelled: bool = False) -> None:
        """Show the accuracy of the predictions; None clears the card."""
        self._accuracy = accuracy
        counted = accuracy is not None and accuracy.counted > 0
        self.title.setText("Accuracy" if counted else "Coverage")
        if accuracy is not None and counted:
            self.note.setText(accuracy.top1_text)
            self.plot.show_accuracy(accuracy.coverage.curve())
        elif accuracy is not None:
            self.note.setText("No label that the model knows" if labelled else "No labels: accuracy cannot be computed")
            self.plot.show_coverage(*accuracy.coverage.by_threshold())
        self._say()

    def _say(self) -> None:
        self.number.setText(f"{self.threshold:.3f}")
        if self._accuracy is None:
            self.sentence.clear()
            return
        coverage, top1 = self._accuracy.coverage.at(self.threshold)
        if self._accuracy.counted:
            self.plot.show_mark(coverage, top1)
        else:
            self.plot.show_mark(self.threshold, coverage)
        words = f"Predicts {percent_text(coverage)} of the images"
        if top1 is not None:
            words += f", accuracy {accuracy_text(*self._accuracy.coverage.counts_at(self.threshold))}"
        self.sentence.setText(words)
        self._keep_sentence()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The sentence needs another height at another width."""
        super().resizeEvent(event)
        self._keep_sentence()

    def _keep_sentence(self) -> None:
        """Reserve the height of the sentence's lines, two at least: what is above it must not give way to them."""
        edges = self.column.contentsMargins()
        lines = self.sentence.heightForWidth(max(self.width() - edges.left() - edges.right(), 1))
        self.sentence.setMinimumHeight(max(lines, 2 * self.sentence.fontMetrics().lineSpacing()))

    def _on_slider(self) -> None:
        self._say()
        self.threshold_changed.emit(self.threshold)

    def _on_picked(self, across: float) -> None:
        accuracy = self._accuracy
        if accuracy is None or not accuracy.predicted:
            return
        if accuracy.counted:
            count = min(max(round(across * accuracy.images), 1), accuracy.predicted)
            across = float(accuracy.coverage.confidences[count - 1])
        self.slider.setValue(math.floor(across * _POSITIONS))

    def _on_theme(self) -> None:
        self.number.setFont(number_font("body"))
        self.number.setFixedWidth(self.number.fontMetrics().horizontalAdvance("0.000") + 4)
        self._keep_sentence()
