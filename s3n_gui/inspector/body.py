"""What the page consists of, and how it is laid out: image list, toolbar, stage, side. Made in pieces."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QUndoStack
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QVBoxLayout, QWidget

from s3n_gui.background.thumbnails import ThumbnailLoader
from s3n_gui.inspector.image_browser import ImageBrowser
from s3n_gui.inspector.image_list import ImageList
from s3n_gui.inspector.inspection_state import InspectionState
from s3n_gui.inspector.side import Side
from s3n_gui.inspector.stage import Stage
from s3n_gui.inspector.toolbar import Toolbar
from s3n_gui.theme import px


class Body(QWidget):
    """All widgets of the page. Each piece takes some milliseconds; before the last of them nothing can be used.

    Args:
        state: The page's state.
        images: The images.
        thumbnails: Their thumbnails.
        undo_stack: What the toolbar's undo works on.
        make_stage: Makes the middle.
        parent: The page.
    """

    browser: ImageBrowser
    toolbar: Toolbar
    stage: Stage
    side: Side
    splitter: QSplitter

    def __init__(
        self,
        state: InspectionState,
        images: ImageList,
        thumbnails: ThumbnailLoader,
        undo_stack: QUndoStack,
        make_stage: Callable[[], Stage],
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self.hide()  # what is half made is not shown
        self._state, self._images, self._thumbnails, self._undo_stack = state, images, thumbnails, undo_stack
        self._make_stage = make_stage

    def pieces(self) -> list[Callable[[], None]]:
        """Return the first pieces; the stage's panes and the layout come after them."""
        return [self._make_browser, self._make_toolbar, self._make_the_stage, self._make_side]

    def _make_browser(self) -> None:
        self.browser = ImageBrowser(self._images, self._thumbnails, self)
        self.browser.setMinimumWidth(px(110))

    def _make_toolbar(self) -> None:
        self.toolbar = Toolbar(self._undo_stack, self)

    def _make_the_stage(self) -> None:
        self.stage = self._make_stage()
        self.stage.setParent(self)

    def _make_side(self) -> None:
        self.side = Side(self._state, self)

    def lay_out(self) -> None:
        """Put all pieces in their places."""
        middle = QHBoxLayout()
        middle.setSpacing(8)
        middle.addWidget(self.stage, 1)
        middle.addWidget(self.side)
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.toolbar)
        column.addLayout(middle, 1)
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.addWidget(self.browser)
        self.splitter.addWidget(right)
        self.splitter.setStretchFactor(1, 1)
        self.splitter.setCollapsible(1, False)
        self.splitter.setSizes([px(160), 1000])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 8, 12, 12)
        layout.addWidget(self.splitter)
