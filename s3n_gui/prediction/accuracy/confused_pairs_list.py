"""The list of the most confused pairs of classes, most frequent first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractListModel, QItemSelectionModel, QModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from s3n_core.evaluation.confusion import ConfusedPair
from s3n_gui.appearance.theme import font, number_font, px, theme, tokens
from s3n_gui.appearance.wording import tip_text
from s3n_gui.widgets.model_index import NO_PARENT, AnyIndex

PAIR_ROLE = Qt.ItemDataRole.UserRole


class ConfusedPairsList(QListView):
    """One row per pair of true and predicted class.

    Signals:
        pair_chosen: The true and the predicted class whose images to show.
        pair_opened: The same on a double click: inspect one of the images.
    """

    pair_chosen = Signal(int, int)
    pair_opened = Signal(int, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pairs = _PairModel(self)
        self.setModel(self._pairs)
        self.setItemDelegate(_PairDelegate(self))
        self.setAccessibleName("Most confused pairs")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setStyleSheet("QListView { border: none; }")
        self.setUniformItemSizes(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMouseTracking(True)
        self.clicked.connect(self._on_chosen)
        self.activated.connect(self._on_chosen)
        self.doubleClicked.connect(self._on_opened)
        theme().changed.connect(self.scheduleDelayedItemsLayout)

    def show_pairs(self, pairs: Sequence[ConfusedPair], names: Sequence[str]) -> None:
        """Replace the pairs; they hold indices into ``names``."""
        self._pairs.show(pairs, names)

    def mark(self, pair: tuple[int, int] | None) -> None:
        """Mark the pair of a label and a predicted class whose images are shown, if it is listed."""
        row = self._pairs.row_of(pair)
        if row < 0:
            self.clearSelection()
        else:
            self.selectionModel().select(self._pairs.index(row), QItemSelectionModel.SelectionFlag.ClearAndSelect)

    def _on_chosen(self, index: QModelIndex) -> None:
        pair: ConfusedPair = index.data(PAIR_ROLE)
        self.pair_chosen.emit(pair.label, pair.predicted)

    def _on_opened(self, index: QModelIndex) -> None:
        pair: ConfusedPair = index.data(PAIR_ROLE)
        self.pair_opened.emit(pair.label, pair.predicted)


class _PairModel(QAbstractListModel):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._pairs: Sequence[ConfusedPair] = ()
        self._names: Sequence[str] = ()

    def show(self, pairs: Sequence[ConfusedPair], names: Sequence[str]) -> None:
        if tuple(pairs) == tuple(self._pairs) and list(names) == list(self._names):
            return
        self.beginResetModel()
        self._pairs, self._names = pairs, names
        self.endResetModel()

    def row_of(self, pair: tuple[int, int] | None) -> int:
        return next((row for row, one in enumerate(self._pairs) if (one.label, one.predicted) == pair), -1)

    def rowCount(self, parent: AnyIndex = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self._pairs)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        pair = self._pairs[index.row()]
        if role == PAIR_ROLE:
            return pair
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{self._names[pair.label]}\n{self._names[pair.predicted]}"
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            words = f"{self._names[pair.label]}, predicted as {self._names[pair.predicted]}: {pair.share_text}"
            return tip_text(words) if role == Qt.ItemDataRole.ToolTipRole else words
        return None


class _PairDelegate(QStyledItemDelegate):
    """Paints the true class with the count at the right, the predicted class, and the share with its interval."""

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        return QSize(px(120), px(60))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        colours = tokens()
        state, rect = option.state, option.rect
        painter.save()
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, QColor(colours.selection))
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(rect, QColor(colours.hover))
        pair: ConfusedPair = index.data(PAIR_ROLE)
        label, predicted = str(index.data()).split("\n", 1)
        inner = rect.adjusted(px(8), px(3), -px(8), -px(3))
        painter.setFont(number_font("body"))
        metrics = painter.fontMetrics()
        count, height = f"{pair.count:,}", inner.height() // 3
        lines = [QRect(inner.left(), inner.top() + line * height, inner.width(), height) for line in range(3)]
        left, right = Qt.AlignmentFlag.AlignVCenter, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        room = inner.width() - metrics.horizontalAdvance(count) - px(8)
        painter.setPen(QColor(colours.text))
        painter.drawText(lines[0], left, metrics.elidedText(label, Qt.TextElideMode.ElideRight, room))
        painter.drawText(lines[0], right, count)
        painter.setPen(QColor(colours.quiet))
        captions = (f"predicted as {predicted}", font("caption")), (pair.share_text, number_font("caption"))
        for line, (text, letters) in zip(lines[1:], captions, strict=True):
            painter.setFont(letters)
            elided = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, inner.width())
            painter.drawText(line, left, elided)
        painter.restore()
