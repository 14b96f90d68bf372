"""The line above the answer: class A, the button that exchanges both, class B."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QSizePolicy, QToolButton, QWidget

from s3n_core.datasets.records import displayed_class
from s3n_gui.appearance.theme import px, set_icon
from s3n_gui.appearance.tokens import INSIDE_GROUP
from s3n_gui.widgets.elided_combo import ElidedComboBox
from s3n_gui.widgets.elided_label import ElidedLabel

_ALL = "All other classes"


class ClassChoosers(QWidget):
    """Two lists of classes.

    Signals:
        chosen: Class A and class B; an empty B stands for all other classes.
        swap_asked: Exchange them.
    """

    chosen = Signal(str, str)
    swap_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.a, self.b = ElidedComboBox(), ElidedComboBox()
        self.swap = QToolButton()
        set_icon(self.swap, "swap")
        self.swap.setAccessibleName("Exchange class A and class B")
        self.swap.setToolTip("Exchange class A and class B (X)")
        self.swap.clicked.connect(self.swap_asked)
        self.images = ElidedLabel()
        self.images.setProperty("role", "quiet")
        self.images.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(INSIDE_GROUP)
        for letter, field in (("A", self.a), ("B", self.b)):
            label = QLabel(letter)
            label.setProperty("role", "quiet")
            label.setBuddy(field)
            field.setAccessibleName(f"Class {letter}")
            field.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            field.setMaximumWidth(px(280))
            field.activated.connect(self._on_a if letter == "A" else self._on_b)
            row.addWidget(label)
            row.addWidget(field, 3)
            if letter == "A":
                row.addWidget(self.swap)
        row.addWidget(self.images, 2)

    def show_classes(self, classes: Sequence[str]) -> None:
        """List the classes."""
        for field in (self.a, self.b):
            with QSignalBlocker(field):
                field.clear()
                for name in classes:
                    field.addItem(displayed_class(name), name)
        with QSignalBlocker(self.b):
            self.b.insertItem(0, _ALL, "")

    def show_pair(self, a: str, b: str) -> None:
        """Show which classes are chosen."""
        for field, name in ((self.a, a), (self.b, b)):
            with QSignalBlocker(field):
                field.setCurrentIndex(field.findData(name))
        self.swap.setEnabled(bool(b))

    def _on_a(self) -> None:
        self._choose(self.b)

    def _on_b(self) -> None:
        self._choose(self.a)

    def _choose(self, other: QComboBox) -> None:
        a, b = self.a.currentData(), self.b.currentData()
        if a == b:  # the other list follows
            with QSignalBlocker(other):
                other.setCurrentIndex((other.currentIndex() + 1) % other.count())
            a, b = self.a.currentData(), self.b.currentData()
        self.chosen.emit(a, b)
