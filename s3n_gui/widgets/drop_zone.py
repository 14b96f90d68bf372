"""The drop zone for folders, runs and models, with buttons that do the same."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from s3n_gui.appearance.theme import px, set_icon, theme
from s3n_gui.appearance.tokens import INSIDE_GROUP, SPACE


class DropZone(QFrame):
    """Shows what can be dropped. The whole window accepts drops; the zone makes that visible.

    Signals:
        open_asked: "data", "model" or "run": choose one in a dialog.
    """

    open_asked = Signal(str)

    def __init__(self, *, primary: bool = True, parent: QWidget | None = None) -> None:
        """Create the zone.

        Args:
            primary: Whether its first button is the main action of the page.
            parent: The widget that owns it.
        """
        super().__init__(parent)
        self.setProperty("role", "drop")
        icon = QLabel()
        set_icon(icon, "drop", 20)
        title = QLabel("Drop a folder of images here")
        title.setProperty("role", "section")
        words = QLabel("One subfolder per class, or unlabelled images. You can also drop a run or a model.")
        words.setProperty("role", "quiet")
        words.setWordWrap(True)
        words.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        data = QPushButton("Open data set…")
        data.setProperty("role", "primary" if primary else "")
        data.setToolTip("Choose a folder with one subfolder per class (Ctrl+O)")
        data.clicked.connect(self._on_data)
        model = QPushButton("Open model…")
        model.setToolTip("Choose a model file (Ctrl+Shift+O)")
        model.clicked.connect(self._on_model)
        run = QPushButton("Open run…")
        run.setToolTip("Choose a run folder")
        run.clicked.connect(self._on_run)
        buttons = QHBoxLayout()
        buttons.setSpacing(INSIDE_GROUP)
        buttons.addStretch(1)
        for button in (data, model, run):
            buttons.addWidget(button)
        buttons.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 16)
        column.setSpacing(SPACE)
        column.addStretch(1)
        column.addWidget(icon, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(SPACE)
        column.addWidget(title, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(words)
        column.addSpacing(INSIDE_GROUP)
        column.addLayout(buttons)
        column.addStretch(1)
        theme().changed.connect(self._fit)
        self._fit()

    def show_over(self, over: bool) -> None:
        """Highlight the zone while something is dragged over the window."""
        self.setProperty("over", "true" if over else "false")
        self.style().unpolish(self)
        self.style().polish(self)

    def _fit(self) -> None:
        self.setMinimumHeight(px(176))
        self.setMaximumHeight(px(260))

    def _on_data(self) -> None:
        self.open_asked.emit("data")

    def _on_model(self) -> None:
        self.open_asked.emit("model")

    def _on_run(self) -> None:
        self.open_asked.emit("run")
