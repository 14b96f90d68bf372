"""What must be read before the figures: the model has seen these images, or does not know their classes."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from s3n_core.evaluation.label_check import unknown_labels
from s3n_gui.appearance.theme import set_icon, theme, tokens
from s3n_gui.prediction.table.prediction_columns import PredictionColumns

_OFFERS = {"test": "Only test images", "val": "Only validation images"}


class Headline(QFrame):
    """A card above the results; hidden while there is nothing to say.

    Signals:
        split_asked: "test" or "val": predict only these images, which tell how good the model is.
    """

    split_asked = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self._icon, self._words = QLabel(), QLabel()
        self._words.setProperty("role", "headline")
        self._words.setWordWrap(True)
        self._words.setTextFormat(Qt.TextFormat.PlainText)
        self._words.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 6, 12, 6)
        row.setSpacing(8)
        row.addWidget(self._icon)
        row.addWidget(self._words, 1)
        self.measure = QPushButton()
        self.measure.clicked.connect(self._on_measure)
        self._split = ""
        row.addWidget(self.measure)
        theme().changed.connect(self._draw)
        self._draw()
        self.hide()

    @property
    def words(self) -> str:
        """The text."""
        return self._words.text()

    def show_words(self, words: str, split: str = "") -> None:
        """Show a text; an empty one hides the card.

        Args:
            words: The text.
            split: "test" or "val": offer to predict only this split; empty: no offer.
        """
        self._split = split
        self.measure.setText(_OFFERS.get(split, ""))
        self.measure.setVisible(bool(split))
        self._words.setText(words)
        self.setAccessibleName(words)
        self.setVisible(bool(words))

    def _on_measure(self) -> None:
        self.split_asked.emit(self._split)

    def _draw(self) -> None:
        set_icon(self._icon, "caution", 20, colour=tokens().caution)


def headline_words(predictions: PredictionColumns | None) -> str:
    """Say what the accuracy of a table means, or why there is none; empty if nothing has to be said."""
    if predictions is None or not len(predictions):
        return ""
    label = predictions.column("label")
    found = np.unique(label[(label >= 0) & (predictions.column("class") >= 0)], return_counts=True)
    labels = {predictions.names[index]: count for index, count in zip(*(part.tolist() for part in found), strict=True)}
    sentences = [unknown_labels(labels, frozenset(predictions.header.classes))] if labels else []
    seen = predictions.seen()
    if seen.images and not seen.is_fair:
        sentences.append(seen.sentence())
    return " ".join(sentence for sentence in sentences if sentence)
