"""The table view: thumbnails, probability bars, one mark per branch, and a tick or a cross for labelled images."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QModelIndex, QRect, Qt, Signal
from PySide6.QtGui import QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from s3n_gui.appearance.theme import px, theme
from s3n_gui.background.thumbnails import ThumbnailLoader
from s3n_gui.prediction.table.row_delegate import PathOf, RowDelegate
from s3n_gui.prediction.table.table_model import ROW_ROLE, SHOWN, PredictionModel, section_of

_ROW_HEIGHT = 56
_PARTS_WIDTH = 150
"""Width of the column of peaks with the names of their parts."""
_LEAST_WORDS = 120
_WORDS = [section for section, (column, _) in enumerate(SHOWN) if column.kind == "class" or column.key == "file"]
_SPARED = sorted(
    (section for section, (_, heading) in enumerate(SHOWN) if heading.spared), key=lambda at: -SHOWN[at][1].spared
)
"""Columns that a narrow table hides, in this order."""
_CLASS, _LABEL, _PROBLEM = section_of("class"), section_of("label"), section_of("error")
_PEAKS = section_of("peaks")


class PredictionTable(QTableView):
    """The table.

    Signals:
        opened: A double click on a row; its index in the table's own order.
        preview_asked: A click on a thumbnail; the index of its row.
        current_changed: The current row has changed; its index, or -1.
        chosen_changed: Other rows are selected.
    """

    opened = Signal(int)
    preview_asked = Signal(int)
    current_changed = Signal(int)
    chosen_changed = Signal()

    def __init__(
        self, model: PredictionModel, thumbnails: ThumbnailLoader, path_of: PathOf, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._rows = model
        self._thumbnails, self._path_of = thumbnails, path_of
        self._idle = {_LABEL, _PROBLEM}  # columns without content
        self._parts = False
        self.setModel(model)
        self.selectionModel().selectionChanged.connect(self.chosen_changed)
        self.setItemDelegate(RowDelegate(thumbnails, path_of, self))
        self.setAccessibleName("Predictions")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header = self.horizontalHeader()
        header.setSectionsClickable(True)
        header.setSortIndicatorShown(False)  # it would cover the end of a heading; the heading has a mark of its own
        header.setHighlightSections(False)
        header.setMinimumSectionSize(40)
        header.sectionClicked.connect(self._on_heading)
        self.doubleClicked.connect(self._on_double_click)
        thumbnails.ready.connect(self._on_thumbnail)
        thumbnails.outdated.connect(self.viewport().update)
        theme().changed.connect(self._on_theme)
        self._on_theme()

    def show_columns(self, *, label: bool, problem: bool) -> None:
        """Show the columns that have content, as far as they fit."""
        self._idle = {column for column, busy in ((_LABEL, label), (_PROBLEM, problem)) if not busy}
        for section in _WORDS:  # the text columns share the remaining width
            self.horizontalHeader().setSectionResizeMode(section, QHeaderView.ResizeMode.Stretch)
        self._fit_columns()

    def show_parts(self, *, shown: bool) -> None:
        """Make room for the parts of peaks, or none; also show them anew, as they may have other names."""
        self._parts = shown
        self.setColumnWidth(_PEAKS, px(self._width(_PEAKS)))
        self._fit_columns()
        self.viewport().update()

    def _width(self, section: int) -> int:
        return _PARTS_WIDTH if section == _PEAKS and self._parts else SHOWN[section][1].width

    def _fit_columns(self) -> None:
        shown = {column for column in range(len(SHOWN)) if column not in self._idle}

        def needed() -> int:
            return sum(px(_LEAST_WORDS if column in _WORDS else self._width(column)) for column in shown)

        for column in _SPARED:
            if needed() <= self.viewport().width():
                break
            shown.discard(column)
        for column in range(len(SHOWN)):
            self.setColumnHidden(column, column not in shown)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Hide the least important columns of a narrow table."""
        self._fit_columns()
        super().resizeEvent(event)

    def current_row(self) -> int:
        """Return the index of the current row in the table's own order, or -1."""
        index = self.currentIndex()
        return int(index.data(ROW_ROLE)) if index.isValid() else -1

    def chosen_rows(self) -> list[int]:
        """Return the indices of the selected rows if there are several, in the shown order; else none."""
        selected = self.selectionModel().selection()
        parts = [selected.at(number) for number in range(selected.count())]
        places = sorted({place for part in parts for place in range(part.top(), part.bottom() + 1)})
        return self._rows.rows[places].tolist() if len(places) > 1 else []

    def go_to(self, row: int) -> None:
        """Make a row the current one, if it is shown."""
        place = self._rows.place_of(row)
        if place >= 0:
            index = self._rows.index(place, _CLASS)
            self.setCurrentIndex(index)
            self.scrollTo(index)

    def currentChanged(self, current: QModelIndex | object, previous: QModelIndex | object) -> None:
        """Emit the current row."""
        super().currentChanged(current, previous)  # type: ignore[arg-type]
        self.current_changed.emit(self.current_row())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Preview on a click on a thumbnail."""
        super().mousePressEvent(event)
        index = self.indexAt(event.position().toPoint())
        if index.isValid() and index.column() == 0 and event.button() == Qt.MouseButton.LeftButton:
            self.preview_asked.emit(int(index.data(ROW_ROLE)))

    def visible_rows(self) -> range:
        """Return the positions that are on the screen."""
        first, last = self.rowAt(0), self.rowAt(self.viewport().height() - 1)
        count = self._rows.rowCount()
        return range(max(first, 0), (last if last >= 0 else count - 1) + 1)

    def _on_heading(self, section: int) -> None:
        column, heading = SHOWN[section]
        again = column.key == self._rows.sort_key
        self.sort_by(section, descending=not self._rows.descending if again else heading.falling)

    def sort_by(self, section: int, *, descending: bool) -> None:
        """Sort by a column; keep the current row in view."""
        row = self.current_row()
        self._rows.set_order(SHOWN[section][0].key, descending=descending)
        self.go_to(row)

    def _on_double_click(self, index: QModelIndex) -> None:
        if index.column() > 0:
            self.opened.emit(int(index.data(ROW_ROLE)))

    def _on_thumbnail(self, path: Path) -> None:
        self.viewport().update(QRect(0, 0, self.columnWidth(0), self.viewport().height()))

    def _on_theme(self) -> None:
        self.verticalHeader().setDefaultSectionSize(px(_ROW_HEIGHT))
        for section in range(len(SHOWN)):
            self.setColumnWidth(section, px(self._width(section)))
        self.viewport().update()
