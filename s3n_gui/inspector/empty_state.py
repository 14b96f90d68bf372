"""What the page says where there is nothing to see: why, and the button that changes it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from s3n_gui.theme import px, set_icon

_TIPS = {
    "Open model…": "Choose a model file of this program (.safetensors)",
    "Try the demo": "Look inside drawn birds with a model that comes along",
    "Open data set…": "Choose a folder of images",
    "Open image…": "Choose one image",
    "Try again": "Ask the engine once more",
}


class EmptyState(QFrame):
    """A picture, a sentence, what it is good for, and up to two buttons."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.picture, self.title, self.text = QLabel(), QLabel(), QLabel()
        self.title.setProperty("role", "section")
        self.text.setProperty("role", "quiet")
        self.text.setWordWrap(True)
        self.text.setFixedWidth(px(420))
        self.first, self.second = QPushButton(), QPushButton()
        self.first.setProperty("role", "primary")
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addStretch(1)
        buttons.addWidget(self.first)
        buttons.addWidget(self.second)
        buttons.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setSpacing(8)
        layout.addStretch(2)
        for label in (self.picture, self.title, self.text):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            layout.addWidget(label, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addSpacing(8)
        layout.addLayout(buttons)
        layout.addStretch(3)

    def show_case(self, icon: str, title: str, text: str, first: str = "", second: str = "") -> None:
        """Say something else; a button without a text is hidden."""
        set_icon(self.picture, icon, 32)
        self.title.setText(title)
        self.text.setText(text)
        self.text.setFixedHeight(self.text.heightForWidth(self.text.width()))
        for button, words in ((self.first, first), (self.second, second)):
            button.setText(words)
            button.setToolTip(_TIPS.get(words, ""))
            button.setVisible(bool(words))
