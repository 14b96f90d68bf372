"""What can be done with a crop wherever it is shown: its menu, and dragging it onto another part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent
from PySide6.QtWidgets import QWidget
from shiboken6 import isValid

from s3n_gui.background.thumbnails import ThumbnailLoader
from s3n_gui.parts.atlas_content import AtlasContent
from s3n_gui.parts.crop import Crop, PathOf
from s3n_gui.parts.crops.crop_drag import CropAt, CropDrag, DropTarget
from s3n_gui.parts.crops.crop_menu import CropMenu
from s3n_gui.parts.edits import PartEdits
from s3n_gui.parts.part_names import bare_name, part_name

Current = Callable[[], tuple[Crop, QRect] | None]
"""Returns the crop that the keys have reached in a widget, and its rectangle there; None for none."""


@dataclass(frozen=True)
class _Source:
    """A widget that shows crops."""

    crop_at: CropAt
    current: Current | None = None


class CropHandling(QObject):
    """Handles the crops of the widgets that it watches.

    Signals:
        opened: Inspect a `Crop`.
        like_asked: Show the peaks that look most like that of a `Crop`.
        touched: A crop is being dragged or has its menu open: what floats beside the mouse is to go.
        moved: The name of the part that a peak was moved to.

    Args:
        edits: Edits the atlas.
        thumbnails: The crops' images.
        path_of: Their paths.
    """

    opened = Signal(object)
    like_asked = Signal(object)
    touched = Signal()
    moved = Signal(str)

    def __init__(
        self, edits: PartEdits, thumbnails: ThumbnailLoader, path_of: PathOf, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._edits = edits
        self._content: AtlasContent | None = None
        self._sources = dict[QObject, _Source]()
        self.drag = CropDrag(self.part_of, self.name_of, thumbnails, path_of, self)
        self.drag.began.connect(self.touched)
        self.drag.dropped.connect(self.move)

    def watch(self, widget: QWidget, crop_at: CropAt, current: Current | None = None) -> None:
        """Handle the crops of a widget.

        Args:
            widget: The widget that gets the mouse and key events.
            crop_at: Returns its crop at a place.
            current: Returns the crop that the keys have reached; None: keys go through no crops.
        """
        self._sources[widget] = _Source(crop_at, current)
        widget.installEventFilter(self)
        widget.destroyed.connect(self._forget_dead)

    def add_target(self, target: DropTarget) -> None:
        """Let crops be dropped on a list of parts."""
        self.drag.add_target(target)

    def show_content(self, content: AtlasContent | None) -> None:
        """Handle the crops of another atlas, or of the same after an edit."""
        self.drag.cancel()
        self._content = content

    def part_of(self, crop: Crop) -> int:
        """Return the part that a crop's peak belongs to; -1 without one."""
        content = self._content
        known = content is not None and 0 <= crop.row < len(content.atlas.places)
        return int(content.atlas.part_of[crop.row]) if content is not None and known else -1

    def name_of(self, part: int) -> str:
        """Return a part's name."""
        content = self._content
        return "" if content is None else bare_name(part_name(content.atlas, part, content.names))

    def move(self, crop: Crop, part: int) -> None:
        """Move a crop's peak to a part, as an edit that can be undone."""
        content, own = self._content, self.part_of(crop)
        if content is None or own < 0 or part == own or part not in content.atlas.parts.numbers:
            return
        place, name = content.atlas.places[crop.row], self.name_of(part)
        x, y, file = float(place["x"]), float(place["y"]), crop.file
        self._edits.make(f"moving a peak to {name}", lambda atlas: atlas.reassign(part, file, x, y))
        self.moved.emit(name)

    def menu_of(self, crop: Crop, parent: QWidget | None = None) -> CropMenu:
        """Return the menu of a crop."""
        content, own = self._content, self.part_of(crop)
        others = list[tuple[int, str]]()
        if content is not None:
            others = [
                (summary.part, part_name(content.atlas, summary.part, content.names))
                for summary in content.parts
                if summary.part != own and not summary.hidden
            ]
        menu = CropMenu(others, peak=own >= 0, parent=parent)
        menu.chosen.connect(partial(self._on_chosen, crop))
        menu.part_chosen.connect(partial(self.move, crop))
        return menu

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Drag crops, and open their menu."""
        source = self._sources.get(watched)
        if source is None or not isinstance(watched, QWidget):
            return False
        if isinstance(event, QContextMenuEvent):
            return self._open_menu(watched, source, event)
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and source.current is not None:
            found = source.current()
            if found is not None and event.key() == Qt.Key.Key_M and not event.modifiers():
                if self.part_of(found[0]) >= 0:
                    self.touched.emit()
                    self.menu_of(found[0], watched).pop_up_parts(watched.mapToGlobal(found[1].bottomLeft()))
                return True
            return False
        return self.drag.takes(watched, source.crop_at, event)

    def _open_menu(self, watched: QWidget, source: _Source, event: QContextMenuEvent) -> bool:
        at, crop = event.globalPos(), source.crop_at(event.pos())
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            found = None if source.current is None else source.current()
            if found is None:
                return False
            crop, at = found[0], watched.mapToGlobal(found[1].bottomLeft())
        if crop is None:
            return False
        self._pop_up(crop, watched, at)
        return True

    def _pop_up(self, crop: Crop, parent: QWidget, at: QPoint) -> None:
        self.drag.cancel()
        self.touched.emit()
        self.menu_of(crop, parent).popup(at)

    def _on_chosen(self, crop: Crop, what: str) -> None:
        if what == "inspect":
            self.opened.emit(crop)
        elif what == "like":
            self.like_asked.emit(crop)

    def _forget_dead(self) -> None:
        """Forget widgets that no longer exist."""
        self._sources = {widget: source for widget, source in self._sources.items() if isValid(widget)}
