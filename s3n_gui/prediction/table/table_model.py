"""The Qt model of a table of predictions: the shown rows as an index array, with formatted cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt, Signal

from s3n_core.datasets.records import displayed_class, readable_name
from s3n_core.parts.atlas.part_place import PartPlace
from s3n_core.prediction.rows import COLUMNS
from s3n_core.prediction.schema import Column, Heading
from s3n_gui.appearance.wording import tip_text
from s3n_gui.prediction.table.prediction_columns import PredictionColumns
from s3n_gui.prediction.table.row_order import POSITION, RowFilter, shown_rows
from s3n_gui.widgets.model_index import NO_PARENT, AnyIndex

ROW_ROLE = Qt.ItemDataRole.UserRole
"""The role of a row's index in the table's own order."""
PARTS_ROLE = Qt.ItemDataRole.UserRole + 1
"""The role of a row's peaks with their parts in the open atlas, a sequence of `PartPlace`."""


IMAGE = Column(
    "text",
    key=POSITION,
    heading=Heading(
        title="", meaning="The image; click to sort by the order of the folder", place=0, width=68, spared=0
    ),
)
"""The thumbnail column; the other columns are those of the rows' schema that have a heading."""

SHOWN: tuple[tuple[Column, Heading], ...] = tuple(
    sorted(
        ((column, column.heading) for column in (IMAGE, *COLUMNS) if column.heading is not None),
        key=lambda shown: shown[1].place,
    )
)
"""The columns, in display order."""


def section_of(key: str) -> int:
    """Return the section of a key's column."""
    return next(section for section, (column, _) in enumerate(SHOWN) if column.key == key)


