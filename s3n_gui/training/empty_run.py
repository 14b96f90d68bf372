"""What stands in the middle while no run is shown: what to do next, and the button for it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from s3n_gui.theme import px, set_icon
from s3n_gui.tokens import INSIDE_GROUP


class EmptyRun(QWidget):
    """Says how to begin.

    Signals:
        data_asked: Somebody wants to open a data set.
    """

    data_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        title = QLabel("No training yet")
        title.setProperty("role", "section")
        self._words = QLabel()
        self._words.setProperty("role", "quiet")
        self._words.setWordWrap(True)
        self._words.setFixedWidth(px(380))
        self._words.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._open = QPushButton("Open data set…")
        self._open.setToolTip("Choose the images to learn from")
        set_icon(self._open, "open")
        self._open.clicked.connect(self.data_asked)
        column = QVBoxLayout(self)
        column.setSpacing(INSIDE_GROUP)
        column.addStretch(1)
        for part in (title, self._words, self._open):
            column.addWidget(part, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(1)
        self.show_data(False)

    def show_data(self, opened: bool) -> None:
        """Say what comes next.

        Args:
            opened: Whether a data set is open.
        """
        self._open.setVisible(not opened)
        self._words.setText(
            "Choose a recipe at the left and press Start training. Curves, sentences and pictures grow here as it learns."
            if opened
            else "Open a folder of images sorted by class, choose a recipe at the left, and press Start training."
        )
        # A wrapped label in a column tells its height only when asked for the width that it has.
        self._words.setMinimumHeight(self._words.heightForWidth(self._words.width()))
