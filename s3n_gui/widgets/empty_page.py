"""The placeholder of a page without content: what the page is for, and buttons to start."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from s3n_gui.appearance.theme import px, set_icon, theme


class EmptyPage(QFrame):
    """An icon, a title, a sentence and up to two buttons.

    Signals:
        asked: The index of the button that was pressed, 0 or 1.
    """

    asked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.picture, self.title, self.text = QLabel(), QLabel(), QLabel()
        self.text.setTextFormat(Qt.TextFormat.PlainText)
        self.title.setTextFormat(Qt.TextFormat.PlainText)
        self.title.setProperty("role", "section")
        self.text.setProperty("role", "quiet")
        self.text.setWordWrap(True)
        self.buttons = (QPushButton(), QPushButton())
        self.buttons[0].setProperty("role", "primary")
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addStretch(1)
        self.buttons[0].clicked.connect(self._on_first)
        self.buttons[1].clicked.connect(self._on_second)
        for button in self.buttons:
            row.addWidget(button)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setSpacing(8)
        column.addStretch(2)
        for label in (self.picture, self.title, self.text):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            column.addWidget(label, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(8)
        column.addLayout(row)
        column.addStretch(3)
        theme().changed.connect(self._fit)
        self._fit()

    def show_case(self, icon: str, title: str, text: str, *buttons: str) -> None:
        """Set icon, title, text and button texts; buttons without a text are hidden."""
        set_icon(self.picture, icon, 32)
        self.title.setText(title)
        self.text.setText(text)
        self._fit()
        for number, button in enumerate(self.buttons):
            words = buttons[number] if number < len(buttons) else ""
            button.setText(words)
            button.setToolTip(words.rstrip("…"))
            button.setVisible(bool(words))

    def _on_first(self) -> None:
        self.asked.emit(0)

    def _on_second(self) -> None:
        self.asked.emit(1)

    def _fit(self) -> None:
        self.text.setFixedWidth(px(440))
        self.text.setMinimumHeight(max(self.text.heightForWidth(px(440)), 0))  # a centred label gets one line only
