"""The dialog that asks for how many epochs a finished run is to be trained in all."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from s3n_core.errors import S3NError
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.training.extension import plan_extension
from s3n_gui.appearance.theme import px, set_icon
from s3n_gui.appearance.tokens import BETWEEN_GROUPS, INSIDE_GROUP
from s3n_gui.widgets.number_fields import WholeNumberField, commit

_MOST_EPOCHS = 10_000


class TrainLongerDialog(QDialog):
    """Asks once, and says what becomes of the learning rates.

    Attributes:
        epochs: The field for the number of epochs in all.
        words: What training for that many means, or why it is not possible.
        go: The button that starts it.
    """

    def __init__(self, run: Path, done: int, parent: QWidget | None = None) -> None:
        """Create the dialog.

        Args:
            run: The run's folder.
            done: Epochs that it has done; twice as many are proposed.
            parent: The window.
        """
        super().__init__(parent)
        self._run = RunDirectory(run)
        self.setWindowTitle("Train longer")
        title = QLabel(f"Train {run.name} longer")
        title.setTextFormat(Qt.TextFormat.PlainText)
        title.setProperty("role", "section")
        subject = QLabel(f"It has been trained for {'1 epoch' if done == 1 else f'{done} epochs'}.")
        self.epochs = WholeNumberField(keeps_refused=True)
        self.epochs.setRange(1, _MOST_EPOCHS)
        self.epochs.setAccessibleName("Epochs in all")
        self.epochs.setToolTip("Number of epochs in all, those that are done included")
        self.epochs.setFixedWidth(px(120))
        label = QLabel("Epochs in all")
        label.setBuddy(self.epochs)
        self.words = QLabel()
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setWordWrap(True)
        self.words.setMinimumHeight(px(88))  # nothing jumps while the number changes
        cancel, self.go = QPushButton("Cancel"), QPushButton("Train longer")
        self.go.setProperty("role", "primary")
        self.go.setDefault(True)
        set_icon(self.go, "play")
        cancel.clicked.connect(self.reject)
        self.go.clicked.connect(self._on_go)
        field, row = QHBoxLayout(), QHBoxLayout()
        field.setSpacing(INSIDE_GROUP)
        field.addWidget(label)
        field.addWidget(self.epochs)
        field.addStretch(1)
        row.setSpacing(INSIDE_GROUP)
        row.addWidget(cancel)
        row.addStretch(1)
        row.addWidget(self.go)
        column = QVBoxLayout(self)
        column.setContentsMargins(BETWEEN_GROUPS, BETWEEN_GROUPS, BETWEEN_GROUPS, 16)
        column.setSpacing(INSIDE_GROUP)
        column.addWidget(title)
        column.addWidget(subject)
        column.addLayout(field)
        column.addWidget(self.words)
        column.addSpacing(BETWEEN_GROUPS - INSIDE_GROUP)
        column.addLayout(row)
        self.setFixedWidth(px(480))
        self.epochs.setValue(min(max(2 * done, done + 1), _MOST_EPOCHS))
        self.epochs.valueChanged.connect(self._show)
        self.epochs.refused.connect(self._show)
        self._show()
        self.epochs.selectAll()

    def ask(self) -> int | None:
        """Show the dialog and return the number of epochs in all; None if it was cancelled."""
        return self.epochs.value() if self.exec() == QDialog.DialogCode.Accepted else None

    def _show(self, *_: object) -> None:
        problem, sentence = self.epochs.problem, ""
        if not problem:
            try:
                sentence = plan_extension(self._run, self.epochs.value()).sentence
            except S3NError as error:
                problem = str(error)
        self.words.setText(problem or sentence)
        self.words.setProperty("role", "" if problem else "quiet")
        self.words.setProperty("state", "caution" if problem else "")
        self.words.style().unpolish(self.words)
        self.words.style().polish(self.words)
        self.go.setEnabled(not problem)

    def _on_go(self) -> None:
        if not commit(self.epochs) and self.go.isEnabled():
            self.accept()
