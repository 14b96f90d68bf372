"""The Inspect page: the interface for the frame, key handling, and the connections of state, engine and widgets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QHideEvent, QKeyEvent, QShowEvent, QUndoStack
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget

from s3n_core.datasets.assignment import open_assigned
from s3n_core.datasets.records import DataSet
from s3n_gui.appearance.theme import theme
from s3n_gui.appearance.tokens import INSIDE_GROUP
from s3n_gui.background.engine_client import EngineClient
from s3n_gui.background.incremental import IncrementalWork
from s3n_gui.background.inspection_client import InspectionClient
from s3n_gui.background.jobs import JobList
from s3n_gui.background.thumbnails import ThumbnailLoader
from s3n_gui.inspector.body import Body
from s3n_gui.inspector.controller import InspectionController
from s3n_gui.inspector.hiding.hiding_state import HidingState
from s3n_gui.inspector.image_parts import ImageParts
from s3n_gui.inspector.images.image_list import ImageList
from s3n_gui.inspector.images.known_predictions import KnownPredictions
from s3n_gui.inspector.images.verdicts import Verdicts
from s3n_gui.inspector.inspect_actions import InspectActions
from s3n_gui.inspector.inspection_state import InspectionState
from s3n_gui.inspector.panes.pane_model import Cameras
from s3n_gui.inspector.peaks.peak_editor import Editor
from s3n_gui.inspector.range_check import RangeCheck
from s3n_gui.inspector.sought_peak import SoughtPeak
from s3n_gui.inspector.stage import Stage
from s3n_gui.inspector.stored import read_demo_inspection
from s3n_gui.state.demo import demo_images, demo_model
from s3n_gui.state.model_choices import ModelChoices
from s3n_gui.state.session import Session
from s3n_gui.state.settings import Settings
from s3n_gui.widgets.caution_card import CautionCard
from s3n_gui.widgets.page import Page

_ARROWS = {
    Qt.Key.Key_Up: (-1, 0),
    Qt.Key.Key_Down: (1, 0),
    Qt.Key.Key_Left: (0, -1),
    Qt.Key.Key_Right: (0, 1),
}


def page(session: Session, settings: Settings, jobs: JobList, models: ModelChoices | None = None) -> Page:
    """Make the page; its widgets follow in later turns of the event loop."""

    def make_client() -> InspectionClient:
        return InspectionClient(idle_seconds=60 * settings.idle_minutes)

    return InspectPage(session, settings, make_client, models)


class InspectPage(Page):
    """The Inspect page.

    Args:
        session: The current choices.
        settings: The user's settings.
        make_client: Makes an engine client with the interface of `InspectionClient`; called again for a second model.
        models: The models to choose from.
    """

    def __init__(
        self,
        session: Session,
        settings: Settings,
        make_client: Callable[[], EngineClient],
        models: ModelChoices | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._client, self._settings = session, make_client(), settings
        self._client.setParent(self)
        self._make_client, self._models = make_client, models
        self.state = InspectionState(self)
        self.verdicts = Verdicts(self)
        self.images = ImageList(self.verdicts, self)
        self.cameras = Cameras(self)
        self.editor = Editor(self.state, self)
        self.controller = InspectionController(session, self._client, self.state, self.images, self.verdicts, self)
        self.hiding = HidingState(self._client, self.state, self.images.record_of, self)
        self.known = KnownPredictions(session, settings, self._client, self.images, self.verdicts, self)
        self.thumbnails = ThumbnailLoader(192, self, cache_bytes=settings.thumbnail_cache_mb * 2**20)
        self.thumbnails.set_ranges(session.value_ranges)
        session.value_ranges_changed.connect(self.thumbnails.set_ranges)
        self._sought = SoughtPeak(session, self.state, self)
        self.parts = ImageParts(session, self.state, self.controller, self)
        self.range_check = RangeCheck(session, self._client, self.state, self)
        self._root = None if session.data_set is None else session.data_set.root
        self._kept: Mapping[str, Any] = {}
        self._made = False
        self.body = Body(
            session,
            self.state,
            self.hiding,
            self.images,
            self.thumbnails,
            self.editor.undo_stack,
            self._make_stage,
            self,
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self.caution = CautionCard()
        card = QVBoxLayout()
        card.setContentsMargins(12, INSIDE_GROUP, 12, 0)
        card.addWidget(self.caution)
        layout.addLayout(card)
        layout.addWidget(self.body, 1)
        self.range_check.changed.connect(self.caution.show_words)
        self._making = IncrementalWork(self)
        for piece in (*self.body.pieces(), self._make_parts):
            self._making.add(piece)
        self.controller.notice.connect(self._on_notice)
        self.controller.model_missing.connect(self._on_model_missing)
        self.controller.predictions_missing.connect(self._on_predictions_missing)
        self.known.notice.connect(session.report_notice)
        self.known.failed.connect(self._on_table_failed)
        self.controller.model_changed.connect(self.editor.undo_stack.clear)
        session.data_set_changed.connect(self._on_data_set)
        settings.changed.connect(self._on_setting)

    # Construction, one step per turn of the event loop

    def _make_stage(self) -> Stage:
        return Stage(
            self._session, self._settings, self.state, self.images, self.cameras, self._make_client, self._models
        )

    def _make_parts(self) -> None:
        parts = (*self.body.stage.panes.pieces(), *self.body.side.pieces())
        for piece in (*parts, self._connect, self._show_all, self.body.reveal, self._announce):
            self._making.add(piece)

    def finish(self) -> None:
        """Build everything that is still missing at once."""
        self._making.finish()

    def _connect(self) -> None:
        body, state, controller, editor = self.body, self.state, self.controller, self.editor
        self.browser, self.toolbar, self.stage, self.side = body.browser, body.toolbar, body.stage, body.side
        toolbar, stage, side, panes = self.toolbar, self.stage, self.side, self.stage.panes
        self.panes = panes
        self.inspect_actions = actions = InspectActions(
            self._session, self.state, controller, editor, self.hiding, self.cameras, self.known, body
        )
        self.browser.image_chosen.connect(controller.choose)
        self.browser.list.installEventFilter(self)
        self.browser.table_requested.connect(actions.choose_table)
        self.browser.predictions_requested.connect(self._session.ask_for_predictions)
        self.known.changed.connect(self._show_known)
        state.image_changed.connect(self._show_image)
        self.images.filtered.connect(self._show_image)
        for signal in (state.evidence_changed, state.message_changed, state.image_changed, state.busy_changed):
            signal.connect(self._show_stage)
        self._client.state_changed.connect(self._show_stage)
        self._session.model_changed.connect(self._show_stage)
        self._session.model_changed.connect(side.set_model)
        self._session.data_set_changed.connect(self._show_known)
        controller.truth_changed.connect(side.set_truth)
        controller.truth_changed.connect(stage.set_truth)
        controller.device_reported.connect(toolbar.show_device)
        toolbar.previous_requested.connect(actions.previous_image)
        toolbar.next_requested.connect(actions.next_image)
        toolbar.mistake_requested.connect(actions.next_mistake)
        toolbar.disagreement_requested.connect(actions.next_disagreement)
        toolbar.peaks_toggled.connect(actions.show_peaks)
        toolbar.grid_toggled.connect(actions.show_grid)
        toolbar.annotations_toggled.connect(actions.show_annotations)
        state.annotation_changed.connect(self._offer_annotations)
        toolbar.symbols_toggled.connect(state.symbols.show_symbols)
        state.symbols.changed.connect(self._show_symbols)
        toolbar.compare_toggled.connect(actions.compare)
        toolbar.layout_chosen.connect(panes.set_layout_name)
        toolbar.fit_requested.connect(self.cameras.reset)
        toolbar.reset_requested.connect(editor.reset)
        stage.again_requested.connect(controller.ask_again)
        stage.comparing_changed.connect(self._on_comparing_changed)
        panes.layout_changed.connect(self._show_layout)
        for model in panes.models:
            model.changed.connect(self._show_marks)
        stage.requests.class_map_missing.connect(controller.fetch_class_map)
        stage.requests.contributions_missing.connect(controller.fetch_contributions)
        stage.requests.peak_dragged.connect(editor.drag_peak)
        stage.requests.peak_dropped.connect(editor.drop_peak)
        stage.requests.peak_menu_requested.connect(actions.show_peak_menu)
        stage.requests.place_menu_requested.connect(actions.show_place_menu)
        side.hide_requested.connect(actions.hide_selected)
        side.hiding.save_requested.connect(actions.save_hidden_place)
        actions.notice.connect(self._session.report_notice)
        actions.failed.connect(self._session.report_error)
        side.peaks.menu_requested.connect(actions.show_peak_menu)
        side.peaks.switch_requested.connect(editor.switch_peak)
        side.peaks.flip_requested.connect(editor.flip_peak)
        side.put_back_requested.connect(editor.restore_peak)
        side.compare_requested.connect(state.keep_as_before)
        side.numbers.numbers_wanted.connect(editor.set_numbers)
        side.scores.class_chosen.connect(actions.show_class)
        side.scores.class_menu_requested.connect(actions.show_class_menu)
        side.why.contributions_missing.connect(controller.fetch_contributions)
        side.why.measure_requested.connect(self.hiding.measure)
        side.why.pane_requested.connect(actions.show_contributions)
        side.why.table.menu_requested.connect(actions.show_peak_menu)
        theme().changed.connect(self._show_stage)

    def _show_all(self) -> None:
        """Show what has arrived while the widgets were being built."""
        self._made = True
        self._apply_kept()
        self._show_symbols()
        self._show_layout()
        self._show_marks()
        self._show_image()
        self._show_known()
        self.controller.tell_truth()
        self._offer_annotations()
        self.side.set_model(self._session.model)
        self._show_stage()

    def _announce(self) -> None:
        self.commands_changed.emit()
        self._take_focus()

    # Interface for the frame

    def show_for(self, room: QSize) -> None:
        """Arrange the page for a visible area of a size in pixels."""
        self.body.show_for(room)

    def commands(self) -> Mapping[str, Callable[[], object]]:
        """Return the callables behind this page's actions; empty until its widgets exist."""
        return self.inspect_actions.table() if self._made else {}

    def undo_stack(self) -> QUndoStack:
        """Return the stack of changes."""
        return self.editor.undo_stack

    def show_demo(self) -> None:
        """Show the demo's first bird: the stored inspection at once, then the live one.

        Raises:
            s3n_core.errors.S3NError: The demo is not installed.
        """
        images = open_assigned(demo_images())
        self._session.model = demo_model()
        self._session.data_set = images
        self._session.image = images.records[0].path
        stored = read_demo_inspection()
        if stored is not None and self.state.answer is None and stored.response.name == images.records[0].name:
            self.state.show_stored(stored)

    def is_ready(self) -> bool:
        """Return whether everything requested is shown."""
        if not self._made:
            return False
        return self.state.answer is not None or (self.stage.is_empty and not self.state.busy)

    def save_state(self) -> dict[str, Any]:
        """Return the page's layout."""
        if not self._made:
            return dict(self._kept)
        columns = self.body.splitter.sizes()
        return {
            "panes": self.panes.to_dict(),
            "columns": columns,
            "tab": self.side.tab,
            "symbols": self.state.symbols.shown,
        }

    def restore_state(self, state: Mapping[str, Any]) -> None:
        """Restore the page's layout."""
        self._kept = state
        if self._made:
            self._apply_kept()

    def _apply_kept(self) -> None:
        panes, columns, tab = (self._kept.get(name) for name in ("panes", "columns", "tab"))
        if isinstance(panes, Mapping):
            self.panes.restore(panes)
        if isinstance(columns, list) and len(columns) == 2 and all(isinstance(size, int) for size in columns):
            self.body.restore_columns(columns)
        self.state.symbols.show_symbols(self._kept.get("symbols") is True)
        if tab in (0, 1, 2, 3):
            self.side.choose_tab(tab)

    def shut_down(self) -> None:
        """Stop the engine processes and the reader threads."""
        self._making.clear()
        self._client.close()
        if self._made:
            self.stage.close_engines()
        self.range_check.close()
        self.parts.close()
        self.known.close()
        self.thumbnails.close()

    def showEvent(self, event: QShowEvent) -> None:
        """Show the current state."""
        super().showEvent(event)
        self.controller.activate(self._settings.device, self._settings.precision)
        self.parts.activate()
        self._take_focus()

    def hideEvent(self, event: QHideEvent) -> None:
        """End showing the original: the release of the key goes to another page."""
        super().hideEvent(event)
        self.state.hold_original(False)

    def event(self, event: QEvent) -> bool:
        """End showing the original when another window is active: the release of the key goes there."""
        if event.type() == QEvent.Type.WindowDeactivate:
            self.state.hold_original(False)
        return super().event(event)

    def _take_focus(self) -> None:
        focused = QApplication.focusWidget()
        if self.isVisible() and (focused is None or focused is self or not self.isAncestorOf(focused)):
            self.first_focus().setFocus()

    def first_focus(self) -> QWidget:
        """Return the first image, or the page itself while there is none.

        No focus proxy: Tab would go from the top of the window to the image, past the list and the toolbar.
        """
        return self if not self._made or self.stage.is_empty else self.stage.shown_panes()[0].view

    def _on_setting(self, name: str) -> None:
        settings = self._settings
        if name in ("device", "precision"):
            self.controller.compute_on(settings.device, settings.precision)
            if self._made:
                self.stage.compute_on(settings.device, settings.precision)
        elif name == "thumbnail_cache_mb":
            self.thumbnails.set_cache_bytes(settings.thumbnail_cache_mb * 2**20)
        elif name == "idle_minutes":
            self._client.set_idle_seconds(60 * settings.idle_minutes)
            if self._made:
                self.stage.set_idle_seconds(60 * settings.idle_minutes)

    def _on_data_set(self, data_set: DataSet | None) -> None:
        """Drop thumbnails, and the changes of another folder's images; moving images to other splits keeps these."""
        self.thumbnails.clear()  # files may have changed
        root = None if data_set is None else data_set.root
        if root != self._root:
            self._root = root
            self.editor.undo_stack.clear()

    def _on_notice(self, sentence: str) -> None:
        self._session.report_notice(sentence, cause="image")

    def _on_model_missing(self, sentence: str) -> None:
        self._session.report_notice(sentence, cause="model", action="Choose model…", act=self._ask_for_model)

    def _on_predictions_missing(self, sentence: str) -> None:
        possible = self._session.model is not None and self._session.data_set is not None
        act = self._session.ask_for_predictions if possible else None
        action = "Run predictions" if possible else ""
        self._session.report_notice(sentence, cause="table", action=action, act=act)

    def _ask_for_model(self) -> None:
        if self._made:
            self.stage.model_menu.show_below(self.toolbar.mistake)

    def _on_table_failed(self, sentence: str) -> None:
        self._session.report_error(sentence, cause="table")

    # Keys

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Handle a key press."""
        if event.key() == Qt.Key.Key_Space:
            self.state.hold_original(True)
        elif event.key() in _ARROWS:
            rows, columns = _ARROWS[Qt.Key(event.key())]
            far = 3 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
            if not self.editor.nudge_peak(far * rows, far * columns):
                super().keyPressEvent(event)
        elif event.key() == Qt.Key.Key_Escape:
            self.state.select(None)
            if self._made:
                self.stage.show_all_panes()
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Handle a key release."""
        if event.key() == Qt.Key.Key_Space:
            if not event.isAutoRepeat():
                self.state.hold_original(False)
        else:
            super().keyReleaseEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Handle keys that a child widget would otherwise consume."""
        # The image list would use Space to select the item that is already selected.
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

    def _show_known(self) -> None:
        possible = self._session.model is not None and self._session.data_set is not None
        can_ask = possible and self.images.total > 1
        self.browser.offer_predictions(can_ask and not self.known.of_all)

    def _show_stage(self) -> None:
        self.stage.show_newest()
        empty = self.stage.is_empty
        self.side.setVisible(not empty or self.state.evidence is not None)
        self.side.setEnabled(not empty)

    def _show_layout(self) -> None:
        self.toolbar.show_layout(self.panes.layout_name)

    def _show_marks(self) -> None:
        models = self.panes.models
        self.toolbar.show_marks(
            peaks=any(model.peaks for model in models),
            grid=any(model.grid for model in models),
            annotations=any(model.annotations for model in models),
        )

    def _show_symbols(self) -> None:
        self.toolbar.show_symbols(self.state.symbols.shown)

    def _offer_annotations(self) -> None:
        self.toolbar.offer_annotations(bool(self.state.annotation))

    def _on_comparing_changed(self, comparing: bool) -> None:
        self.toolbar.show_comparing(comparing)
        self._show_stage()
