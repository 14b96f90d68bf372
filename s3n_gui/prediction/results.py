"""The layout of the rows, their filter and the cards: below the rows, or beside them if the matrix is enlarged."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSplitter, QVBoxLayout, QWidget

from s3n_gui.appearance.theme import px
from s3n_gui.prediction.accuracy.accuracy_panel import AccuracyPanel
from s3n_gui.prediction.row_views import RowViews
from s3n_gui.prediction.table.filter_bar import FilterBar

_ROWS_NEED, _CARDS_NEED = 170, 196
"""Heights below which rows and cards cannot be used, in pixels at normal text size."""


class Results(QWidget):
    """Arranges filter, rows and cards. In a low window, rows and cards take turns.

    Signals:
        cards_changed: Whether the cards are visible.
    """

    cards_changed = Signal(bool)

    def __init__(self, bar: FilterBar, rows: RowViews, accuracy: AccuracyPanel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows, self._accuracy = rows, accuracy
        self._large = self._low = False
        self._wanted, self._turned = True, False
        self.splitter = QSplitter(Qt.Orientation.Vertical)
        self.splitter.addWidget(rows)
        self.splitter.addWidget(accuracy)
        self.splitter.setCollapsible(0, False)
        self.splitter.setStretchFactor(0, 1)
        self._panes = [px(340), px(216)]
        self.splitter.setSizes(self._panes)
        self.splitter.splitterMoved.connect(self._on_moved)
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
        """Heights of the rows and of the cards below them, in pixels."""
        return self._panes

    @property
    def cards(self) -> bool:
        """Whether the cards are wanted below the rows where there is room."""
        return self._wanted

    def set_panes(self, panes: list[int]) -> None:
        """Set the heights of the rows and of the cards, in pixels."""
        self._panes = panes
        if self._has_both:
            self.splitter.setSizes(panes)

    def show_cards(self, shown: bool) -> None:
        """Show or hide the cards; in a low window, instead of the rows."""
        if self._low:
            self._turned = shown
        else:
            self._wanted = shown
        self._show_panes()

    def show_rows(self) -> None:
        """Show the rows if the cards are shown instead."""
        if self._low and not self._large:
            self.show_cards(False)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Find out whether there is room for rows and cards."""
        super().resizeEvent(event)
        low = self.splitter.height() < px(_ROWS_NEED + _CARDS_NEED)
        if low != self._low:
            self._low, self._turned = low, False
            self._show_panes()

    def _on_moved(self) -> None:
        if self._has_both:
            self._panes = self.splitter.sizes()

    @property
    def _has_both(self) -> bool:
        return not self._large and self._rows.isVisibleTo(self) and self._accuracy.isVisibleTo(self)

    def _show_panes(self) -> None:
        cards = self._large or (self._turned if self._low else self._wanted)
        self._accuracy.setVisible(cards)
        self._rows.setVisible(self._large or not (self._low and cards))
        if self._has_both:
            self.splitter.setSizes(self._panes)
        self.cards_changed.emit(cards)

    def set_large(self, large: bool) -> None:
        """Show the enlarged matrix with the rows at its right, or the cards below the rows."""
        if large == self._large:
            return
        self._large = large
        self.splitter.setOrientation(Qt.Orientation.Horizontal if large else Qt.Orientation.Vertical)
        self.splitter.insertWidget(0, self._accuracy if large else self._rows)
        self._accuracy.set_large(large)
        for place, share in enumerate((3, 2) if large else (1, 0)):
            self.splitter.setStretchFactor(place, share)
        width = self.splitter.width()
        self.splitter.setSizes([round(0.62 * width), round(0.38 * width)] if large else self._panes)
        self._show_panes()
