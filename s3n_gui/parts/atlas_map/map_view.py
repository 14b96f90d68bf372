"""The tab Atlas: all peaks on a map, the peaks that are chosen there, and more like one of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QBrush, QColor
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.atlas.neighbours import Neighbour
from s3n_core.parts.atlas.part_place import NO_PART
from s3n_core.parts.atlas.part_summaries import marked_name
from s3n_core.parts.atlas.peak_descriptors import PeakDescriptors
from s3n_gui.appearance.part_colours import part_colour
from s3n_gui.appearance.theme import px, theme, tokens
from s3n_gui.appearance.tokens import mixed
from s3n_gui.appearance.wording import count_text
from s3n_gui.background.tasks import Tasks
from s3n_gui.background.thumbnails import ThumbnailLoader
from s3n_gui.parts.atlas_map.crop_grid import CropGrid
from s3n_gui.parts.atlas_map.map_canvas import MapCanvas
from s3n_gui.parts.crop import Crop
from s3n_gui.parts.crops.crop_drag import DropState, DropTarget
from s3n_gui.parts.crops.crop_handling import CropHandling
from s3n_gui.parts.peak_crops import crop_of
from s3n_gui.parts.view import PartsView
from s3n_gui.widgets.part_swatch import swatch

_MOST_CROPS = 24
_SIMILAR = 60


class MapView(PartsView):
    """The tab.

    Signals:
        opened: A `Crop` was double-clicked.
    """

    opened = Signal(object)

    def __init__(self, thumbnails: ThumbnailLoader, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.canvas = MapCanvas()
        self.parts = QListWidget()
        self.heading, self.words = QLabel(), QLabel()
        self.crops = CropGrid(thumbnails, self.path_of)
        self.similar, self.whole = QPushButton("More like this"), QPushButton("Show all")
        self._atlas: Atlas | None = None
        self._row = -1
        self._chosen: NDArray[np.int64] | None = None  # the rows in the lasso
        self._foreign: tuple[PeakDescriptors, int] | None = None  # a peak that the atlas does not have
        self._query: Crop | None = None  # what the similar peaks are like
        self._tasks = Tasks(self)
        self._lay_out()
        self._connect()
        self._show_nothing()

    def _lay_out(self) -> None:
        self.parts.setAccessibleName("Parts")
        self.parts.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.parts.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.heading.setProperty("role", "section")
        self.words.setProperty("role", "quiet")
        self.words.setWordWrap(True)
        self.similar.setToolTip("Show the peaks of other images that look most like the selected one")
        self.whole.setToolTip("Show all peaks again (0, or double-click)")
        middle = QFrame()
        middle.setProperty("role", "card")
        inner = QVBoxLayout(middle)
        inner.setContentsMargins(1, 1, 1, 1)
        inner.addWidget(self.canvas)
        right = QFrame()
        right.setProperty("role", "card")
        column = QVBoxLayout(right)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(8)
        column.addWidget(self.heading)
        column.addWidget(self.words)
        buttons = QHBoxLayout()
        buttons.addWidget(self.similar)
        buttons.addWidget(self.whole)
        buttons.addStretch(1)
        column.addLayout(buttons)
        column.addWidget(self.crops, 1)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.parts)
        row.addWidget(middle, 1)
        row.addWidget(right)
        self._right = right
        self._fit()

    def _connect(self) -> None:
        self.canvas.chosen.connect(self._on_chosen)
        self.canvas.clicked.connect(self._on_clicked)
        self.canvas.reached.connect(self._on_reached)
        self.parts.itemSelectionChanged.connect(self._on_part_chosen)
        self.similar.clicked.connect(self._on_similar)
        self.whole.clicked.connect(self.canvas.fit)
        self.crops.opened.connect(self.opened)
        self._tasks.done.connect(self._on_done)
        self._tasks.failed.connect(self._on_failed)
        theme().changed.connect(self._on_theme)

    # -- the atlas ---------------------------------------------------------------------------------------------------------

    def set_atlas(self, atlas: Atlas | None) -> None:
        """Show an atlas: its map is computed in the background."""
        known = self._atlas
        # Peaks that were collected anew in the same folder have other rows.
        other = atlas is None or known is None or atlas.path != known.path or atlas.collection != known.collection
        self._atlas = atlas
        if other:
            self._show_nothing()
        elif atlas is not None:
            self._name_again(atlas)
        self._list_parts()
        if atlas is None:
            self._tasks.forget("map")
            self.canvas.show_points(np.empty((0, 2), np.float32), *2 * (np.empty(0, np.int64),), frozenset())
        else:
            self.canvas.waiting = other
            self.canvas.update()
            self._tasks.run("map", partial(_map_of, atlas))

    def set_crops(self, crops: CropHandling) -> None:
        """Let crops be moved to the parts of the list."""
        crops.watch(self.crops.surface, self.crops.crop_at, self.crops.current_place)
        crops.add_target(DropTarget(self.parts, self._part_at, self._show_drop))

    def select_part(self, part: int) -> None:
        """Show the points of a part above all others."""
        self.canvas.select_part(part)
        numbers = self._numbers
        self.parts.blockSignals(True)
        self.parts.setCurrentRow(numbers.index(part) if part in numbers else -1)
        self.parts.blockSignals(False)

    def is_ready(self) -> bool:
        """Return whether all content is drawn."""
        return self._atlas is None or not any(self._tasks.is_open(name) for name in ("map", "similar"))

    def shut_down(self) -> None:
        """Stop the threads."""
        self._tasks.close()

    def path_of(self, file: str) -> Path:
        """Return the path of an image of the atlas."""
        return Path(file) if self._atlas is None else Path(self._atlas.header.data) / file

    def show_like(self, row: int) -> None:
        """Show the peaks that look most like a peak, given by its row in the atlas."""
        self._on_clicked(row)
        self._on_similar()

    def show_like_peak(self, crop: Crop, peaks: PeakDescriptors, index: int, *, image: str | None) -> None:
        """Show the peaks that look most like a peak that the atlas does not have.

        Args:
            crop: The peak in its photograph.
            peaks: The peaks of that photograph.
            index: The number of the peak among them.
            image: The name of the photograph in the atlas, whose own peaks are left out; None if it is not there.

        Raises:
            AtlasError: The peaks are of another model.
        """
        atlas = self._atlas
        if atlas is None:
            return
        descriptor, part = _part_like(atlas, peaks, index)
        self._show_peaks(_name(atlas, part), f"{Path(crop.file).name}, {_place(crop)}", [crop])
        self._foreign = peaks, index
        self.select_part(part)
        if part >= 0:
            self.part_selected.emit(part)
        self._query = crop
        self._tasks.run("similar", partial(atlas.nearest, descriptor, _SIMILAR, same_image=False, image=image))

    @property
    def _numbers(self) -> list[int]:
        return [self.parts.item(row).data(Qt.ItemDataRole.UserRole) for row in range(self.parts.count())]

    def _part_at(self, place: QPoint) -> int:
        item = self.parts.itemAt(place)
        return -1 if item is None else int(item.data(Qt.ItemDataRole.UserRole))

    def _show_drop(self, state: DropState | None) -> None:
        """Light up the parts that a crop can be dropped on, and that under the mouse."""
        colours = tokens()
        for row, part in enumerate(self._numbers):
            colour = None
            if state is not None and part != state.own:
                colour = mixed(colours.card, colours.accent, 0.35 if part == state.over else 0.08)
            self.parts.item(row).setBackground(QBrush() if colour is None else QColor(colour))

    def _list_parts(self) -> None:
        chosen = self.parts.selectedItems()
        part = chosen[0].data(Qt.ItemDataRole.UserRole) if chosen else -1
        self.parts.blockSignals(True)
        self.parts.clear()
        if (atlas := self._atlas) is not None:
            background = atlas.background
            for number, marks in sorted(atlas.marks.items()):
                if "empty" in marks:
                    continue
                name = atlas.parts.name(number)
                item = QListWidgetItem(marked_name(name, marks[:1]))
                item.setToolTip(marked_name(name, marks))
                item.setData(Qt.ItemDataRole.UserRole, number)
                colour = part_colour(number, tokens(), background=number in background)
                item.setIcon(swatch(colour, self.devicePixelRatioF()))
                self.parts.addItem(item)
        self.parts.blockSignals(False)
        if part >= 0:
            self.select_part(part)

    # -- what is chosen ----------------------------------------------------------------------------------------------------

    def _show_nothing(self) -> None:
        self._show_peaks(
            "Peaks",
            "Peaks that look alike lie together. Draw around some, or click one. "
            "Zoom with the wheel, move with the right button. The arrow keys go from peak to peak, Enter chooses one.",
            (),
        )

    def _show_peaks(self, heading: str, words: str, crops: Sequence[Crop], row: int = -1) -> None:
        """Show other peaks; if it is one of the atlas's, by its row, more like it can be shown."""
        self._row, self._query, self._chosen, self._foreign = row, None, None, None
        self._tasks.forget("similar")
        self.canvas.mark(row)
        self.heading.setText(heading)
        self.words.setText(words)
        self.similar.setVisible(row >= 0)
        self.crops.show_crops(crops)

    def _name_again(self, atlas: Atlas) -> None:
        """Name what is shown as an edit has left it; neither the places nor what looks alike have changed."""
        if self._row >= 0:
            self.heading.setText(atlas.parts.name(int(atlas.part_of[self._row])))
        elif self._foreign is not None:
            self.heading.setText(_name(atlas, _part_like(atlas, *self._foreign)[1]))
        elif self._chosen is not None:
            self.words.setText(_shares_text(atlas, self._chosen))

    def _on_chosen(self, rows: NDArray[np.int64]) -> None:
        atlas = self._atlas
        if atlas is None or not rows.size:
            self._show_nothing()
            return
        spread = rows[np.linspace(0, rows.size - 1, min(_MOST_CROPS, rows.size)).round().astype(int)]
        self._show_peaks(
            count_text(int(rows.size), "peak"),
            _shares_text(atlas, rows),
            [self._crop(int(row)) for row in spread],
        )
        self._chosen = rows
        parts = np.unique(atlas.part_of[rows])
        if parts.size == 1:
            self.part_selected.emit(int(parts[0]))

    def _on_clicked(self, row: int) -> None:
        atlas = self._atlas
        if atlas is None:
            return
        part, crop = int(atlas.part_of[row]), self._crop(row)
        words = f"{crop.file}, {_place(crop)}, R {float(atlas.places['response'][row]):.2f}"
        self._show_peaks(atlas.parts.name(part), words, [crop], row)
        self.select_part(part)
        self.part_selected.emit(part)

    def _on_reached(self, row: int) -> None:
        if self._atlas is not None:
            crop, name = self._crop(row), self._atlas.parts.name(int(self._atlas.part_of[row]))
            self.canvas.setAccessibleDescription(f"{name}, {crop.file}, {_place(crop)}")

    def _on_similar(self) -> None:
        if self._atlas is not None and self._row >= 0:
            self._query = self._crop(self._row)
            self._tasks.run("similar", partial(self._atlas.nearest, self._row, _SIMILAR, same_image=False))

    def _on_part_chosen(self) -> None:
        chosen = self.parts.selectedItems()
        part = chosen[0].data(Qt.ItemDataRole.UserRole) if chosen else -1
        self.canvas.select_part(part)
        if chosen:
            self.part_selected.emit(part)

    def _on_done(self, name: str, result: object) -> None:
        if name == "map" and isinstance(result, tuple):
            self.canvas.show_points(*result)
            self.canvas.mark(self._row)
            return
        if not isinstance(result, tuple):
            return
        found = [one for one in result if isinstance(one, Neighbour)]
        if self._query is not None and self._atlas is not None:
            images = count_text(len({one.image for one in found}), "image")
            self.words.setText(
                f"{count_text(len(found), 'peak')} in {images} that look most like the first one, the most similar first."
            )
            self.crops.show_crops(
                [self._query] + [self._crop(one.row, f"similarity {one.similarity:.2f}") for one in found]
            )

    def _on_failed(self, name: str, error: Exception) -> None:
        self.words.setText(str(error))

    def _crop(self, row: int, note: str = "") -> Crop:
        assert self._atlas is not None
        return crop_of(self._atlas, row, note)

    def _on_theme(self) -> None:
        self._fit()
        self._list_parts()

    def _fit(self) -> None:
        for widget, least, most in ((self.parts, 90, 156), (self._right, 176, 248)):
            widget.setMinimumWidth(px(least))
            widget.setMaximumWidth(px(most))


