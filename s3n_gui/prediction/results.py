"""The layout of the table with its filter and the cards: below the table, or beside it if the matrix is enlarged."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSplitter, QVBoxLayout, QWidget

from s3n_gui.appearance.theme import px
from s3n_gui.prediction.accuracy.accuracy_panel import AccuracyPanel
from s3n_gui.prediction.table.filter_bar import FilterBar
from s3n_gui.prediction.table.table_view import PredictionTable


class Results(QWidget):
    """Arranges filter, table and cards."""

    def __init__(
        self, bar: FilterBar, table: PredictionTable, accuracy: AccuracyPanel, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._table, self._accuracy = table, accuracy
        self._large = False
        self.splitter = QSplitter(Qt.Orientation.Vertical)
        self.splitter.addWidget(table)
        self.splitter.addWidget(accuracy)
        self.splitter.setCollapsible(0, False)
        self.splitter.setStretchFactor(0, 1)
        self._panes = [px(340), px(216)]
        self.splitter.setSizes(self._panes)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(bar)
        column.addWidget(self.splitter, 1)

    @property
    def large(self) -> bool:
        """Whether the matrix is enlarged."""
        return self._large

    @property
    def panes(self) -> list[int]:
        """Heights of the table and of the cards below it, in pixels."""
        return self._panes if self._large else self.splitter.sizes()

    def set_panes(self, panes: list[int]) -> None:
        """Set the heights of the table and of the cards, in pixels."""
        self._panes = panes
        if not self._large:
            self.splitter.setSizes(panes)

    def set_large(self, large: bool) -> None:
        """Show the enlarged matrix with the table at its right, or the cards below the table."""
        if large == self._large:
            return
        if large:
            self._panes = self.splitter.sizes()
        self._large = large
        self.splitter.setOrientation(Qt.Orientation.Horizontal if large else Qt.Orientation.Vertical)
        self.splitter.insertWidget(0, self._accuracy if large else self._table)
        self._accuracy.set_large(large)
        for place, share in enumerate((3, 2) if large else (1, 0)):
            self.splitter.setStretchFactor(place, share)
        width = self.splitter.width()
        self.splitter.setSizes([round(0.62 * width), round(0.38 * width)] if large else self._panes)
