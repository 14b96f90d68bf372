"""The table of a ledger: what is read at each place, beside what is relied on; selecting a peak's row selects the peak."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QItemSelectionModel,
    QModelIndex,
    QPoint,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QBrush, QColor, QPainter
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QSizePolicy, QStyleOptionViewItem, QTableView, QWidget

from s3n_core.inspection.contribution_view import ContributionView
from s3n_core.inspection.ledger import Ledger, LedgerRow
from s3n_core.inspection.peak import Cell, Peak
from s3n_core.parts.atlas.part_place import PartPlace
from s3n_gui.appearance.theme import number_font, px, theme, tokens
from s3n_gui.inspector.inspection_state import InspectionState
from s3n_gui.widgets.model_index import NO_PARENT, AnyIndex
from s3n_gui.widgets.part_swatch import draw_swatch, place_colour
from s3n_gui.widgets.row_hover import RowHover, RowHoverDelegate

_PLACE, _READ, _RELIED = range(3)
_HEADERS = ("Place", "Read", "Relied on")
_TIPS = (
    "Peaks own what lies within a tenth of the image's longer side and nearer to them than to other peaks. Bars to the "
    "right speak for the class, to the left for its rival; full bars: read, striped bars: relied on",
    "Share of the logits that is read there; all rows add up to the margin of the scores",
    "How much more of the margin is lost when the place is hidden than with random places of its size. Grey: not more "
    "than with 95 % of them. A dash: not a place that can be hidden",
)
ROW_ROLE = Qt.ItemDataRole.UserRole
MOST_ROLE = Qt.ItemDataRole.UserRole + 1
"""The largest absolute value of all rows, in logits."""
PART_ROLE = Qt.ItemDataRole.UserRole + 2
"""The peak of a row with its part (`PartPlace`), or None."""
_RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)


class LedgerModel(QAbstractTableModel):
    """The rows of a ledger, and below them their sum."""

    def __init__(self, state: InspectionState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._ledger: Ledger | None = None
        self._peaks: tuple[Peak, ...] = ()
        self._cells: tuple[Cell | None, ...] = ()
        self._stale = False

    def show(self, ledger: Ledger | None, view: ContributionView | None, *, stale: bool) -> None:
        """Show a ledger of contributions; None shows nothing."""
        shape = None if self._ledger is None else [row.label for row in self._ledger.rows]
        rows = None if ledger is None else [row.label for row in ledger.rows]
        peaks = self._peaks = () if view is None else view.contributions.peaks
        cells = () if ledger is None else tuple(_cell_of(row, peaks) for row in ledger.rows)
        if rows == shape and cells == self._cells:  # keeps the selection
            self._ledger, self._stale = ledger, stale
            if rows is not None:
                self.dataChanged.emit(self.index(0, 0), self.index(len(rows), _RELIED))
            return
        self.beginResetModel()
        self._ledger, self._cells, self._stale = ledger, cells, stale
        self.endResetModel()

    def cell(self, row: int) -> Cell | None:
        """Return where the peak of a row was found; None for the other rows."""
        return self._cells[row] if 0 <= row < len(self._cells) else None

    def row_of(self, cell: Cell | None) -> int:
        """Return the row of the peak found at a cell, or -1."""
        return -1 if cell is None or cell not in self._cells else self._cells.index(cell)

    def rowCount(self, parent: AnyIndex = NO_PARENT) -> int:
        """Return the number of rows, with that of the sum."""
        return 0 if parent.isValid() or self._ledger is None else len(self._ledger.rows) + 1

    def columnCount(self, parent: AnyIndex = NO_PARENT) -> int:
        """Return the number of columns."""
        return 0 if parent.isValid() else len(_HEADERS)

    def flags(self, index: AnyIndex) -> Qt.ItemFlag:
        """Let only the rows of peaks be selected."""
        selectable = Qt.ItemFlag.ItemIsSelectable if self.cell(index.row()) is not None else Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | selectable

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return an item's data for a role."""
        ledger = self._ledger
        if ledger is None or not index.isValid():
            return None
        column, is_sum = index.column(), index.row() == len(ledger.rows)
        row = None if is_sum else ledger.rows[index.row()]
        if role == ROW_ROLE:
            return row
        if role == MOST_ROLE:
            return ledger.most
        part = self._part(row)
        if role == PART_ROLE:
            return part
        if role == Qt.ItemDataRole.DisplayRole:
            if row is None:
                return (ledger.total_label, ledger.total_text, "")[column]
            label = row.label if part is None else f"{row.label} · {part.name}"
            return (label, row.text, row.relied_text or "–")[column]
        if role == Qt.ItemDataRole.TextAlignmentRole and column in (_READ, _RELIED):
            return _RIGHT
        if role == Qt.ItemDataRole.FontRole:
            return number_font("body", semibold=is_sum)
        if role == Qt.ItemDataRole.ForegroundRole:
            unclear = column == _RELIED and row is not None and not row.is_clear
            return QColor(tokens().quiet) if self._stale or unclear else None
        if role == Qt.ItemDataRole.ToolTipRole and row is not None:
            return row.details if part is None else f"{row.details}\n{part.words}"
        if role == Qt.ItemDataRole.AccessibleTextRole and column == _PLACE and row is not None:
            relied = f", relied on {row.relied_text}" if row.relied_text else ""
            named = "" if part is None else f", {part.name}"
            return f"{row.label}{named}: read {row.text} logits{relied}"
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a column's title or tooltip."""
        if orientation == Qt.Orientation.Horizontal:
            if role == Qt.ItemDataRole.DisplayRole:
                return _HEADERS[section]
            if role == Qt.ItemDataRole.ToolTipRole:
                return _TIPS[section]
            if role == Qt.ItemDataRole.TextAlignmentRole and section in (_READ, _RELIED):
                return _RIGHT
        return None

    def _part(self, row: LedgerRow | None) -> PartPlace | None:
        if row is None or row.row.kind != "peak" or row.row.index is None:
            return None
        return self._state.part_of(self._peaks[row.row.index])


