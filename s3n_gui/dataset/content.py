"""The layout of the Data page: classes and split, images, selected image and findings."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from s3n_gui.appearance.theme import px, theme
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
from s3n_gui.widgets.folding_panes import FoldingPanes

_WIDTHS = (284, 620, 330)
_LIST_HEIGHT, _PICTURE_HEIGHT = 132, 120
"""Least heights of the classes and of the selected image; a pane with less room scrolls."""


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
        columns: tuple[tuple[tuple[QWidget, int], ...], ...] = (
            ((self.class_order, 0), (self.class_list, 1), (self.unequal, 0), (split_card, 0)),
            ((self.filter_bar, 0), (self.grid, 1)),
            ((self.selected, 3), (self.findings, 2)),
        )
        left, middle, right = (_stacked(widgets) for widgets in columns)
        sides = _scrolled(left), _scrolled(right)  # the grid scrolls by itself
        self.panes = FoldingPanes(middle, left=sides[0], right=sides[1], widths=[px(width) for width in _WIDTHS])
        focused = self.class_list, self.grid, self.selected.picture
        for pane, inside_pane in zip((sides[0], middle, sides[1]), focused, strict=True):
            self.panes.set_focused(pane, inside_pane)
        self.panes.folded.connect(self._show_folded)
        self.header.side_asked.connect(self.panes.show_side)
        column = QVBoxLayout(self)
        column.setContentsMargins(PAGE_MARGIN, 12, PAGE_MARGIN, PAGE_MARGIN)
        column.setSpacing(12)
        column.addWidget(self.header)
        column.addWidget(self.panes, 1)
        theme().changed.connect(self._fit)
        self._fit()

    def heightForWidth(self, width: int) -> int:
        """Return the least height at a width: the panes scroll, so the page need not be as high as they would like."""
        layout = self.layout()
        return -1 if layout is None else layout.totalMinimumHeightForWidth(width)

    def _show_folded(self) -> None:
        for side, button in self.header.sides.items():
            button.setChecked(self.panes.shows(side))

    def _fit(self) -> None:
        self.class_list.setMinimumHeight(px(_LIST_HEIGHT))
        self.selected.picture.setMinimumHeight(px(_PICTURE_HEIGHT))


def _stacked(widgets: Sequence[tuple[QWidget, int]]) -> QWidget:
    """Return a pane with widgets from top to bottom, each with its stretch factor."""
    pane = QWidget()
    stack = QVBoxLayout(pane)
    stack.setContentsMargins(0, 0, 0, 0)
    stack.setSpacing(INSIDE_GROUP)
    for widget, stretch in widgets:
        stack.addWidget(widget, stretch)
    return pane


def _scrolled(pane: QWidget) -> ColumnScrollArea:
    """Return a pane that scrolls where a small window or large text leaves too little height."""
    area = ColumnScrollArea()
    area.setWidget(pane)
    return area
