"""A view of equal tiles in rows. It computes where each tile is, so its cost does not grow with the number of tiles.

``QListView`` lays out all of its items again whenever some are added or have another size, which takes long for a list that
grows. It is the base only because screen readers know what it is and read its items; all geometry is that of the tiles.
"""

from __future__ import annotations

from PySide6.QtCore import (
    QAbstractItemModel,
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
)
from PySide6.QtGui import QHoverEvent, QKeyEvent, QPainter, QPaintEvent, QRegion, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyleOptionViewItem, QWidget

from s3n_gui.appearance.theme import px, theme
from s3n_gui.widgets.kept_in_sight import kept_in_sight
from s3n_gui.widgets.model_index import AnyIndex

_MARGIN = 6  # pixels around all tiles
_LEAST = 110  # width in pixels below which tiles are not made smaller to fit
_Move = QAbstractItemView.CursorAction
_STEPS = {_Move.MoveLeft: -1, _Move.MovePrevious: -1, _Move.MoveRight: 1, _Move.MoveNext: 1}


class TileView(QListView):
    """Shows the rows of a model as tiles, which the delegate paints from column 0.

    A table of the same model can share the selection model: only rows count.

    Args:
        tile: Wanted width of a tile at normal text size, in pixels. Actual widths are adjusted to fill the row.
        columns: The number of tiles in a row, whatever their width; None: as many as fit.
    """

    def __init__(self, tile: int, parent: QWidget | None = None, *, columns: int | None = None) -> None:
        super().__init__(parent)
        self._tile, self._fixed = tile, columns
        self._columns, self._cell = 1, QSize(tile, tile)
        self._hovered = -1
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMouseTracking(True)
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_Hover)
        theme().changed.connect(self.fit)

    def tile_height(self, width: int) -> int:
        """Return the height of a tile of a width, both in pixels; a square unless a subclass says otherwise."""
        return width

    @property
    def tile(self) -> int:
        """The wanted width of a tile at normal text size, in pixels."""
        return self._tile

    def set_tile(self, width: int) -> None:
        """Set the wanted width of a tile; what is in sight stays there."""
        self._tile = width
        self.fit()

    @property
    def columns(self) -> int:
        """The number of tiles in a row."""
        return self._columns

    def visible_rows(self) -> range:
        """Return the model's rows that are at least partly visible."""
        return self._rows_between(0, self.viewport().height() - 1)

    def fit(self) -> None:
        """Adjust the tiles to the width."""
        # Leaves room for the scroll bar even if there is none: otherwise it would come and go with the layout.
        room = self.width() - 2 * self.frameWidth() - self.verticalScrollBar().sizeHint().width() - 2 * _MARGIN
        columns = self._fixed or max(1, round(room / max(px(self._tile), 1)))
        width, high = max(room // columns, 40), self.viewport().height()
        while self.tile_height(width) > high - 2 * _MARGIN and room // (columns + 1) >= px(_LEAST) and not self._fixed:
            columns += 1  # a low view has smaller tiles, so that it shows whole ones
            width = room // columns
        cell = QSize(width, self.tile_height(width))
        if (columns, cell) == (self._columns, self._cell):
            self.updateGeometries()
            return
        with kept_in_sight(self, self._first(), self.viewport().size()):
            self._columns, self._cell = columns, cell
            self.updateGeometries()
        self.viewport().update()

    # -- geometry, as QAbstractItemView asks for it --------------------------------------------------------------------

    def visualRect(self, index: AnyIndex) -> QRect:
        """Return a tile's rectangle in the viewport."""
        if not index.isValid():
            return QRect()
        down, across = divmod(index.row(), self._columns)
        place = QPoint(
            _MARGIN + across * self._cell.width(), _MARGIN + down * self._cell.height() - self.verticalOffset()
        )
        return QRect(place, self._cell)

    def indexAt(self, point: QPoint) -> QModelIndex:
        """Return the tile under a point of the viewport."""
        across = (point.x() - _MARGIN) // self._cell.width()
        down = (point.y() + self.verticalOffset() - _MARGIN) // self._cell.height()
        row = down * self._columns + across
        if not 0 <= across < self._columns or not 0 <= row < self._count():
            return QModelIndex()
        return self.model().index(row, 0)

    def scrollTo(
        self, index: AnyIndex, hint: QAbstractItemView.ScrollHint = QAbstractItemView.ScrollHint.EnsureVisible
    ) -> None:
        """Scroll as little as needed to show a whole tile, or to its middle."""
        box, bar, height = self.visualRect(index), self.verticalScrollBar(), self.viewport().height()
        if not index.isValid():
            return
        if hint == QAbstractItemView.ScrollHint.PositionAtCenter:
            bar.setValue(bar.value() + box.center().y() - height // 2)
        elif box.top() < _MARGIN or box.height() > height:
            bar.setValue(bar.value() + box.top() - _MARGIN)
        elif box.bottom() > height - _MARGIN:
            bar.setValue(bar.value() + box.bottom() - height + _MARGIN)

    def horizontalOffset(self) -> int:
        """Return 0: tiles never extend beyond the width."""
        return 0

    def verticalOffset(self) -> int:
        """Return how far the view is scrolled, in pixels."""
        return self.verticalScrollBar().value()

    def isIndexHidden(self, index: AnyIndex) -> bool:
        """Return False: every row has a tile."""
        return False

    def moveCursor(self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier) -> QModelIndex:
        """Return the tile that a key leads to."""
        count, row = self._count(), self.currentIndex().row()
        if not count:
            return QModelIndex()
        page = max(self.viewport().height() // self._cell.height(), 1) * self._columns
        jumps = _STEPS | {
            _Move.MoveUp: -self._columns,
            _Move.MoveDown: self._columns,
            _Move.MovePageUp: -page,
            _Move.MovePageDown: page,
        }
        if row < 0 or action == _Move.MoveHome:
            target = 0
        elif action == _Move.MoveEnd:
            target = count - 1
        else:
            target = row + jumps[action]
            if action in (_Move.MoveUp, _Move.MovePageUp) and target < 0:
                target = row % self._columns
            elif action in (_Move.MoveDown, _Move.MovePageDown) and target >= count:
                # The last tile, unless the current one is in the last row already.
                target = row if row // self._columns == (count - 1) // self._columns else count - 1
        return self.model().index(min(max(target, 0), count - 1), 0)

    def setSelection(self, rect: QRect, command: QItemSelectionModel.SelectionFlag) -> None:
        """Select the tiles from one corner to the other, in the order of the model, as in a text."""
        ends = [index for index in map(self.indexAt, (rect.topLeft(), rect.bottomRight())) if index.isValid()]
        rows = sorted(index.row() for index in ends)
        model, selection = self.model(), QItemSelection()
        if rows:
            selection = QItemSelection(model.index(rows[0], 0), model.index(rows[-1], 0))
        self.selectionModel().select(selection, command)

    def visualRegionForSelection(self, selection: QItemSelection) -> QRegion:
        """Return the region of the selected tiles that are visible."""
        region, seen = QRegion(), self.visible_rows()
        for number in range(selection.count()):
            part = selection.at(number)
            for row in range(max(part.top(), seen.start), min(part.bottom() + 1, seen.stop)):
                region += QRegion(self.visualRect(self.model().index(row, 0)))
        return region

    def updateGeometries(self) -> None:
        """Set the range of the scroll bar."""
        rows = -(-self._count() // self._columns)
        height, bar = self.viewport().height(), self.verticalScrollBar()
        bar.setRange(0, max(rows * self._cell.height() + 2 * _MARGIN - height, 0))
        bar.setPageStep(height)
        bar.setSingleStep(max(self._cell.height() // 3, 1))
        QAbstractItemView.updateGeometries(self)

    # -- from Qt -------------------------------------------------------------------------------------------------------

    def setModel(self, model: QAbstractItemModel | None) -> None:
        """Show a model."""
        super().setModel(model)
        self.updateGeometries()

    def reset(self) -> None:
        """Follow the model's reset."""
        super().reset()
        self._hovered = -1
        self.updateGeometries()
        self.viewport().update()

    def rowsInserted(self, parent: AnyIndex, start: int, end: int) -> None:
        """Make room for new tiles."""
        super().rowsInserted(parent, start, end)
        self.updateGeometries()
        self.viewport().update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Adjust the tiles to the new width; what is in sight stays there."""
        with kept_in_sight(self, self._first(), event.oldSize()):
            QAbstractItemView.resizeEvent(self, event)
            self.fit()

    def doItemsLayout(self) -> None:
        """Compute no place before it is asked for."""
        QAbstractItemView.doItemsLayout(self)

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        """Paint the tiles that are visible now."""
        self.viewport().update()

    def keyboardSearch(self, search: str) -> None:
        """Ignore typed letters: the search field is for that, and it is fast."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Leave Tab to the window, and handle the other keys as every view does."""
        if event.key() in (Qt.Key.Key_Tab, Qt.Key.Key_Backtab):
            event.ignore()
        else:
            super().keyPressEvent(event)

    def viewportEvent(self, event: QEvent) -> bool:
        """Track the tile under the mouse."""
        if event.type() in (QEvent.Type.HoverMove, QEvent.Type.HoverEnter) and isinstance(event, QHoverEvent):
            self._hover(self.indexAt(event.position().toPoint()).row())
        elif event.type() in (QEvent.Type.HoverLeave, QEvent.Type.Leave):
            self._hover(-1)
        handled: bool = super().viewportEvent(event)
        return handled

    def paintEvent(self, event: QPaintEvent) -> None:
        """Let the delegate paint the visible tiles."""
        model, delegate, chosen = self.model(), self.itemDelegate(), self.selectionModel()
        current = self.currentIndex().row()
        painter = QPainter(self.viewport())
        option = QStyleOptionViewItem()
        self.initViewItemOption(option)
        plain = option.state & ~(QStyle.StateFlag.State_MouseOver | QStyle.StateFlag.State_HasFocus)
        for row in self._rows_between(event.rect().top(), event.rect().bottom()):
            index = model.index(row, 0)
            option.rect, option.state = self.visualRect(index), plain
            if chosen.isSelected(index):
                option.state |= QStyle.StateFlag.State_Selected
            if row == current and self.hasFocus():
                option.state |= QStyle.StateFlag.State_HasFocus
            if row == self._hovered:
                option.state |= QStyle.StateFlag.State_MouseOver
            delegate.paint(painter, option, index)
        painter.end()

    def _first(self) -> QModelIndex:
        return self.model().index(self.visible_rows().start, 0) if self._count() else QModelIndex()

    def _count(self) -> int:
        return self.model().rowCount() if self.model() is not None else 0

    def _rows_between(self, top: int, bottom: int) -> range:
        offset, count = self.verticalOffset() - _MARGIN, self._count()
        first = max((top + offset) // self._cell.height(), 0) * self._columns
        last = max((bottom + offset) // self._cell.height() + 1, 0) * self._columns
        return range(min(first, count), min(last, count))

    def _hover(self, row: int) -> None:
        if row != self._hovered:
            for one in (self._hovered, row):
                if 0 <= one < self._count():
                    self.viewport().update(self.visualRect(self.model().index(one, 0)))
            self._hovered = row
