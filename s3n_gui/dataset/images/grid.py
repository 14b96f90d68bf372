"""The virtual grid of thumbnails: it reads and paints only the visible tiles, whatever the number of images."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QItemSelection, QModelIndex, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent
from PySide6.QtWidgets import QWidget

from s3n_gui.background.thumbnails import ThumbnailLoader
from s3n_gui.dataset.images.image_model import INDEX_ROLE, PATH_ROLE, ImageModel
from s3n_gui.dataset.images.tiles import TileDelegate, tile_height
from s3n_gui.widgets.images.tile_view import TileView
from s3n_gui.widgets.model_index import AnyIndex

SMALLEST, LARGEST, USUAL = 96, 256, 148
_SETTLE_MILLISECONDS = 60


class ThumbnailGrid(TileView):
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
        super().__init__(USUAL, parent)
        self._images, self._thumbnails = images, thumbnails
        self.setObjectName("thumbnails")
        self.setAccessibleName("Images of the data set")
        self.setAccessibleDescription(
            "Move with the arrow keys, extend the selection with Shift, inspect with Enter, tag with T, leave out with Delete"
        )
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

    def tile_height(self, width: int) -> int:
        """Return the height of a tile of a width, in pixels."""
        return tile_height(width)

    def set_tile(self, width: int) -> None:
        """Set the wanted width of a tile, clamped to [``SMALLEST``, ``LARGEST``] pixels."""
        super().set_tile(min(max(width, SMALLEST), LARGEST))

    def chosen(self) -> tuple[int, ...]:
        """Return the indices in the data set of the selected images, in the order shown."""
        return self._images.images(sorted(index.row() for index in self.selectedIndexes()))

    def show_image(self, image: int) -> None:
        """Select an image and scroll to it, if it passes the filter."""
        row = self._images.row_of(image)
        if row >= 0 and row != self.currentIndex().row():
            self.setCurrentIndex(self._images.index(row))
            self.scrollTo(self._images.index(row))

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
