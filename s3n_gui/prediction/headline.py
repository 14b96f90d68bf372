"""What must be read before the figures: the model has seen these images, or does not know their classes or values."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from s3n_core.evaluation.label_check import unknown_labels
from s3n_gui.prediction.table.prediction_columns import PredictionColumns
from s3n_gui.widgets.caution_card import CautionCard

_OFFERS = {
    "test": "Only test images",
    "val": "Only validation images",
    "validation": "Only the run's validation images",
}


class Headline(CautionCard):
    """A card above the results; hidden while there is nothing to say.

    Signals:
        split_asked: "test", "val" or "validation": predict only these images, which tell how good the model is.
    """

    split_asked = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._split = ""
        self.acted.connect(self._on_measure)

    def show_words(self, words: str, split: str = "") -> None:
        """Show a text; an empty one hides the card.

        Args:
            words: The text.
            split: "test", "val" or "validation": offer to predict only this split; empty: no offer.
        """
        self._split = split
        self.offer(_OFFERS.get(split, ""))
        super().show_words(words)

    def _on_measure(self) -> None:
        self.split_asked.emit(self._split)


def headline_words(predictions: PredictionColumns | None) -> str:
    """Say what the accuracy of a table means, or why there is none; empty if nothing has to be said."""
    if predictions is None or not len(predictions):
        return ""
    label = predictions.column("label")
    found = np.unique(label[(label >= 0) & (predictions.column("class") >= 0)], return_counts=True)
    labels = {predictions.names[index]: count for index, count in zip(*(part.tolist() for part in found), strict=True)}
    sentences = list(predictions.header.warnings)
    if labels:
        sentences.append(unknown_labels(labels, frozenset(predictions.header.classes)))
    seen = predictions.seen()
    if seen.images and not seen.is_fair:
        sentences.append(seen.sentence())
    return " ".join(sentence for sentence in sentences if sentence)
