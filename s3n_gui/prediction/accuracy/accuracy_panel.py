"""The cards below the table, side by side, or only the enlarged confusion matrix."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from s3n_core.evaluation.accuracy import TableAccuracy
from s3n_gui.appearance.wording import count_text
from s3n_gui.prediction.accuracy.card import Card
from s3n_gui.prediction.accuracy.class_table import ClassTable
from s3n_gui.prediction.accuracy.confusion_card import ConfusionCard
from s3n_gui.prediction.accuracy.threshold_card import ThresholdCard


class AccuracyPanel(QWidget):
    """The accuracy of the predictions; without labels, coverage by threshold and predictions per class.

    Signals:
        threshold_changed: The minimum confidence of an accepted prediction, in [0, 1].
        pair_chosen: Indices of a true and a predicted class whose images to show.
        pair_opened: The same, with a request to inspect one of the images.
        class_chosen: Index of a class whose images to show: those labelled with it, or without labels those predicted as
            it.
        class_opened: The same, with a request to inspect them.
        enlarge_asked: Whether to enlarge the confusion matrix.
    """

    threshold_changed = Signal(float)
    pair_chosen = Signal(int, int)
    pair_opened = Signal(int, int)
    class_chosen = Signal(int)
    class_opened = Signal(int)
    enlarge_asked = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.threshold_card, self.confusion, self.class_card = ThresholdCard(), ConfusionCard(), Card("Classes")
        self.classes = ClassTable()
        self.class_card.column.addWidget(self.classes, 1)
        self._judged = False
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        for card, share in ((self.threshold_card, 5), (self.confusion, 5), (self.class_card, 6)):
            row.addWidget(card, share)
        self.threshold_card.threshold_changed.connect(self.threshold_changed)
        self.confusion.pair_chosen.connect(self.pair_chosen)
        self.confusion.pair_opened.connect(self.pair_opened)
        self.confusion.enlarge_asked.connect(self.enlarge_asked)
        self.classes.class_chosen.connect(self.class_chosen)
        self.classes.class_opened.connect(self.class_opened)

    @property
    def threshold(self) -> float:
        """The minimum confidence of an accepted prediction, in [0, 1]."""
        return self.threshold_card.threshold

    @property
    def judged(self) -> bool:
        """Whether any prediction has a label to compare with."""
        return self._judged

    def show_accuracy(
        self, accuracy: TableAccuracy | None, names: list[str], *, settled: bool = True, labelled: bool = False
    ) -> None:
        """Show the accuracy of the predictions; ``settled`` means that no more rows will come."""
        self._judged = accuracy is not None and accuracy.counted > 0
        self.threshold_card.show_accuracy(accuracy, labelled=labelled)
        if accuracy is not None:
            if self._judged:
                self.confusion.show_accuracy(accuracy, names, settled=settled)
            self.class_card.note.setText(count_text(len(accuracy.by_class), "class", "classes"))
            self.classes.show_accuracy(accuracy, names)
        self._show_cards()

    def set_large(self, large: bool) -> None:
        """Show only the enlarged confusion matrix, or all cards."""
        if large != self.confusion.large:
            self.confusion.set_large(large)
            self._show_cards()

    def _show_cards(self) -> None:
        large = self.confusion.large
        self.threshold_card.setVisible(not large)
        self.confusion.setVisible(self._judged)
        self.class_card.setVisible(not large)
