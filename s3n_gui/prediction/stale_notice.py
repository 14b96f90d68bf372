"""The notice that the predictions are out of date, with a button to update them."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from s3n_gui.appearance.theme import set_icon, theme, tokens


class StaleNotice(QFrame):
    """The notice; hidden while the predictions are up to date.

    Signals:
        anew_asked: Update the predictions.
    """

    anew_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self._icon, self._words = QLabel(), QLabel()
        self._words.setProperty("role", "headline")
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
        """The text of the notice."""
        return self._words.text()

    def show_words(self, words: str) -> None:
        """Show what has changed; an empty text hides the notice."""
        self._words.setText(words)
        self.setAccessibleName(words)
        self.setVisible(bool(words))

    def _draw(self) -> None:
        set_icon(self._icon, "caution", 20, colour=tokens().caution)