def _place(crop: Crop) -> str:
    return f"at ({crop.x:.0f}, {crop.y:.0f}) px"


def _shares_text(atlas: Atlas, rows: NDArray[np.int64]) -> str:
    """Return in how many images peaks are, given by their rows, and the commonest parts among them."""
    images = len(np.unique(atlas.places["image"][rows]))
    counts = Counter(atlas.part_of[rows].tolist()).most_common(3)
    shares = ", ".join(f"{atlas.parts.name(part)} {100 * count / rows.size:.0f} %" for part, count in counts)
    return f"In {count_text(images, 'image')}: {shares}."


def _part_like(atlas: Atlas, peaks: PeakDescriptors, index: int) -> tuple[NDArray[np.float32], int]:
    """Return the descriptor of a peak that the atlas does not have, and the part that it looks like; -1 for none."""
    descriptors, parts, near = atlas.parts_of(peaks)
    return descriptors[index], int(parts[index]) if near[index] else -1


def _name(atlas: Atlas, part: int) -> str:
    return atlas.parts.name(part) if part >= 0 else NO_PART.capitalize()


def _map_of(atlas: Atlas) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64], frozenset[int]]:
    """Return the positions, parts and rows of all peaks, and the parts that hold background."""
    rows = np.flatnonzero(~np.asarray(atlas.places["background"]))
    return atlas.plane()[rows], atlas.part_of[rows], rows, atlas.background
