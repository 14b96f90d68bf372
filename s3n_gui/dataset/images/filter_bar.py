"""The bar above the grid: search field, filters, order, number of images and thumbnail size; chips for the filters."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QAction, QActionGroup, QKeyEvent, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QMenu, QPushButton, QSlider, QVBoxLayout, QWidget

from s3n_gui.appearance.theme import px, set_icon
from s3n_gui.appearance.wording import count_text, label_text
from s3n_gui.dataset.controller import DataController
from s3n_gui.dataset.findings import KINDS
from s3n_gui.dataset.image_filter import UNTAGGED, Condition, any_of, tag_words, trouble_words
from s3n_gui.dataset.image_order import MEASURED, ORDER_WORDS, ORDERS, SIZE_WORDS, ImageOrder, OrderName
from s3n_gui.dataset.images.filter_chips import FilterChips
from s3n_gui.dataset.images.grid import LARGEST, SMALLEST, USUAL
from s3n_gui.dataset.survey import USE_WORDS, USES

_PAUSE_MILLISECONDS = 150


class FilterBar(QWidget):
    """The bar.

    Signals:
        tile_chosen: The width of a tile, in pixels.
        order_chosen: The name of an order, chosen in the menu.
        check_asked: The images should be checked, which measures them.
        table_asked: Tags should be exported ("export") or imported ("import").
        left: The work goes on in the grid: a filter was removed.
    """

    tile_chosen = Signal(int)
    order_chosen = Signal(str)
    check_asked = Signal()
    table_asked = Signal(str)
    left = Signal()

    def __init__(self, controller: DataController, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._controller = controller
        self.search = QLineEdit()
        self.search.setPlaceholderText("Find")
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName("Find images by name, class or tag")
        self.search.setToolTip("Show only images whose name, class or tags contain all these words (Ctrl+F)")
        self.search.setMinimumWidth(px(90))
        self.search.setMaximumWidth(px(280))
        self.filter_button = _menu_button("Filter", "filter")
        self.filter_button.setToolTip("Show only images of some splits, tags, sizes or findings")
        self.sort_button = _menu_button("Sort", "sort")
        self.count = QLabel()
        self.count.setProperty("role", "quiet")
        self.tile_slider = QSlider(Qt.Orientation.Horizontal)
        self.tile_slider.setRange(SMALLEST, LARGEST)
        self.tile_slider.setValue(USUAL)
        self.tile_slider.setFixedWidth(px(80))
        self.tile_slider.setAccessibleName("Thumbnail size")
        self.tile_slider.setToolTip("Larger or smaller thumbnails")
        self.tile_slider.valueChanged.connect(self.tile_chosen)
        self.tile_slider.hide()  # until there is room for them
        self.count.hide()
        self.chips = FilterChips(controller)
        self.clear = self.chips.clear
        self.chips.cleared.connect(self._on_cleared)
        self.chips.removed.connect(self.left)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.search, 3)
        row.addWidget(self.filter_button)
        row.addWidget(self.sort_button)
        row.addStretch(1)
        row.addWidget(self.count)
        row.addWidget(self.tile_slider)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(row)
        column.addWidget(self.chips)
        self._make_menus()
        self._pause = QTimer(self, singleShot=True, interval=_PAUSE_MILLISECONDS)
        self._pause.timeout.connect(self._on_pause)
        self.search.textChanged.connect(self._on_text)
        controller.listed_changed.connect(self._show)
        controller.marks_changed.connect(self._show)
        self._show()

    def _make_menus(self) -> None:
        self.filter_menu = QMenu(self.filter_button)
        self.filter_menu.aboutToShow.connect(self._fill_filters)
        self.filter_menu.triggered.connect(self._on_filter)
        self.filter_button.setMenu(self.filter_menu)
        self._submenus: dict[Condition, QMenu] = {}
        for condition, title in (
            ("uses", "Split"),
            ("tags", "Tags"),
            ("sizes", "Shorter side"),
            ("troubles", "Findings"),
        ):
            submenu = _StayingMenu(title, self.filter_menu)
            self.filter_menu.addMenu(submenu)
            self._submenus[condition] = submenu  # type: ignore[index]  # the literal above
        sort_menu = QMenu(self.sort_button)
        sort_menu.triggered.connect(self._on_sort)
        self._orders = QActionGroup(sort_menu)
        self.order_actions: dict[OrderName, QAction] = {}
        for order in ORDERS:
            if order == "near-duplicates":
                sort_menu.addSeparator()
            action = sort_menu.addAction(ORDER_WORDS[order])
            action.setCheckable(True)
            action.setData(order)
            self._orders.addAction(action)
            self.order_actions[order] = action
        self.sort_button.setMenu(sort_menu)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Hide the less important controls when the bar is narrow."""
        super().resizeEvent(event)
        self.tile_slider.setVisible(self.width() >= px(560))
        self.count.setVisible(self.width() >= px(440))
        self._show_words()

    def show_all(self) -> None:
        """Clear all filters."""
        self._pause.stop()
        self._controller.show_only()

    # -- menus -----------------------------------------------------------------------------------------------------------

    def _fill_filters(self) -> None:
        """Fill the menu; numbers are what a choice would list together with the other filters."""
        planning, checking = self._controller.planning, self._controller.checking
        self._fill("uses", [(use, USE_WORDS[use]) for use in USES])
        self._fill_tags()
        self._fill("sizes", list(enumerate(SIZE_WORDS)) if checking.measures is not None else [])
        if checking.measures is None:
            self._offer_check(self._submenus["sizes"], "Check images to measure them")
        found = [finding.kind for finding in checking.findings or () if finding.images]
        kinds = ["any"] if set(found) - {"small-class"} else []
        kinds += [kind for kind in KINDS if kind in found] + (["left-out"] if planning.left_out else [])
        self._fill("troubles", [(kind, trouble_words(kind)) for kind in kinds])
        if checking.findings is None:
            self._offer_check(self._submenus["troubles"], "Check images to find problems")
        elif not kinds:
            self._submenus["troubles"].addAction("No findings").setEnabled(False)

    def _fill(self, condition: Condition, values: list[tuple[Any, str]]) -> None:
        self._submenus[condition].clear()
        others = self._controller.filter.without(condition)
        for value, words in values:
            self._add(condition, value, words, self._controller.count(others.switched(condition, value, on=True)))

    def _fill_tags(self) -> None:
        """Fill the submenu of tags; the images that pass the other filters are found only once, as tags may be many."""
        menu, controller = self._submenus["tags"], self._controller
        menu.clear()
        tagged = controller.tagging.masks()
        passing = controller.passing(controller.filter.without("tags"))
        for tag in (*tagged, UNTAGGED) if tagged else ():
            mask = any_of((tag,), tagged, 0 if controller.survey is None else len(controller.survey))
            self._add("tags", tag, label_text(tag_words(tag)), int(mask[passing].sum()))
        if not tagged:
            menu.addAction("No tags yet: select images and press T").setEnabled(False)
        menu.addSeparator()
        for key, words in (("import", "Import tags…"), ("export", "Export tags…")):
            action = menu.addAction(words)
            action.setEnabled(bool(tagged) if key == "export" else controller.tagging.can_tag)
            action.setData((key, None))

    def _add(self, condition: Condition, value: Any, words: str, number: int) -> None:
        action = self._submenus[condition].addAction(f"{words}\t{number:,}")
        action.setCheckable(True)
        action.setChecked(value in (getattr(self._controller.filter, condition) or ()))
        action.setEnabled(number > 0 or action.isChecked())
        action.setData((condition, value))

    def _offer_check(self, menu: QMenu, words: str) -> None:
        action = menu.addAction(words)
        action.setEnabled(self._controller.checking.job is None)
        action.setData(("check", None))

    def _on_filter(self, action: QAction) -> None:
        condition, value = action.data()
        if condition == "check":
            self.check_asked.emit()
        elif condition in ("import", "export"):
            self.table_asked.emit(condition)
        else:
            self._controller.apply_filter(self._controller.filter.switched(condition, value, action.isChecked()))

    def _on_sort(self, action: QAction) -> None:
        self.order_chosen.emit(action.data())

    # -- state -----------------------------------------------------------------------------------------------------------

    def _show(self) -> None:
        chosen, survey = self._controller.filter, self._controller.survey
        if self.search.text().strip() != chosen.text and not self._pause.isActive():  # what is typed follows soon
            self.search.blockSignals(True)
            self.search.setText(chosen.text)
            self.search.blockSignals(False)
        total, listed = 0 if survey is None else len(survey), len(self._controller.listed)
        self.count.setText(count_text(total, "image") if listed == total else f"{listed:,} of {total:,}")
        self._show_words()

    def _show_words(self) -> None:
        order: ImageOrder = self._controller.order
        self.order_actions[order.by].setChecked(True)
        words = ORDER_WORDS[order.by]
        wide = self.width() >= px(640) and order.by != "data-set"
        self.sort_button.setText(words if wide else "Sort")
        self.sort_button.setAccessibleName(f"Sort: {words}")
        waits = order.by in MEASURED and self._controller.checking.measures is None
        self.sort_button.setToolTip(f"Sorted once the images are checked: {words}" if waits else f"Order: {words}")

    def _on_text(self) -> None:
        self._pause.start()

    def _on_pause(self) -> None:
        self._controller.set_filter(text=self.search.text().strip())

    def _on_cleared(self) -> None:
        self.show_all()
        self.left.emit()


class _StayingMenu(QMenu):
    """A menu that stays open while its entries are switched with the mouse or Space, so that several can be chosen."""

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Switch an entry."""
        if not self._switch(self.actionAt(event.position().toPoint())):
            super().mouseReleaseEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Switch the entry under the keyboard cursor on Space."""
        if event.key() != Qt.Key.Key_Space or not self._switch(self.activeAction()):
            super().keyPressEvent(event)

    def _switch(self, action: QAction | None) -> bool:
        switches = action is not None and action.isEnabled() and action.isCheckable()
        if switches and action is not None:
            action.trigger()
        return switches


def _menu_button(word: str, icon: str) -> QPushButton:
    button = QPushButton(word)
    button.setProperty("role", "menu")
    set_icon(button, icon)
    return button
