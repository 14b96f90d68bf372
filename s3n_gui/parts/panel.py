"""The Parts page: the search for parts, and tabs that show an atlas."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSize
from PySide6.QtGui import QShowEvent, QUndoStack
from PySide6.QtWidgets import QFileDialog, QStackedWidget, QVBoxLayout, QWidget

from s3n_core.datasets.assignment import open_assigned
from s3n_core.datasets.records import displayed_class
from s3n_core.errors import AtlasError, S3NError
from s3n_core.parts.atlas.part_place import SAME_PLACE
from s3n_core.parts.atlas.peak_descriptors import PeakDescriptors
from s3n_core.parts.atlas.sources import name_below
from s3n_gui.appearance.wording import left_text
from s3n_gui.background.command_job import CommandJob
from s3n_gui.background.engine_client import EngineClient
from s3n_gui.background.inspection_client import InspectionClient
from s3n_gui.background.jobs import JobList
from s3n_gui.parts.atlas_map.map_view import MapView
from s3n_gui.parts.class_portrait.portrait_view import PortraitView
from s3n_gui.parts.controller import PartsController
from s3n_gui.parts.crop import Crop
from s3n_gui.parts.crops.crop_handling import CropHandling
from s3n_gui.parts.crops.hidden_places import HiddenPlaces
from s3n_gui.parts.crops.hidden_view import HiddenView
from s3n_gui.parts.matrix.effects_job import EffectsJob
from s3n_gui.parts.matrix.matrix_view import MatrixView
from s3n_gui.parts.pairs.pair_controller import PairController
from s3n_gui.parts.pairs.pair_view import PairView
from s3n_gui.parts.pairs.steadiness_job import SteadinessJob
from s3n_gui.parts.start_view import StartView
from s3n_gui.parts.top_bar import EXPORTS, TopBar
from s3n_gui.parts.view import PartsView
from s3n_gui.state.demo import demo_images, demo_model
from s3n_gui.state.image_selection import ImageSelection
from s3n_gui.state.opening import Opener, data_set_title, model_title
from s3n_gui.state.recent import RecentList
from s3n_gui.state.session import Session
from s3n_gui.state.settings import Settings
from s3n_gui.widgets.empty_page import EmptyPage
from s3n_gui.widgets.number_fields import commit
from s3n_gui.widgets.page import Page
from s3n_gui.widgets.saving_place import EXCEL_TABLE, TABLES, ask_where_to_save


def page(session: Session, settings: Settings, jobs: JobList, recent: RecentList, opener: Opener) -> Page:
    """Make the page."""

    def make_client() -> EngineClient:
        return InspectionClient(idle_seconds=60 * settings.idle_minutes)

    return PartsPage(session, settings, jobs, recent, opener, make_client)


class _Tabs(QStackedWidget):
    """The tabs' contents: each may be as low as its own least height, whatever the others need."""

    def minimumSizeHint(self) -> QSize:
        """Return the least height of what is shown; hidden texts have that of an earlier text size."""
        shown, size = self.currentWidget(), super().minimumSizeHint()
        return size if shown is None else QSize(size.width(), shown.minimumSizeHint().height())

    def hasHeightForWidth(self) -> bool:
        """Return False: Qt would take the preferred height of the highest one for the least height of the page."""
        return False


