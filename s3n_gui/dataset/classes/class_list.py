"""The tree of classes with the number of images of each and a bar that shows their distribution."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QAbstractItemView, QStyledItemDelegate, QStyleOptionViewItem, QTreeView, QWidget

from s3n_gui.appearance.theme import font, number_font, px, theme, tokens
from s3n_gui.dataset.classes.class_model import LARGEST_ROLE, NODE_ROLE, ClassModel
from s3n_gui.dataset.classes.class_nodes import ClassNode
from s3n_gui.dataset.split.use_bar import paint_bar
from s3n_gui.widgets.model_index import AnyIndex

_BAR = 40.0


class ClassList(QTreeView):
    """The view of the class tree.

    Signals:
        labels_chosen: The classes of the current row: a ``frozenset`` of indices (-1: without label), or None for all.
    """

    labels_chosen = Signal(object)

    def __init__(self, classes: ClassModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._classes = classes
        self.setObjectName("classes")
        self.setAccessibleName("Classes")
        self.setAccessibleDescription("Select a class to show only its images; double-click it to inspect them")
        self.setHeaderHidden(True)
        self.setUniformRowHeights(True)
        self.setRootIsDecorated(False)
        self.setIndentation(12)
        self.setItemsExpandable(True)
        self.setMouseTracking(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setModel(classes)
        self.setItemDelegate(_ClassDelegate(self))
        classes.modelReset.connect(self._on_reset)
        classes.counts_changed.connect(self.viewport().update)
        theme().changed.connect(self._fit)
        self._on_reset()

    def show_labels(self, labels: frozenset[int] | None) -> None:
        """Make the row of these classes current without emitting ``labels_chosen``."""
        index = self._classes.index_of(labels)
        if index != self.currentIndex():
            self.selectionModel().blockSignals(True)
            self.setCurrentIndex(index)
            self.selectionModel().blockSignals(False)
            self.viewport().update()

    def currentChanged(self, current: AnyIndex, previous: AnyIndex) -> None:
        """Emit ``labels_chosen``."""
        super().currentChanged(current, previous)
        if current.isValid():
            node: ClassNode = current.data(NODE_ROLE)
            self.labels_chosen.emit(node.labels)

    def _on_reset(self) -> None:
        self.expandToDepth(0)
        self.show_labels(None)

    def _fit(self) -> None:
        self.doItemsLayout()


class _ClassDelegate(QStyledItemDelegate):
    """Paints the name, bar and count of a row."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        super().initStyleOption(option, index)
        option.text = ""

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        return QSize(px(160), px(26))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        super().paint(painter, option, index)  # the row's background only: the text is empty
        node: ClassNode = index.data(NODE_ROLE)
        colours = tokens()
        room = QRect(option.rect).adjusted(6, 0, -8, 0)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        number = f"{node.total:,}"
        painter.setFont(number_font("caption"))
        wide = max(painter.fontMetrics().horizontalAdvance("0,000"), painter.fontMetrics().horizontalAdvance(number))
        painter.setPen(QColor(colours.quiet))
        painter.drawText(room, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), number)
        right = room.right() - wide - 4
        largest = int(index.data(LARGEST_ROLE))
        if node.labels is not None and largest > 0:
            length = min(_BAR, 0.15 * option.rect.width())
            bar = QRectF(right - length, room.center().y() - 2, length, 5)
            painter.fillRect(bar, QColor(colours.hover))
            paint_bar(painter, bar, node.counts, largest)
            right -= round(length) + 8
        painter.setFont(font("body", semibold=node.labels is None or bool(node.children)))
        painter.setPen(QColor(colours.text))
        room.setRight(right)
        text = painter.fontMetrics().elidedText(node.title, Qt.TextElideMode.ElideRight, room.width())
        painter.drawText(room, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), text)
        painter.restore()
