"""The list at the left: pairs of classes, the most confused first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt, Signal
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

from s3n_core.datasets.records import displayed_class
from s3n_core.parts.class_pairs import ClassPair
from s3n_gui.appearance.theme import font, number_font, px, theme, tokens
from s3n_gui.appearance.wording import count_text, tip_text
from s3n_gui.background.thumbnails import ThumbnailLoader
from s3n_gui.parts.atlas_content import AtlasContent
from s3n_gui.widgets.images.cover import paint_cover

AnyIndex = QModelIndex | QPersistentModelIndex
PAIR_ROLE = Qt.ItemDataRole.UserRole
_NONE = QModelIndex()
_SIDE = 40


class PairList(QListView):
    """One row a pair of classes.

    Signals:
        chosen: Class A and class B of a pair.
    """

    chosen = Signal(str, str)

    def __init__(self, thumbnails: ThumbnailLoader, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.pairs = PairModel(self)
        self._thumbnails = thumbnails
        self._delegate = _PairDelegate(thumbnails, self)
        self.setModel(self.pairs)
        self.setItemDelegate(self._delegate)
        self.setAccessibleName("Pairs of classes, the most confused first")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setStyleSheet("QListView { border: none; background: transparent; }")
        self.setUniformItemSizes(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMouseTracking(True)
        self.setMinimumWidth(px(150))
        self.clicked.connect(self._on_chosen)
        self.activated.connect(self._on_chosen)
        thumbnails.ready.connect(self._on_thumbnail)
        thumbnails.outdated.connect(self.viewport().update)
        theme().changed.connect(self._fit)

    def show_content(self, content: AtlasContent | None) -> None:
        """Show the pairs of an atlas."""
        self._delegate.content = content
        self.pairs.show(() if content is None else content.pairs)

    def select_pair(self, a: str, b: str | None) -> None:
        """Mark a pair, whichever class comes first."""
        row = self.pairs.row_of(a, b)
        if row < 0:
            self.clearSelection()
            self.setCurrentIndex(QModelIndex())
        elif row != self.currentIndex().row():
            self.setCurrentIndex(self.pairs.index(row, 0))

    def step(self, step: int) -> None:
        """Choose the next pair (1) or the previous one (-1)."""
        count = self.pairs.rowCount()
        if count:
            now = self.currentIndex().row()
            index = self.pairs.index(min(max(now + step, 0), count - 1), 0)
            self.setCurrentIndex(index)
            self._on_chosen(index)

    def _on_chosen(self, index: AnyIndex) -> None:
        pair: ClassPair = index.data(PAIR_ROLE)
        self.chosen.emit(pair.a, pair.b)

    def _on_thumbnail(self, path: Path) -> None:
        self.viewport().update()

    def _fit(self) -> None:
        self.setMinimumWidth(px(150))
        self.scheduleDelayedItemsLayout()


class PairModel(QAbstractListModel):
    """The pairs."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._pairs: Sequence[ClassPair] = ()

    def show(self, pairs: Sequence[ClassPair]) -> None:
        """Show other pairs."""
        if tuple(pairs) != tuple(self._pairs):
            self.beginResetModel()
            self._pairs = pairs
            self.endResetModel()

    def row_of(self, a: str, b: str | None) -> int:
        """Return the row of a pair, whichever class comes first; -1: it is not listed."""
        return next((row for row, pair in enumerate(self._pairs) if {pair.a, pair.b} == {a, b}), -1)

    def rowCount(self, parent: AnyIndex = _NONE) -> int:
        """Return the number of pairs."""
        return 0 if parent.isValid() else len(self._pairs)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return the pair, or its words."""
        pair = self._pairs[index.row()]
        if role == PAIR_ROLE:
            return pair
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{displayed_class(pair.a)}\n{displayed_class(pair.b)}"
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            words = f"{displayed_class(pair.a)} and {displayed_class(pair.b)}: {pair_text(pair)} of {pair.images:,}"
            return tip_text(words) if role == Qt.ItemDataRole.ToolTipRole else words
        return None


def pair_text(pair: ClassPair) -> str:
    """Return how near two classes are: "5 mistakes", or in how many images the other one is the strongest rival."""
    return count_text(pair.mistakes, "mistake") if pair.mistakes else f"rivals in {count_text(pair.rivals, 'image')}"


class _PairDelegate(QStyledItemDelegate):
    """Paints two thumbnails, both names, and the number of mistakes."""

    def __init__(self, thumbnails: ThumbnailLoader, parent: QWidget) -> None:
        super().__init__(parent)
        self._thumbnails = thumbnails
        self.content: AtlasContent | None = None

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        """Return the size of a row."""
        return QSize(px(150), 2 * px(_SIDE) + px(30))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        """Paint a row."""
        colours, rect, pair = tokens(), option.rect, index.data(PAIR_ROLE)
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, QColor(colours.selection))
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(rect, QColor(colours.hover))
        side = px(_SIDE)
        inner = rect.adjusted(px(8), px(4), -px(8), -px(4))
        for number, name in enumerate((pair.a, pair.b)):
            room = QRect(inner.left(), inner.top() + number * (side + px(2)), side, side)
            self._paint_thumbnail(painter, room, name)
            words = QRect(room.right() + px(8), room.top(), inner.right() - room.right() - px(8), side)
            painter.setFont(font("body"))
            painter.setPen(QColor(colours.text))
            flags = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextWordWrap)
            painter.drawText(words, flags, _two_lines(displayed_class(name), painter, words.width()))
        painter.setFont(number_font("caption"))
        painter.setPen(QColor(colours.quiet))
        last = QRect(inner.left(), inner.top() + 2 * side + px(4), inner.width(), px(18))
        painter.drawText(last, Qt.AlignmentFlag.AlignVCenter, pair_text(pair))
        painter.fillRect(QRect(rect.left(), rect.bottom(), rect.width(), 1), QColor(colours.border))
        painter.restore()

    def _paint_thumbnail(self, painter: QPainter, room: QRect, name: str) -> None:
        painter.fillRect(room, QColor(tokens().image_ground))
        file = None if self.content is None else self.content.examples.get(name)
        if file is not None and self.content is not None:
            image = self._thumbnails.image(self.content.path_of(file))
            if image is not None and not image.isNull():
                paint_cover(painter, QRectF(room), image, 4)


def _two_lines(name: str, painter: QPainter, width: int) -> str:
    """Return a name that fits into two lines of a width."""
    metrics = painter.fontMetrics()
    if metrics.horizontalAdvance(name) <= width or " " not in name:
        return metrics.elidedText(name, Qt.TextElideMode.ElideRight, width)
    words, first = name.split(" "), ""
    while words and metrics.horizontalAdvance(f"{first} {words[0]}".strip()) <= width:
        first = f"{first} {words.pop(0)}".strip()
    rest = metrics.elidedText(" ".join(words), Qt.TextElideMode.ElideRight, width)
    return f"{first}\n{rest}" if first else rest