class PartsPage(Page):
    """The Parts page.

    Args:
        session: The current choices.
        settings: The user's settings.
        jobs: The list of jobs.
        recent: What was opened before.
        opener: Opens data sets, models and atlases.
        make_client: Makes the engine client that hides places.
    """

    def __init__(
        self,
        session: Session,
        settings: Settings,
        jobs: JobList,
        recent: RecentList,
        opener: Opener,
        make_client: Callable[[], EngineClient],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._settings, self._jobs, self._recent, self._opener = session, settings, jobs, recent, opener
        self.controller = PartsController(session, settings, jobs, recent, self)
        moved_model = self.controller.moved_model
        self.pair = PairController(settings, jobs, moved_model, self)
        self.steadiness = SteadinessJob(settings, jobs, moved_model, self)
        self.empty = EmptyPage()
        self.bar, self.shown = TopBar(), _Tabs()
        self.pair_view = PairView(self.pair, self.controller.edits, settings.thumbnail_cache_mb * 2**20)
        self.start = StartView(self.pair_view.thumbnails, self._path_in_data_set)
        self.effects = EffectsJob(settings, jobs, moved_model, self)
        self.matrix_view = MatrixView(self.pair_view.thumbnails, self.effects)
        self.map_view = MapView(self.pair_view.thumbnails)
        self.portrait_view = PortraitView(self.pair_view.thumbnails)
        thumbnails, path_of = self.pair_view.thumbnails, self.pair_view.path_of
        self.hidden = HiddenPlaces(settings, make_client, self.controller.atlas_model, self)
        self.hidden_view = HiddenView(self.pair_view.large_images, path_of, self)
        self.crops = CropHandling(self.controller.edits, thumbnails, path_of, self.hidden, self.hidden_view, self)
        self.views: list[PartsView] = []
        self._part = -1
        self._lay_out()
        self._add_tabs()
        self._connect()
        self._show_request()
        self._show_stage()

    def _lay_out(self) -> None:
        opened = QWidget()
        column = QVBoxLayout(opened)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.bar)
        column.addWidget(self.shown, 1)
        self.stack = QStackedWidget()
        for widget in (self.empty, self.start, opened):
            self.stack.addWidget(widget)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(16, 8, 16, 12)
        whole.addWidget(self.stack)

    def _add_tabs(self) -> None:
        """Add the tabs, from left to right; a new one is a `PartsView` and one line here."""
        self._add_tab("Two classes", self.pair_view)
        self._add_tab("Classes × parts", self.matrix_view)
        self._add_tab("Atlas", self.map_view)
        self._add_tab("Class", self.portrait_view)

    def _add_tab(self, title: str, view: PartsView) -> None:
        self.bar.tabs.addTab(title)
        self.shown.addWidget(view)
        self.views.append(view)
        view.set_crops(self.crops)
        view.part_selected.connect(self.select_part)

    def _connect(self) -> None:
        controller, start = self.controller, self.start
        self.bar.tabs.currentChanged.connect(self.shown.setCurrentIndex)
        self.shown.currentChanged.connect(self.shown.updateGeometry)
        self.bar.export_asked.connect(self.export)
        self.bar.open_asked.connect(self.choose_atlas)
        self.bar.new_asked.connect(controller.close_atlas)
        self.pair.failed.connect(self._on_failed)
        self.pair.changed.connect(self._show_exports)
        self.pair.compared.connect(controller.edits.refresh)
        self.pair.chosen.connect(self.commands_changed)
        self.steadiness.failed.connect(self._on_failed)
        self.steadiness.changed.connect(self._show_steadiness)
        self.steadiness.measured.connect(controller.edits.refresh)
        self.pair_view.card.steady.measure_asked.connect(self._measure_steadiness)
        self.pair_view.card.steady.other_asked.connect(self._measure_with_other)
        self.pair_view.card.steady.stop_asked.connect(self.steadiness.cancel)
        self.pair_view.inspect_asked.connect(self._inspect)
        self.matrix_view.cell_opened.connect(self._open_cell)
        self.matrix_view.answer_asked.connect(self._open_answer)
        self.effects.failed.connect(self._on_failed)
        self.effects.measured.connect(controller.edits.refresh)
        for view in (self.map_view, self.portrait_view):
            view.opened.connect(self._inspect_crop)
        self.crops.opened.connect(self._open_crop)
        self.crops.like_asked.connect(self._show_more_like)
        self.crops.moved.connect(self._on_moved)
        self.empty.asked.connect(self._on_empty)
        start.split_chosen.connect(controller.set_split)
        start.parts_chosen.connect(controller.set_parts)
        start.parts_of_chosen.connect(controller.set_parts_of)
        start.start_asked.connect(self._start)
        start.stop_asked.connect(controller.cancel)
        start.open_asked.connect(self.choose_atlas)
        start.recent_chosen.connect(self._opener.open_path)
        controller.request_changed.connect(self._show_request)
        controller.stage_changed.connect(self._show_stage)
        controller.progressed.connect(self._show_progress)
        controller.preview_changed.connect(self._show_preview)
        controller.content_changed.connect(self._show_content)
        controller.failed.connect(self._on_failed)
        self._recent.changed.connect(self._show_recent)
        self._session.why_asked.connect(self._show_why)
        self._session.like_asked.connect(self._show_like)
        self._settings.changed.connect(self._on_setting)

    # -- page --------------------------------------------------------------------------------------------------------------

    def commands(self) -> Mapping[str, Callable[[], object]]:
        """Return the page's actions."""
        always: dict[str, Callable[[], object]] = {
            "parts-open": self.choose_atlas,
            "parts-start": self._start,
            "parts-stop": self._stop,
        }
        if self.controller.content is None:
            return always
        rows = self.pair_view.rows
        return always | {
            "parts-new": self.controller.close_atlas,
            "parts-swap": self.pair.swap,
            "parts-next": partial(rows.step, 1),
            "parts-previous": partial(rows.step, -1),
            "parts-next-pair": partial(self.pair_view.pairs.step, 1),
            "parts-previous-pair": partial(self.pair_view.pairs.step, -1),
            "parts-rename": rows.rename,
            "parts-split": self.pair_view.split_part,
            "parts-hide": self.pair_view.hide_part,
            "parts-left": self._toggle_left,
            "parts-right": self._toggle_right,
        }

    def undo_stack(self) -> QUndoStack:
        """Return the edits of the atlas."""
        return self.controller.edits.stack

    def show_demo(self) -> None:
        """Show the demo's parts, if they have been found; else the choices of a search.

        Raises:
            s3n_core.errors.S3NError: The demo is not installed.
        """
        if self._session.data_set is None or self._session.data_set.root != demo_images():
            self._session.data_set = open_assigned(demo_images())
        self._session.model = demo_model()
        self.controller.activate()

    def is_ready(self) -> bool:
        """Return whether all content is drawn."""
        return self.controller.stage not in ("looking", "opening") and all(view.is_ready() for view in self.views)

    def save_state(self) -> dict[str, Any]:
        """Return the shown tab."""
        return {"tab": self.bar.tabs.currentIndex()}

    def restore_state(self, state: Mapping[str, Any]) -> None:
        """Restore what ``save_state`` returned."""
        tab = state.get("tab")
        if isinstance(tab, int) and 0 <= tab < self.bar.tabs.count():
            self.bar.tabs.setCurrentIndex(tab)

    def shut_down(self) -> None:
        """Stop all threads."""
        self.controller.shut_down()
        self.pair.shut_down()
        self.steadiness.shut_down()
        self.hidden.close()
        for view in self.views:
            view.shut_down()

    def showEvent(self, event: QShowEvent) -> None:
        """Look for an atlas when the page is first shown."""
        super().showEvent(event)
        self.controller.activate()
        self._show_why()
        self._show_like()

    # -- commands ----------------------------------------------------------------------------------------------------------

    def choose_atlas(self) -> None:
        """Ask for the folder of an atlas and open it."""
        recent = self._recent.items("atlas")
        begin = str(recent[0].path.parent) if recent else ""
        folder = QFileDialog.getExistingDirectory(self, "Open atlas", begin)
        if folder:
            self._opener.open_path(Path(folder))

    def select_part(self, part: int) -> None:
        """Mark a part in all tabs; -1: none."""
        self._part = part
        for view in self.views:
            view.select_part(part)
        self._show_exports()

    def export(self, kind: str) -> None:
        """Ask for a file and write it, in a job.

        Args:
            kind: One of `top_bar.EXPORTS`.
        """
        content, part = self.controller.content, self._part
        if content is None:
            return
        suffix = {"pair": "pdf", "part": "pdf", "matrix": "csv"}.get(kind, kind)
        stem, of_what = (
            {"csv": "peaks", "json": "key-points", "matrix": "classes-by-parts"}.get(kind, "atlas"),
            list[str](),
        )
        if kind == "pair":
            names = [displayed_class(name) if name else "all others" for name in (self.pair.a, self.pair.b)]
            stem, of_what = " and ".join(names), ["--pair", self.pair.a, self.pair.b or "-"]
        elif kind == "part":
            stem, of_what = content.atlas.parts.name(part), ["--part", f"part {part + 1}"]
        kinds = TABLES if suffix == "csv" else {f"*.{suffix}": f".{suffix}"}
        path, chosen = ask_where_to_save(self, EXPORTS[kind], f"{stem}.{suffix}", kinds)
        if path is not None:
            command = "matrix" if kind == "matrix" else "export"
            excel = ["--excel"] if chosen == EXCEL_TABLE else []
            arguments = ["parts", command, str(content.atlas.path), "--out", str(path), *of_what, *excel]
            job = CommandJob(f"Exporting {path.name}", arguments)
            job.failed.connect(self._on_failed)
            job.succeeded.connect(self._on_exported)
            self._jobs.add(job)
            job.start()

    def _show_exports(self) -> None:
        pair = self.pair.pair
        self.bar.show_exports(pair=pair is not None and pair.comparison is not None, part=self._part >= 0)

    def _start(self, restart: bool = False) -> None:
        if self.controller.content is None:
            if not commit(self.start.parts):
                self.controller.start(restart=restart)
        else:
            self.pair.compare()

    def _stop(self) -> None:
        self.controller.cancel()
        self.pair.cancel()
        self.steadiness.cancel()
        self.effects.cancel()

    def _measure_with_other(self) -> None:
        content = self.controller.content
        if content is not None:
            begin = str(content.atlas.path.parent)
            folder = QFileDialog.getExistingDirectory(self, "Open atlas of another model", begin)
            if folder:
                self.steadiness.start(content.atlas.path, Path(folder))

    def _measure_steadiness(self) -> None:
        if self.controller.content is not None:
            self.steadiness.start(self.controller.content.atlas.path)

    def _toggle_left(self) -> None:
        self.pair_view.panes.show_side("left", not self.pair_view.panes.shows("left"))

    def _toggle_right(self) -> None:
        self.pair_view.panes.show_side("right", not self.pair_view.panes.shows("right"))

    def _open_cell(self, name: str, part: int) -> None:
        """Show a class beside the one that it is most easily confused with, and the row of a part."""
        content = self.controller.content
        if content is None:
            return
        pair = next((pair for pair in content.pairs if name in (pair.a, pair.b)), None)
        if name != self.pair.a:
            self.pair.set_pair(name, "" if pair is None else pair.b if pair.a == name else pair.a)
        self.bar.tabs.setCurrentIndex(0)
        self.select_part(part)
        self.pair_view.rows.setFocus()

    def _open_answer(self, name: str, part: int) -> None:
        """Show a class beside all others, and the row of a part."""
        if self.controller.content is not None:
            self.pair.set_pair(name, "")
            self.bar.tabs.setCurrentIndex(0)
            self.select_part(part)
            self.pair_view.rows.setFocus()

    def _inspect(self, selection: ImageSelection | None, crop: Crop) -> None:
        """Inspect an image with the model of the atlas."""
        content = self.controller.content
        if content is not None:
            self._session.model = self.controller.atlas_model()
            self._session.inspect_selection(selection, content.path_of(crop.file), (crop.x, crop.y))

    def _show_why(self) -> None:
        """Show the two classes that another page asks about, once there is an atlas; say so where there is none."""
        content, wanted = self.controller.content, self._session.why
        if wanted is None:
            return
        if content is None:
            if self._has_no_atlas():
                self._session.take_why()
                self._session.report_notice(
                    "No atlas of this model is open. Find parts here, or open an atlas; then ask again why.",
                    cause="atlas",
                )
            return
        self._session.take_why()
        missing = [name for name in wanted if name not in content.classes]
        if missing:
            self._session.report_notice(
                f"The atlas has no images of {displayed_class(missing[0])}; find parts in images of both classes.",
                cause="atlas",
            )
            return
        self.pair.set_pair(*wanted)
        self.bar.tabs.setCurrentIndex(0)

    def _has_no_atlas(self) -> bool:
        """Return whether no atlas is open or about to be, that of the current model included, which is opened now."""
        settled = self.isVisible() and self.controller.stage in ("nothing", "ready", "stopped")
        return settled and not self.controller.open_known()

    def _show_like(self) -> None:
        """Show the peaks that look most like that of another page, once the atlas is read and the peak's looks are known."""
        content, wanted = self.controller.content, self._session.like
        if wanted is None:
            return
        if content is None:
            if self._has_no_atlas():
                self._end_like(
                    "No atlas of this model is open. Find parts here, or open an atlas; then ask for more like this again."
                )
            return
        (x, y), peaks = wanted.place, wanted.peaks
        name = name_below(content.root, wanted.image) or ""
        index = None if peaks is None else peaks.nearest(x, y, SAME_PLACE)
        row = content.atlas.peak_rows.at(name, x, y)
        if row is not None and (peaks is None or index is None or not peaks.moved[index]):
            self._end_like()
            self.map_view.show_like(row)
        elif peaks is None and wanted.image == self._session.image and self.controller.is_of_model():
            return  # Inspect says soon what the peak looks like
        elif peaks is None or index is None:
            self._end_like(f"The atlas has no such peak of {wanted.image.name}; find parts in images that include it.")
        else:
            self._end_like()
            self._show_like_peak(wanted.image, name, peaks, index)

    def _show_like_peak(self, image: Path, name: str, peaks: PeakDescriptors, index: int) -> None:
        """Show the peaks that look most like one that is not the atlas's, or that was moved by hand."""
        (x, y), (width, height) = peaks.places[index].tolist(), peaks.image_size
        try:
            self.map_view.show_like_peak(
                Crop(file=str(image), x=x, y=y, width=width, height=height), peaks, index, image=name or None
            )
        except AtlasError as error:
            self._session.report_error(error, cause="atlas")

    def _end_like(self, notice: str = "") -> None:
        """Be done with the request of another page: show the peaks' tab, or say why there are none."""
        self._session.take_like()
        if notice:
            self._session.report_notice(notice, cause="atlas")
        else:
            self.bar.tabs.setCurrentIndex(self.views.index(self.map_view))

    def _show_more_like(self, crop: Crop) -> None:
        self.bar.tabs.setCurrentIndex(self.views.index(self.map_view))
        self.map_view.show_like(crop.row)

    def _on_moved(self, name: str) -> None:
        self._session.report_notice(f"Moved to {name}. Edit > Undo takes it back.")

    def _inspect_crop(self, crop: Crop) -> None:
        self._inspect(None, crop)

    def _open_crop(self, crop: Crop) -> None:
        """Inspect a crop, of two classes among the images that have the part."""
        if self.shown.currentWidget() is self.pair_view:
            self.pair_view.open_crop(crop)
        else:
            self._inspect_crop(crop)

    def _on_exported(self, last: object, job: CommandJob) -> None:
        self._session.report_notice(f"{job.title.removeprefix('Exporting ')} is written.")

    def _on_empty(self, button: int) -> None:
        if button == 1:
            self._session.ask_for_demo()
        elif self.controller.data_set is None:
            self._session.ask_to_open("data")
        else:
            self._session.ask_to_open("model")

    def _on_failed(self, error: S3NError) -> None:
        self._session.report_error(error, cause="atlas")

    def _on_setting(self, name: str) -> None:
        if name == "thumbnail_cache_mb":
            self.pair_view.set_cache_bytes(self._settings.thumbnail_cache_mb * 2**20)

    # -- from the state to the screen --------------------------------------------------------------------------------------

    def _show_request(self) -> None:
        controller = self.controller
        data_set, model = controller.data_set, controller.model
        self.start.show_choice(
            "" if data_set is None else data_set_title(data_set.root),
            "" if model is None else model_title(model),
            controller.split,
            controller.splits,
            controller.parts,
            controller.parts_of,
            controller.others,
        )

    def _show_stage(self) -> None:
        controller, stage = self.controller, self.controller.stage
        running = stage in ("running", "stopping")
        self._show_recent()
        if stage == "nothing":
            self._show_empty()
        self.stack.setCurrentIndex({"nothing": 0, "open": 2}.get(stage, 1))
        self.start.show_stage(
            "Continue" if stage == "stopped" else "Find parts",
            self._words(),
            can_start=controller.request is not None and stage in ("ready", "stopped"),
            running=running,
            can_start_over=controller.can_start_over,
        )
        self._show_progress()
        self._show_why()
        self._show_like()

    def _show_empty(self) -> None:
        sentence = "See which parts tell two classes apart, and whether the model relies on them."
        if self.controller.data_set is None:
            self.empty.show_case(
                "parts", "Find parts", f"{sentence} Open a data set first.", "Open data set…", "Try the demo"
            )
        else:
            self.empty.show_case("parts", "Find parts", f"{sentence} Choose a model first.", "Open model…")

    def _show_progress(self) -> None:
        job = self.controller.job
        if job is not None and self.controller.stage in ("running", "stopping"):
            self.start.show_progress(job.fraction, self._words())

    def _words(self) -> str:
        stage, job = self.controller.stage, self.controller.job
        if stage == "stopping":
            return "Stopping after this batch…"
        if stage == "running":
            if job is None or not job.text:
                return "Opening the model…"
            left = left_text(job.seconds_left)
            return f"{job.text} images" + (f" · {left}" if left else "")
        return {
            "looking": "Looking for an earlier atlas…",
            "opening": "Reading the atlas…",
            "stopped": "An earlier search was stopped; what it has found is kept.",
        }.get(stage, "")

    def _show_steadiness(self) -> None:
        content, job = self.controller.content, self.steadiness.job
        if job is None or content is None or not self.steadiness.is_of(content.atlas.path):
            self.pair_view.card.steady.show_job("", None, running=False)
            return
        state = "Stopping…" if job.status == "stopping" else "Opening the model…"
        if job.status == "running" and job.text:
            left = left_text(job.seconds_left)
            state = f"{job.text} images" + (f" · {left}" if left else "")
        self.pair_view.card.steady.show_job(state, job.fraction, running=True)

    def _show_preview(self) -> None:
        self.start.show_preview(self.controller.preview, self.controller.total)

    def _path_in_data_set(self, file: str) -> Path:
        data_set = self.controller.data_set
        return Path(file) if data_set is None else data_set.root / file

    def _show_recent(self) -> None:
        self.start.show_recent(tuple(item for item in self._recent.items("atlas") if item.exists))

    def _show_content(self) -> None:
        content = self.controller.content
        self.bar.show_content(content)
        self.crops.show_content(content)
        self.pair_view.show_content(content)
        self.matrix_view.show_content(content)
        self._show_steadiness()
        for view in self.views:
            view.set_atlas(None if content is None else content.atlas)
        self._show_why()
        kept = content is not None and self._part in content.atlas.parts.numbers
        self.select_part(self._part if kept else -1)
        self._show_like()
        self.commands_changed.emit()