def _cell_of(row: LedgerRow, peaks: tuple[Peak, ...]) -> Cell | None:
    index = row.row.index if row.row.kind == "peak" else None
    return None if index is None else peaks[index].found_at


class LedgerTable(QTableView):
    """The table, as high as its rows; the selected peak is that of the page.

    Signals:
        menu_requested: Open the menu of a peak's row; the cell where the peak was found, and a screen position.
    """

    menu_requested = Signal(object, object)

    def __init__(self, state: InspectionState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._model = LedgerModel(state, self)
        self.setModel(self._model)
        hover = RowHover(self)
        self.setItemDelegate(RowHoverDelegate(hover, self))
        self.setItemDelegateForColumn(_PLACE, _PlaceDelegate(hover, self))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._on_menu_requested)
        self.setAccessibleName("Ledger of contributions")
        self.verticalHeader().hide()
        head = self.horizontalHeader()
        head.setHighlightSections(False)
        head.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        head.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        head.setSectionResizeMode(_PLACE, QHeaderView.ResizeMode.Stretch)
        self.selectionModel().currentRowChanged.connect(self._on_row_changed)
        self._model.modelReset.connect(self._show_selection)
        state.selection_changed.connect(self._show_selection)
        theme().changed.connect(self._on_theme_changed)
        self.setColumnHidden(_RELIED, True)
        self._on_theme_changed()

    def show_ledger(self, ledger: Ledger | None, view: ContributionView | None, *, stale: bool = False) -> None:
        """Show a ledger; the column of what is relied on appears when something was hidden."""
        self._model.show(ledger, view, stale=stale)
        self.setColumnHidden(_RELIED, ledger is None or not ledger.is_measured)
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        """Return the size of all rows."""
        rows = self._model.rowCount() * self.verticalHeader().defaultSectionSize()
        return QSize(px(260), self.horizontalHeader().sizeHint().height() + rows + 2)

    def minimumSizeHint(self) -> QSize:
        """Return the width at which names can still be read, and the height of all rows."""
        return QSize(px(240), self.sizeHint().height())

    def _on_theme_changed(self) -> None:
        for column, width in ((_READ, 58), (_RELIED, 70)):
            self.setColumnWidth(column, px(width))
        self.verticalHeader().setDefaultSectionSize(px(36))
        self.updateGeometry()

    def _show_selection(self) -> None:
        row = self._model.row_of(self._state.selected)
        if row < 0:
            self.clearSelection()
            if self._model.cell(self.currentIndex().row()) is not None:  # the keys may have left the rows of the peaks
                self.selectionModel().clearCurrentIndex()
        elif not self.selectionModel().isRowSelected(row, QModelIndex()):
            flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
            self.selectionModel().setCurrentIndex(self._model.index(row, _PLACE), flags)

    def _on_row_changed(self, current: QModelIndex, previous: QModelIndex) -> None:
        if current.isValid():
            self._state.select(self._model.cell(current.row()))

    def _on_menu_requested(self, point: QPoint) -> None:
        cell = self._model.cell(self.indexAt(point).row())
        if cell is not None:
            self.menu_requested.emit(cell, self.viewport().mapToGlobal(point))


class _PlaceDelegate(RowHoverDelegate):
    """Paints a row's name, and below it bars from a common zero: what is read, and striped what is relied on."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        row: LedgerRow | None = index.data(ROW_ROLE)
        if row is None:
            super().paint(painter, option, index)
            return
        self.initStyleOption(option, index)
        text, option.text = option.text, ""
        style, colours = option.widget.style(), tokens()
        style.drawControl(style.ControlElement.CE_ItemViewItem, option, painter, option.widget)
        painter.save()
        painter.setFont(option.font)
        painter.setPen(option.palette.color(option.palette.ColorRole.Text))
        room = QRectF(option.rect).adjusted(px(8), px(3), -px(4), -px(5))
        words, part = QRectF(room), index.data(PART_ROLE)
        if part is not None:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            pen = painter.pen()
            middle = room.top() + painter.fontMetrics().height() / 2
            words.setLeft(draw_swatch(painter, room.left(), middle, place_colour(part)))
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            painter.setPen(pen)
        text = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(words.width()))
        painter.drawText(words, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft, text)
        most: float = index.data(MOST_ROLE)
        values = [row.row.total] if row.hidden is None else [row.row.total, row.hidden.relied_on]
        thick, middle = px(4), room.center().x()
        top = room.bottom() - 2 * thick - 1 if len(values) > 1 else room.bottom() - thick
        painter.fillRect(QRectF(room.left(), top, room.width(), room.bottom() - top), QColor(colours.hover))
        for number, value in enumerate(values):
            length = max(room.width() / 2 * min(abs(value) / most, 1.0), 1.0)
            bar = QRectF(middle - (length if value < 0 else 0), top + number * (thick + 1), length, thick)
            painter.fillRect(bar, QColor(colours.against if value < 0 else colours.favour))
            if number:
                painter.fillRect(bar, QBrush(QColor(colours.card), Qt.BrushStyle.BDiagPattern))
        painter.fillRect(QRectF(middle - 0.5, top - 1, 1, room.bottom() - top + 2), QColor(colours.quiet))
        painter.restore()
