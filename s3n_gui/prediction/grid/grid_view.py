"""The grid of images: the rows of the table as tiles, in the same order."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QModelIndex, Qt, QTimer, Signal
from PySide6.QtWidgets import QWidget

from s3n_gui.background.thumbnails import ThumbnailLoader
from s3n_gui.prediction.annotations import AnnotationOf, not_annotated
from s3n_gui.prediction.grid.tiles import PathOf, TileDelegate
from s3n_gui.prediction.table.table_model import ROW_ROLE, PredictionModel
from s3n_gui.widgets.images.tile_view import TileView
from s3n_gui.widgets.model_index import AnyIndex

SMALLEST, LARGEST, USUAL = 112, 320, 176
"""Widths of a tile at normal text size, in pixels."""
_SETTLE_MILLISECONDS = 60


class PredictionGrid(TileView):
    """The grid.

    Signals:
        opened: A double click on an image; its row in the table's own order.
    """

    opened = Signal(int)

    def __init__(
        self,
        model: PredictionModel,
        thumbnails: ThumbnailLoader,
        path_of: PathOf,
        annotation_of: AnnotationOf = not_annotated,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(USUAL, parent)
        self._rows, self._thumbnails, self._path_of = model, thumbnails, path_of
        self._tiles = TileDelegate(thumbnails, path_of, annotation_of, self)
        self.setItemDelegate(self._tiles)
        self.setModel(model)
        self.setAccessibleName("Predictions as images")
        self._settle = QTimer(self, singleShot=True, interval=_SETTLE_MILLISECONDS)
        self._settle.timeout.connect(self._drop_unseen)
        self.verticalScrollBar().valueChanged.connect(self._on_scrolled)
        self.doubleClicked.connect(self._on_double_click)
        thumbnails.ready.connect(self._on_thumbnail)
        thumbnails.outdated.connect(self.viewport().update)
        thumbnails.failed.connect(self._on_thumbnail)

    def tile_height(self, width: int) -> int:
        """Return the height of a tile of a width, in pixels."""
        return self._tiles.tile_height(width)

    def set_tile(self, width: int) -> None:
        """Set the wanted width of a tile, clamped to [``SMALLEST``, ``LARGEST``] pixels."""
        super().set_tile(min(max(width, SMALLEST), LARGEST))

    @property
    def peaks(self) -> bool:
        """Whether the images show their peaks."""
        return self._tiles.peaks

    def show_peaks(self, shown: bool) -> None:
        """Show or hide the peaks."""
        self._tiles.peaks = shown
        self.viewport().update()

    def show_labels(self, labelled: bool) -> None:
        """Make room for labels below the images, or not."""
        self._tiles.labelled = labelled
        self.fit()

    def current_row(self) -> int:
        """Return the row of the current image in the table's own order, or -1."""
        index = self.currentIndex()
        return int(index.data(ROW_ROLE)) if index.isValid() else -1

    def go_to(self, row: int) -> None:
        """Make the image of a row the current one, if it is shown."""
        place = self._rows.place_of(row)
        if place >= 0:
            self.setCurrentIndex(self._rows.index(place, 0))
            self.scrollTo(self.currentIndex())

    def is_ready(self) -> bool:
        """Return whether all visible images are loaded."""
        paths = [self._path_at(place) for place in self.visible_rows()]
        return all(path is None or self._thumbnails.is_settled(path) for path in paths)

    def currentChanged(self, current: AnyIndex, previous: AnyIndex) -> None:
        """Describe the current image to screen readers."""
        super().currentChanged(current, previous)
        self.setAccessibleDescription(
            str(current.data(Qt.ItemDataRole.AccessibleTextRole)) if current.isValid() else ""
        )

    def _path_at(self, place: int) -> Path | None:
        predictions = self._rows.predictions
        return None if predictions is None else self._path_of(predictions.files[int(self._rows.rows[place])])

    def _on_double_click(self, index: QModelIndex) -> None:
        self.opened.emit(int(index.data(ROW_ROLE)))

    def _on_scrolled(self) -> None:
        self._settle.start()

    def _drop_unseen(self) -> None:
        if self.isVisible():
            paths = (self._path_at(place) for place in self.visible_rows())
            self._thumbnails.keep_only(path for path in paths if path is not None)

    def _on_thumbnail(self, path: Path) -> None:
        if self.isVisible():
            for place in self.visible_rows():
                if self._path_at(place) == path:
                    self.update(self._rows.index(place, 0))