class PredictionModel(QAbstractTableModel):
    """The rows that pass the filter, in the chosen order. Rows may be added at any time.

    Signals:
        shown_changed: The shown rows or their order have changed.
    """

    shown_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.predictions: PredictionColumns | None = None
        self.filter = RowFilter()
        self.sort_key = POSITION
        self.descending = False
        self.parts_of: Callable[[str], Sequence[PartPlace]] | None = None
        """Returns the peaks of an image with their parts, where an atlas is open."""
        self._rows = np.zeros(0, dtype=np.int64)
        self._known = 0

    # -- rows and order ------------------------------------------------------------------------------------------------

    def show(self, predictions: PredictionColumns | None) -> None:
        """Show another table."""
        self.beginResetModel()
        self.predictions = predictions
        self._find()
        self.endResetModel()
        self.shown_changed.emit()

    def take_new_rows(self) -> None:
        """Add the new rows of a grown table that pass the filter."""
        if self.predictions is None or self._known == len(self.predictions):
            return
        if self.filter.is_open and self.sort_key == POSITION and not self.descending:
            first, last = len(self._rows), len(self.predictions) - 1
            self.beginInsertRows(QModelIndex(), first, last)
            self._find()
            self.endInsertRows()
        else:
            self.beginResetModel()
            self._find()
            self.endResetModel()
        self.shown_changed.emit()

    def set_filter(self, wanted: RowFilter) -> None:
        """Set the filter."""
        if wanted != self.filter:
            self.filter = wanted
            self.show(self.predictions)

    def set_order(self, key: str, *, descending: bool = False) -> None:
        """Set the order."""
        if (key, descending) != (self.sort_key, self.descending):
            self.sort_key, self.descending = key, descending
            self.show(self.predictions)
            self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(SHOWN) - 1)

    @property
    def rows(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """The shown rows, as indices in the table's own order."""
        return self._rows

    def place_of(self, row: int) -> int:
        """Return the position at which a row of the table is shown, or -1."""
        places = np.flatnonzero(self._rows == row)
        return int(places[0]) if len(places) else -1

    def _find(self) -> None:
        self._known = 0 if self.predictions is None else len(self.predictions)
        if self.predictions is None:
            self._rows = np.zeros(0, dtype=np.int64)
        else:
            self._rows = shown_rows(self.predictions, self.filter, self.sort_key, descending=self.descending)

    # -- for the view --------------------------------------------------------------------------------------------------

    def rowCount(self, parent: AnyIndex = NO_PARENT) -> int:
        """Return the number of shown rows."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: AnyIndex = NO_PARENT) -> int:
        """Return the number of columns."""
        return 0 if parent.isValid() else len(SHOWN)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell's text, tooltip, alignment or row."""
        if self.predictions is None or not index.isValid():
            return None
        row, column = int(self._rows[index.row()]), index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return cell_text(self.predictions, row, *SHOWN[column]) if column else None
        if role == ROW_ROLE:
            return row
        if role == PARTS_ROLE:
            return self._parts(row)
        if role == Qt.ItemDataRole.TextAlignmentRole and _is_number(SHOWN[column][0]):
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            tip = self._tip(row, column)
            return tip_text(tip) if role == Qt.ItemDataRole.ToolTipRole else tip
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a heading or its tooltip."""
        if orientation == Qt.Orientation.Horizontal and 0 <= section < len(SHOWN):
            column, heading = SHOWN[section]
            if role == Qt.ItemDataRole.DisplayRole:
                return heading.title + (falling_mark(self.descending) if column.key == self.sort_key else "")
            if role == Qt.ItemDataRole.ToolTipRole:
                return heading.meaning
            if role == Qt.ItemDataRole.TextAlignmentRole:
                side = Qt.AlignmentFlag.AlignRight if _is_number(column) else Qt.AlignmentFlag.AlignLeft
                return int(side | Qt.AlignmentFlag.AlignVCenter)
        return None

    def _tip(self, row: int, section: int) -> str:
        assert self.predictions is not None
        predictions, (column, heading) = self.predictions, SHOWN[section]
        if column.key == POSITION:
            return row_description(predictions, row)
        if column.key == "file":
            return readable_name(predictions.files[row])
        if row in predictions.errors:
            return predictions.errors[row]
        if column.key in ("class", "probability"):
            return "\n".join(
                f"{displayed_class(name)}: {probability:.3g}" for name, probability in predictions.top(row)
            )
        text = cell_text(predictions, row, column, heading)
        if column.key == "peaks":
            return " · ".join(filter(None, (text, ", ".join(place.name for place in self._parts(row)))))
        return text

    def _parts(self, row: int) -> Sequence[PartPlace]:
        assert self.predictions is not None
        return () if self.parts_of is None else self.parts_of(self.predictions.files[row])


def row_description(table: PredictionColumns, row: int) -> str:
    """Return a row in a few lines: file, prediction and label, or why there is no prediction."""
    lines = [readable_name(table.files[row])]
    if row in table.errors:
        return "\n".join([*lines, table.errors[row]])
    probability = table.number("probability", row)
    said = "" if probability is None else f" ({probability:.3f})"
    lines.append(f"Predicted as {displayed_class(table.name('class', row))}{said}")
    label, correct = table.name("label", row), table.count("correct", row)
    if label:
        verdict = {1: ": correct", 0: ": wrong"}.get(-1 if correct is None else correct, "")
        lines.append(f"Label {displayed_class(label)}{verdict}")
    return "\n".join(lines)


def cell_text(table: PredictionColumns, row: int, column: Column, heading: Heading) -> str:
    """Return a cell's text."""
    if column.key == "agreement":  # lists the branches' classes rather than how many agree
        return "\n".join(f"{letter}: {displayed_class(name)}" for letter, name in table.branches(row))
    match column.kind:
        case "text":
            return readable_name(table.texts[column.key][row])
        case "class":
            return displayed_class(table.name(column.key, row))
        case "word":
            return table.word(column.key, row)
        case "number":
            number = table.number(column.key, row)
            return "" if number is None else f"{number:.{heading.digits}f}"
        case "count":
            count = table.count(column.key, row)
            return "" if count is None else str(count)
        case "flag":
            return {None: "", 0: "no", 1: "yes"}[table.count(column.key, row)]
    raise AssertionError(f"a column of {column.kind} has no text")


def falling_mark(falling: bool) -> str:
    """Return the sort mark at the end of a heading."""
    return " ▾" if falling else " ▴"


def _is_number(column: Column) -> bool:
    """Return whether a column is right-aligned, as numbers without a bar or mark are."""
    return column.kind in ("number", "count") and column.key not in ("probability", "agreement")
