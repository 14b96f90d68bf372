"""The plain sentences below the curves."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from s3n_gui.theme import px, set_icon, theme, tokens
from s3n_gui.tokens import INSIDE_GROUP
from s3n_gui.training.sentences import Saying, Tone

_ICONS: dict[Tone, str] = {"good": "check", "plain": "info", "caution": "caution", "bad": "error"}
_WORDS: dict[Tone, str] = {"good": "Good", "plain": "Note", "caution": "Look at this", "bad": "Failed"}


class WordsCard(QFrame):
    """Says what the curves say; its height is fixed so that nothing jumps."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.setAccessibleName("What the curves say")
        inside = QWidget()
        self._column = QVBoxLayout(inside)
        self._column.setContentsMargins(12, 8, 12, 8)
        self._column.setSpacing(6)
        self._column.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidget(inside)
        scroll.viewport().setAutoFillBackground(False)
        inside.setAutoFillBackground(False)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(1, 1, 1, 1)
        whole.addWidget(scroll)
        self._said: tuple[Saying, ...] = ()
        self._rows: list[QWidget] = []
        theme().changed.connect(self._fit)
        self._fit()

    def show_sayings(self, said: Sequence[Saying]) -> None:
        """Show these sentences."""
        if tuple(said) == self._said:
            return
        self._said = tuple(said)
        for row in self._rows:
            self._column.removeWidget(row)
            row.deleteLater()
        self._rows = [self._row(saying) for saying in said]
        for index, row in enumerate(self._rows):
            self._column.insertWidget(index, row)

    def texts(self) -> list[str]:
        """Return what is said."""
        return [saying.text for saying in self._said]

    def _row(self, saying: Saying) -> QWidget:
        row = QWidget()
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(INSIDE_GROUP)
        mark, text = QLabel(), QLabel(saying.text)
        colour = {"good": tokens().good, "caution": tokens().caution, "bad": tokens().bad}.get(saying.tone)
        set_icon(mark, _ICONS[saying.tone], colour=colour)
        mark.setToolTip(_WORDS[saying.tone])
        mark.setAccessibleName(_WORDS[saying.tone])
        text.setWordWrap(True)
        text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        layout.addWidget(mark, 0, Qt.AlignmentFlag.AlignTop)
        layout.addWidget(text, 1)
        return row

    def _fit(self) -> None:
        self.setFixedHeight(px(92))
