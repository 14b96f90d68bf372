"""What can be done with a crop wherever it is shown: its menu, dragging it onto another part, hiding its place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QMouseEvent, QWindow
from PySide6.QtWidgets import QApplication, QWidget
from shiboken6 import isValid

from s3n_gui.appearance.theme import px
from s3n_gui.background.thumbnails import ThumbnailLoader
from s3n_gui.parts.atlas_content import AtlasContent
from s3n_gui.parts.crop import Crop, PathOf
from s3n_gui.parts.crops.crop_drag import CropAt, CropDrag, DropTarget
from s3n_gui.parts.crops.crop_menu import CropMenu
from s3n_gui.parts.crops.hidden_places import HiddenPlaces
from s3n_gui.parts.crops.hidden_view import HiddenView
from s3n_gui.parts.edits import PartEdits
from s3n_gui.parts.part_names import bare_name, part_name

Current = Callable[[], tuple[Crop, QRect] | None]
"""Returns the crop that the keys have reached in a widget, and its rectangle there; None for none."""


@dataclass(frozen=True)
class _Source:
    """A widget that shows crops."""

    crop_at: CropAt
    current: Current | None = None
    large: bool = False


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
        hidden: Hides their places.
        view: Shows the photograph with the place hidden.
    """

    opened = Signal(object)
    like_asked = Signal(object)
    touched = Signal()
    moved = Signal(str)

    def __init__(
        self,
        edits: PartEdits,
        thumbnails: ThumbnailLoader,
        path_of: PathOf,
        hidden: HiddenPlaces,
        view: HiddenView,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._edits, self.hidden, self.view = edits, hidden, view
        self._over: tuple[Crop, QRect, bool] | None = None
        self._window: QWidget | None = None
        self._handle: QWindow | None = None
        self._back: QWidget | None = None
        hidden.changed.connect(self._on_hidden)
        view.closed.connect(self._on_closed)
        self._content: AtlasContent | None = None
        self._sources = dict[QObject, _Source]()
        self.drag = CropDrag(self.part_of, self.name_of, thumbnails, path_of, self)
        self.drag.began.connect(self.touched)
        self.drag.dropped.connect(self.move)

    def watch(self, widget: QWidget, crop_at: CropAt, current: Current | None = None, *, large: bool = False) -> None:
        """Handle the crops of a widget.

        Args:
            widget: The widget that gets the mouse and key events.
            crop_at: Returns its crop at a place.
            current: Returns the crop that the keys have reached; None: keys go through no crops.
            large: Whether the widget shows one crop's photograph over the whole tab.
        """
        self._sources[widget] = _Source(crop_at, current, large)
        widget.setMouseTracking(True)
        widget.installEventFilter(self)
        widget.destroyed.connect(self._forget_dead)

    def add_target(self, target: DropTarget) -> None:
        """Let crops be dropped on a list of parts."""
        self.drag.add_target(target)

    def show_content(self, content: AtlasContent | None) -> None:
        """Handle the crops of another atlas, or of the same after an edit."""
        self.drag.cancel()
        self.view.close_it()
        self._content = content
        self.hidden.show_content(content)

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

    def menu_of(self, crop: Crop, parent: QWidget | None = None, place: QRect | None = None) -> CropMenu:
        """Return the menu of a crop, which is at a place on the screen."""
        content, own = self._content, self.part_of(crop)
        others = list[tuple[int, str]]()
        if content is not None:
            others = [
                (
                    summary.part,
                    part_name(content.atlas, summary.part, content.names) + (" (empty)" if summary.is_empty else ""),
                )
                for summary in content.parts
                if summary.part != own and not summary.hidden
            ]
        foreign = content is not None and content.atlas.peak_rows.image(crop.file) is None
        menu = CropMenu(others, peak=own >= 0, foreign=foreign, parent=parent)
        menu.chosen.connect(partial(self._on_chosen, crop, place or QRect()))
        menu.part_chosen.connect(partial(self.move, crop))
        return menu

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Drag crops, open their menu, and hide their place while Alt is held."""
        if watched is self._window or watched is self._handle:
            return self._takes_alt(event)
        source = self._sources.get(watched)
        if source is None or not isinstance(watched, QWidget):
            return False
        if isinstance(event, QContextMenuEvent):
            return self._open_menu(watched, source, event)
        if isinstance(event, QKeyEvent):
            return self._takes_key(watched, source, event)
        if self.drag.takes(watched, source.crop_at, event):
            return True
        if event.type() == QEvent.Type.Leave or event.type() == QEvent.Type.Hide:
            self._point(None, Qt.KeyboardModifier.NoModifier)
        elif isinstance(event, QMouseEvent) and event.type() == QEvent.Type.MouseMove:
            at = event.position().toPoint()
            crop = source.crop_at(at)
            if crop is None:
                self._point(None, event.modifiers())
            elif self._over is None or self._over[0] != crop or event.modifiers() & Qt.KeyboardModifier.AltModifier:
                around = QRect(watched.mapToGlobal(at) - QPoint(px(24), px(24)), QSize(px(48), px(48)))
                self._watch_window(watched)
                self._point((crop, around, source.large), event.modifiers())
        return False

    # -- the place hidden --------------------------------------------------------------------------------------------------

    def show_hidden(self, crop: Crop, beside: QRect, *, held: bool = False, large: bool = False) -> None:
        """Show a crop's photograph with its place hidden, and compute what the model predicts then.

        Args:
            crop: The crop.
            beside: Its rectangle on the screen.
            held: Only as long as Alt is held.
            large: Over the whole page.
        """
        self.touched.emit()
        if not held:
            self._back = QApplication.focusWidget()
        place = QRect(self.view.parentWidget().mapFromGlobal(beside.topLeft()), beside.size())  # type: ignore[union-attr]
        self.view.show_crop(crop, self.hidden.ask(crop), place, held=held, large=large)

    def _takes_key(self, watched: QWidget, source: _Source, event: QKeyEvent) -> bool:
        found = None if source.current is None else source.current()
        if found is None:
            return False
        crop, place = found[0], QRect(watched.mapToGlobal(found[1].topLeft()), found[1].size())
        pressed = event.type() == QEvent.Type.KeyPress
        if (
            event.key() == Qt.Key.Key_Alt
            and source.large
            and event.type()
            in (
                QEvent.Type.KeyPress,
                QEvent.Type.KeyRelease,
            )
        ):
            if pressed:
                self.show_hidden(crop, place, held=True, large=True)
            else:
                self._release()
            return True
        if not pressed or event.modifiers():
            return False
        if event.key() == Qt.Key.Key_M:
            if self.part_of(crop) >= 0:
                self.touched.emit()
                self.menu_of(crop, watched).pop_up_parts(place.bottomLeft())
            return True
        if event.key() == Qt.Key.Key_H:
            self.show_hidden(crop, place, large=source.large)
            return True
        return False

    def _takes_alt(self, event: QEvent) -> bool:
        """Handle the keys of the window while the mouse is over a crop: Alt hides its place, and opens no menu."""
        if event.type() == QEvent.Type.WindowDeactivate:
            self._release()
        if not isinstance(event, QKeyEvent) or event.key() != Qt.Key.Key_Alt or self._over is None:
            return False
        if event.type() == QEvent.Type.KeyPress and not event.isAutoRepeat():
            crop, around, large = self._over
            self.show_hidden(crop, around, held=True, large=large)
        elif event.type() == QEvent.Type.KeyRelease and not event.isAutoRepeat():
            self._release()
        return True

    def _point(self, over: tuple[Crop, QRect, bool] | None, modifiers: Qt.KeyboardModifier) -> None:
        """Follow the mouse from crop to crop."""
        self._over = over
        if over is None:
            self._watch_window(None)
            self._release()
        elif modifiers & Qt.KeyboardModifier.AltModifier and self.view.crop != over[0]:
            self.show_hidden(over[0], over[1], held=True, large=over[2])

    def _release(self) -> None:
        if self.view.isVisible() and self.view.holds:
            self.view.close_it()

    def _watch_window(self, widget: QWidget | None) -> None:
        """Watch the keys of a widget's window, whatever has the focus there; None: of none."""
        window = None if widget is None else widget.window()
        if window is self._window:
            return
        for known in (self._window, self._handle):
            if known is not None and isValid(known):
                known.removeEventFilter(self)
        self._window, self._handle = window, None if window is None else window.windowHandle()
        for wanted in (self._window, self._handle):
            if wanted is not None:
                wanted.installEventFilter(self)

    def _on_hidden(self) -> None:
        if self.view.crop is not None:
            self.view.show_found(self.hidden.known(self.view.crop))

    def _on_closed(self) -> None:
        back, self._back = self._back, None
        if back is not None and isValid(back) and back.isVisible():
            back.setFocus()

    def _open_menu(self, watched: QWidget, source: _Source, event: QContextMenuEvent) -> bool:
        at, crop = event.globalPos(), source.crop_at(event.pos())
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            found = None if source.current is None else source.current()
            if found is None:
                return False
            crop, at = found[0], watched.mapToGlobal(found[1].bottomLeft())
        if crop is None:
            return False
        self.drag.cancel()
        self.touched.emit()
        self.menu_of(crop, watched, QRect(at - QPoint(px(24), px(24)), QSize(px(48), px(48)))).popup(at)
        return True

    def _on_chosen(self, crop: Crop, place: QRect, what: str) -> None:
        if what == "inspect":
            self.opened.emit(crop)
        elif what == "hidden":
            self.show_hidden(crop, place)
        elif what == "like":
            self.like_asked.emit(crop)

    def _forget_dead(self) -> None:
        """Forget widgets that no longer exist."""
        self._sources = {widget: source for widget, source in self._sources.items() if isValid(widget)}
