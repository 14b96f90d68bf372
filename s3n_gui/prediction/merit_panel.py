"""The three cards below the table, side by side."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from s3n_gui.prediction.confusion_view import ConfusionView
from s3n_gui.prediction.figures_of_merit import Merit
from s3n_gui.prediction.merit_cards import Card, ClassTable, ThresholdCard
from s3n_gui.prediction.shown_names import shown_class
from s3n_gui.wording import count_text


class MeritPanel(QWidget):
    """How good the answers are; without labels only how many a threshold leaves.

    Signals:
        threshold_changed: The probability from which an answer counts.
        pair_chosen: Indices of a known class and an answer whose images are wanted.
        class_chosen: Index of a known class whose images are wanted.
    """

    threshold_changed = Signal(float)
    pair_chosen = Signal(int, int)
    class_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.threshold_card = ThresholdCard()
        self.confusion_card, self.class_card = Card("Confusion"), Card("Classes")
        self.confusion, self.classes = ConfusionView(), ClassTable()
        self.confusion_card.column.addWidget(self.confusion, 1)
        self.class_card.column.addWidget(self.classes, 1)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        for card in (self.threshold_card, self.confusion_card, self.class_card):
            row.addWidget(card, 1)
        self._merit: Merit | None = None
        self.threshold_card.threshold_changed.connect(self.threshold_changed)
        self.confusion.cell_chosen.connect(self._on_cell)
        self.classes.class_chosen.connect(self.class_chosen)

    @property
    def threshold(self) -> float:
        """The probability from which an answer counts."""
        return self.threshold_card.threshold

    def show_merit(self, merit: Merit | None, names: list[str]) -> None:
        """Show how good the answers are."""
        self._merit = merit
        judged = merit is not None and merit.judged > 0
        self.confusion_card.setVisible(judged)
        self.class_card.setVisible(judged)
        self.threshold_card.show_merit(merit)
        if merit is not None and judged:
            shown = [shown_class(names[index]) for index in merit.classes.tolist()]
            self.confusion.show_counts(merit.confusion, shown)
            self.confusion_card.note.setText(count_text(merit.judged - merit.right, "mistake"))
            self.class_card.note.setText(count_text(len(merit.classes), "class", "classes"))
            self.classes.show_merit(merit, names)

    def _on_cell(self, row: int, column: int) -> None:
        if self._merit is not None:
            self.confusion.choose((row, column))
            self.pair_chosen.emit(int(self._merit.classes[row]), int(self._merit.classes[column]))
