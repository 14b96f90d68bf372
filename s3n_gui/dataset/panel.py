"""The Data page: class tree and split on the left, images in the middle, selected image and findings on the right."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import QModelIndex, QPoint, Qt, QTimer
from PySide6.QtGui import QKeyEvent, QUndoStack
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from s3n_core.datasets.splits import SPLIT_NAMES
from s3n_core.datasets.value_ranges import ValueRanges
from s3n_gui.background.jobs import JobList
from s3n_gui.background.thumbnails import ThumbnailLoader
from s3n_gui.dataset.classes.class_model import ClassModel
from s3n_gui.dataset.content import Content
from s3n_gui.dataset.controller import DataController
from s3n_gui.dataset.empty_state import EmptyState, ReadingState
from s3n_gui.dataset.image_filter import ImageFilter
from s3n_gui.dataset.image_order import MEASURED, ORDER_WORDS, ORDERS, ImageOrder, OrderName
from s3n_gui.dataset.images.image_menu import ImageMenu
from s3n_gui.dataset.images.image_model import ImageModel
from s3n_gui.dataset.tag_actions import TagActions
from s3n_gui.state.demo import demo_images
from s3n_gui.state.image_selection import ImageSelection
from s3n_gui.state.opening import Opener
from s3n_gui.state.session import Session
from s3n_gui.state.settings import Settings
from s3n_gui.widgets.folding_panes import SIDES
from s3n_gui.widgets.page import Page

_THUMBNAIL_SIDE = 288  # pixels; sharp for the largest tile, and for default tiles at 200 % screen scaling


class DataPage(Page):
    """The Data page."""

    def __init__(
        self,
        session: Session,
        settings: Settings,
        jobs: JobList,
        opener: Opener,
        *,
        can_inspect: bool = True,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._settings, self._opener = session, settings, opener
        self._opener_busy = self._by_hand = False
        self._provisional_root: Path | None = None
        self._listed_by: tuple[ImageFilter, ImageOrder] | None = None
        self._row = 0  # of the current image
        self.controller = DataController(session, jobs, self)
        cache = settings.thumbnail_cache_mb * 2**20
        self.thumbnails = ThumbnailLoader(_THUMBNAIL_SIDE, self, cache_bytes=cache)
        self.images = ImageModel(self.controller, self)
        self.classes = ClassModel(self.controller, self)
        self._build(can_inspect)
        self._connect()
        self._show_state()

    def _build(self, can_inspect: bool) -> None:
        content = Content(self.controller, self.images, self.classes, self.thumbnails, can_inspect=can_inspect)
        self.header, self.class_list, self.split_box = content.header, content.class_list, content.split_box
        self.class_order = content.class_order
        self.filter_bar, self.grid, self.content = content.filter_bar, content.grid, content
        self.selected, self.findings = content.selected, content.findings
        self.image_menu = ImageMenu(self.selected, self)
        self.tags = TagActions(self._session, self.controller, self.grid, self)
        self.empty, self.reading = EmptyState(), ReadingState()
        self.stack = QStackedWidget()
        for widget in (self.empty, self.reading, content):
            self.stack.addWidget(widget)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.stack)

    def _connect(self) -> None:
        controller = self.controller
        self.empty.open_asked.connect(self._session.ask_to_open)
        self.header.open_asked.connect(self._on_open)
        self.header.format_chosen.connect(self._on_format)
        self._opener.busy_changed.connect(self._on_opener_busy)
        self._opener.reading.connect(self._on_reading)
        self._session.image_changed.connect(self._on_session_image)
        self._session.class_asked.connect(controller.show_class)
        controller.survey_changed.connect(self._on_survey)
        controller.busy_changed.connect(self._show_state)
        controller.listed_changed.connect(self._on_listed)
        controller.checking.changed.connect(self._on_checked)
        self.class_list.labels_chosen.connect(self._on_labels)
        self.class_list.doubleClicked.connect(self._on_class_opened)
        self.filter_bar.tile_chosen.connect(self.grid.set_tile)
        self.filter_bar.order_chosen.connect(self._on_order)
        self.filter_bar.check_asked.connect(controller.checking.check)
        self.filter_bar.table_asked.connect(self.tags.table)
        self.filter_bar.left.connect(self._focus_grid)
        self.grid.current_changed.connect(self._on_current)
        self.grid.selection_grew.connect(self._show_selected)
        self.grid.opened.connect(self.inspect)
        self.grid.leave_out_asked.connect(self.toggle_left_out)
        self.grid.menu_asked.connect(self._on_menu)
        self.image_menu.tag_asked.connect(self.tags.tag)
        self.selected.tags.tag_asked.connect(self.tags.tag)
        self.selected.tags.untag_asked.connect(self.tags.untag)
        self.selected.leave_out_asked.connect(self._on_leave_out)
        self.selected.inspect_asked.connect(self.inspect)
        self.selected.use_asked.connect(self._on_use_for)
        self.findings.show_asked.connect(self._on_show)
        self._settings.changed.connect(self._on_setting)
        self._session.value_ranges_changed.connect(self._on_value_ranges)
        self._on_value_ranges(self._session.value_ranges)

    def _on_value_ranges(self, ranges: ValueRanges | None) -> None:
        self.thumbnails.set_ranges(ranges)
        self.selected.picture.set_ranges(ranges)
        self.findings.set_ranges(ranges)

    # -- content ---------------------------------------------------------------------------------------------------------

    def _show_state(self) -> None:
        focused = self.window().focusWidget()  # known while the window is inactive, too
        was_empty = self.stack.currentWidget() is not self.content
        if self.controller.survey is not None:
            self.stack.setCurrentIndex(2)
            here = [widget for widget in (focused, self.window().focusWidget()) if widget is not None]
            if was_empty and self.isVisible() and any(w is self or self.isAncestorOf(w) for w in here):
                self._focus_grid()
        else:
            self.stack.setCurrentIndex(1 if self._opener_busy or self.controller.is_busy else 0)

    def _on_opener_busy(self, busy: bool) -> None:
        self._opener_busy = busy
        if not busy:
            QTimer.singleShot(0, self._on_read)  # a data set that could be read arrives after this signal
        self._show_state()

    def _on_reading(self, folder: Path) -> None:
        self._by_hand = False
        self.controller.show_first_images(folder)

    def _on_read(self) -> None:
        """After a folder that could not be read, show again what there was before it."""
        if self._opener_busy:
            return
        survey, data_set = self.controller.survey, self._session.data_set
        if data_set is None:
            self.controller.drop_first_images()
            self._show_state()
        elif survey is not None and survey.data_set is data_set:
            self._by_hand = False
            self.header.show_format()

    def _on_survey(self) -> None:
        survey = self.controller.survey
        root = None if survey is None else survey.data_set.root
        if (
            root is None or root != self._provisional_root
        ):  # thumbnails of the preview stay; otherwise files may have changed
            self.thumbnails.clear()
        self._provisional_root = root if self.controller.is_provisional else None
        if survey is not None and self.controller.is_provisional:
            self.header.show_reading(survey.data_set.root)
        elif survey is not None:
            self.header.show_data_set(survey.data_set, by_hand=self._by_hand)
        self._by_hand = False
        self._show_state()
        self.commands_changed.emit()

    def _on_listed(self) -> None:
        self.class_list.show_labels(self.controller.filter.labels)
        listed_by = (self.controller.filter, self.controller.order)
        row = self._row if listed_by == self._listed_by else 0  # an image that passes no longer: its place is kept
        self._listed_by = listed_by
        if len(self.controller.listed):
            self._on_session_image(self._session.image)
            if not self.grid.currentIndex().isValid():
                self.grid.setCurrentIndex(self.images.index(min(row, len(self.controller.listed) - 1)))
        else:
            self._show_selected()

    def _show_selected(self) -> None:
        current = self.grid.currentIndex()
        image = self.images.image(current.row()) if current.isValid() else -1
        self.selected.show_image(image, self.grid.chosen())

    # -- actions ---------------------------------------------------------------------------------------------------------

    def _on_open(self) -> None:
        self._session.ask_to_open("data")

    def _on_format(self, name: str) -> None:
        if self.controller.survey is not None:
            self._opener.open_data_set(self.controller.survey.data_set.root, name)
            self._by_hand = name != "auto"

    def _on_class_opened(self, index: QModelIndex) -> None:
        if not self.classes.hasChildren(index):  # a group of classes opens and closes instead
            self.inspect()

    def _on_labels(self, labels: frozenset[int] | None) -> None:
        self.controller.set_filter(labels=labels)

    def _on_show(self, kind: str) -> None:
        self.controller.show_only(troubles=frozenset({kind}))
        self._focus_grid()

    def _on_order(self, name: OrderName) -> None:
        controller = self.controller
        checking, wanted = controller.checking, ImageOrder(name)
        if name in MEASURED and checking.measures is None:
            if checking.job is None:
                checking.check()
            self._session.report_notice(
                f"The images are being read. After that, they are sorted: {ORDER_WORDS[name].lower()}.", cause="data"
            )
        if name == "likeness":
            current = self.grid.currentIndex()
            wanted = ImageOrder(name, self.images.image(current.row()) if current.isValid() else -1)
        # The order that there was is set again, because the menu has marked the other one by itself.
        controller.set_order(controller.order if self._refuses(wanted) else wanted)
        self._focus_grid()

    def _on_checked(self) -> None:
        if self._refuses(self.controller.order):  # it was chosen before the images were measured
            self.controller.set_order(ImageOrder())

    def _refuses(self, order: ImageOrder) -> bool:
        """Return whether an order compares all images with one that has nothing to compare, and say so."""
        measures = self.controller.checking.measures
        if order.by != "likeness" or measures is None or order.like < 0 or measures.has_hash(order.like):
            return False
        self._session.report_notice(
            "The selected image is too small or too uniform to be compared with others; select another one.",
            cause="data",
        )
        return True

    def _focus_grid(self) -> None:
        self.content.panes.show_main()
        self.grid.setFocus(Qt.FocusReason.OtherFocusReason)

    def _on_current(self, image: int) -> None:
        self._show_selected()
        if image >= 0 and self.controller.survey is not None:
            self._row = self.grid.currentIndex().row()
            if not self.controller.is_provisional:  # else the image that is to be shown again may follow later
                self._session.image = self.controller.survey.record(image).path

    def _on_session_image(self, path: Path | None) -> None:
        survey = self.controller.survey
        if survey is None or path is None:
            return
        try:
            image = survey.rows.get(path.relative_to(survey.data_set.root).as_posix(), -1)
        except ValueError:
            return
        self.grid.show_image(image)

    def _on_leave_out(self, out: bool) -> None:
        self.controller.planning.leave_out(self.grid.chosen(), out=out)

    def _on_use_for(self, split: str) -> None:
        chosen = next((known for known in SPLIT_NAMES if known == split), None)
        self.controller.planning.use_for(self.grid.chosen(), chosen)

    def _on_setting(self, name: str) -> None:
        if name == "thumbnail_cache_mb":
            self.thumbnails.set_cache_bytes(self._settings.thumbnail_cache_mb * 2**20)

    def toggle_left_out(self) -> None:
        """Leave the selected images out of training, or include them again if all are already left out."""
        planning = self.controller.planning
        chosen = [image for image in self.grid.chosen() if planning.may_be_left_out(image)]
        planning.leave_out(chosen, out=not set(chosen) <= planning.left_out)

    def _on_menu(self, place: QPoint) -> None:
        self.image_menu.show_at(place, len(self.grid.selectedIndexes()))

    def inspect(self) -> None:
        """Inspect the current image."""
        current = self.grid.currentIndex()
        survey = self.controller.survey
        if current.isValid() and survey is not None:
            path = survey.record(self.images.image(current.row())).path
            self._session.inspect_selection(self.selection(), path)

    def selection(self) -> ImageSelection | None:
        """The selected images if there are several, else those that a filter leaves; None for all images."""
        survey, wanted = self.controller.survey, self.controller.filter
        chosen = self.grid.chosen()
        if survey is None or (len(chosen) < 2 and wanted.is_empty):
            return None
        listed = chosen if len(chosen) > 1 else self.controller.listed.tolist()
        name = "Picked by hand" if len(chosen) > 1 else wanted.name(survey.data_set.classes)
        return ImageSelection(name, survey.data_set.root, tuple(survey.record(image).name for image in listed))

    def search(self) -> None:
        """Focus the search field."""
        self.filter_bar.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.filter_bar.search.selectAll()

    # -- page ------------------------------------------------------------------------------------------------------------

    def commands(self) -> Mapping[str, Callable[[], object]]:
        """Return the page's actions: none without images, and a preview can only be looked at."""
        if self.controller.survey is None:
            return {}
        looking: dict[str, Callable[[], object]] = {
            "data-find": self.search,
            "data-left": self.header.sides["left"].click,
            "data-right": self.header.sides["right"].click,
        }
        if self.controller.is_provisional:
            return looking
        return {
            **looking,
            "data-tag": self.tags.tag,
            "data-import-tags": self.tags.import_table,
            "data-export-tags": self.tags.export_table,
            "data-check": self.controller.checking.check,
        }

    def first_focus(self) -> QWidget:
        """Return the grid, or the page itself while no data set is open."""
        return self.grid if self.controller.survey is not None else self

    def undo_stack(self) -> QUndoStack:
        """Return the undo stack: leaving images out, moving them between splits, and tagging them."""
        return self.controller.planning.undo_stack

    def show_demo(self) -> None:
        """Show the bundled synthetic birds.

        Raises:
            s3n_core.errors.S3NError: The demo is not installed.
        """
        from s3n_core.datasets.assignment import open_assigned

        self._session.data_set = open_assigned(demo_images())

    def is_ready(self) -> bool:
        """Return whether the lists and the selected image are loaded."""
        return not (self._opener_busy or self.controller.is_busy or self.selected.picture.is_reading)

    def save_state(self) -> dict[str, Any]:
        """Return the widths of the panes and which are wanted, the size of the tiles, and the orders of classes and images."""
        return {
            "panes": self.content.panes.widths,
            "sides": self.content.panes.wanted,
            "tile": self.grid.tile,
            "classes": self.classes.order,
            "order": self._kept_order(),
        }

    def _kept_order(self) -> str:
        """Return the order, for the next start; one that depends on an image of this data set is not kept."""
        return "data-set" if self.controller.order.by == "likeness" else self.controller.order.by

    def restore_state(self, state: Mapping[str, Any]) -> None:
        """Restore what ``save_state`` returned; invalid values are ignored."""
        sizes, tile = state.get("panes"), state.get("tile")
        if isinstance(sizes, list) and len(sizes) == 3 and all(isinstance(s, int) and 0 < s < 20_000 for s in sizes):
            self.content.panes.set_widths(sizes)
        sides = state.get("sides")
        if isinstance(sides, dict):
            for side in SIDES:
                self.content.panes.want(side, sides.get(side) is not False)
        if isinstance(tile, int):
            self.filter_bar.tile_slider.setValue(tile)
        self.class_order.show_order(str(state.get("classes")))
        order: OrderName = next((name for name in ORDERS if name == state.get("order") != "likeness"), "data-set")
        self.controller.set_order(ImageOrder(order))

    def shut_down(self) -> None:
        """Stop the threads."""
        self.findings.close_pairs()
        self.controller.close()
        self.thumbnails.close()
        self.selected.picture.close_reading()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape clears all filters."""
        if event.key() == Qt.Key.Key_Escape and not self.controller.filter.is_empty:
            self.filter_bar.show_all()
            self._focus_grid()
        else:
            super().keyPressEvent(event)


def page(session: Session, settings: Settings, jobs: JobList, opener: Opener, *, can_inspect: bool = True) -> DataPage:
    """Create the page."""
    return DataPage(session, settings, jobs, opener, can_inspect=can_inspect)
