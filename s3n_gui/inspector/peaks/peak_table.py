"""The peak table: mark, place, R, zeta and set. The model adapts the state to Qt; the view syncs the selection."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import (
    QAbstractTableModel,
    QItemSelectionModel,
    QModelIndex,
    QPointF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from s3n_core.inspection.number_text import number_text
from s3n_core.inspection.peak import Peak
from s3n_gui.appearance.theme import number_font, px, theme
from s3n_gui.inspector.inspection_state import InspectionState
from s3n_gui.inspector.symbols import draw_symbol, plain_symbol
from s3n_gui.widgets.images.marks import Marks, PeakMark, draw_marks
from s3n_gui.widgets.model_index import NO_PARENT, AnyIndex
from s3n_gui.widgets.part_swatch import place_colour, swatch
from s3n_gui.widgets.row_hover import RowHover, RowHoverDelegate

_HEADERS = ("", "Position, px", "R", "ζ", "Set")
_PLAIN_HEADERS = ("", "Position", "Strength", "", "Kind")
_ZETA = 3
_TIPS = (
    "Marker of the peak in the images; an open diamond around it: it lies outside the annotated box",
    "Position in the original image, in pixels from the top left",
    "Strength: the response at the peak (R), from 0 to 1",
    "Random draw (zeta); the peak goes to T_d if R is larger",
    "Where the peak is enlarged: T_d strong evidence (D), T_c supporting evidence (C)",
)
PEAK_ROLE = Qt.ItemDataRole.UserRole
OUTSIDE_ROLE = Qt.ItemDataRole.UserRole + 1
"""Whether the peak lies outside the annotated box."""
PART_ROLE = Qt.ItemDataRole.UserRole + 2
"""The name of the peak's part, which stands alone where there is no room for its place; None without a part."""


def kind_text(peak: Peak) -> str:
    """Return what a peak is, in plain words: "strong (D)"; a share if it belongs to both kinds."""
    match peak.set:
        case "D":
            return "strong (D)"
        case "C":
            return "supporting (C)"
        case "both" if peak.weight_d != 1 or peak.weight_c != 1:
            return f"{100 * peak.weight_d:.0f} % strong"
        case _:
            return peak.set


def set_text(peak: Peak) -> str:
    """Return the name of a peak's set, with ``_`` before a subscript."""
    match peak.set:
        case "D":
            return "T_d"
        case "C":
            return "T_c"
        case "both" if peak.weight_d == peak.weight_c == 1:
            return "both"
        case "both":
            return f"{100 * peak.weight_d:.0f} % T_d"
        case _:
            return peak.set


