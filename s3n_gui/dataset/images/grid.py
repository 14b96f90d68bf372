"""The virtual grid of thumbnails: it reads and paints only the visible tiles, whatever the number of images."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QItemSelection, QModelIndex, QPoint, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QListView, QWidget

from s3n_gui.appearance.theme import px, theme
from s3n_gui.background.thumbnails import ThumbnailLoader
from s3n_gui.dataset.images.image_model import INDEX_ROLE, PATH_ROLE, ImageModel
from s3n_gui.dataset.images.tiles import TileDelegate, cell_size
from s3n_gui.widgets.model_index import AnyIndex

SMALLEST, LARGEST, USUAL = 96, 256, 148
_SETTLE_MILLISECONDS = 60


class ThumbnailGrid(QListView):
    """The grid of thumbnails.

    Signals:
        current_changed: The index in the data set of the current image, or -1.
        selection_grew: The selection changed.
        opened: The index of an image that was double-clicked, or on which Enter was pressed.
        leave_out_asked: Delete was pressed.
        menu_asked: The place on the screen for the menu of the selected images.
    """

    current_changed = Signal(int)
    selection_grew = Signal()
    opened = Signal(int)
    leave_out_asked = Signal()
    menu_asked = Signal(QPoint)

    def __init__(self, images: ImageModel, thumbnails: ThumbnailLoader, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._images, self._thumbnails = images, thumbnails
        self._tile = USUAL
        self.setObjectName("thumbnails")
        self.setAccessibleName("Images of the data set")
        self.setAccessibleDescription(
            "Move with the arrow keys, extend the selection with Shift, inspect with Enter, tag with T, leave out with Delete"
        )
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setMovement(QListView.Movement.Static)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setUniformItemSizes(True)
        self.setLayoutMode(QListView.LayoutMode.Batched)
        self.setBatchSize(2000)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMouseTracking(True)
        self.setModel(images)
        self.setItemDelegate(TileDelegate(thumbnails, self))
        self._settle = QTimer(self, singleShot=True, interval=_SETTLE_MILLISECONDS)
        self._settle.timeout.connect(self._drop_unseen)
        self.verticalScrollBar().valueChanged.connect(self._on_scrolled)
        images.marks_changed.connect(self.viewport().update)
        thumbnails.ready.connect(self._on_thumbnail)
        thumbnails.outdated.connect(self.viewport().update)
        thumbnails.failed.connect(self._on_thumbnail)
        self.doubleClicked.connect(self._on_double_clicked)
        theme().changed.connect(self._fit)
        self._fit()

    @property
    def tile(self) -> int:
        """The wanted width of a tile at normal text size, in pixels; actual widths are adjusted to fill the row."""
        return self._tile

    def set_tile(self, width: int) -> None:
        """Set the wanted width of a tile, clamped to [``SMALLEST``, ``LARGEST``] pixels."""
        self._tile = min(max(width, SMALLEST), LARGEST)
        self._fit()

    def chosen(self) -> tuple[int, ...]:
        """Return the indices in the data set of the selected images, in the order shown."""
        return self._images.images(sorted(index.row() for index in self.selectedIndexes()))

    def show_image(self, image: int) -> None:
        """Select an image and scroll to it, if it passes the filter."""
        row = self._images.row_of(image)
        if row >= 0 and row != self.currentIndex().row():
            self.setCurrentIndex(self._images.index(row))
            self.scrollTo(self._images.index(row))

    def visible_rows(self) -> range:
        """Return the visible rows, computed from the uniform grid."""
        grid, view = self.gridSize(), self.viewport().size()
        if grid.isEmpty() or not self._images.rowCount():
            return range(0)
        columns = max(1, view.width() // grid.width())
        top = self.verticalScrollBar().value()
        first = top // grid.height() * columns
        last = ((top + view.height()) // grid.height() + 1) * columns
        return range(min(first, self._images.rowCount()), min(last, self._images.rowCount()))

    def _fit(self) -> None:
        # Always leaves room for the scroll bar: otherwise it would toggle with the layout that its own width changes.
        room = self.width() - 2 * self.frameWidth() - self.verticalScrollBar().sizeHint().width() - 1
        columns = max(1, round(room / px(self._tile)))
        size = cell_size(max(room // columns, 40))
        if size != self.gridSize() and room > 0:
            kept = self.currentIndex()
            self._images.set_cell(size)
            self.setGridSize(size)
            self.setIconSize(QSize(size.width() - 10, size.width() - 10))
            if kept.isValid():
                self.scrollTo(kept)

    def _on_scrolled(self) -> None:
        self._settle.start()

    def _drop_unseen(self) -> None:
        self._thumbnails.keep_only(self._images.index(row).data(PATH_ROLE) for row in self.visible_rows())

    def _on_thumbnail(self, path: Path) -> None:
        for row in self.visible_rows():
            index = self._images.index(row)
            if index.data(PATH_ROLE) == path:
                self.update(index)
                return

    def _on_double_clicked(self, index: QModelIndex) -> None:
        self.opened.emit(index.data(INDEX_ROLE))

    def currentChanged(self, current: AnyIndex, previous: AnyIndex) -> None:
        """Emit ``current_changed``."""
        super().currentChanged(current, previous)
        self.current_changed.emit(current.data(INDEX_ROLE) if current.isValid() else -1)

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        """Emit ``selection_grew``."""
        super().selectionChanged(selected, deselected)
        self.selection_grew.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Adjust the tiles to fill the row."""
        super().resizeEvent(event)
        self._fit()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Ask for the menu of the selected images: under the mouse, or, for the key, at the current image."""
        place = event.globalPos()
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            place = self.viewport().mapToGlobal(self.visualRect(self.currentIndex()).center())
        elif not self.indexAt(event.pos()).isValid():
            return
        self.menu_asked.emit(place)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter opens the current image, Delete leaves the selected ones out."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.opened.emit(self.currentIndex().data(INDEX_ROLE))
        elif event.key() == Qt.Key.Key_Delete:
            self.leave_out_asked.emit()
        else:
            super().keyPressEvent(event)
