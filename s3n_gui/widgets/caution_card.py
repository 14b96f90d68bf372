"""A card with a sentence that must be read before what it stands beside; hidden while there is none."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QWidget

from s3n_gui.appearance.theme import set_icon, theme, tokens


class CautionCard(QFrame):
    """The card: an icon and the sentence. More may be added to ``row``.

    Args:
        framed: False: it stands in another card, and has no border of its own.
    """

    def __init__(self, parent: QWidget | None = None, *, framed: bool = True) -> None:
        super().__init__(parent)
        if framed:
            self.setProperty("role", "card")
        self._icon, self._words = QLabel(), QLabel()
        self._words.setProperty("role", "headline")
        self._words.setWordWrap(True)
        self._words.setTextFormat(Qt.TextFormat.PlainText)
        self._words.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.row = QHBoxLayout(self)
        self.row.setContentsMargins(*((12, 6, 12, 6) if framed else (0, 0, 0, 0)))
        self.row.setSpacing(8)
        self.row.addWidget(self._icon)
        self.row.addWidget(self._words, 1)
        theme().changed.connect(self._draw)
        self._draw()
        self.hide()

    @property
    def words(self) -> str:
        """The text."""
        return self._words.text()

    def show_words(self, words: str) -> None:
        """Show a text; an empty one hides the card."""
        self._words.setText(words)
        self.setAccessibleName(words)
        self.setVisible(bool(words))

    def _draw(self) -> None:
        set_icon(self._icon, "caution", 20, colour=tokens().caution)
