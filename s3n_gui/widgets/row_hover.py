"""Hover highlighting of whole table rows, where Qt highlights only one cell."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QRect
from PySide6.QtGui import QCursor, QHoverEvent, QMouseEvent
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QTableView


class RowHover(QObject):
    """Tracks the row of a table under the mouse and repaints it when that changes."""

    def __init__(self, table: QTableView) -> None:
        super().__init__(table)
        self._table = table
        self.row = -1
        table.setMouseTracking(True)
        table.viewport().installEventFilter(self)
        table.verticalScrollBar().valueChanged.connect(self._on_scrolled)

    def tint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        """Set a cell's hover state to that of its row; a delegate calls this in ``initStyleOption``."""
        over = QStyle.StateFlag.State_MouseOver
        option.state = option.state | over if index.row() == self.row else option.state & ~over

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Track the mouse."""
        if isinstance(event, QMouseEvent | QHoverEvent) and event.type() in (
            QEvent.Type.MouseMove,
            QEvent.Type.HoverMove,
        ):
            self._set_row(self._table.rowAt(round(event.position().y())))
        elif event.type() == QEvent.Type.Leave:
            self._set_row(-1)
        return super().eventFilter(watched, event)

    def _on_scrolled(self) -> None:
        viewport = self._table.viewport()
        if viewport.underMouse():
            self._set_row(self._table.rowAt(viewport.mapFromGlobal(QCursor.pos()).y()))

    def _set_row(self, row: int) -> None:
        if row == self.row:
            return
        old, self.row = self.row, row
        viewport = self._table.viewport()
        for one in (old, row):
            if one >= 0:
                height = self._table.rowHeight(one)
                viewport.update(QRect(0, self._table.rowViewportPosition(one), viewport.width(), height))


class RowHoverDelegate(QStyledItemDelegate):
    """A delegate that highlights the whole row under the mouse; delegates with their own painting inherit from it."""

    def __init__(self, hover: RowHover, table: QTableView) -> None:
        super().__init__(table)
        self._hover = hover

    def initStyleOption(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        """Highlight the row under the mouse."""
        super().initStyleOption(option, index)
        self._hover.tint(option, index)
