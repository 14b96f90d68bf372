"""The page's widgets and their layout: image list, toolbar, stage and side panel, built in steps."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QUndoStack
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QVBoxLayout, QWidget

from s3n_gui.appearance.theme import px
from s3n_gui.background.thumbnails import ThumbnailLoader
from s3n_gui.inspector.hiding.hiding_state import HidingState
from s3n_gui.inspector.images.image_browser import ImageBrowser
from s3n_gui.inspector.images.image_list import ImageList
from s3n_gui.inspector.inspection_state import InspectionState
from s3n_gui.inspector.side import Side
from s3n_gui.inspector.stage import Stage
from s3n_gui.inspector.toolbar import Toolbar
from s3n_gui.state.session import Session


class Body(QWidget):
    """All widgets of the page, built in steps of a few milliseconds; usable only after the last step.

    Args:
        session: The current choices.
        state: The page's state.
        hiding: The state of the test that hides a place.
        images: The images to list.
        thumbnails: Loads their thumbnails.
        undo_stack: The stack behind the toolbar's undo button.
        make_stage: Builds the stage in the middle.
        parent: The page.
    """

    browser: ImageBrowser
    toolbar: Toolbar
    stage: Stage
    side: Side
    splitter: QSplitter

    def __init__(
        self,
        session: Session,
        state: InspectionState,
        hiding: HidingState,
        images: ImageList,
        thumbnails: ThumbnailLoader,
        undo_stack: QUndoStack,
        make_stage: Callable[[], Stage],
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self.hide()  # stays hidden until every part exists
        self._session = session
        self._state, self._images, self._thumbnails, self._undo_stack = state, images, thumbnails, undo_stack
        self._hiding, self._make_stage = hiding, make_stage

    def pieces(self) -> list[Callable[[], None]]:
        """Return the steps that build everything except the stage's panes; each one also lays out its part."""
        return [self._make_frame, self._make_browser, self._make_toolbar, self._make_the_stage, self._make_side]

    def _make_frame(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 8, 12, 12)
        self.splitter = QSplitter(Qt.Orientation.Horizontal, self)
        layout.addWidget(self.splitter)
        right = QWidget()
        self._column = QVBoxLayout(right)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)
        self._middle = QHBoxLayout()
        self._middle.setSpacing(8)
        self._column.addLayout(self._middle, 1)
        self.splitter.addWidget(right)

    def _make_browser(self) -> None:
        self.browser = ImageBrowser(self._session, self._images, self._thumbnails)
        self.splitter.insertWidget(0, self.browser)
        self.splitter.setStretchFactor(1, 1)
        self.splitter.setCollapsible(1, False)
        self.splitter.setSizes([px(160), 1000])

    def _make_toolbar(self) -> None:
        self.toolbar = Toolbar(self._undo_stack)
        self._column.insertWidget(0, self.toolbar)

    def _make_the_stage(self) -> None:
        self.stage = self._make_stage()
        self._middle.addWidget(self.stage, 1)

    def _make_side(self) -> None:
        self.side = Side(self._state, self._hiding)
        self._middle.addWidget(self.side)
