"""The list at the left: pairs of classes, the most confused first, or all classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QResizeEvent
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
from s3n_core.parts.comparison.class_pairs import ClassPair
from s3n_gui.appearance.theme import font, number_font, px, theme, tokens
from s3n_gui.appearance.wording import count_text, tip_text
from s3n_gui.background.thumbnails import ThumbnailLoader
from s3n_gui.parts.atlas_content import AtlasContent
from s3n_gui.parts.crop import paint_crop
from s3n_gui.parts.part_names import part_name
from s3n_gui.widgets.images.cover import paint_cover
from s3n_gui.widgets.kept_in_sight import kept_in_sight
from s3n_gui.widgets.model_index import NO_PARENT, AnyIndex

ENTRY_ROLE = Qt.ItemDataRole.UserRole
ListKind = Literal["pairs", "classes"]
_SIDE = 40


@dataclass(frozen=True, slots=True)
class PairEntry:
    """A row of the list.

    Attributes:
        a: Class A.
        b: Class B; "" for all other classes.
        text: How near they are: "5 mistakes"; for a class, its number of images.
    """

    a: str
    b: str
    text: str


class PairList(QListView):
    """One row a pair of classes, or a class.

    Signals:
        chosen: Class A and class B; an empty B stands for all other classes.
    """

    chosen = Signal(str, str)

    def __init__(self, thumbnails: ThumbnailLoader, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.entries = PairModel(self)
        self._delegate = _PairDelegate(thumbnails, self)
        self._content: AtlasContent | None = None
        self.kind: ListKind = "pairs"
        self._pair = ("", "")
        self.setModel(self.entries)
        self.setItemDelegate(self._delegate)
        self.setAccessibleName("Classes to compare")
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
        """Show the pairs or classes of an atlas."""
        self._content = self._delegate.content = content
        self._fill()

    def show_kind(self, kind: ListKind) -> None:
        """List pairs or classes."""
        if kind != self.kind:
            self.kind = kind
            self._fill()
            self.scheduleDelayedItemsLayout()

    def select_pair(self, a: str, b: str) -> None:
        """Mark a pair, whichever class comes first; in the list of classes, class A."""
        self._pair = a, b
        row = self.entries.row_of(a, b if self.kind == "pairs" else "")
        if row < 0:
            self.clearSelection()
            self.setCurrentIndex(QModelIndex())
        elif row != self.currentIndex().row():
            self.setCurrentIndex(self.entries.index(row, 0))

    def step(self, step: int) -> None:
        """Choose the next row (1) or the previous one (-1)."""
        count = self.entries.rowCount()
        if count:
            now = self.currentIndex().row()
            index = self.entries.index(min(max(now + step, 0), count - 1), 0)
            self.setCurrentIndex(index)
            self._on_chosen(index)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the marked row whole where it is in sight."""
        with kept_in_sight(self, self.indexAt(QPoint(0, 0)), event.oldSize()):
            super().resizeEvent(event)

    def _fill(self) -> None:
        content = self._content
        if content is None:
            self.entries.show(())
        elif self.kind == "pairs":
            self.entries.show([PairEntry(pair.a, pair.b, pair_text(pair)) for pair in content.pairs])
        else:
            counts = zip(content.classes, content.matrix.images.tolist(), strict=True)
            self.entries.show([PairEntry(name, "", count_text(images, "image")) for name, images in counts])
        self.viewport().update()
        self.select_pair(*self._pair)

    def _on_chosen(self, index: AnyIndex) -> None:
        entry: PairEntry = index.data(ENTRY_ROLE)
        self.chosen.emit(entry.a, entry.b)

    def _on_thumbnail(self, path: Path) -> None:
        self.viewport().update()

    def _fit(self) -> None:
        self.setMinimumWidth(px(150))
        self.scheduleDelayedItemsLayout()


