"""The tree of classes as a Qt item model."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject, Qt, Signal

from s3n_gui.appearance.wording import count_text, tip_text
from s3n_gui.dataset.classes.class_nodes import ClassNode, Order, arrange, class_tree, count_images
from s3n_gui.dataset.controller import DataController
from s3n_gui.dataset.survey import USE_WORDS, USES
from s3n_gui.widgets.model_index import NO_PARENT, AnyIndex

NODE_ROLE = Qt.ItemDataRole.UserRole
LARGEST_ROLE = Qt.ItemDataRole.UserRole + 1
"""The number of images of a full bar: that of the row's largest sibling."""


class ClassModel(QAbstractItemModel):
    """One column: all images, and below it families and classes.

    Signals:
        counts_changed: The counts of any row may have changed.
    """

    counts_changed = Signal()

    def __init__(self, controller: DataController, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._controller = controller
        self._root = ClassNode("", None)
        self._largest: dict[int, int] = {}
        self.order: Order = "name"
        controller.survey_changed.connect(self._on_survey)
        controller.marks_changed.connect(self._on_marks)
        self._on_survey()

    @property
    def whole(self) -> ClassNode | None:
        """The row "All images"."""
        return self._root.children[0] if self._root.children else None

    def set_order(self, order: Order) -> None:
        """Sort the rows."""
        self.order = order
        self._arrange()

    def node(self, index: AnyIndex) -> ClassNode:
        """Return the node of an index; the invisible root for an invalid index."""
        return index.internalPointer() if index.isValid() else self._root

    def index_of(self, labels: frozenset[int] | None) -> QModelIndex:
        """Return the index of the row with exactly these classes; invalid if there is none."""
        waiting = list(self._root.children)
        while waiting:
            node = waiting.pop()
            if node.labels == labels:
                return self.createIndex(node.row, 0, node)
            waiting += node.children
        return QModelIndex()

    def index(self, row: int, column: int, parent: AnyIndex = NO_PARENT) -> QModelIndex:
        """Return the index of a child row."""
        children = self.node(parent).children
        if column == 0 and 0 <= row < len(children):
            return self.createIndex(row, 0, children[row])
        return QModelIndex()

    def parent(self, index: AnyIndex = NO_PARENT) -> Any:
        """Return the index of the parent row."""
        above = self.node(index).parent if index.isValid() else None
        return QModelIndex() if above is None or above is self._root else self.createIndex(above.row, 0, above)

    def rowCount(self, parent: AnyIndex = NO_PARENT) -> int:
        """Return the number of child rows."""
        return len(self.node(parent).children)

    def columnCount(self, parent: AnyIndex = NO_PARENT) -> int:
        """Return 1."""
        return 1

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return the data of a row for a role."""
        if not index.isValid():
            return None
        node = self.node(index)
        if role == NODE_ROLE:
            return node
        if role == LARGEST_ROLE:
            return self._largest.get(id(node.parent), 0)
        if role == Qt.ItemDataRole.DisplayRole:
            return node.title
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            uses = [f"{USE_WORDS[use]}: {n:,}" for use, n in zip(USES, node.counts, strict=True) if n]
            lines = "\n".join([f"{node.title}: {count_text(node.total, 'image')}", *uses])
            return tip_text(lines) if role == Qt.ItemDataRole.ToolTipRole else lines
        return None

    def _on_survey(self) -> None:
        self.beginResetModel()
        self._root = ClassNode("", None)
        if self._controller.survey is not None:
            self._root.adopt(class_tree(self._controller.survey))
        self._count()
        arrange(self._root, self.order)
        self.endResetModel()

    def _on_marks(self) -> None:
        self._count()
        self._arrange()
        self.counts_changed.emit()

    def _arrange(self) -> None:
        self.layoutAboutToBeChanged.emit()
        if arrange(self._root, self.order):
            kept = self.persistentIndexList()
            nodes = [self.node(index) for index in kept]
            self.changePersistentIndexList(kept, [self.createIndex(node.row, 0, node) for node in nodes])
        self.layoutChanged.emit()

    def _count(self) -> None:
        controller, whole = self._controller, self.whole
        self._largest = {}
        if controller.survey is None or whole is None:
            return
        count_images(whole, controller.survey, controller.planning.uses, controller.planning.left_out)
        waiting = [whole]
        while waiting:
            node = waiting.pop()
            if node.children:
                self._largest[id(node)] = max(child.total for child in node.children)
                waiting += node.children
