"""The list of the palette's results: headings and entries, painted with icon, title, detail and keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QObject,
    QPoint,
    QRect,
    QRectF,
    QSize,
    Qt,
)
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from s3n_gui.appearance.theme import font, icon, px, tokens
from s3n_gui.frame.palette.entry import Entry, EntryGroup
from s3n_gui.widgets.model_index import NO_PARENT, AnyIndex

ENTRY_ROLE = Qt.ItemDataRole.UserRole
_INSET, _GAP = 10, 10  # pixels at both ends of a row, and between its parts
_ENTRY_HEIGHT, _HEADING_HEIGHT = 32, 26


class ResultModel(QAbstractListModel):
    """Headings, which cannot be chosen, and the entries below them."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[str | Entry] = []

    def show(self, groups: Sequence[EntryGroup]) -> None:
        """Show these groups."""
        self.beginResetModel()
        self._rows = []
        for group in groups:
            self._rows += [group.title, *group.entries]
        self.endResetModel()

    def entry(self, row: int) -> Entry | None:
        """Return the entry of a row; None for a heading or an invalid row."""
        found = self._rows[row] if 0 <= row < len(self._rows) else None
        return found if isinstance(found, Entry) else None

    def next_entry(self, row: int, step: int) -> int:
        """Return the nearest entry's row from ``row`` on in steps of 1 or -1, around the ends; -1 if there is none."""
        for distance in range(1, len(self._rows) + 1):
            other = (row + step * distance) % len(self._rows)
            if self.entry(other) is not None:
                return other
        return -1

    def rowCount(self, parent: AnyIndex = NO_PARENT) -> int:
        """Return the number of rows."""
        return 0 if parent.isValid() else len(self._rows)

    def flags(self, index: AnyIndex) -> Qt.ItemFlag:
        """Headings cannot be selected."""
        if self.entry(index.row()) is None:
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEnabled

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return the data of a row for a role."""
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        row = self._rows[index.row()]
        if role == ENTRY_ROLE:
            return row if isinstance(row, Entry) else None
        if role == Qt.ItemDataRole.DisplayRole:
            return row.title if isinstance(row, Entry) else row
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return spoken(row) if isinstance(row, Entry) else row
        return None


def spoken(entry: Entry) -> str:
    """Return an entry as text for screen readers."""
    return ", ".join(part for part in (entry.title, entry.detail, entry.shortcut) if part)


class ResultDelegate(QStyledItemDelegate):
    """Paints headings and entries."""

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        """Return the size of a row."""
        return QSize(px(200), px(_HEADING_HEIGHT if index.data(ENTRY_ROLE) is None else _ENTRY_HEIGHT))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        """Draw one row."""
        colours, entry = tokens(), index.data(ENTRY_ROLE)
        room = QRect(option.rect).adjusted(_INSET, 0, -_INSET, 0)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if entry is None:
            painter.setFont(font("caption", semibold=True))
            painter.setPen(QColor(colours.quiet))
            lower = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom
            painter.drawText(room.adjusted(0, 0, 0, -4), int(lower), str(index.data()))
        else:
            if option.state & QStyle.StateFlag.State_Selected:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(QColor(colours.selection))
                painter.drawRoundedRect(QRectF(option.rect).adjusted(2, 1, -2, -1), 6, 6)
            self._paint_entry(painter, room, entry)
        painter.restore()

    def _paint_entry(self, painter: QPainter, room: QRect, entry: Entry) -> None:
        colours, side = tokens(), max(px(16), 16)
        centre = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
        if entry.icon:
            corner = QPoint(room.left(), room.center().y() - side // 2 + 1)
            painter.drawPixmap(corner, icon(entry.icon, side).pixmap(side, side))
        left, right = room.left() + side + _GAP, room.right()
        if entry.shortcut:
            painter.setFont(font("caption"))
            keys = entry.shortcut.split(", ")[0]
            width = painter.fontMetrics().horizontalAdvance(keys) + 12
            height = painter.fontMetrics().height() + 4
            cap = QRectF(right - width, room.center().y() - height / 2 + 0.5, width, height)
            painter.setPen(QColor(colours.strong_border))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(cap, 4, 4)
            painter.setPen(QColor(colours.quiet))
            painter.drawText(cap, int(Qt.AlignmentFlag.AlignCenter), keys)
            right -= width + _GAP
        painter.setFont(font("body"))
        painter.setPen(QColor(colours.text))
        title = painter.fontMetrics().elidedText(entry.title, Qt.TextElideMode.ElideMiddle, max(right - left, 0))
        painter.drawText(QRect(left, room.top(), right - left, room.height()), centre, title)
        left += painter.fontMetrics().horizontalAdvance(title) + _GAP
        painter.setFont(font("caption"))
        if entry.detail and right - left > px(40):
            painter.setPen(QColor(colours.quiet))
            detail = painter.fontMetrics().elidedText(entry.detail, Qt.TextElideMode.ElideRight, right - left)
            painter.drawText(QRect(left, room.top(), right - left, room.height()), centre, detail)
