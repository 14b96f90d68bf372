"""The sortable table of classes: images, recall and precision; without labels, predictions per class."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import QAbstractTableModel, QModelIndex, Qt, Signal
from PySide6.QtGui import QFontMetrics, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QTableView, QWidget

from s3n_core.datasets.records import displayed_class
from s3n_core.evaluation.accuracy import ClassAccuracy, TableAccuracy
from s3n_gui.appearance.theme import font, number_font, px, theme
from s3n_gui.appearance.wording import count_text, tip_text
from s3n_gui.prediction.table.table_model import falling_mark
from s3n_gui.widgets.model_index import NO_PARENT, AnyIndex
from s3n_gui.widgets.row_hover import RowHover, RowHoverDelegate

_TITLES = ("Class", "Images", "Recall", "Precision", "Predictions")
_TIPS = (
    "Click a class to see its images",
    "Images with this label",
    "Share of the images with this label that are predicted correctly, with its 95 % interval",
    "Share of the (labelled) images predicted as this class that are correct, with its 95 % interval",
    "Images predicted as this class",
)
_RECALL, _PREDICTIONS = 2, 4
_SPARED = (1, 3)
"""Columns that a narrow table hides, in this order; a class's tooltip shows their values, too."""
_WIDEST = "100 % of 100 (96 to 100)"
_LEAST_NAME = 120


class ClassTable(QTableView):
    """The table of classes, initially with the lowest recall first, or without labels the most predicted first.

    Signals:
        class_chosen: Index of a class whose images to show.
        class_opened: The same on a double click: inspect them.
    """

    class_chosen = Signal(int)
    class_opened = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._classes = ClassModel(self)
        self._widths: dict[int, int] = {}
        self._judged = True
        self.setModel(self._classes)
        self.setItemDelegate(RowHoverDelegate(RowHover(self), self))
        self.setAccessibleName("Classes")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setStyleSheet("QTableView { border: none; }")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setMinimumSectionSize(px(40))
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.setSortingEnabled(True)
        self.sortByColumn(_RECALL, Qt.SortOrder.AscendingOrder)
        header.setSortIndicatorShown(False)  # it would cover the end of a heading; the heading has a mark of its own
        self.clicked.connect(self._on_chosen)
        self.activated.connect(self._on_chosen)
        self.doubleClicked.connect(self._on_opened)
        theme().changed.connect(self._on_theme)
        self._on_theme()

    def show_accuracy(self, accuracy: TableAccuracy, names: list[str]) -> None:
        """Show the classes of a table."""
        judged = accuracy.counted > 0
        if judged != self._judged:
            self._judged = judged
            falling = Qt.SortOrder.AscendingOrder if judged else Qt.SortOrder.DescendingOrder
            self.sortByColumn(_RECALL if judged else _PREDICTIONS, falling)
            self._fit_columns()
        self._classes.show(accuracy.by_class, names)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Hide columns that do not fit beside the names."""
        self._fit_columns()
        super().resizeEvent(event)

    def _fit_columns(self) -> None:
        shown = {1, 2, 3} if self._judged else {_PREDICTIONS}
        for column in _SPARED:
            if px(_LEAST_NAME) + sum(self._widths[number] for number in shown) <= self.viewport().width():
                break
            shown.discard(column)
        for column in range(1, len(_TITLES)):
            self.setColumnHidden(column, column not in shown)

    def _on_chosen(self, index: QModelIndex) -> None:
        self.class_chosen.emit(self._classes.figures[index.row()].index)

    def _on_opened(self, index: QModelIndex) -> None:
        self.class_opened.emit(self._classes.figures[index.row()].index)

    def _on_theme(self) -> None:
        self.verticalHeader().setDefaultSectionSize(px(28))
        numbers, words = QFontMetrics(number_font("body")), QFontMetrics(font("caption", semibold=True))
        for column, widest in ((1, "10,000"), (2, _WIDEST), (3, _WIDEST), (_PREDICTIONS, "10,000")):
            title = words.horizontalAdvance(_TITLES[column] + falling_mark(True))
            self._widths[column] = max(numbers.horizontalAdvance(widest), title) + px(18)
            self.setColumnWidth(column, self._widths[column])
        self._fit_columns()


class ClassModel(QAbstractTableModel):
    """The model of the class table: one row per class."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.figures: tuple[ClassAccuracy, ...] = ()
        self._given: tuple[ClassAccuracy, ...] = ()
        self._names: list[str] = []
        self._column, self._descending = _RECALL, False

    def show(self, figures: tuple[ClassAccuracy, ...], names: list[str]) -> None:
        """Replace the rows."""
        self.beginResetModel()
        self._given, self._names = figures, names
        self._arrange()
        self.endResetModel()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column; classes without a value come last in both directions."""
        self.beginResetModel()
        self._column, self._descending = column, order == Qt.SortOrder.DescendingOrder
        self._arrange()
        self.endResetModel()
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(_TITLES) - 1)

    def _arrange(self) -> None:
        if self._column == 0:
            ranked = sorted(self._given, key=lambda one: displayed_class(self._names[one.index]).casefold())
            self.figures = tuple(reversed(ranked) if self._descending else ranked)
            return
        values = np.array(
            [(one.images, one.recall, one.precision, one.predictions)[self._column - 1] for one in self._given],
            dtype=float,
        )
        missing = np.isnan(values)
        order = np.argsort(np.where(missing, np.inf, -values if self._descending else values), kind="stable")
        self.figures = tuple(self._given[at] for at in order.tolist())

    def rowCount(self, parent: AnyIndex = NO_PARENT) -> int:
        """Return the number of classes."""
        return 0 if parent.isValid() else len(self.figures)

    def columnCount(self, parent: AnyIndex = NO_PARENT) -> int:
        """Return the number of columns."""
        return 0 if parent.isValid() else len(_TITLES)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell's data for a role."""
        one, column = self.figures[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            name, counts = displayed_class(self._names[one.index]), {1: one.images, _PREDICTIONS: one.predictions}
            if column in counts:
                return f"{counts[column]:,}"
            return name if column == 0 else one.recall_text if column == _RECALL else one.precision_text
        if role == Qt.ItemDataRole.ToolTipRole:
            name = displayed_class(self._names[one.index])
            if one.recall is None and one.precision is None:
                return tip_text(f"{name}: {count_text(one.predictions, 'image is', 'images are')} predicted as it")
            shares = f"recall {one.recall_text}, precision {one.precision_text}"
            return tip_text(f"{name}: {count_text(one.images, 'image')}, {shares}")
        if role == Qt.ItemDataRole.TextAlignmentRole and column:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.FontRole:
            return number_font("body")
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a heading or its tooltip."""
        if orientation == Qt.Orientation.Horizontal:
            if role == Qt.ItemDataRole.DisplayRole:
                return _TITLES[section] + (falling_mark(self._descending) if section == self._column else "")
            if role == Qt.ItemDataRole.ToolTipRole:
                return _TIPS[section]
            if role == Qt.ItemDataRole.TextAlignmentRole:
                side = Qt.AlignmentFlag.AlignRight if section else Qt.AlignmentFlag.AlignLeft
                return int(side | Qt.AlignmentFlag.AlignVCenter)
        return None
