"""A dialog that asks the user a question, with one button per answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from s3n_gui.appearance.theme import px, set_icon
from s3n_gui.appearance.tokens import BETWEEN_GROUPS, INSIDE_GROUP

CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer.

    Attributes:
        key: The value that the dialog returns.
        text: The text of the button.
        icon: Name of the button's icon; may be empty.
    """

    key: str
    text: str
    icon: str = ""


class Question(QDialog):
    """A modal question; Escape cancels.

    Attributes:
        choice: Key of the chosen answer, or "cancel".
        buttons: The buttons by the key of their answer, including "cancel".
    """

    def __init__(
        self, heading: str, what: str, words: str, answers: Sequence[Answer], parent: QWidget | None = None
    ) -> None:
        """Create the dialog.

        Args:
            heading: The title, a few words.
            what: What the question is about: names, numbers.
            words: What the answers mean.
            answers: The answers besides "Cancel"; the last one is the default (Enter).
            parent: The window.
        """
        super().__init__(parent)
        self.setWindowTitle(heading)
        self.choice = CANCEL
        title, subject, meaning = QLabel(heading), QLabel(what), QLabel(words)
        meaning.setTextFormat(Qt.TextFormat.PlainText)
        subject.setTextFormat(Qt.TextFormat.PlainText)
        title.setTextFormat(Qt.TextFormat.PlainText)
        title.setProperty("role", "section")
        meaning.setProperty("role", "quiet")
        for label in (subject, meaning):
            label.setWordWrap(True)
        row = QHBoxLayout()
        row.setSpacing(INSIDE_GROUP)
        self.buttons: dict[str, QPushButton] = {}
        for answer in (Answer(CANCEL, "Cancel"), *answers):
            button = _AnswerButton(answer)
            if answer is answers[-1]:  # set before the icon, which takes the colour of the text
                button.setProperty("role", "primary")
                button.setDefault(True)
            if answer.icon:
                set_icon(button, answer.icon)
            button.chosen.connect(self._on_answer)
            self.buttons[answer.key] = button
            row.addWidget(button)
            if answer.key == CANCEL:
                row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(BETWEEN_GROUPS, BETWEEN_GROUPS, BETWEEN_GROUPS, 16)
        column.setSpacing(INSIDE_GROUP)
        for label in (title, subject, meaning):
            column.addWidget(label)
        column.addSpacing(BETWEEN_GROUPS - INSIDE_GROUP)
        column.addLayout(row)
        self.setFixedWidth(px(480))

    def ask(self) -> str:
        """Show the dialog and return the key of the chosen answer."""
        self.exec()
        return self.choice

    def showEvent(self, event: QShowEvent) -> None:
        """Make room for all lines: a long path is broken into several, which the dialog's own size does not count."""
        super().showEvent(event)
        layout = self.layout()
        if layout is not None:
            self.setMinimumHeight(layout.totalHeightForWidth(self.width()))

    def _on_answer(self, key: str) -> None:
        self.choice = key
        self.done(QDialog.DialogCode.Rejected if key == CANCEL else QDialog.DialogCode.Accepted)


class _AnswerButton(QPushButton):
    """The button of one answer; ``chosen`` carries its key."""

    chosen = Signal(str)

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.text)
        self._key = answer.key
        self.clicked.connect(self._on_clicked)

    def _on_clicked(self) -> None:
        self.chosen.emit(self._key)
