"""The page Inspect: image list, panes, scores and controls, put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtGui import QKeyEvent, QShowEvent, QUndoStack
from PySide6.QtWidgets import QApplication, QFileDialog, QHBoxLayout, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from s3n_core.analysis.prediction_rows import PredictionRow
from s3n_core.datasets.detection import open_data_set
from s3n_core.resources import resource
from s3n_gui.background.inspection_client import InspectionClient
from s3n_gui.background.jobs import JobList
from s3n_gui.background.thumbnails import ThumbnailLoader
from s3n_gui.inspector.comparison import Comparison
from s3n_gui.inspector.controller import InspectionController
from s3n_gui.inspector.editor import Editor
from s3n_gui.inspector.empty_state import EmptyState
from s3n_gui.inspector.image_browser import ImageBrowser
from s3n_gui.inspector.image_list import ImageList
from s3n_gui.inspector.inspection_state import InspectionState
from s3n_gui.inspector.other_model import OtherModel
from s3n_gui.inspector.pane_grid import PaneGrid
from s3n_gui.inspector.pane_model import Cameras
from s3n_gui.inspector.peak_menu import PeakMenu
from s3n_gui.inspector.side import Side
from s3n_gui.inspector.stored import DEMO_IMAGES, DEMO_MODEL, demo_is_here, read_demo_inspection
from s3n_gui.inspector.table_reader import TableReader
from s3n_gui.inspector.toolbar import Toolbar
from s3n_gui.inspector.verdicts import Verdicts
from s3n_gui.page import Page
from s3n_gui.session import Session
from s3n_gui.settings import Settings
from s3n_gui.theme import px, theme

_ARROWS = {
    Qt.Key.Key_Up: (-1, 0),
    Qt.Key.Key_Down: (1, 0),
    Qt.Key.Key_Left: (0, -1),
    Qt.Key.Key_Right: (0, 1),
}


def page(session: Session, settings: Settings, jobs: JobList) -> Page:
    """Make the page."""

    def make_client() -> InspectionClient:
        return InspectionClient(idle_seconds=60 * settings.idle_minutes)

    return InspectPage(session, settings, make_client)


class InspectPage(Page):
    """The page.

    Args:
        session: The current choices.
        settings: The person's settings.
        make_client: Makes an engine, as `InspectionClient` is; a second one where two models are compared.
    """

    def __init__(
        self, session: Session, settings: Settings, make_client: Callable[[], Any], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self._client, self._settings = session, make_client(), settings
        self._client.setParent(self)
        self.make_client = make_client
        self.state = InspectionState(self)
        self.verdicts = Verdicts(self)
        self.images = ImageList(self.verdicts, self)
        self.cameras = Cameras(self)
        self.editor = Editor(self.state, self)
        self.controller = InspectionController(session, self._client, self.state, self.images, self.verdicts, self)
        self.tables = TableReader(self)
        self.thumbnails = ThumbnailLoader(192, self, cache_bytes=settings.thumbnail_cache_mb * 2**20)
        self.browser = ImageBrowser(self.images, self.thumbnails)
        self.panes = PaneGrid(self.state, self.cameras)
        self.side = Side(self.state)
        self.toolbar = Toolbar(self.editor.undo_stack)
        self.empty = EmptyState()
        self.stack = QStackedWidget()
        self.stack.addWidget(self.empty)
        self.stack.addWidget(self.panes)
        self.other: OtherModel | None = None
        self.comparison: Comparison | None = None
        self._lay_out()
        self._connect()
        self._show_layout()
        self._show_stage()

    def _lay_out(self) -> None:
        middle = QWidget()
        inside = QHBoxLayout(middle)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(8)
        inside.addWidget(self.stack, 1)
        inside.addWidget(self.side)
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.toolbar)
        column.addWidget(middle, 1)
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.addWidget(self.browser)
        self.splitter.addWidget(right)
        self.splitter.setStretchFactor(1, 1)
        self.splitter.setCollapsible(1, False)
        self.browser.setMinimumWidth(px(110))
        self.splitter.setSizes([px(160), 1000])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 8, 12, 12)
        layout.addWidget(self.splitter)

    def _connect(self) -> None:
        state, controller, editor, toolbar, panes = self.state, self.controller, self.editor, self.toolbar, self.panes
        self.browser.image_chosen.connect(controller.choose)
        self.browser.list.installEventFilter(self)
        state.image_changed.connect(self._show_image)
        self.images.filtered.connect(self._show_image)
        for signal in (state.evidence_changed, state.message_changed, state.image_changed, state.busy_changed):
            signal.connect(self._show_stage)
        self._client.state_changed.connect(self._show_stage)
        self._session.model_changed.connect(self._show_stage)
        self._session.model_changed.connect(editor.undo_stack.clear)
        controller.truth_changed.connect(self.side.set_truth)
        controller.seeking_changed.connect(toolbar.show_seeking)
        controller.notice.connect(self._session.report_notice)
        self.browser.table_requested.connect(self._choose_table)
        self.tables.read.connect(self._on_table_read)
        self.tables.failed.connect(self._session.report_error)
        toolbar.previous_requested.connect(self.previous_image)
        toolbar.next_requested.connect(self.next_image)
        toolbar.mistake_requested.connect(self.next_mistake)
        toolbar.disagreement_requested.connect(self.next_disagreement)
        toolbar.stop_requested.connect(controller.stop_seeking)
        toolbar.peaks_toggled.connect(self._on_peaks_toggled)
        toolbar.grid_toggled.connect(self._on_grid_toggled)
        toolbar.compare_toggled.connect(self._on_compare_toggled)
        toolbar.layout_chosen.connect(panes.set_layout_name)
        toolbar.fit_requested.connect(self.cameras.reset)
        toolbar.reset_requested.connect(editor.reset)
        panes.layout_changed.connect(self._show_layout)
        panes.class_map_missing.connect(controller.fetch_class_map)
        panes.peak_dragged.connect(editor.drag_peak)
        panes.peak_dropped.connect(editor.drop_peak)
        panes.peak_menu_requested.connect(self._show_peak_menu)
        self.side.peaks.menu_requested.connect(self._show_peak_menu)
        self.side.peaks.switch_requested.connect(editor.switch_peak)
        self.side.peaks.flip_requested.connect(editor.flip_peak)
        self.side.put_back_requested.connect(editor.restore_peak)
        self.side.compare_requested.connect(state.keep_as_before)
        self.side.numbers.numbers_wanted.connect(editor.set_numbers)
        self.side.scores.class_chosen.connect(self._on_class_chosen)
        self.empty.first.clicked.connect(self._on_empty_first)
        self.empty.second.clicked.connect(self._on_empty_second)
        theme().changed.connect(self._show_stage)

    # What the frame calls

    def commands(self) -> Mapping[str, Callable[[], object]]:
        """Return what the actions of this page do."""
        return {
            "inspect-next": self.next_image,
            "inspect-previous": self.previous_image,
            "inspect-mistake": self.next_mistake,
            "inspect-disagreement": self.next_disagreement,
            "inspect-switch": self.switch_peak,
            "inspect-flip": self.flip_peak,
            "inspect-reset": self.editor.reset,
            "inspect-peaks": self.toolbar.peaks.toggle,
            "inspect-grid": self.toolbar.grid.toggle,
            "inspect-compare": self.toolbar.compare.toggle,
            "inspect-alone": self.panes.toggle_alone,
            "inspect-whole": self.cameras.reset,
        }

    def undo_stack(self) -> QUndoStack:
        """Return the stack of changes."""
        return self.editor.undo_stack

    def show_demo(self) -> None:
        """Show the demo's first bird: what is stored of it at once, then live.

        Raises:
            s3n_core.errors.S3NError: The demo is not installed.
        """
        images = open_data_set(resource(DEMO_IMAGES))
        self._session.model = resource(DEMO_MODEL)
        self._session.data_set = images
        self._session.image = images.records[0].path
        stored = read_demo_inspection()
        if stored is not None and self.state.answer is None and stored.name == images.records[0].name:
            self.state.show_stored(stored)

    def is_ready(self) -> bool:
        """Return whether everything asked for is shown."""
        return self.state.answer is not None or (self.stack.currentWidget() is self.empty and not self.state.busy)

    def save_state(self) -> dict[str, Any]:
        """Return the arrangement of the page."""
        return {"panes": self.panes.to_dict(), "columns": self.splitter.sizes(), "tab": self.side.tabs.currentIndex()}

    def restore_state(self, state: Mapping[str, Any]) -> None:
        """Bring the arrangement back."""
        panes, columns, tab = state.get("panes"), state.get("columns"), state.get("tab")
        if isinstance(panes, Mapping):
            self.panes.restore(panes)
        if isinstance(columns, list) and len(columns) == 2 and all(isinstance(size, int) for size in columns):
            self.splitter.setSizes(columns)
        if tab in (0, 1):
            self.side.tabs.setCurrentIndex(tab)

    def shut_down(self) -> None:
        """End the engine process and the threads that read thumbnails."""
        self._client.close()
        if self.other is not None:
            self.other.close()
        self.tables.close()
        self.thumbnails.close()

    def showEvent(self, event: QShowEvent) -> None:
        """Show the newest."""
        super().showEvent(event)
        self.controller.activate(self._settings.device, self._settings.precision)
        focused = QApplication.focusWidget()
        if focused is None or not self.isAncestorOf(focused):
            self.setFocus()

    # What can be done by key and by button

    def next_image(self) -> None:
        """Look at the next image of the list."""
        self.controller.step(1)

    def previous_image(self) -> None:
        """Look at the image before."""
        self.controller.step(-1)

    def next_mistake(self) -> None:
        """Look at the next image that is answered wrongly."""
        self.controller.step(1, "mistake")

    def next_disagreement(self) -> None:
        """Look at the next image that the branches answer differently."""
        self.controller.step(1, "disagreement")

    def switch_peak(self) -> None:
        """Switch the chosen peak off or on."""
        if self.state.selected is not None:
            self.editor.switch_peak(self.state.selected)

    def flip_peak(self) -> None:
        """Move the chosen peak to the other set."""
        if self.state.selected is not None:
            self.editor.flip_peak(self.state.selected)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Do what a key asks for."""
        if event.key() == Qt.Key.Key_Space:
            self.state.hold_original(True)
        elif event.key() in _ARROWS:
            rows, columns = _ARROWS[Qt.Key(event.key())]
            far = 3 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
            if not self.editor.nudge_peak(far * rows, far * columns):
                super().keyPressEvent(event)
        elif event.key() == Qt.Key.Key_Escape:
            self.controller.stop_seeking()
            self.state.select(None)
            if self.panes.alone is not None:
                self.panes.toggle_alone()
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Let go of a key."""
        if event.key() == Qt.Key.Key_Space:
            if not event.isAutoRepeat():
                self.state.hold_original(False)
        else:
            super().keyReleaseEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Hear keys of children that would keep them."""
        # In the list of images, Space would choose what is chosen already.
        if isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Space:
            if event.type() == QEvent.Type.KeyPress:
                self.keyPressEvent(event)
                return True
            if event.type() == QEvent.Type.KeyRelease:
                self.keyReleaseEvent(event)
                return True
        return super().eventFilter(watched, event)

    # From the state to the screen

    def _show_image(self) -> None:
        image = self.state.image
        self.browser.show_image(image)
        row = self.images.row_of(image)
        self.toolbar.show_image("" if image is None else image.name, row, self.images.rowCount())

    def _show_stage(self) -> None:
        """Show the panes, or why there is nothing in them."""
        case = self._empty_case()
        comparing = self.comparison is not None and self.toolbar.compare.isChecked()
        shown = self.comparison if comparing and self.comparison is not None else self.panes
        self.stack.setCurrentWidget(shown if case is None else self.empty)
        # A hidden widget would take the focus and never let Tab get to the buttons that are seen.
        first = self.panes.panes[0].view
        self.setFocusProxy(first if self.stack.currentWidget() is self.panes else None)  # type: ignore[arg-type]  # None is allowed
        self.side.setVisible(case is None or self.state.evidence is not None)
        self.side.setEnabled(case is None)
        if case is not None:
            self.empty.show_case(*case)

    def _empty_case(self) -> tuple[str, ...] | None:
        if self._session.model is None:
            return (
                "model",
                "Choose a model to look inside images",
                "The page shows what a trained model sees in an image: where it finds evidence, what it enlarges, and how "
                "each of its branches decides.",
                "Open model…",
                "Try the demo" if demo_is_here() else "",
            )
        if self.state.message:
            return "error", "This did not work", self.state.message, "Try again" if self.state.image else ""
        if self.state.image is None:
            return (
                "image",
                "Choose an image",
                "Open a folder of images, and choose one at the left.",
                "Open data set…",
                "Open image…",
            )
        if self.state.evidence is None:
            return "clock", "Opening the model …", "The first look takes a few seconds.", ""
        return None

    def _on_empty_first(self) -> None:
        if self._session.model is None:
            self._session.ask_to_open("model")
        elif self.state.message:
            self.controller.ask_again()
        else:
            self._session.ask_to_open("data")

    def _on_empty_second(self) -> None:
        if self._session.model is None:
            self._session.ask_for_demo()
            return
        chosen, _ = QFileDialog.getOpenFileName(self, "Open image")
        if chosen:
            self._session.open_path(Path(chosen))

    def _choose_table(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(self, "Use a table of predictions", "", "Predictions (*.json)")
        if chosen:
            self.tables.start(Path(chosen))

    def _on_table_read(self, rows: tuple[PredictionRow, ...]) -> None:
        self._session.report_notice(self.controller.take_predictions(rows))

    def _on_compare_toggled(self, comparing: bool) -> None:
        if comparing and self.other is None:
            self.choose_other()
            if self.other is None:
                self.toolbar.compare.setChecked(False)
                return
        if self.other is not None:
            self.other.set_active(comparing)
        self._show_stage()

    def choose_other(self) -> None:
        """Let the person choose the model to compare with."""
        chosen, _ = QFileDialog.getOpenFileName(self, "Compare with another model", "", "Models (*.safetensors)")
        if chosen:
            self.compare_with(Path(chosen))

    def compare_with(self, model: Path) -> None:
        """Compare the current model with another one."""
        if self.other is None or self.comparison is None:
            self.other = OtherModel(self.state, self.make_client, self._name_of, self)
            self.comparison = Comparison(self.state, self.other, self.cameras)
            self.comparison.other_requested.connect(self.choose_other)
            self.controller.truth_changed.connect(self.comparison.set_truth)
            self._session.model_changed.connect(self.comparison.first.set_model)
            self.comparison.first.set_model(self._session.model)
            record = self.images.record_of(self.state.image)
            self.comparison.set_truth(None if record is None else self.images.label_of(record))
            self.stack.addWidget(self.comparison)
        self.comparison.second.set_model(model)
        self.other.open(model, self._settings.device, self._settings.precision)
        self.toolbar.compare.setChecked(True)
        self._show_stage()

    def _name_of(self, image: Path) -> str | None:
        record = self.images.record_of(image)
        return None if record is None else record.name

    def _show_layout(self) -> None:
        self.toolbar.show_layout(self.panes.layout_name)

    def _show_peak_menu(self, key: tuple[int, int], place: QPoint) -> None:
        peak = next((p for p in self.state.evidence.peaks if p.found_at == key), None) if self.state.evidence else None
        if peak is not None:
            self.state.select(key)
            PeakMenu(peak, self.state.edits, self.editor, self).popup(place)

    def _on_peaks_toggled(self, shown: bool) -> None:
        self.panes.set_all(peaks=shown)

    def _on_grid_toggled(self, shown: bool) -> None:
        self.panes.set_all(grid=shown)

    def _on_class_chosen(self, index: int) -> None:
        """Show a class's map where class maps are shown, else in place of R; once more brings R back."""
        models = [pane.model for pane in self.panes.panes if pane.isVisible()]
        target = next((model for model in models if model.kind == "class_map"), None)
        target = target or next((model for model in models if model.kind == "response"), models[0])
        if target.kind == "class_map" and target.class_index == index:
            target.update(kind="response", class_index=None)
        else:
            target.update(kind="class_map", class_index=index)
        self.side.scores.mark_class(target.class_index if target.kind == "class_map" else None)
