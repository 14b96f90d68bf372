"""The Predict page: images and a model, rows (table or images) that come while the job runs, and the accuracy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QKeyEvent, QShowEvent
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from s3n_core.datasets.records import Annotation
from s3n_core.errors import S3NError
from s3n_core.evaluation.accuracy import TableAccuracy
from s3n_core.parts.atlas.part_place import PartPlace
from s3n_gui.appearance.wording import count_text
from s3n_gui.background.jobs import JobList
from s3n_gui.background.thumbnails import ThumbnailLoader
from s3n_gui.prediction.accuracy.accuracy_panel import AccuracyPanel
from s3n_gui.prediction.annotations import Annotations
from s3n_gui.prediction.controller import PredictionController
from s3n_gui.prediction.fast_mode.measurement import FastModeMeasurement
from s3n_gui.prediction.grid.grid_bar import GridBar
from s3n_gui.prediction.grid.grid_view import LARGEST, PredictionGrid
from s3n_gui.prediction.headline import Headline, headline_words
from s3n_gui.prediction.page_words import empty_case, state_tip, state_words
from s3n_gui.prediction.preview.preview import Preview
from s3n_gui.prediction.results import Results
from s3n_gui.prediction.row_views import VIEWS, RowViews
from s3n_gui.prediction.source_bar import SourceBar
from s3n_gui.prediction.source_choice import SourceChoice
from s3n_gui.prediction.table.filter_bar import FilterBar
from s3n_gui.prediction.table.table_model import PredictionModel
from s3n_gui.prediction.table.table_saving import Place, TableSaving, ask_for_place
from s3n_gui.prediction.table.table_view import PredictionTable
from s3n_gui.prediction.table_filters import TableFilters
from s3n_gui.state.atlas_parts import AtlasParts
from s3n_gui.state.demo import demo_images, demo_model
from s3n_gui.state.image_selection import ImageSelection
from s3n_gui.state.model_choices import ModelChoices
from s3n_gui.state.prediction_request import SPLIT_CHOICES
from s3n_gui.state.session import Session
from s3n_gui.state.settings import Settings
from s3n_gui.widgets.caution_card import CautionCard
from s3n_gui.widgets.empty_page import EmptyPage
from s3n_gui.widgets.page import Page

_FILL_MILLISECONDS, _REFRESH_MILLISECONDS = 150, 700
"""While rows come, how often the table and the cards below it are updated."""

_KEPT_SPLITS = 200
"""So many folders keep their split between starts."""

_ROW_SIDE, _TILE_SIDE = 112, LARGEST
"""Sides of the squares that the thumbnails of the table and of the grid fit into, in pixels."""


def page(session: Session, settings: Settings, jobs: JobList, models: ModelChoices | None = None) -> Page:
    """Make the page."""
    return PredictPage(session, settings, jobs, models)


class PredictPage(Page):
    """The Predict page."""

    def __init__(
        self,
        session: Session,
        settings: Settings,
        jobs: JobList,
        models: ModelChoices | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._settings = session, settings
        self.controller = PredictionController(session, settings, jobs, self)
        self.model = PredictionModel(self)
        cache = settings.thumbnail_cache_mb * 2**20
        self.thumbnails = ThumbnailLoader(_ROW_SIDE, self, cache_bytes=cache)
        self.tile_images = ThumbnailLoader(_TILE_SIDE, self, cache_bytes=cache, sizes=True)
        self.source = SourceBar(models if models is not None else ModelChoices(session))
        self.filter = FilterBar()
        self.table = PredictionTable(self.model, self.thumbnails, self.path_of)
        self.annotations = Annotations(session)
        self.grid = PredictionGrid(self.model, self.tile_images, self.path_of, self.annotation_of)
        self.grid_bar = GridBar(self.model)
        self.rows = RowViews(self.table, self.grid, self.grid_bar)
        self.accuracy_panel = AccuracyPanel()
        self.results = Results(self.filter, self.rows, self.accuracy_panel)
        self.notice = CautionCard(
            action="Update predictions",
            tip="Predict all images with the current model; replaces the predictions below",
            icon="refresh",
        )
        self.headline = Headline()
        self.saving = TableSaving(self)
        self.parts = AtlasParts(session, self)
        self.model.parts_of = self.parts_of
        self.filters = TableFilters(self.model, self.rows, self.filter, self.accuracy_panel, self.parts, self)
        self.empty = EmptyPage()
        self.preview = Preview(self, cache_bytes=cache)
        self.measurement = FastModeMeasurement(settings, jobs, self)
        self.choice = SourceChoice(self.controller, self.measurement, session, self.source, self.empty, self)
        self.accuracy: TableAccuracy | None = None
        self._waits = False
        """Whether the focus waits beside the button that stops the job, to go to the rows when there are some."""
        self._fill = QTimer(self, singleShot=True, interval=_FILL_MILLISECONDS)
        self._fill.timeout.connect(self._take_rows)
        self._refresh = QTimer(self, singleShot=True, interval=_REFRESH_MILLISECONDS)
        self._refresh.timeout.connect(self._show_accuracy)
        self._lay_out()
        self._connect()
        self._show_stage()

    def _lay_out(self) -> None:
        self.stack = QStackedWidget()
        self.stack.addWidget(self.empty)
        self.stack.addWidget(self.results)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(16, 12, 16, 12)
        whole.setSpacing(12)
        whole.addWidget(self.source)
        whole.addWidget(self.notice)
        whole.addWidget(self.headline)
        whole.addWidget(self.stack, 1)

    def _connect(self) -> None:
        controller = self.controller
        controller.request_changed.connect(self.preview.close_it)
        controller.began.connect(self.preview.close_it)  # its row is one of the table before
        controller.request_changed.connect(self._show_parts)
        self.parts.changed.connect(self._show_parts)
        controller.stage_changed.connect(self._show_stage)
        controller.stage_changed.connect(self._show_sought)
        controller.progressed.connect(self._show_progress)
        controller.began.connect(self._on_began)
        controller.grown.connect(self._on_grown)
        controller.failed.connect(self._on_failed)
        controller.checked.connect(self._show_stale)
        self.notice.acted.connect(self._start_over)
        self.headline.split_asked.connect(controller.set_split)
        self.filter.save_asked.connect(self.save_as)
        self.filter.inspect_asked.connect(self._open_first)
        self.filter.export_asked.connect(self._export)
        self.filter.why_asked.connect(self._ask_why)
        self._session.row_sought.connect(self._show_sought)
        self.saving.saved.connect(self._on_saved)
        self.saving.failed.connect(self._on_not_saved)
        self.accuracy_panel.enlarge_asked.connect(self.set_matrix_large)
        self.accuracy_panel.pair_opened.connect(self._open_pair)
        self.accuracy_panel.class_opened.connect(self._open_class)
        self.accuracy_panel.pair_chosen.connect(self._show_rows)
        self.accuracy_panel.class_chosen.connect(self._show_rows)
        self.filter.pair_cleared.connect(self.rows.focus_view)
        self.rows.opened.connect(self.open_row)
        self.rows.preview_asked.connect(self.show_preview)
        self.rows.view_changed.connect(self._on_view)
        self.filter.view_chosen.connect(self.rows.show_view)
        self.filter.cards_toggled.connect(self.results.show_cards)
        self.results.cards_changed.connect(self.filter.cards.setChecked)
        self.preview.opened.connect(self.open_row)
        self.preview.stepped.connect(self._step)
        self.preview.closed.connect(self.rows.focus_view)
        self._settings.changed.connect(self._on_setting)
        for loader in (self.thumbnails, self.tile_images, self.preview.images):
            loader.set_ranges(self._session.value_ranges)
            self._session.value_ranges_changed.connect(loader.set_ranges)

    # -- interface for the frame ---------------------------------------------------------------------------------------

    def commands(self) -> Mapping[str, Callable[[], object]]:
        """Return the callables behind this page's actions."""
        saving: dict[str, Callable[[], object]] = {"predict-save": self.save_as} if self.controller.predictions else {}
        return saving | {
            "predict-start": self._start,
            "predict-stop": self.controller.cancel,
            "predict-find": self.filter.search.setFocus,
            "predict-matrix": self._toggle_matrix,
            "predict-images": self._switch_view,
            "predict-cards": self.filter.cards.click,
        }

    def show_demo(self) -> None:
        """Predict the demo's images."""
        self.controller.set_model(demo_model())
        self.controller.set_images(demo_images(), "all")
        if self.controller.stage == "ready":
            self._start()

    def is_ready(self) -> bool:
        """Return whether the table is complete and its accuracy is shown."""
        return self.controller.stage in ("nothing", "ready", "finished", "stopped") and not (
            self._refresh.isActive() or self._fill.isActive() or not self.preview.is_ready() or self._is_loading()
        )

    def save_state(self) -> dict[str, Any]:
        """Return the sizes of the panes, the view and how it shows the images, and the split chosen for each folder."""
        bar = self.grid_bar
        view = {"view": self.rows.shown, "tile": bar.size_slider.value(), "peaks": bar.peaks.isChecked()}
        splits = dict(list(self.controller.remembered.items())[-_KEPT_SPLITS:])
        return {"panes": self.results.panes, "cards": self.results.cards, "splits": splits, **view}

    def restore_state(self, state: Mapping[str, Any]) -> None:
        """Restore what ``save_state`` returned."""
        tile, view = state.get("tile"), state.get("view")
        if isinstance(tile, int) and not isinstance(tile, bool):
            self.grid_bar.size_slider.setValue(tile)
        self.grid_bar.peaks.setChecked(state.get("peaks") is not False)
        if state.get("cards") is False:
            self.results.show_cards(False)
        if view in VIEWS:
            self.rows.show_view(view)
        splits = state.get("splits")
        if isinstance(splits, dict):
            self.controller.remembered.update(
                {str(folder): split for folder, split in splits.items() if split in SPLIT_CHOICES}
            )
        panes = state.get("panes")
        if isinstance(panes, list) and len(panes) == 2 and all(isinstance(size, int) and size > 0 for size in panes):
            self.results.set_panes(panes)

    def shut_down(self) -> None:
        """Stop all threads."""
        self._fill.stop()
        self._refresh.stop()
        self.controller.shut_down()
        self.measurement.shut_down()
        self.parts.close()
        self.thumbnails.close()
        self.tile_images.close()
        self.preview.shut_down()
        self.saving.close()

    def showEvent(self, event: QShowEvent) -> None:
        """Look for an existing table when the page is first shown."""
        super().showEvent(event)
        self.controller.activate()
        self.parts.activate()
        self._show_parts()

    # -- commands ------------------------------------------------------------------------------------------------------

    def path_of(self, file: str) -> Path | None:
        """Return the path of a row's image, or None."""
        request = self.controller.request
        return request.image_path(file) if request is not None else None

    def parts_of(self, file: str) -> tuple[PartPlace, ...]:
        """Return the peaks of a row's image with their parts in the open atlas; none if it is of another model."""
        path = self.path_of(file)
        return () if path is None else self.parts.places(path, self.controller.model)

    def annotation_of(self, file: str) -> Annotation:
        """Return what the open data set gives for a row's image."""
        return self.annotations.of(file, self.controller.images)

    def open_row(self, row: int) -> None:
        """Inspect the image of a row with the model that predicted it."""
        predictions = self.controller.predictions
        path = self.path_of(predictions.files[row]) if predictions is not None else None
        if path is not None:
            self._session.model = self.controller.model
            self._session.inspect_selection(self.selection(), path)

    def selection(self) -> ImageSelection | None:
        """The selected rows' images, else those that the filter leaves; None if nothing is selected or filtered."""
        predictions, images = self.controller.predictions, self.controller.images
        if predictions is None or images is None:
            return None
        chosen, name = self.rows.chosen_rows(), self.filters.name
        if not chosen and self.model.filter.is_open:
            return None
        rows = chosen or self.model.rows.tolist()
        picked = f"{name} · picked by hand" if name else "Picked by hand"
        return ImageSelection(picked if chosen else name, images, tuple(predictions.files[row] for row in rows))

    def show_preview(self, row: int) -> None:
        """Show the preview of a row."""
        predictions = self.controller.predictions
        if predictions is not None:
            file = predictions.files[row]
            self.preview.show_row(predictions, row, self.path_of(file), self.annotation_of(file), self.parts_of(file))

    def save_as(self) -> None:
        """Let the user save the shown rows."""
        if self.saving.busy:
            self._session.report_notice("A table is being written; save this one after it.", cause="saving")
            return
        place = ask_for_place(self, self.controller.images)
        if place is not None:
            self.save_to(place)

    def save_to(self, place: Place) -> None:
        """Write the shown rows, in the shown order."""
        if self.controller.predictions is not None:
            self._session.end_cause("saving")
            self.saving.save(place, self.controller.predictions, self.model.rows)

    def set_matrix_large(self, large: bool) -> None:
        """Show the confusion matrix enlarged beside the table, or small below it."""
        self.results.set_large(large and self.accuracy_panel.judged)
        (self.accuracy_panel.confusion.matrix if self.results.large else self.rows.view).setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Make the matrix small again on Escape."""
        if event.key() == Qt.Key.Key_Escape and self.results.large:
            self.set_matrix_large(False)
        else:
            super().keyPressEvent(event)

    def _show_rows(self) -> None:
        """Show the rows of a class or pair; in a low window they replace the cards, and take the focus."""
        focused = self.window().focusWidget()
        in_cards = focused is not None and self.accuracy_panel.isAncestorOf(focused)
        self.results.show_rows()
        if in_cards and self.accuracy_panel.isHidden():
            self.rows.focus_view()

    def _toggle_matrix(self) -> None:
        self.set_matrix_large(not self.results.large)

    def _switch_view(self) -> None:
        self.rows.show_view("images" if self.rows.shown == "table" else "table")

    def _on_view(self, name: str) -> None:
        self.filter.show_view(name)
        if self.focusProxy() is not None:
            self.setFocusProxy(self.rows.view)

    def _is_loading(self) -> bool:
        return self.grid.isVisible() and not self.grid.is_ready()

    def _open_first(self) -> None:
        if self.model.rowCount():
            chosen = self.rows.chosen_rows()
            self.open_row(chosen[0] if chosen else int(self.model.rows[0]))

    def _export(self) -> None:
        selection = self.selection()
        if selection is not None:
            self._session.model = self.controller.model
            self._session.export_selection(selection)

    def _show_sought(self) -> None:
        """Show the row that another page asked for, as soon as it is read; say so where there is none."""
        if self.controller.stage in ("reading", "running", "stopping"):
            return  # whether there is such a row is not known yet
        image = self._session.take_sought()
        if image is None:
            return
        predictions, request = self.controller.predictions, self.controller.request
        if not predictions or request is None:
            self._session.report_notice(
                f"{image.name} has no prediction yet; predict these images first.", cause="image"
            )
            return
        self._take_rows()
        row = next((row for row, file in enumerate(predictions.files) if request.image_path(file) == image), -1)
        if row >= 0:
            self.filters.show_row(row)
            self.rows.focus_view()
        else:
            self._session.report_notice(f"There is no prediction of {image.name} in this table.", cause="image")

    def _ask_why(self) -> None:
        pair = self.filters.pair
        if pair is not None:
            self._session.model = self.controller.model
            self._session.ask_why(*pair)

    def _open_pair(self, label: int, predicted: int) -> None:
        self.accuracy_panel.pair_chosen.emit(label, predicted)
        self._open_first()

    def _open_class(self, index: int) -> None:
        self.accuracy_panel.class_chosen.emit(index)
        self._open_first()

    def _on_setting(self, name: str) -> None:
        if name == "thumbnail_cache_mb":
            for loader in (self.thumbnails, self.tile_images, self.preview.images):
                loader.set_cache_bytes(self._settings.thumbnail_cache_mb * 2**20)

    def _on_failed(self, error: S3NError) -> None:
        self._session.report_error(error, cause="prediction")

    def _on_not_saved(self, sentence: str) -> None:
        self._session.report_error(sentence, cause="saving")

    def _on_saved(self, path: Path, count: int) -> None:
        self._session.report_notice(f"{count_text(count, 'row')} saved to {path}.")

    def _start(self, restart: bool = False) -> None:
        self.controller.start(restart=restart)

    def _start_over(self) -> None:
        self._start(restart=True)

    def _step(self, step: int) -> None:
        place = self.model.place_of(self.preview.row) + step
        if 0 <= place < self.model.rowCount():
            self.rows.go_to(int(self.model.rows[place]))
            self.show_preview(self.rows.current_row())

    # -- from the state to the screen ----------------------------------------------------------------------------------

    def _show_stage(self) -> None:
        stage, controller = self.controller.stage, self.controller
        running = stage in ("running", "stopping")
        word = {"stopped": "Continue", "finished": "Update predictions"}.get(stage, "Predict")
        if stage == "stopped" and controller.stale:
            word = "Start over"
        self.source.show_stage(
            word,
            state_words(controller),
            can_start=controller.request is not None and stage in ("ready", "stopped", "finished"),
            running=running,
            can_start_over=controller.can_start_over,
            offers_start=running or not controller.stale,  # the notice has a button of its own
        )
        self.source.state.setToolTip(state_tip(controller))
        case = empty_case(controller)
        focused = self.window().focusWidget()  # known while the window is inactive, too
        in_empty = focused is not None and self.empty.isAncestorOf(focused)
        in_results = focused is not None and self.results.isAncestorOf(focused)
        self.stack.setCurrentIndex(0 if case is not None else 1)
        # A hidden widget would take the focus and keep Tab from reaching the visible buttons.
        self.setFocusProxy(self.rows.view if case is None else None)  # type: ignore[arg-type]  # None is allowed
        if case is not None:
            self.empty.show_case(*case)
        self._move_focus(in_empty, in_results)
        if not running:
            self._take_rows()
            self._show_accuracy()
        at_start = self.source.start.hasFocus()
        self.notice.show_words("" if running else controller.stale)
        if at_start and not self.source.start.isVisibleTo(self):
            self.notice.button.setFocus()

    def _move_focus(self, in_empty: bool, in_results: bool) -> None:
        """Keep the focus with the work where the page that had it is hidden, or its buttons are.

        Args:
            in_empty: The empty page had the focus.
            in_results: The results had it.
        """
        empty = self.stack.currentIndex() == 0
        offers = empty and not self.empty.buttons[0].isHidden()
        if (in_empty or self._waits) and not empty:
            self.rows.focus_view()
        elif in_empty and not offers:
            self.source.stop.setFocus()
        elif in_results and offers:
            self.empty.buttons[0].setFocus()
        elif in_results and empty:
            self.source.images.setFocus()
        self._waits = empty and not offers and (in_empty or self._waits)

    def _show_stale(self) -> None:
        self._show_stage()

    def _show_progress(self) -> None:
        job = self.controller.job
        if job is not None and self.controller.stage == "running":
            self.source.show_progress(job.fraction, state_words(self.controller))

    def _show_parts(self) -> None:
        model = self.controller.model
        self.filters.show_model(model)
        self.table.show_parts(shown=bool(self.parts.names(model)))
        predictions = self.controller.predictions
        if predictions is not None and self.preview.isVisible():
            self.preview.show_parts(self.parts_of(predictions.files[self.preview.row]))

    def _on_began(self) -> None:
        self.thumbnails.clear()
        self.tile_images.clear()
        self.filters.begin()
        self.model.show(self.controller.predictions)
        self._show_stage()
        self.commands_changed.emit()

    def _on_grown(self, first: int) -> None:
        if first == 0:
            self._take_rows()
            self._show_stage()
            self.commands_changed.emit()
        for timer in (self._fill, self._refresh):
            if not timer.isActive():
                timer.start()

    def _take_rows(self) -> None:
        row, bar = self.rows.current_row(), self.rows.view.verticalScrollBar()
        place = bar.value()
        self.model.take_new_rows()
        self.rows.keep_row(row)
        bar.setValue(place)

    def _show_accuracy(self) -> None:
        predictions = self.controller.predictions
        self.accuracy = predictions.accuracy() if predictions is not None and len(predictions) else None
        self.headline.show_words(headline_words(predictions), self.controller.measured_split)
        labelled = predictions is not None and bool((predictions.column("label") >= 0).any())
        self.table.show_columns(label=labelled, problem=predictions is not None and bool(predictions.errors))
        self.grid.show_labels(labelled)
        settled = self.controller.stage in ("finished", "stopped")
        self.accuracy_panel.show_accuracy(
            self.accuracy, [] if predictions is None else predictions.names, settled=settled, labelled=labelled
        )
        if not self.accuracy_panel.judged:
            self.results.set_large(False)
