"""The menu of models to compare with: recent ones, or another file or run."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from s3n_gui.state.opening import model_title
from s3n_gui.state.recent import RecentList


def lately_open(recent: RecentList | None, current: Path | None) -> tuple[Path, ...]:
    """Return the recently opened models and runs that still exist, without the current one."""
    if recent is None:
        return ()
    items = sorted((*recent.items("model"), *recent.items("run")), key=lambda item: -item.opened)
    return tuple(item.path for item in items if item.path != current and item.exists)


class SecondModelMenu(QMenu):
    """The menu; it deletes itself when it is closed.

    Signals:
        chosen: The ``Path`` of a model file or a run folder.
    """

    chosen = Signal(object)

    def __init__(self, models: tuple[Path, ...], parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setToolTipsVisible(True)
        for path in models:
            action = self.addAction(model_title(path))
            action.setToolTip(str(path))
            action.setData(str(path))
        if models:
            self.addSeparator()
        self.addAction("Model file…").setData("file")
        self.addAction("Run folder…").setData("folder")
        self.triggered.connect(self._on_triggered)

    def _on_triggered(self, action: QAction) -> None:
        where, title = self.parentWidget(), "Compare with another model"
        match action.data():
            case "file":
                path, _ = QFileDialog.getOpenFileName(where, title, "", "Models (*.safetensors)")
            case "folder":
                path = QFileDialog.getExistingDirectory(where, title)
            case known:
                path = known
        if path:
            self.chosen.emit(Path(path))
