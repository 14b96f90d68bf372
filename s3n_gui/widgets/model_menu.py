"""The menu of models, the same wherever a model is chosen: runs, recent model files, and files elsewhere."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QPoint, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from s3n_gui.appearance.wording import label_text, tip_text
from s3n_gui.state.model_choices import ModelChoices, ModelEntry

_FILE, _FOLDER = "file", "folder"


class ModelMenu(QMenu):
    """Lists the models of ``ModelChoices``; it is filled whenever it opens.

    Args:
        choices: The models.
        parent: The widget that it belongs to.
        compares: Whether it chooses a second model: then the current one is not listed, and none is ticked.

    Signals:
        chosen: The ``Path`` of a run folder or a model file.
    """

    chosen = Signal(object)

    def __init__(self, choices: ModelChoices, parent: QWidget, *, compares: bool = False) -> None:
        super().__init__(parent)
        self._choices, self._compares = choices, compares
        self.setObjectName("compare" if compares else "models")
        self.setAccessibleName("Models")
        self.setToolTipsVisible(True)
        self.setStyleSheet("QMenu { menu-scrollable: 1; }")  # one column, however many runs there are
        self.aboutToShow.connect(self._open)
        self.triggered.connect(self._on_triggered)
        choices.changed.connect(self._on_changed)

    def show_below(self, widget: QWidget) -> None:
        """Open below a widget, without waiting for a choice."""
        self.popup(widget.mapToGlobal(QPoint(0, widget.height())))

    def fill(self) -> None:
        """List the models as they are now."""
        self.clear()
        current = self._choices.current
        entries = self._choices.entries(without=current if self._compares else None)
        runs, files = [e for e in entries if e.is_run], [e for e in entries if not e.is_run]
        for group in (runs, files):
            for entry in group:
                self._add(entry, current)
            if group:
                self.addSeparator()
        self.addAction("Model file…").setData(_FILE)
        self.addAction("Run folder…").setData(_FOLDER)

    def _add(self, entry: ModelEntry, current: Path | None) -> None:
        # What follows the tab stands in a column of its own.
        action = self.addAction("\t".join(label_text(part) for part in (entry.title, entry.detail) if part))
        action.setToolTip(tip_text(str(entry.path)))
        action.setData(str(entry.path))
        if not self._compares:
            action.setCheckable(True)
            action.setChecked(entry.path == current)

    def _open(self) -> None:
        self._choices.look()
        self.fill()

    def _on_changed(self) -> None:
        if self.isVisible():
            self.fill()

    def _on_triggered(self, action: QAction) -> None:
        where, title = self.parentWidget(), "Compare with another model" if self._compares else "Open model"
        match action.data():
            case "file":
                path, _ = QFileDialog.getOpenFileName(where, title, "", "Models (*.safetensors)")
            case "folder":
                path = QFileDialog.getExistingDirectory(where, title)
            case known:
                path = known
        if path:
            self.chosen.emit(Path(path))
