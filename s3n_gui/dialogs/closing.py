"""What becomes of a running training when the window closes: the person decides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from s3n_gui.theme import px, set_icon
from s3n_gui.tokens import BETWEEN_GROUPS, INSIDE_GROUP

Choice = Literal["stop", "leave", "cancel"]


class ClosingDialog(QDialog):
    """Asks once for all trainings; Escape cancels."""

    def __init__(self, titles: Sequence[str], parent: QWidget | None = None) -> None:
        """Make the dialog.

        Args:
            titles: What runs, for a person: "Training run-07".
            parent: The window that is about to close.
        """
        super().__init__(parent)
        self.setWindowTitle("A training is running")
        self.choice: Choice = "cancel"
        heading = QLabel("A training is running" if len(titles) == 1 else f"{len(titles)} trainings are running")
        heading.setProperty("role", "section")
        what = QLabel("\n".join(titles))
        words = QLabel(
            "It can go on without the window: the next start finds it again. "
            "Or it stops after the batch at hand; the model so far is kept and can be trained further."
        )
        words.setProperty("role", "quiet")
        words.setWordWrap(True)
        self.leave = QPushButton("Leave running")
        self.leave.setProperty("role", "primary")
        self.leave.setDefault(True)
        self.leave.clicked.connect(self._on_leave)
        self.stop = QPushButton("Stop and keep")
        set_icon(self.stop, "stop")
        self.stop.clicked.connect(self._on_stop)
        self.cancel = QPushButton("Cancel")
        self.cancel.clicked.connect(self.reject)
        buttons = QHBoxLayout()
        buttons.setSpacing(INSIDE_GROUP)
        buttons.addWidget(self.cancel)
        buttons.addStretch(1)
        buttons.addWidget(self.stop)
        buttons.addWidget(self.leave)
        column = QVBoxLayout(self)
        column.setContentsMargins(BETWEEN_GROUPS, BETWEEN_GROUPS, BETWEEN_GROUPS, 16)
        column.setSpacing(INSIDE_GROUP)
        column.addWidget(heading)
        column.addWidget(what)
        column.addWidget(words)
        column.addSpacing(BETWEEN_GROUPS - INSIDE_GROUP)
        column.addLayout(buttons)
        self.setFixedWidth(px(480))

    def ask(self) -> Choice:
        """Show the dialog and return what the person chose."""
        self.exec()
        return self.choice

    def _on_leave(self) -> None:
        self.choice = "leave"
        self.accept()

    def _on_stop(self) -> None:
        self.choice = "stop"
        self.accept()
