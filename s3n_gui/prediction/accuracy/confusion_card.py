"""The confusion card: the matrix and the most confused pairs; enlarged, also class names, sort order and zoom."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QToolButton, QWidget

from s3n_core.datasets.records import displayed_class
from s3n_core.evaluation.accuracy import TableAccuracy
from s3n_core.evaluation.confusion import ORDERS, ClassOrder, ConfusedPair, class_order, confused_pairs
from s3n_gui.appearance.theme import px, set_icon
from s3n_gui.appearance.wording import count_text, tip_text
from s3n_gui.prediction.accuracy.card import Card
from s3n_gui.prediction.accuracy.confused_pairs_list import ConfusedPairsList
from s3n_gui.prediction.accuracy.confusion_view import ConfusionView
from s3n_gui.prediction.accuracy.matrix_frame import Cell
from s3n_gui.widgets.elided_label import ElidedLabel

_ORDER_TEXTS: dict[ClassOrder, tuple[str, str]] = {
    "confusion": ("Confused side by side", "Classes that are confused with each other are next to each other"),
    "model": ("The model's order", "Classes in the model's order"),
    "recall": ("Lowest recall first", "Classes with the lowest recall come first"),
}
_HINT = "Click a cell to see its images, double-click to inspect one; wheel to zoom, drag to move"
_NOTE_NEEDS = 640


class ConfusionCard(Card):
    """The confusion matrix and the list of confused pairs.

    Signals:
        pair_chosen: Indices (into the table's names) of a true and a predicted class whose images to show.
        pair_opened: The same, with a request to inspect one of the images.
        enlarge_asked: Whether to enlarge the card.
    """

    pair_chosen = Signal(int, int)
    pair_opened = Signal(int, int)
    enlarge_asked = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Confusion", parent)
        self._accuracy: TableAccuracy | None = None
        self._names: list[str] = []
        self._pair: tuple[int, int] | None = None
        self._shown = np.zeros(0, dtype=np.int64)  # indices into the accuracy's classes, in matrix order
        self._large = False
        self.matrix, self.pairs = ConfusionView(), ConfusedPairsList()
        self.order = QComboBox()
        self.order.setAccessibleName("Order of the classes")
        self.order.setToolTip("Order of the classes in the matrix")
        for number, name in enumerate(sorted(ORDERS, key=list(_ORDER_TEXTS).index)):
            self.order.addItem(_ORDER_TEXTS[name][0], name)
            self.order.setItemData(number, _ORDER_TEXTS[name][1], Qt.ItemDataRole.ToolTipRole)
        self.only_mistaken = QCheckBox("Only with mistakes")
        self.only_mistaken.setToolTip("Show only classes with mistakes")
        self.whole, self.enlarge = QToolButton(), QToolButton()
        set_icon(self.whole, "restore")
        self.whole.setToolTip("Fit matrix (0)")
        self.whole.setAccessibleName("Fit matrix")
        self.enlarge.setAccessibleName("Large matrix")
        after_title = self.head.indexOf(self.title) + 1
        self.head.insertWidget(after_title, self.order)
        self.head.insertWidget(after_title + 1, self.only_mistaken)
        self.head.addWidget(self.whole)
        self.head.addWidget(self.enlarge)
        self.sentence = ElidedLabel()
        self.sentence.setProperty("role", "quiet")
        self._row = QHBoxLayout()
        self._row.setSpacing(8)
        self._row.addWidget(self.matrix, 1)
        self._row.addWidget(self.pairs, 1)
        self.column.addLayout(self._row, 1)
        self.column.addWidget(self.sentence)
        self.matrix.cell_chosen.connect(self._on_cell)
        self.matrix.cell_opened.connect(self._on_opened)
        self.matrix.pointed.connect(self._on_pointed)
        self.pairs.pair_chosen.connect(self._on_pair)
        self.pairs.pair_opened.connect(self._on_pair_opened)
        self.order.activated.connect(self._rearrange)
        self.only_mistaken.toggled.connect(self._rearrange)
        self.whole.clicked.connect(self.matrix.show_whole)
        self.enlarge.clicked.connect(self._on_enlarge)
        self.set_large(False)

    @property
    def large(self) -> bool:
        """Whether the card is enlarged, with class names, sort order and zoom."""
        return self._large

    def set_large(self, large: bool) -> None:
        """Enlarge the card, or make it small."""
        self._large = large
        for widget in (self.order, self.only_mistaken, self.whole, self.sentence):
            widget.setVisible(large)
        set_icon(self.enlarge, "close" if large else "maximise")
        tip = "Back to the small matrix (Esc)" if large else "Large matrix with names, orders and zoom (Ctrl+M)"
        self.enlarge.setToolTip(tip)
        self.matrix.set_labelled(large)
        self.note.setVisible(not large or self.width() >= px(_NOTE_NEEDS))
        for place, share in enumerate((3, 1) if large else (1, 1)):
            self._row.setStretch(place, share)
        self.pairs.setMinimumWidth(px(220) if large else px(136))  # a share with its interval is not cut
        self._rearrange()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave out the number of mistakes beside the controls of a narrow large matrix."""
        super().resizeEvent(event)
        self.note.setVisible(not self._large or self.width() >= px(_NOTE_NEEDS))

    def show_accuracy(self, accuracy: TableAccuracy, names: list[str], *, settled: bool = True) -> None:
        """Show the confusion of a table's predictions.

        Args:
            accuracy: Its accuracy.
            names: Its class names.
            settled: Whether the table is complete; until then, the order is kept as long as the classes are the same.
        """
        same = self._accuracy is not None and np.array_equal(self._accuracy.classes, accuracy.classes)
        self._accuracy, self._names = accuracy, names
        self.note.setText(count_text(accuracy.counted - accuracy.correct, "mistake"))
        self._rearrange(keep=same and not settled)

    def choose(self, pair: tuple[int, int] | None) -> None:
        """Mark the pair (indices into the names) whose images are shown, and scroll to it."""
        self._pair = pair
        self._mark()
        self.matrix.choose(self.matrix.chosen)

    def _mark(self) -> None:
        """Mark the pair wherever it is now, without scrolling to it."""
        classes = [] if self._accuracy is None else self._accuracy.classes.tolist()
        self.pairs.mark(_cell_of(self._pair, classes))
        self.matrix.mark(_cell_of(self._pair, [classes[at] for at in self._shown.tolist()]))

    def _rearrange(self, *_: object, keep: bool = False) -> None:
        accuracy = self._accuracy
        if accuracy is None:
            return
        counts = accuracy.confusion
        if not keep:
            order: ClassOrder = self.order.currentData() if self._large else "model"
            self._shown = class_order(counts, order)
            if self._large and self.only_mistaken.isChecked():
                off: NDArray[Any] = counts - np.diag(counts.diagonal())
                mistaken = off.sum(axis=0) + off.sum(axis=1) > 0
                self._shown = self._shown[mistaken[self._shown]]
        names = [displayed_class(self._names[index]) for index in accuracy.classes.tolist()]
        self.matrix.show_counts(counts[np.ix_(self._shown, self._shown)], [names[at] for at in self._shown.tolist()])
        pairs: tuple[ConfusedPair, ...] = confused_pairs(counts)
        self.pairs.show_pairs(pairs, names)
        self.pairs.setVisible(bool(pairs))  # without mistakes, the matrix has the whole card
        self._mark()

    def _class_at(self, place: int) -> int:
        assert self._accuracy is not None
        return int(self._accuracy.classes[self._shown[place]])

    def _on_cell(self, row: int, column: int) -> None:
        self._tell(self.pair_chosen, (row, column))

    def _on_opened(self, row: int, column: int) -> None:
        self._tell(self.pair_opened, (row, column))

    def _tell(self, signal: Any, cell: Cell) -> None:
        pair = self._class_at(cell[0]), self._class_at(cell[1])
        signal.emit(*pair)
        self.choose(pair)

    def _on_pair(self, label: int, predicted: int) -> None:
        if self._accuracy is not None:
            pair = int(self._accuracy.classes[label]), int(self._accuracy.classes[predicted])
            self.pair_chosen.emit(*pair)
            self.choose(pair)

    def _on_pair_opened(self, label: int, predicted: int) -> None:
        if self._accuracy is not None:
            self.pair_opened.emit(int(self._accuracy.classes[label]), int(self._accuracy.classes[predicted]))

    def _on_pointed(self, words: str) -> None:
        self.sentence.setText(words or _HINT)
        self.sentence.setToolTip(tip_text(words))

    def _on_enlarge(self) -> None:
        self.enlarge_asked.emit(not self._large)


def _cell_of(pair: tuple[int, int] | None, classes: list[int]) -> Cell | None:
    """Return where the classes of a pair are in a list; None if it does not hold both."""
    return None if pair is None or not set(pair) <= set(classes) else (classes.index(pair[0]), classes.index(pair[1]))
