"""The list of all runs in the runs folder, including those of the command line: show, compare, rename, trash."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLabel,
    QListView,
    QMenu,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from s3n_gui.appearance.theme import set_icon
from s3n_gui.appearance.tokens import INSIDE_GROUP
from s3n_gui.training.runs.run_delegate import RunDelegate
from s3n_gui.training.runs.runs_model import RunsModel


class RunsList(QWidget):
    """The list and its buttons.

    Signals:
        shown: A run's folder: show it.
        rename_asked: A run's folder: ask for another name.
        trash_asked: A run's folder: move it to the trash.
        longer_asked: A finished run's folder: ask for more epochs.
        pack_asked: A run's folder: pack it into one file.
        unpack_asked: Take a packed run back.
        chosen_changed: Another run is selected, or it has started or stopped training.
    """

    shown = Signal(object)
    rename_asked = Signal(object)
    trash_asked = Signal(object)
    longer_asked = Signal(object)
    pack_asked = Signal(object)
    unpack_asked = Signal()
    chosen_changed = Signal()

    def __init__(self, model: RunsModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self.empty = QLabel(
            "No training yet. Runs appear here when you start one, in this window or on the command line."
        )
        self.empty.setProperty("role", "quiet")
        self.empty.setWordWrap(True)
        self.view = QListView()
        self.view.setModel(model)
        self.view.setAccessibleName("Runs")
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.view.setUniformItemSizes(True)
        self.view.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.view.setFrameShape(QListView.Shape.NoFrame)
        self.view.setItemDelegate(RunDelegate(self.view))
        self.view.setMouseTracking(True)
        self.view.activated.connect(self._on_activated)
        self.rename = QPushButton("Rename…")
        self.rename.setToolTip("Rename the selected run (F2)")
        self.trash = QPushButton("Move to trash")
        self.trash.setToolTip("Move the selected run to the trash (Delete); Ctrl+Z restores it")
        set_icon(self.trash, "trash")
        over = QAction("Compare with the shown run", self.view)
        over.triggered.connect(self._on_over)
        self.view.addAction(over)
        # F2 is a shortcut of the window (table of actions); Delete works only in the list, to avoid accidents.
        self.longer = QAction("Train longer…", self.view)
        self.longer.setToolTip("Train the selected finished run for more epochs")
        self.longer.triggered.connect(self._on_longer)
        self.view.addAction(self.longer)
        self.pack = QAction("Pack for another machine…", self.view)
        self.pack.setToolTip("Write the selected run into one file, to train it on a cluster or to keep it")
        self.pack.triggered.connect(self._on_pack)
        self.unpack = QAction("Take a packed run back…", self.view)
        self.unpack.setToolTip("Unpack a run that another machine has packed")
        self.unpack.triggered.connect(self.unpack_asked)
        self.view.addActions((self.pack, self.unpack))
        self.more = QToolButton()
        self.more.setToolTip("More to do with runs")
        self.more.setAccessibleName("More to do with runs")
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        set_icon(self.more, "more")
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        menu.addActions((self.longer, self.pack, self.unpack))
        self.more.setMenu(menu)
        for button, keys, slot in ((self.rename, "", self._on_rename), (self.trash, "Del", self._on_trash)):
            button.clicked.connect(slot)
            action = QAction(button.text(), self.view)
            action.setShortcut(QKeySequence(keys))
            action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
            action.triggered.connect(slot)
            self.view.addAction(action)
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        hint = QLabel("Double-click or press Enter to show a run; tick others to compare.")
        hint.setProperty("role", "caption")
        hint.setWordWrap(True)
        row = QHBoxLayout()
        row.setSpacing(INSIDE_GROUP)
        row.addWidget(self.rename)
        row.addWidget(self.trash)
        row.addStretch(1)
        row.addWidget(self.more)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(INSIDE_GROUP)
        column.addWidget(self.empty)
        column.addWidget(self.view, 1)
        column.addWidget(hint)
        column.addLayout(row)
        column.addStretch(0)
        model.modelReset.connect(self._show_state)
        model.dataChanged.connect(self._show_state)
        self.view.selectionModel().currentChanged.connect(self._show_state)
        self._show_state()

    def choose(self, path: Path | None) -> None:
        """Select the row of a run, without showing it."""
        row = self._model.row_of(path)
        self.view.setCurrentIndex(self._model.index(row) if row >= 0 else QModelIndex())

    def chosen(self) -> Path | None:
        """Return the selected run's folder."""
        run = self._model.run(self.view.currentIndex().row())
        return None if run is None else run.path

    @property
    def can_change(self) -> bool:
        """Whether the selected run is not training."""
        return self.trash.isEnabled()

    def _show_state(self, *_: object) -> None:
        run = self._model.run(self.view.currentIndex().row())
        self.rename.setEnabled(run is not None and not run.live)
        self.trash.setEnabled(run is not None and not run.live)
        self.longer.setEnabled(run is not None and run.status == "finished")
        self.pack.setEnabled(run is not None and not run.live)
        nothing = self._model.rowCount() == 0
        self.empty.setVisible(nothing)
        self.view.setVisible(not nothing)
        self.chosen_changed.emit()

    def _on_activated(self, index: QModelIndex) -> None:
        run = self._model.run(index.row())
        if run is not None:
            self.shown.emit(run.path)

    def _on_over(self) -> None:
        index = self.view.currentIndex()
        if index.isValid() and index.flags() & Qt.ItemFlag.ItemIsUserCheckable:
            ticked = index.data(Qt.ItemDataRole.CheckStateRole) == Qt.CheckState.Checked
            self._model.setData(
                index, Qt.CheckState.Unchecked if ticked else Qt.CheckState.Checked, Qt.ItemDataRole.CheckStateRole
            )

    def _on_rename(self) -> None:
        if self.rename.isEnabled():
            self.rename_asked.emit(self.chosen())

    def _on_longer(self) -> None:
        if self.longer.isEnabled():
            self.longer_asked.emit(self.chosen())

    def _on_pack(self) -> None:
        if self.pack.isEnabled():
            self.pack_asked.emit(self.chosen())

    def _on_trash(self) -> None:
        if self.trash.isEnabled():
            self.trash_asked.emit(self.chosen())