class PeakTableModel(QAbstractTableModel):
    """The peaks of the state's inspection, highest first."""

    def __init__(self, state: InspectionState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state, self._view = state, parent
        self._peaks: tuple[Peak, ...] = ()
        state.evidence_changed.connect(self._take)
        state.annotation_changed.connect(self._take)
        state.parts_changed.connect(self._take)
        state.symbols.changed.connect(self._on_symbols)
        self._take()

    def _on_symbols(self) -> None:
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(_HEADERS) - 1)
        self._take()

    def is_outside(self, peak: Peak) -> bool:
        """Return whether a peak lies outside the annotated box of the image that is shown."""
        return self._state.is_current and self._state.annotation.is_outside(peak.x, peak.y)

    def _take(self) -> None:
        peaks = self._state.evidence.warps.peaks if self._state.evidence is not None else ()
        if [p.found_at for p in peaks] == [p.found_at for p in self._peaks]:
            self._peaks = peaks
            if peaks:
                self.dataChanged.emit(self.index(0, 0), self.index(len(peaks) - 1, len(_HEADERS) - 1))
            return
        self.beginResetModel()
        self._peaks = peaks
        self.endResetModel()

    def peak(self, row: int) -> Peak:
        """Return the peak of a row, from 0."""
        return self._peaks[row]

    def row_of(self, cell: tuple[int, int] | None) -> int:
        """Return the row of the peak found at a cell, or -1."""
        return next((row for row, peak in enumerate(self._peaks) if peak.found_at == cell), -1)

    def rowCount(self, parent: AnyIndex = NO_PARENT) -> int:
        """Return the number of rows."""
        return 0 if parent.isValid() else len(self._peaks)

    def columnCount(self, parent: AnyIndex = NO_PARENT) -> int:
        """Return the number of columns."""
        return 0 if parent.isValid() else len(_HEADERS)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return an item's data for a role."""
        if not index.isValid():
            return None
        peak, column = self._peaks[index.row()], index.column()
        moved = peak.cell != peak.found_at
        if role == PEAK_ROLE:
            return peak
        if role == OUTSIDE_ROLE:
            return self.is_outside(peak)
        if role == PART_ROLE:
            part = self._state.part_of(peak)
            return None if part is None else part.name
        if role == Qt.ItemDataRole.DisplayRole:
            zeta = "–" if peak.zeta is None else f"{peak.zeta:.2f}"
            part = self._state.part_of(peak)
            texts = (
                "",
                (f"{part.name} · " if part else "") + f"{peak.x:.0f}, {peak.y:.0f}{' *' if moved else ''}",
                f"{peak.response:.2f}",
                zeta,
                set_text(peak) if self._state.symbols.shown else kind_text(peak),
            )
            return texts[column]
        if role == Qt.ItemDataRole.DecorationRole and column == 1:
            part = self._state.part_of(peak)
            ratio = 1.0 if self._view is None else self._view.devicePixelRatioF()
            return None if part is None else swatch(place_colour(part), ratio)
        if role == Qt.ItemDataRole.TextAlignmentRole and column in (2, 3):
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.FontRole:
            return number_font("body")
        if role == Qt.ItemDataRole.ToolTipRole:
            place = f"{peak.x:.0f}, {peak.y:.0f} px; cell {peak.cell[0]}, {peak.cell[1]} (row, column) of R"
            place = f"{place}, moved by hand from {peak.found_at[0]}, {peak.found_at[1]}" if moved else place
            part = self._state.part_of(peak)
            place = f"{place}; {part.words}" if part else place
            return f"{place}; outside the annotated box" if self.is_outside(peak) else place
        if role == Qt.ItemDataRole.AccessibleTextRole and column == 0:
            said = f"Peak with strength {number_text(peak.response)}, {kind_text(peak)}"
            if self._state.symbols.shown:
                said = f"Peak with R {number_text(peak.response)}, {plain_symbol(set_text(peak))}"
            return f"{said}, outside the annotated box" if self.is_outside(peak) else said
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a column's title or tooltip."""
        if orientation == Qt.Orientation.Horizontal:
            if role == Qt.ItemDataRole.DisplayRole:
                return (_HEADERS if self._state.symbols.shown else _PLAIN_HEADERS)[section]
            if role == Qt.ItemDataRole.ToolTipRole:
                return _TIPS[section]
            if role == Qt.ItemDataRole.TextAlignmentRole and section in (2, 3):
                return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return None


