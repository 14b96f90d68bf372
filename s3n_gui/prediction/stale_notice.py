"""The line that says that the shown predictions are not those of what is chosen now, with the way to get these."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from s3n_gui.appearance.theme import set_icon, theme, tokens


class StaleNotice(QFrame):
    """Hidden while there is nothing to say.

    Signals:
        anew_asked: Predict anew.
    """

    anew_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self._icon, self._words = QLabel(), QLabel()
        self._words.setWordWrap(True)
        self._words.setTextFormat(Qt.TextFormat.PlainText)
        self._words.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.anew = QPushButton("Update predictions")
        self.anew.setToolTip("Predict all images with the current model; replaces the predictions below")
        set_icon(self.anew, "refresh")
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 6, 6, 6)
        row.setSpacing(8)
        row.addWidget(self._icon)
        row.addWidget(self._words, 1)
        row.addWidget(self.anew)
        self.anew.clicked.connect(self.anew_asked)
        theme().changed.connect(self._draw)
        self._draw()
        self.hide()

    @property
    def words(self) -> str:
        """What it says."""
        return self._words.text()

    def show_words(self, words: str) -> None:
        """Say what is otherwise now; nothing hides it."""
        self._words.setText(words)
        self.setAccessibleName(words)
        self.setVisible(bool(words))

    def _draw(self) -> None:
        set_icon(self._icon, "caution", 20, colour=tokens().caution)
