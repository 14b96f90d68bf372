"""The page's widgets and their layout: image list, toolbar, stage and side panel, built in steps."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QUndoStack
from PySide6.QtWidgets import QBoxLayout, QSplitter, QVBoxLayout, QWidget

from s3n_gui.appearance.theme import px, theme
from s3n_gui.background.thumbnails import ThumbnailLoader
from s3n_gui.inspector.hiding.hiding_state import HidingState
from s3n_gui.inspector.images.image_browser import ImageBrowser
from s3n_gui.inspector.images.image_list import ImageList
from s3n_gui.inspector.inspection_state import InspectionState
from s3n_gui.inspector.side import Side
from s3n_gui.inspector.stage import Stage
from s3n_gui.inspector.toolbar import Toolbar
from s3n_gui.state.session import Session

_MARGINS = (12, 8, 12, 12)
_GAP = 8
_LIST_WIDTH, _NARROW_LIST = 160, 120
"""Width of the image list in pixels at normal text size; the second in a compact page."""
_COMPACT = 1000
"""Below this width in pixels at normal text size, the page is compact."""
_LEAST_STAGE, _LEAST_HEIGHT = 300, 240
"""The least width of the panes in pixels at normal text size, with which the side panel stays beside them; their height."""


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
        self._room = QSize()
        self._compact: bool | None = None  # until the page is arranged for the first time
        self._columns_restored = False
        theme().changed.connect(self._arrange)

    def pieces(self) -> list[Callable[[], None]]:
        """Return the steps that build everything except the stage's panes; each one also lays out its part."""
        return [self._make_frame, self._make_browser, self._make_toolbar, self._make_the_stage, self._make_side]

    def _make_frame(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(*_MARGINS)
        self.splitter = QSplitter(Qt.Orientation.Horizontal, self)
        layout.addWidget(self.splitter)
        right = QWidget()
        self._column = QVBoxLayout(right)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)
        self._middle = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._middle.setSpacing(_GAP)
        self._column.addLayout(self._middle, 1)
        self.splitter.addWidget(right)

    def _make_browser(self) -> None:
        self.browser = ImageBrowser(self._session, self._images, self._thumbnails)
        self.splitter.insertWidget(0, self.browser)
        self.splitter.setStretchFactor(1, 1)
        self.splitter.setCollapsible(1, False)
        self.splitter.setSizes([px(_LIST_WIDTH), 1000])

    def _make_toolbar(self) -> None:
        self.toolbar = Toolbar(self._undo_stack)
        self._column.insertWidget(0, self.toolbar)

    def _make_the_stage(self) -> None:
        self.stage = self._make_stage()
        self._middle.addWidget(self.stage, 1)

    def _make_side(self) -> None:
        self.side = Side(self._state, self._hiding)
        self._middle.addWidget(self.side)
        self.splitter.splitterMoved.connect(self._arrange)

    # Layout

    @property
    def is_narrow(self) -> bool:
        """Whether the side panel is below the panes, because there is no room beside them."""
        return self._middle.direction() == QBoxLayout.Direction.TopToBottom

    def show_for(self, room: QSize) -> None:
        """Arrange the page for a visible area of a size in pixels; it may scroll down, but never sideways."""
        if room != self._room:
            self._room = QSize(room)
            self._arrange()

    def restore_columns(self, widths: list[int]) -> None:
        """Restore the widths of the image list and the rest; the first arrangement keeps them in a compact page, too."""
        self._columns_restored = True
        self.splitter.setSizes(widths)

    def reveal(self) -> None:
        """Show the widgets, all of which exist now, arranged for the room known by now."""
        self._arrange()
        self.show()

    def _arrange(self) -> None:
        if not self._room.isValid() or not hasattr(self, "side") or self.side.is_unfinished:
            return
        left, top, right, bottom = _MARGINS
        width = self._room.width() - left - right
        compact = width < px(_COMPACT)
        if compact != self._compact:
            if self._compact is not None or not self._columns_restored:
                self.splitter.setSizes([px(_NARROW_LIST if compact else _LIST_WIDTH), width])
            self._compact = compact
        list_width = self.splitter.sizes()[0] or self.browser.minimumSizeHint().width()
        stage = width - min(list_width, px(_LIST_WIDTH)) - self.splitter.handleWidth()
        beside = self.side.sizeHint().width() + _GAP
        narrow = stage - beside < px(_LEAST_STAGE)
        if narrow != self.is_narrow:
            direction = QBoxLayout.Direction.TopToBottom if narrow else QBoxLayout.Direction.LeftToRight
            self._middle.setDirection(direction)
        self.side.show_below(narrow)
        self.toolbar.show_in(stage)
        # Below each other, the panes fill the visible area, and the page scrolls to the rest.
        height = self._room.height() - self.toolbar.sizeHint().height() - top - bottom - _GAP
        self.stage.setMinimumHeight(max(height, px(_LEAST_HEIGHT)) if narrow else 0)
