"""The line above the tree of classes, with the choice of its sort order."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QWidget

from s3n_gui.dataset.classes.class_nodes import ORDERS, Order

_WORDS: dict[Order, str] = {"name": "By name", "most": "Most images first", "fewest": "Fewest first"}


class ClassOrder(QWidget):
    """The title of the tree and its sort order.

    Signals:
        order_chosen: One of ``ORDERS``.
    """

    order_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        title = QLabel("Classes")
        title.setProperty("role", "section")
        self.choice = QComboBox()
        for order in ORDERS:
            self.choice.addItem(_WORDS[order], order)
        self.choice.setAccessibleName("Order of the classes")
        self.choice.setToolTip("Sort the classes")
        self.choice.currentIndexChanged.connect(self._on_choice)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(title, 1)
        row.addWidget(self.choice)

    @property
    def order(self) -> str:
        """The current order, one of ``ORDERS``."""
        return str(self.choice.currentData())

    def show_order(self, order: str) -> None:
        """Select an order; an unknown one is ignored."""
        if order in ORDERS:
            self.choice.setCurrentIndex(self.choice.findData(order))

    def _on_choice(self) -> None:
        self.order_chosen.emit(self.order)
