"""The controller of the Parts page: finds, builds and opens atlases."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from PySide6.QtCore import QObject, Signal, Slot

from s3n_core.datasets.records import DataSet
from s3n_core.errors import OutputError, S3NError, UnfinishedOutput
from s3n_core.parts.atlas.atlas_files import AtlasHeader
from s3n_core.parts.atlas.preview import FIRST_PREVIEW, AtlasPreview, preview_parts
from s3n_core.parts.atlas.sources import has_images_of, model_of
from s3n_core.runs.model_paths import after_rename, is_of_model
from s3n_gui.background.jobs import Job, JobList
from s3n_gui.background.single_job import SingleJob
from s3n_gui.background.tasks import Tasks
from s3n_gui.parts.atlas_content import AtlasContent, read_content
from s3n_gui.parts.edits import PartEdits
from s3n_gui.state.atlas_request import AtlasRequest
from s3n_gui.state.atlas_search import AtlasSearch, OtherAtlas, look_for_atlas, readable_header
from s3n_gui.state.opening import data_set_format, data_set_place, data_set_title, model_title
from s3n_gui.state.recent import RecentList
from s3n_gui.state.session import Session
from s3n_gui.state.settings import Settings
from s3n_gui.state.split_choice import SplitChoice, split_text

Stage = Literal["nothing", "looking", "ready", "running", "stopping", "stopped", "opening", "open"]
"""No model or no images; looking for an atlas of them; there is none; a job is running; it is stopping; there is an unfinished
atlas; an atlas is being read; one is open."""


class PartsController(QObject):
    """The state of the page. No widgets.

    Signals:
        request_changed: Model, images or split have changed.
        stage_changed: ``stage`` has changed.
        progressed: The job has made progress.
        preview_changed: ``preview`` has changed: the running search has found more, or there is none.
        content_changed: ``content`` has changed: another atlas is open, the same one was edited, or none is open.
        failed: The job failed, or the atlas could not be read; the `S3NError`.
    """

    request_changed = Signal()
    stage_changed = Signal()
    progressed = Signal()
    preview_changed = Signal()
    content_changed = Signal()
    failed = Signal(object)

    def __init__(
        self, session: Session, settings: Settings, jobs: JobList, recent: RecentList, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self._settings, self._recent = session, settings, recent
        self.splits = SplitChoice()
        self.split = ""
        """The chosen split; "" before the splits are known."""
        self.parts: int | None = None
        """The number of parts to find; None: suggested."""
        self.others: tuple[OtherAtlas, ...] = ()
        """Atlases of the model with parts that could be taken instead."""
        self.parts_of: Path | None = None
        """The folder of the one whose parts are taken; None: parts are found."""
        self.stage: Stage = "nothing"
        self.content: AtlasContent | None = None
        self._made_with = Path()  # the model of ``content``, where it lies now
        self._kept: AtlasRequest | None = None  # the last one that was looked for, with the folder that was found
        self.error: S3NError | None = None
        self._search = SingleJob(jobs, self)
        self._search.changed.connect(self.progressed)
        self._search.printed.connect(self._on_printed)
        self._search.failed.connect(self._fail)
        self._search.ended.connect(self._on_ended)
        self.preview: AtlasPreview | None = None
        """The parts that the search has found so far; kept while it is stopped."""
        self.total = 0
        """Number of all images of the search."""
        self._next_preview = FIRST_PREVIEW
        self._running: AtlasRequest | None = None
        self._opening: Path | None = None  # the atlas that is being read
        self._active = False
        self.edits = PartEdits(self)
        """Edits the open atlas."""
        self.edits.edited.connect(self._on_edited)
        self.edits.failed.connect(self._fail)
        self._tasks = Tasks(self)
        self._previews = Tasks(self)
        self._previews.done.connect(self._on_preview)
        self._tasks.done.connect(self._on_done)
        self._tasks.failed.connect(self._on_not_done)
        session.run_renamed.connect(self._on_renamed)
        session.model_changed.connect(self._on_session)
        session.data_set_changed.connect(self._on_session)
        session.atlas_changed.connect(self._on_atlas)

    @property
    def model(self) -> Path | None:
        """The current model."""
        return self._session.model

    def atlas_model(self) -> Path:
        """Return the model of the open atlas: the session's, if that is the run that it lies in."""
        return self.model if self.model is not None and self.is_of_model() else self._made_with

    def moved_model(self) -> Path | None:
        """Return the model file of the open atlas, if it no longer lies where the atlas was made; else None."""
        if self.content is None or is_of_model(Path(self.content.atlas.header.model_path), self._made_with):
            return None
        return self._made_with

    def is_of_model(self) -> bool:
        """Return whether the open atlas is of the current model."""
        return self.content is not None and self.model is not None and is_of_model(self._made_with, self.model)

    @property
    def data_set(self) -> DataSet | None:
        """The open data set."""
        return self._session.data_set

    @property
    def request(self) -> AtlasRequest | None:
        """The request for the current choices; None without a model or images, or before the splits are known."""
        if self.model is None or self.data_set is None or not self.split:
            return None
        request = AtlasRequest(
            model=self.model,
            images=data_set_place(self.data_set),
            format=data_set_format(self.data_set, data_set_place(self.data_set)),
            split=self.split,
            device=self._settings.device,
            precision=self._settings.precision,
        )
        return self._kept if request == self._kept else request

    @property
    def can_start_over(self) -> bool:
        """Whether there is something of an earlier job that a new one may replace."""
        return self.stage == "stopped" or isinstance(self.error, UnfinishedOutput)

    # -- choices -----------------------------------------------------------------------------------------------------------

    def activate(self) -> None:
        """Look for an atlas; called when the page is shown, and nothing is read before."""
        if not self._active:
            self._active = True
            if self._session.atlas is not None:
                self._open(self._session.atlas)
            else:
                self._look()

    def set_split(self, split: str) -> None:
        """Choose the images."""
        if split != self.split:
            self._begin(None)
            self._session.set_atlas_aside()
            self.split = split
            self._look()

    def set_parts(self, parts: int | None) -> None:
        """Choose the number of parts; None: suggested."""
        self.parts = parts

    def set_parts_of(self, folder: Path | None) -> None:
        """Choose the atlas whose parts are taken; None: parts are found."""
        self.parts_of = folder
        self.request_changed.emit()

    def close_atlas(self) -> None:
        """Show the choices again; the atlas stays on disk."""
        self._begin(None)
        self._session.atlas = None
        self._look(opens=False)

    def open_known(self) -> bool:
        """Open the atlas of the current model that names the parts on other pages; return whether there is one."""
        folder = self._session.model_atlas
        if folder is not None:
            self._open(folder)
        return folder is not None

    @Slot()
    def _on_session(self) -> None:
        """Follow another model or data set."""
        if not self._active:
            return
        if self._opening is not None:
            header = readable_header(self._opening)
            if header is not None and self._is_still_meant(header, Path(header.model_path)):
                self._open(self._opening)  # again, with the records of the data set
                self.request_changed.emit()
                return
        elif self.content is not None and self._is_still_meant(self.content.atlas.header, self._made_with):
            if self.data_set is not None and not self.content.is_of_records(self.data_set):
                self._open(self.content.atlas.path)  # again, with its boxes and key points
                self.request_changed.emit()
            return
        self._begin(None)
        self._session.set_atlas_aside()
        self.split, self.splits = "", SplitChoice()
        self._look()

    def _is_still_meant(self, header: AtlasHeader, made_with: Path) -> bool:
        """Return whether an atlas belongs to the session's model and images, as far as these are chosen."""
        of_model = self.model is None or is_of_model(made_with, self.model)
        data_set = self.data_set
        return of_model and (data_set is None or has_images_of(header, data_set.root))

    @Slot(object, object)
    def _on_renamed(self, before: Path, after: Path) -> None:
        """Keep the atlas of a run that has another name now."""
        self._made_with = after_rename(self._made_with, before, after)

    @Slot(object)
    def _on_atlas(self, folder: Path | None) -> None:
        shown = None if self.content is None else self.content.atlas.path
        if folder is not None and self._active and folder != (self._opening or shown):
            self._open(folder)

    def _look(self, *, opens: bool = True) -> None:
        """Find the splits and an earlier atlas, in the background.

        Args:
            opens: Open a finished one.
        """
        self._session.end_cause("atlas")
        self.error, self._opening = None, None
        self._tasks.forget("open")
        model, data_set = self.model, self.data_set
        if model is None or data_set is None:
            self._tasks.forget("look")
            self._tasks.forget("look only")
            self.splits = SplitChoice()
            self._set_stage("nothing")
            self.request_changed.emit()
            return
        if self.job is not None:  # `_on_ended` goes on from here
            if self.stage != "stopping":
                self._set_stage("running")
            return
        request = AtlasRequest(
            model=model,
            images=data_set_place(data_set),
            format=data_set_format(data_set, data_set_place(data_set)),
            device=self._settings.device,
            precision=self._settings.precision,
        )
        known = tuple(item.path for item in self._recent.items("atlas"))
        self._previews.forget("preview")
        self._set_preview(None)
        self._set_stage("looking")
        self._tasks.run("look" if opens else "look only", partial(look_for_atlas, request, data_set, self.split, known))
        self._tasks.forget("look only" if opens else "look")
        self.request_changed.emit()

    @property
    def job(self) -> Job | None:
        """The running search; None if none runs."""
        return self._search.job

    # -- the job -----------------------------------------------------------------------------------------------------------

    def start(self, *, restart: bool = False) -> None:
        """Find parts; an earlier job that was stopped is resumed.

        Args:
            restart: Discard what an earlier job has collected.
        """
        request = self.request
        if request is None or self.job is not None or self.stage not in ("ready", "stopped"):
            return
        self._session.end_cause("atlas")
        try:
            request.folder.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            self._fail(
                OutputError(f"{request.folder.parent} cannot be made ({error.strerror}); choose another S3N_HOME.")
            )
            return
        self._running, self.error = request, None
        self._next_preview = FIRST_PREVIEW
        if restart:
            self._set_preview(None)
        self._set_stage("running")
        self._search.run(
            f"Finding parts in {request.images.name}",
            request.arguments(self.parts, parts_of=self.parts_of, restart=restart),
        )

    def cancel(self) -> None:
        """Stop the job; what it has collected is kept."""
        if self.job is not None and self.stage == "running":
            self._set_stage("stopping")
            self._search.cancel()

    def shut_down(self) -> None:
        """Stop all threads; the job itself belongs to the job list."""
        self._search.shut_down()
        self._tasks.close()
        self._previews.close()
        self.edits.close()

    @Slot(object)
    def _fail(self, error: S3NError) -> None:
        self.error = error
        self.failed.emit(error)

    @Slot(object)
    def _on_printed(self, report: dict[str, Any]) -> None:
        """Preview the parts once there are enough places, and again after each doubling."""
        places, total = report.get("places"), report.get("total")
        if not isinstance(places, int) or not isinstance(total, int) or self._running is None:
            return
        if self.parts_of is not None:  # groups found in these images would not be those of the result
            return
        if places >= self._next_preview and report.get("finished") is not True:
            while self._next_preview <= places:
                self._next_preview *= 2
            self.total = total
            self._previews.run("preview", partial(preview_parts, self._running.folder, self.parts))

    @Slot(str, object)
    def _on_preview(self, name: str, preview: AtlasPreview | None) -> None:
        if preview is not None and self.stage in ("running", "stopping", "stopped"):
            self._set_preview(preview)

    def _set_preview(self, preview: AtlasPreview | None) -> None:
        if preview is not self.preview:
            self.preview = preview
            self.preview_changed.emit()

    @Slot(str)
    def _on_ended(self, status: str) -> None:
        request, self._running = self._running, None
        if status == "done" and request is not None and request == self.request:
            self._open(request.folder)
        elif self.content is not None or self._opening is not None:  # an atlas was opened meanwhile
            return
        elif request != self.request:  # something else was chosen meanwhile
            self._look()
        else:
            self._set_stage("stopped" if status == "cancelled" else "ready")

    # -- the atlas ---------------------------------------------------------------------------------------------------------

    def _open(self, folder: Path) -> None:
        self._tasks.forget("look")
        self._tasks.forget("look only")
        self._opening = folder
        self._set_stage("opening")
        self._tasks.run("open", partial(_read_edited, self.edits, folder, self.data_set, self.model))

    @Slot(str, object)
    def _on_done(self, name: str, result: object) -> None:
        if isinstance(result, AtlasSearch):
            self.splits, self.split, self.others = result.splits, result.request.split, result.others
            self._kept = result.request
            if self.parts_of not in [other.folder for other in self.others]:
                self.parts_of = None
            if result.state == "finished" and name == "look":
                self._open(result.request.folder)
            else:
                self._set_stage("stopped" if result.state == "unfinished" else "ready")
            self.request_changed.emit()
        elif isinstance(result, _Opened):
            atlas = result.content.atlas
            self._opening, self._made_with = None, result.made_with
            self._begin(result.content)
            self._session.atlas = atlas.path
            self._recent.add("atlas", atlas.path, _recent_title(atlas.header, result.made_with))
            self._set_stage("open")

    @Slot(str, object)
    def _on_not_done(self, name: str, error: Exception) -> None:
        known = error if isinstance(error, S3NError) else S3NError("The atlas could not be read; see the log for why.")
        self._opening = None
        self._begin(None)
        self._session.atlas = None
        self._set_stage("ready" if self.request is not None else "nothing")
        self._fail(known)

    def _begin(self, content: AtlasContent | None) -> None:
        """Show another atlas, or none."""
        self.edits.begin(content)
        self._show(content)

    @Slot(object)
    def _on_edited(self, content: AtlasContent) -> None:
        self._show(content)
        self._session.report_atlas_edit()

    def _show(self, content: AtlasContent | None) -> None:
        if content is not self.content:
            self.content = content
            self.content_changed.emit()

    def _set_stage(self, stage: Stage) -> None:
        if stage != self.stage:
            self.stage = stage
            if stage not in ("running", "stopping", "stopped"):
                self._previews.forget("preview")
                self._set_preview(None)
            self.stage_changed.emit()


@dataclass(frozen=True)
class _Opened:
    """An atlas that was read, and its model file, where that lies now."""

    content: AtlasContent
    made_with: Path


def _read_edited(edits: PartEdits, folder: Path, data_set: DataSet | None, model: Path | None) -> _Opened:
    """Read an atlas once the edits that were asked for are made: they may be its own, if it is opened again."""
    edits.wait()
    content = read_content(folder, data_set)
    header = content.atlas.header
    found = None if model is None else model_of(header, model)
    return _Opened(content, Path(header.model_path) if found is None else found)


def _recent_title(header: AtlasHeader, made_with: Path) -> str:
    """Return what an atlas is called in a list: its folder's name may say nothing."""
    return f"{data_set_title(Path(header.data))} · {split_text(header.split)} · {model_title(made_with)}"
