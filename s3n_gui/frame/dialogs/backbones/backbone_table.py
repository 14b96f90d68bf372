"""The table of backbones: one row each, found by words of its name, sorted by any column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QObject, QSortFilterProxyModel, Qt
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from s3n_core.method.backbone_sizes import tokens_sentence
from s3n_gui.appearance.theme import number_font, px, theme
from s3n_gui.appearance.wording import tip_text
from s3n_gui.background.weight_catalogue import BackboneFacts
from s3n_gui.widgets.model_index import NO_PARENT, AnyIndex

NAME, PARAMETERS, STRIDE, SIDE, LICENCE, WEIGHTS = range(6)
_TITLES = ("Backbone", "Parameters", "Stride", "Input", "Licence", "Weights")
_TIPS = (
    "What a recipe calls it; timm:NAME is a network of the library timm",
    "Number of weights, in millions, without a classifier",
    "Input pixels per cell of its map: a smaller one gives finer places",
    "Side of the images that its pretrained weights were trained with, in pixels",
    "Licence of the pretrained weights; unknown does not mean free",
    "Whether the pretrained weights are on this machine",
)
_WIDTHS = (0, 104, 72, 84, 128, 124)
_SPARED = (SIDE, STRIDE)
"""Hidden first where there is little room."""
_LEAST_NAME = 190
_SORT_ROLE = Qt.ItemDataRole.UserRole


class BackboneModel(QAbstractTableModel):
    """The rows, in the engine's order."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: list[BackboneFacts] = []

    def show(self, rows: Sequence[BackboneFacts]) -> None:
        """Replace all rows."""
        self.beginResetModel()
        self.rows = list(rows)
        self.endResetModel()

    def renew(self, facts: BackboneFacts) -> None:
        """Replace the row of a backbone."""
        for at, row in enumerate(self.rows):
            if row.name == facts.name:
                self.rows[at] = facts
                self.dataChanged.emit(self.index(at, 0), self.index(at, len(_TITLES) - 1))

    def row_of(self, name: str) -> int:
        """Return the row of a backbone; -1 if it has none."""
        return next((at for at, row in enumerate(self.rows) if row.name == name), -1)

    def rowCount(self, parent: AnyIndex = NO_PARENT) -> int:
        """Return the number of backbones."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: AnyIndex = NO_PARENT) -> int:
        """Return the number of columns."""
        return 0 if parent.isValid() else len(_TITLES)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell's data for a role."""
        row, column = self.rows[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return _text(row, column)
        if role == _SORT_ROLE:
            # Without a number at the end, as a text at the end of its column.
            order = {PARAMETERS: row.parameters, STRIDE: row.stride, SIDE: row.input_size}
            if column in order:
                value = order[column]
                return 10**15 if value is None else value
            return _text(row, column).casefold()
        if role == Qt.ItemDataRole.ToolTipRole:
            if column == STRIDE and row.tokens:
                return tip_text(tokens_sentence(row.name))
            return tip_text(row.sentence if column == LICENCE else row.name)
        if role == Qt.ItemDataRole.TextAlignmentRole and column in (PARAMETERS, STRIDE, SIDE):
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.FontRole:
            return number_font("body")
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a heading or its tooltip."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return _TITLES[section]
        if role == Qt.ItemDataRole.ToolTipRole:
            return _TIPS[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            number = section in (PARAMETERS, STRIDE, SIDE)
            side = Qt.AlignmentFlag.AlignRight if number else Qt.AlignmentFlag.AlignLeft
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        return None


class _Found(QSortFilterProxyModel):
    """The rows whose names hold all words."""

    def __init__(self, model: BackboneModel) -> None:
        super().__init__(model)
        self._model = model
        self._words: tuple[str, ...] = ()
        self._here = False
        self.setSortRole(_SORT_ROLE)
        self.setSourceModel(model)

    def find(self, words: str, *, here: bool) -> None:
        """Show the rows whose names hold all words; ``here``: only those with weights on this machine."""
        self._words, self._here = tuple(words.casefold().split()), here
        self.invalidate()  # Qt 6.8 lacks endFilterChange, and what it has in its place is deprecated in 6.10

    def filterAcceptsRow(self, row: int, parent: AnyIndex) -> bool:
        """Return whether a row is shown."""
        facts = self._model.rows[row]
        name = facts.name.casefold()
        return (not self._here or facts.size is not None) and all(word in name for word in self._words)


class BackboneTable(QTableView):
    """The table."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.backbones = BackboneModel(self)
        self.found = _Found(self.backbones)
        self.setModel(self.found)
        self.setAccessibleName("Backbones")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setTabKeyNavigation(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalHeader().hide()
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)  # the engine's order: its own first
        self.setSortingEnabled(True)
        theme().changed.connect(self._on_theme)
        self._on_theme()

    @property
    def chosen(self) -> BackboneFacts | None:
        """The selected backbone."""
        row = self.found.mapToSource(self.currentIndex()).row() if self.currentIndex().isValid() else -1
        return self.backbones.rows[row] if row >= 0 else None

    def choose(self, name: str) -> None:
        """Select a backbone, if it is shown."""
        row = self.backbones.row_of(name)
        index = self.found.mapFromSource(self.backbones.index(row, 0)) if row >= 0 else NO_PARENT
        if index.isValid():
            self.setCurrentIndex(index)
            self.scrollTo(index, QAbstractItemView.ScrollHint.PositionAtCenter)

    def resizeEvent(self, event: Any) -> None:
        """Hide columns that do not fit beside the names."""
        self._fit_columns()
        super().resizeEvent(event)

    def _fit_columns(self) -> None:
        room = self.viewport().width() - px(_LEAST_NAME)
        needed = sum(px(width) for width in _WIDTHS)
        for column in _SPARED:
            hidden = needed > room
            needed -= px(_WIDTHS[column]) if hidden else 0
            self.setColumnHidden(column, hidden)

    def _on_theme(self) -> None:
        self.verticalHeader().setDefaultSectionSize(px(28))
        for column, width in enumerate(_WIDTHS):
            if width:
                self.setColumnWidth(column, px(width))
        self._fit_columns()


def _text(row: BackboneFacts, column: int) -> str:
    if column == NAME:
        return row.name
    if column == PARAMETERS:
        millions = None if row.parameters is None else row.parameters / 1e6
        return "" if millions is None else f"{millions:,.1f} M" if millions < 100 else f"{millions:,.0f} M"
    if column == STRIDE:
        return "" if row.stride is None else f"{row.stride} px"
    if column == SIDE:
        return f"{row.input_size} px"
    if column == LICENCE:
        return row.licence
    if row.size is not None:
        return f"here, {row.size / 1e6:.3g} MB"
    return "unfinished" if row.is_begun else "not here" if row.place else "none"