class PairModel(QAbstractListModel):
    """The rows of the list."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._entries: Sequence[PairEntry] = ()

    def show(self, entries: Sequence[PairEntry]) -> None:
        """Show other rows."""
        if list(entries) != list(self._entries):
            self.beginResetModel()
            self._entries = entries
            self.endResetModel()

    def row_of(self, a: str, b: str) -> int:
        """Return the row of a pair, whichever class comes first; -1: it is not listed."""
        return next((row for row, entry in enumerate(self._entries) if {entry.a, entry.b} == {a, b}), -1)

    def rowCount(self, parent: AnyIndex = NO_PARENT) -> int:
        """Return the number of rows."""
        return 0 if parent.isValid() else len(self._entries)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return the entry, or its words."""
        entry = self._entries[index.row()]
        if role == ENTRY_ROLE:
            return entry
        names = [displayed_class(name) for name in (entry.a, entry.b) if name]
        if role == Qt.ItemDataRole.DisplayRole:
            return "\n".join(names)
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            words = f"{' and '.join(names)}: {entry.text}"
            return tip_text(words) if role == Qt.ItemDataRole.ToolTipRole else words
        return None


def pair_text(pair: ClassPair) -> str:
    """Return how near two classes are: "5 mistakes", or in how many images the other one is the strongest rival."""
    return count_text(pair.mistakes, "mistake") if pair.mistakes else f"rivals in {count_text(pair.rivals, 'image')}"


class _PairDelegate(QStyledItemDelegate):
    """Paints a thumbnail and a name for each class, how near they are, and the part that tells them apart once that is known."""

    def __init__(self, thumbnails: ThumbnailLoader, parent: PairList) -> None:
        super().__init__(parent)
        self._thumbnails, self._list = thumbnails, parent
        self.content: AtlasContent | None = None

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        """Return the size of a row."""
        lines = 2 if self._list.kind == "pairs" else 1
        return QSize(px(150), lines * px(_SIDE) + px(30))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        """Paint a row."""
        colours, rect = tokens(), option.rect
        entry: PairEntry = index.data(ENTRY_ROLE)
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, QColor(colours.selection))
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(rect, QColor(colours.hover))
        side = px(_SIDE)
        inner = rect.adjusted(px(8), px(4), -px(8), -px(4))
        names = [name for name in (entry.a, entry.b) if name]
        for number, name in enumerate(names):
            room = QRect(inner.left(), inner.top() + number * (side + px(2)), side, side)
            self._paint_thumbnail(painter, room, name)
            words = QRect(room.right() + px(8), room.top(), inner.right() - room.right() - px(8), side)
            painter.setFont(font("body"))
            painter.setPen(QColor(colours.text))
            painter.drawText(
                words, Qt.AlignmentFlag.AlignVCenter, _two_lines(displayed_class(name), painter, words.width())
            )
        last = QRect(inner.left(), inner.top() + len(names) * (side + px(2)), inner.width(), px(18))
        self._paint_last(painter, last, entry)
        painter.fillRect(QRect(rect.left(), rect.bottom(), rect.width(), 1), QColor(colours.border))
        painter.restore()

    def _paint_last(self, painter: QPainter, place: QRect, entry: PairEntry) -> None:
        """Paint the caption, and the winning part at its right."""
        content, text = self.content, entry.text
        painter.setFont(number_font("caption"))
        painter.setPen(QColor(tokens().quiet))
        winner = None if content is None else content.winners.get(frozenset((entry.a, entry.b or None)))
        crop = None if winner is None or content is None else content.crops.get(winner)
        room = place.width()
        if winner is not None and content is not None:
            text = f"{text} · {part_name(content.atlas, winner, content.names)}"
        if crop is not None and content is not None:
            side = place.height()
            room -= side + px(6)
            corner = QRectF(place.right() - side, place.top(), side, side)
            paint_crop(painter, corner, crop, self._thumbnails.image(content.path_of(crop.file)))
        elided = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, room)
        painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, elided)

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
