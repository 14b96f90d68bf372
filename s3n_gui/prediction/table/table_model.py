"""Qt's view of a table of predictions: shown rows by index arrays, numbers as a person reads them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from s3n_core.datasets.records import displayed_class, readable_name
from s3n_gui.prediction.table.columns import Answers
from s3n_gui.prediction.table.row_order import RowFilter, SortKey, shown_rows

AnyIndex = QModelIndex | QPersistentModelIndex
NO_PARENT = QModelIndex()
ROW_ROLE = Qt.ItemDataRole.UserRole
"""The row in the table's own order."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        title: Its heading.
        tip: What it says, in a sentence.
        key: What a press on the heading sorts by.
        width: In pixels at text size 1.
        falling: Whether the first press sorts the largest first.
        right: Whether its texts end at the right, as numbers do.
    """

    title: str
    tip: str
    key: SortKey
    width: int
    falling: bool = False
    right: bool = False


COLUMNS: tuple[Column, ...] = (
    Column("", "The image; a press sorts by the order of the folder", "position", 52),
    Column("File", "The image's name in its folder", "file", 210),
    Column("Class", "The model's answer: the joint prediction of all branches", "class", 170),
    Column("Label", "The class that the image is known to have", "label", 170),
    Column("Probability", "Probability of the answer", "probability", 124, falling=True),
    Column("Margin", "Probability of the first class less the second's: small in doubt", "margin", 82, right=True),
    Column("Branches", "Which branches give the joint answer: filled where they do, hollow where they do not", "agreement", 98),
    Column("H", "Entropy of the original branch's answer in nats (Eq. 2): large where it is unsure", "entropy", 58, right=True),
    Column("Peaks", "Number of peaks of the response map R", "peaks", 74, right=True),
    Column("Problem", "Why there is no answer", "error", 160),
)  # fmt: skip
"""The columns, in their order on the screen."""

FILE, CLASS, LABEL, PROBABILITY, MARGIN, BRANCHES, ENTROPY, PEAKS, PROBLEM = range(1, 10)


class PredictionModel(QAbstractTableModel):
    """The rows that pass the filter, in the chosen order. Rows may come at any time.

    Signals:
        shown_changed: Other rows are shown, or the same in another order.
    """

    shown_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.answers: Answers | None = None
        self.filter = RowFilter()
        self.sort_key: SortKey = "position"
        self.descending = False
        self._rows = np.zeros(0, dtype=np.int64)
        self._known = 0
        self._texts: dict[int, Callable[[Answers, int], str]] = {
            FILE: lambda answers, row: readable_name(answers.files[row]),
            CLASS: lambda answers, row: displayed_class(answers.name("class", row)),
            LABEL: lambda answers, row: displayed_class(answers.name("label", row)),
            PROBABILITY: lambda answers, row: _number(answers, "probability", row, 3),
            MARGIN: lambda answers, row: _number(answers, "margin", row, 3),
            BRANCHES: _branch_words,
            ENTROPY: lambda answers, row: _number(answers, "entropy", row, 2),
            PEAKS: lambda answers, row: "" if answers.column("peaks")[row] < 0 else str(answers.column("peaks")[row]),
            PROBLEM: lambda answers, row: answers.errors.get(row, ""),
        }

    # -- what is shown ---------------------------------------------------------------------------------------------------

    def show(self, answers: Answers | None) -> None:
        """Show another table."""
        self.beginResetModel()
        self.answers = answers
        self._find()
        self.endResetModel()
        self.shown_changed.emit()

    def take_new_rows(self) -> None:
        """The table has grown: show what passes of the new rows."""
        if self.answers is None or self._known == len(self.answers):
            return
        if self.filter.is_open and self.sort_key == "position" and not self.descending:
            first, last = len(self._rows), len(self.answers) - 1
            self.beginInsertRows(QModelIndex(), first, last)
            self._find()
            self.endInsertRows()
        else:
            self.beginResetModel()
            self._find()
            self.endResetModel()
        self.shown_changed.emit()

    def set_filter(self, wanted: RowFilter) -> None:
        """Show the rows that pass."""
        if wanted != self.filter:
            self.filter = wanted
            self.show(self.answers)

    def set_order(self, key: SortKey, *, descending: bool = False) -> None:
        """Show the rows in another order."""
        if (key, descending) != (self.sort_key, self.descending):
            self.sort_key, self.descending = key, descending
            self.show(self.answers)
            self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(COLUMNS) - 1)

    @property
    def rows(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """The shown rows, by their place in the table's own order."""
        return self._rows

    def place_of(self, row: int) -> int:
        """Return where a row of the table is shown, -1 where it is not."""
        places = np.flatnonzero(self._rows == row)
        return int(places[0]) if len(places) else -1

    def _find(self) -> None:
        self._known = 0 if self.answers is None else len(self.answers)
        if self.answers is None:
            self._rows = np.zeros(0, dtype=np.int64)
        else:
            self._rows = shown_rows(self.answers, self.filter, self.sort_key, descending=self.descending)

    # -- for the view ----------------------------------------------------------------------------------------------------

    def rowCount(self, parent: AnyIndex = NO_PARENT) -> int:
        """Return the number of shown rows."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: AnyIndex = NO_PARENT) -> int:
        """Return the number of columns."""
        return 0 if parent.isValid() else len(COLUMNS)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell's text, tip, alignment or row."""
        if self.answers is None or not index.isValid():
            return None
        row, column = int(self._rows[index.row()]), index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            text = self._texts.get(column)
            return text(self.answers, row) if text is not None else None
        if role == ROW_ROLE:
            return row
        if role == Qt.ItemDataRole.TextAlignmentRole and COLUMNS[column].right:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return self._tip(row, column)
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a heading and what it means."""
        if orientation == Qt.Orientation.Horizontal and 0 <= section < len(COLUMNS):
            column = COLUMNS[section]
            if role == Qt.ItemDataRole.DisplayRole:
                return column.title + (falling_mark(self.descending) if column.key == self.sort_key else "")
            if role == Qt.ItemDataRole.ToolTipRole:
                return column.tip
            if role == Qt.ItemDataRole.TextAlignmentRole:
                side = Qt.AlignmentFlag.AlignRight if column.right else Qt.AlignmentFlag.AlignLeft
                return int(side | Qt.AlignmentFlag.AlignVCenter)
        return None

    def _tip(self, row: int, column: int) -> str:
        assert self.answers is not None
        answers = self.answers
        if column <= FILE:
            return readable_name(answers.files[row])
        if row in answers.errors:
            return answers.errors[row]
        if column in (CLASS, PROBABILITY):
            return "\n".join(f"{displayed_class(name)}: {probability:.3g}" for name, probability in answers.top(row))
        if column == BRANCHES:
            return _branch_words(answers, row)
        return str(self._texts[column](answers, row)) if column in self._texts else ""


def falling_mark(falling: bool) -> str:
    """Return what a heading ends with whose column the rows are sorted by."""
    return " ▾" if falling else " ▴"


def _number(answers: Answers, column: str, row: int, digits: int) -> str:
    value = float(answers.column(column)[row])
    return "" if np.isnan(value) else f"{value:.{digits}f}"


def _branch_words(answers: Answers, row: int) -> str:
    return "\n".join(f"{letter}: {displayed_class(name)}" for letter, name in answers.branches(row))
