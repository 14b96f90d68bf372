"""The layout of the Data page: classes and split, images, selected image and findings."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFrame, QSplitter, QVBoxLayout, QWidget

from s3n_gui.appearance.theme import px
from s3n_gui.appearance.tokens import INSIDE_GROUP, PAGE_MARGIN
from s3n_gui.background.thumbnails import ThumbnailLoader
from s3n_gui.dataset.audit.findings_card import FindingsCard
from s3n_gui.dataset.classes.class_list import ClassList
from s3n_gui.dataset.classes.class_model import ClassModel
from s3n_gui.dataset.classes.class_order import ClassOrder
from s3n_gui.dataset.classes.unequal_note import UnequalNote
from s3n_gui.dataset.controller import DataController
from s3n_gui.dataset.header import Header
from s3n_gui.dataset.images.filter_bar import FilterBar
from s3n_gui.dataset.images.grid import ThumbnailGrid
from s3n_gui.dataset.images.image_model import ImageModel
from s3n_gui.dataset.images.selected_card import SelectedCard
from s3n_gui.dataset.split.split_box import SplitBox
from s3n_gui.widgets.column_scroll_area import ColumnScrollArea

_WIDTHS = (284, 620, 330)
_NARROW_MIDDLE, _MIDDLE = 190, 1
_SHARES = (0, 6, 1)  # stretch factors of the panes


class Content(QWidget):
    """The page's content while a data set is open. Its widgets do not know each other; the page connects them."""

    def __init__(
        self,
        controller: DataController,
        images: ImageModel,
        classes: ClassModel,
        thumbnails: ThumbnailLoader,
        *,
        can_inspect: bool,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.header = Header()
        self.class_order, self.class_list = ClassOrder(), ClassList(classes)
        self.class_order.order_chosen.connect(classes.set_order)
        self.unequal = UnequalNote(controller)
        self.split_box = SplitBox(controller)
        self.filter_bar = FilterBar(controller)
        self.grid = ThumbnailGrid(images, thumbnails)
        self.selected = SelectedCard(controller, can_inspect=can_inspect)
        self.findings = FindingsCard(controller)
        split_card = QFrame()
        split_card.setProperty("role", "card")
        inside = QVBoxLayout(split_card)
        inside.setContentsMargins(12, 8, 12, 12)
        inside.addWidget(self.split_box)
        self.panes = QSplitter(Qt.Orientation.Horizontal)
        self.panes.setChildrenCollapsible(False)
        columns: tuple[tuple[tuple[QWidget, int], ...], ...] = (
            ((self.class_order, 0), (self.class_list, 1), (self.unequal, 0), (split_card, 0)),
            ((self.filter_bar, 0), (self.grid, 1)),
            ((self.selected, 3), (self.findings, 2)),
        )
        for place, (widgets, share) in enumerate(zip(columns, _SHARES, strict=True)):
            pane = QWidget()
            stack = QVBoxLayout(pane)
            stack.setContentsMargins(0, 0, 0, 0)
            stack.setSpacing(INSIDE_GROUP)
            for widget, stretch in widgets:
                stack.addWidget(widget, stretch)
            self.panes.addWidget(pane if place == _MIDDLE else _scrolled(pane))  # the grid scrolls by itself
            self.panes.setStretchFactor(place, share)
        self._widths, self._was_shown = [px(width) for width in _WIDTHS], False
        column = QVBoxLayout(self)
        column.setContentsMargins(PAGE_MARGIN, 12, PAGE_MARGIN, PAGE_MARGIN)
        column.setSpacing(12)
        column.addWidget(self.header)
        column.addWidget(self.panes, 1)

    @property
    def widths(self) -> list[int]:
        """The widths of the panes, in pixels."""
        return self.panes.sizes() if self._was_shown else self._widths

    def show_widths(self, widths: Sequence[int]) -> None:
        """Set the widths of the panes, in pixels; before the first show they are only stored."""
        self._widths = list(widths)
        if self._was_shown:
            self.panes.setSizes(self._widths)

    def showEvent(self, event: QShowEvent) -> None:
        """Lay out the panes on the first show: the available width is not known before."""
        super().showEvent(event)
        if not self._was_shown:
            self._was_shown = True
            room = self.width() - 2 * PAGE_MARGIN - 2 * self.panes.handleWidth()
            self.panes.setSizes(_fitting(self._widths, room, px(_NARROW_MIDDLE)))


def _scrolled(pane: QWidget) -> ColumnScrollArea:
    """Return a pane that scrolls where a small window or large text leaves too little height."""
    area = ColumnScrollArea()
    area.setWidget(pane)
    return area


def _fitting(widths: Sequence[int], room: int, narrow: int) -> list[int]:
    """Fit the widths into ``room`` pixels: the middle shrinks first, to ``narrow``, then the sides in proportion."""
    left, middle, right = widths
    middle = max(min(middle, room - left - right), min(narrow, middle))
    sides = max(room - middle, 1)
    if left + right > sides:
        left, right = left * sides // (left + right), right * sides // (left + right)
    return [left, middle, right]