class PeakTable(QTableView):
    """The table.

    Signals:
        switch_requested: Switch a peak off or on; the cell where it was found.
        flip_requested: Move a peak to the other set; the cell where it was found.
        menu_requested: Open a peak's menu; the cell where it was found, and a screen position.
    """

    switch_requested = Signal(object)
    flip_requested = Signal(object)
    menu_requested = Signal(object, object)

    def __init__(self, state: InspectionState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._model = PeakTableModel(state, self)
        self.setModel(self._model)
        hover = RowHover(self)
        self.setItemDelegate(RowHoverDelegate(hover, self))
        self.setItemDelegateForColumn(0, _MarkDelegate(hover, self))
        self.setItemDelegateForColumn(1, _PlaceDelegate(hover, self))
        self.setItemDelegateForColumn(4, _SymbolDelegate(hover, self))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setAccessibleName("Peaks")
        self.verticalHeader().hide()
        head = self.horizontalHeader()
        head.setHighlightSections(False)
        head.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        head.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        head.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        self.selectionModel().currentRowChanged.connect(self._on_row_changed)
        self._model.modelReset.connect(self._show_selection)
        state.selection_changed.connect(self._show_selection)
        self.doubleClicked.connect(self._on_double_clicked)
        self.customContextMenuRequested.connect(self._on_menu_requested)
        theme().changed.connect(self._on_theme_changed)
        state.symbols.changed.connect(self._on_theme_changed)
        self._on_theme_changed()

    def sizeHint(self) -> QSize:
        """Return a size that fits all columns and a few rows."""
        return QSize(px(260), px(142))

    def _on_theme_changed(self) -> None:
        symbols = self._state.symbols.shown
        for column, width in ((0, 28), (2, 44 if symbols else 64), (_ZETA, 44), (4, 64 if symbols else 92)):
            self.setColumnWidth(column, px(width))
        self.setColumnHidden(_ZETA, not symbols)
        self.verticalHeader().setDefaultSectionSize(px(26))

    def _show_selection(self) -> None:
        row = self._model.row_of(self._state.selected)
        if row < 0:
            self.clearSelection()
            self.selectionModel().clearCurrentIndex()
        elif row != self.currentIndex().row() or not self.selectionModel().isRowSelected(row, QModelIndex()):
            flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
            self.selectionModel().setCurrentIndex(self._model.index(row, 1), flags)

    def _on_row_changed(self, current: QModelIndex, previous: QModelIndex) -> None:
        if current.isValid():
            self._state.select(self._model.peak(current.row()).found_at)

    def _on_double_clicked(self, index: QModelIndex) -> None:
        if index.isValid():
            self.flip_requested.emit(self._model.peak(index.row()).found_at)

    def _on_menu_requested(self, point: Any) -> None:
        index = self.indexAt(point)
        if index.isValid():
            self.menu_requested.emit(self._model.peak(index.row()).found_at, self.viewport().mapToGlobal(point))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Handle a key press."""
        row = self.currentIndex().row()
        if row >= 0 and event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.switch_requested.emit(self._model.peak(row).found_at)
        elif row >= 0 and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.flip_requested.emit(self._model.peak(row).found_at)
        else:
            super().keyPressEvent(event)


class _MarkDelegate(RowHoverDelegate):
    """Paints a peak's mark as in the images."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        super().paint(painter, option, index)
        peak: Peak = index.data(PEAK_ROLE)
        middle = QPointF(option.rect.center())
        mark = PeakMark(
            key=peak.found_at,
            x=middle.x() + 0.5,
            y=middle.y() + 0.5,
            strength=(0.1 if index.data(OUTSIDE_ROLE) else 0.3) + 0.4 * peak.response,  # the diamond needs room
            weight_d=peak.weight_d,
            weight_c=peak.weight_c,
            outside=bool(index.data(OUTSIDE_ROLE)),
        )
        painter.save()
        draw_marks(painter, Marks(peaks=(mark,)), _as_they_are, 300)
        painter.restore()


def _as_they_are(places: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.asarray(places, dtype=np.float64)


class _PlaceDelegate(RowHoverDelegate):
    """Shows a peak's part and place, or the part alone where both do not fit."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        super().initStyleOption(option, index)
        part = index.data(PART_ROLE)
        if part is not None:
            style, item = option.widget.style(), QStyle.SubElement.SE_ItemViewItemText
            margin = style.pixelMetric(QStyle.PixelMetric.PM_FocusFrameHMargin, None, option.widget) + 1
            room = style.subElementRect(item, option, option.widget).width() - 2 * margin
            if option.fontMetrics.horizontalAdvance(option.text) > room:
                option.text = part


class _SymbolDelegate(RowHoverDelegate):
    """Paints a symbol with its subscript."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        text = index.data()
        self.initStyleOption(option, index)
        option.text = ""
        style = option.widget.style()
        style.drawControl(style.ControlElement.CE_ItemViewItem, option, painter, option.widget)
        painter.save()
        used = number_font("body")
        painter.setFont(used)
        metrics = painter.fontMetrics()
        painter.setPen(option.palette.color(option.palette.ColorRole.Text))
        baseline = option.rect.center().y() + (metrics.ascent() - metrics.descent()) / 2 + 0.5
        draw_symbol(painter, option.rect.left() + px(8), baseline, text, used)
        painter.restore()
