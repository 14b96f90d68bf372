"""A card with a sentence that must be read before what it stands beside; hidden while there is none."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from s3n_gui.appearance.theme import set_icon, theme, tokens


class CautionCard(QFrame):
    """The card: an icon, the sentence, and perhaps a button.

    Signals:
        acted: The button was pressed.

    Args:
        framed: False: it stands in another card, and has no border of its own.
        action: The text of the button; empty: there is none.
        tip: Its tooltip.
        icon: The name of its icon.
    """

    acted = Signal()

    def __init__(
        self, parent: QWidget | None = None, *, framed: bool = True, action: str = "", tip: str = "", icon: str = ""
    ) -> None:
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
        self.button = QPushButton()
        if icon:
            set_icon(self.button, icon)
        self.button.clicked.connect(self.acted)
        self.row.addWidget(self.button)
        self.offer(action, tip)
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

    def offer(self, action: str, tip: str = "") -> None:
        """Set the text and the tooltip of the button; an empty text hides it."""
        self.button.setText(action)
        self.button.setToolTip(tip)
        self.button.setVisible(bool(action))

    def _draw(self) -> None:
        set_icon(self._icon, "caution", 20, colour=tokens().caution)
