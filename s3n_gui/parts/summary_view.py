"""All parts of an atlas in a table."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QVBoxLayout, QWidget

from s3n_core.parts.atlas import Atlas
from s3n_gui.appearance.wording import percent_text
from s3n_gui.parts.view import PartsView

_COLUMNS = ("Part", "Images", "Peaks", "In D")


class SummaryView(PartsView):
    """The table."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.table = QTableWidget(0, len(_COLUMNS))
        self.table.setHorizontalHeaderLabels(list(_COLUMNS))
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.verticalHeader().hide()
        self.table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.table.itemSelectionChanged.connect(self._on_selected)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.table)
        self._numbers: list[int] = []

    def set_atlas(self, atlas: Atlas | None) -> None:
        """Show the parts of an atlas."""
        parts = () if atlas is None else atlas.summaries()
        self._numbers = [part.part for part in parts]
        with QSignalBlocker(self.table):
            self.table.setRowCount(len(parts))
            for row, part in enumerate(parts):
                strong = "" if part.strong is None else percent_text(part.strong)
                for at, text in enumerate((part.name, f"{part.images:,}", f"{part.peaks:,}", strong)):
                    self.table.setItem(row, at, QTableWidgetItem(text))

    def select_part(self, part: int) -> None:
        """Mark the row of a part."""
        with QSignalBlocker(self.table):
            self.table.clearSelection()
            if part in self._numbers:
                self.table.selectRow(self._numbers.index(part))

    def _on_selected(self) -> None:
        rows = self.table.selectionModel().selectedRows()
        if rows:
            self.part_selected.emit(self._numbers[rows[0].row()])
