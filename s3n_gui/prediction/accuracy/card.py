"""The base class of the cards below the table."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from s3n_gui.appearance.theme import px


class Card(QFrame):
    """A card with a heading; add content to ``column`` and heading widgets to ``head``."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.title, self.note = QLabel(title), QLabel()
        self.title.setProperty("role", "section")
        self.note.setProperty("role", "quiet")
        self.head = QHBoxLayout()
        self.head.setSpacing(8)
        self.head.addStrut(px(28))  # same height with and without buttons
        self.head.addWidget(self.title)
        self.head.addStretch(1)
        self.head.addWidget(self.note)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(12, 6, 12, 8)
        self.column.setSpacing(4)
        self.column.addLayout(self.head)
