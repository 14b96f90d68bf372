"""The rows as a table or as a grid of images: one is shown, with the same selection and the same keys."""

from __future__ import annotations

from typing import Literal, get_args

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from s3n_gui.prediction.grid.grid_bar import GridBar
from s3n_gui.prediction.grid.grid_view import PredictionGrid
from s3n_gui.prediction.table.table_view import PredictionTable

View = Literal["table", "images"]
VIEWS: tuple[View, ...] = get_args(View)


class RowViews(QStackedWidget):
    """Shows the table or the grid.

    Signals:
        view_changed: The name of the view that is shown now.
        opened: Inspect a row; its index in the table's own order.
        preview_asked: Preview a row; its index.
        chosen_changed: Other rows are selected.
    """

    view_changed = Signal(str)
    opened = Signal(int)
    preview_asked = Signal(int)
    chosen_changed = Signal()

    def __init__(
        self, table: PredictionTable, grid: PredictionGrid, bar: GridBar, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._table, self._grid = table, grid
        images = QWidget()
        column = QVBoxLayout(images)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(bar)
        column.addWidget(grid, 1)
        self.addWidget(table)
        self.addWidget(images)
        replaced = grid.selectionModel()
        grid.setSelectionModel(table.selectionModel())
        replaced.deleteLater()
        for view in (table, grid):
            view.opened.connect(self.opened)
            view.installEventFilter(self)
        table.preview_asked.connect(self.preview_asked)
        table.chosen_changed.connect(self.chosen_changed)
        bar.order_chosen.connect(self._on_order)
        bar.peaks_toggled.connect(grid.show_peaks)
        bar.tile_chosen.connect(grid.set_tile)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Preview the current row on Space and open it on Enter, in both views."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            row, key = self.current_row(), event.key()
            if row >= 0 and key == Qt.Key.Key_Space:
                self.preview_asked.emit(row)
                return True
            if row >= 0 and key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self.opened.emit(row)
                return True
        return super().eventFilter(watched, event)

    @property
    def shown(self) -> View:
        """Which view is shown."""
        return VIEWS[self.currentIndex()]

    @property
    def view(self) -> PredictionTable | PredictionGrid:
        """The view that is shown."""
        return self._table if self.shown == "table" else self._grid

    def show_view(self, name: View) -> None:
        """Show the table or the grid, at the current row; the keyboard focus moves to it."""
        if name == self.shown:
            return
        focused = self.view.hasFocus()
        self.setCurrentIndex(VIEWS.index(name))
        if focused:
            self.view.setFocus()
        self.view_changed.emit(name)

    def current_row(self) -> int:
        """Return the current row in the table's own order, or -1."""
        return self.view.current_row()

    def chosen_rows(self) -> list[int]:
        """Return the indices of the selected rows if there are several, in the shown order; else none."""
        return self._table.chosen_rows()

    def go_to(self, row: int) -> None:
        """Make a row the current one, if it passes the filter."""
        self.view.go_to(row)

    def keep_row(self, row: int) -> None:
        """Make a row the current one again after the model's rows were rearranged, without scrolling."""
        if row >= 0 and self.current_row() != row:
            place = self.view.verticalScrollBar().value()
            self.go_to(row)
            self.view.verticalScrollBar().setValue(place)

    def focus_view(self) -> None:
        """Give the shown view the keyboard focus."""
        self.view.setFocus()

    def _on_order(self, section: int, descending: bool) -> None:
        self._table.sort_by(section, descending=descending)
