"""The placeholder of a page without content: what the page is for, and buttons to start."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from s3n_gui.appearance.theme import px, set_icon, theme

_WIDE, _NARROW = 440, 220
"""Widths of the sentence in a large and in a small page, in pixels at normal text size."""
_MARGINS = 2 * 12


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

    def minimumSizeHint(self) -> QSize:
        """Return a size at which the sentence is a narrow column."""
        buttons = sum(button.sizeHint().width() + 8 for button in self.buttons if not button.isHidden())
        return QSize(max(px(_NARROW), buttons) + _MARGINS, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the sentence the width that there is."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        width = max(min(px(_WIDE), self.width() - _MARGINS), px(_NARROW))
        self.text.setFixedWidth(width)
        self.text.setMinimumHeight(max(self.text.heightForWidth(width), 0))  # a centred label gets one line only
