"""The controller of the Export page: holds the choice, updates the preview, and runs the job."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QStandardPaths, Signal, Slot

from s3n_core.datasets.records import DataSet
from s3n_core.errors import S3NError
from s3n_gui.background.jobs import Job, JobList
from s3n_gui.background.single_job import SingleJob
from s3n_gui.background.tasks import Tasks
from s3n_gui.export.export_choice import ExportChoice
from s3n_gui.export.preview_making import PreviewMaker
from s3n_gui.state.image_selection import ImageSelection
from s3n_gui.state.opening import data_set_format, data_set_place
from s3n_gui.state.session import Session
from s3n_gui.state.settings import Settings
from s3n_gui.state.split_choice import SplitChoice, split_choice

_SPLITS = "splits"


class ExportController(QObject):
    """The state of the page. No widgets.

    Attributes:
        choice: The settings of the export.
        splits: The splits of the images, once they are known; they are found out while the page is shown.

    Signals:
        choice_changed: ``choice`` or ``splits`` changed.
        job_changed: The job started, made progress, or ended.
        failed: The job failed; carries the `S3NError`.
        exported: The job succeeded; carries its choice, which may no longer be ``choice``, and the last line of the
            command's output (a dict).
    """

    choice_changed = Signal()
    job_changed = Signal()
    failed = Signal(object)
    exported = Signal(object, object)

    def __init__(self, session: Session, settings: Settings, jobs: JobList, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._settings = session, settings
        self.preview = PreviewMaker(60 * settings.idle_minutes, self)
        self._export = SingleJob(jobs, self)
        self._export.changed.connect(self.job_changed)
        self._export.failed.connect(self.failed)
        self._export.ended.connect(self._on_ended)
        self._export.succeeded.connect(self._on_succeeded)
        self.splits = SplitChoice()
        self._own_split = False  # whether the split was chosen by hand
        self._start_wanted: bool | None = None  # whether to start over, as soon as the split is known
        self._tasks = Tasks(self)
        self._tasks.done.connect(self._on_splits)
        self._tasks.failed.connect(self._on_no_splits)
        self._active = False
        self._out_chosen = False
        self._running: ExportChoice | None = None
        self._stopped: ExportChoice | None = None
        self._place = None if session.data_set is None else data_set_place(session.data_set)
        self.choice = ExportChoice(
            model=session.model,
            images=self._place,
            format=data_set_format(session.data_set, self._place),
            device=settings.device,
            precision=settings.precision,
        )
        self._suggest_out()
        session.model_changed.connect(self.set_model)
        session.data_set_changed.connect(self._on_data_set)
        session.selection_changed.connect(self._on_selection)
        self._on_selection(session.selection)
        settings.changed.connect(self._on_setting)

    def set(self, **changes: Any) -> None:
        """Change fields of ``choice``, by their names in ``ExportChoice``."""
        if "images" in changes and changes["images"] != self.choice.images:
            self._own_split = "split" in changes
            changes.setdefault("split", "all")
            changes.setdefault("only", None)
        elif "split" in changes:
            self._own_split = True
        if changes.get("out") is not None:
            self._out_chosen = True
        before, changed = self.choice, replace(self.choice, **changes)
        changed = replace(changed, format=data_set_format(self._session.data_set, changed.images))
        if changed != before:
            others = (changed.images, changed.format, changed.model) != (before.images, before.format, before.model)
            self.choice, self._start_wanted = changed, None
            self._session.end_cause("export")
            self._suggest_out()
            if others:
                self._find_splits()
            self.choice_changed.emit()
            self._show_preview()

    def activate(self, active: bool = True) -> None:
        """Start or stop updating the preview; the page calls it when it is shown or hidden."""
        if active and not self._active:
            self._active = True
            self._find_splits()
        self._active = active
        self._show_preview()

    @Slot(object)
    def set_model(self, model: Path | None) -> None:
        """Set the model."""
        self.set(model=model)

    @property
    def job(self) -> Job | None:
        """The job, while it runs."""
        return self._export.job

    @property
    def stopped(self) -> bool:
        """Whether the last export of this choice was stopped, so that the next one resumes it."""
        return self._stopped == self.choice

    def start(self, *, restart: bool = False) -> None:
        """Start the export, or resume an earlier export of the same choice that was stopped.

        Args:
            restart: Write all files again.
        """
        if self.is_finding_splits:
            self._start_wanted = restart
            return
        choice = self.choice
        if choice.problem or choice.out is None or self.job is not None or choice.images is None:
            return
        self._session.end_cause("export")
        try:
            choice.write_list()
        except S3NError as error:
            self.failed.emit(error)
            return
        what = choice.images.name if choice.only is None else choice.only.count_text
        self._running = choice
        self._export.run(f"Exporting {what}", choice.arguments(restart=restart))

    def cancel(self) -> None:
        """Stop the job; written files are complete, and the same export can be resumed."""
        self._export.cancel()

    def shut_down(self) -> None:
        """Shut down the preview; the job list ends the job."""
        self._export.shut_down()
        self._tasks.close()
        self.preview.shut_down()

    def _show_preview(self) -> None:
        if self._active or self.choice.problem:
            self.preview.show(None if self.choice.problem else self.choice, self._open_data_set())

    def _open_data_set(self) -> DataSet | None:
        """Return the data set of the images, if it is open."""
        data_set = self._session.data_set
        return data_set if data_set is not None and data_set_place(data_set) == self.choice.images else None

    # -- splits ------------------------------------------------------------------------------------------------------------

    @property
    def is_finding_splits(self) -> bool:
        """Whether it is being found out which splits there are, and which is the usual one."""
        return self._tasks.is_open(_SPLITS)

    def _find_splits(self) -> None:
        self.splits = SplitChoice()
        if self._active and self.choice.images is not None:
            images, model = self.choice.images, self.choice.model
            self._tasks.run(_SPLITS, partial(split_choice, images, self._open_data_set(), model))
        else:
            self._tasks.forget(_SPLITS)

    @Slot(str, object)
    def _on_splits(self, _: str, splits: SplitChoice) -> None:
        """Take the splits; unless one was chosen, the images of the export are those that are measured by themselves."""
        self.splits, wanted = splits, self._start_wanted
        split = self.choice.split if self._own_split and self.choice.split in splits.available else splits.usual
        self.choice = replace(self.choice, split="all" if self.choice.only is not None else split)
        self.choice_changed.emit()
        self._show_preview()
        if wanted is not None:
            self._start_wanted = None
            self.start(restart=wanted)

    @Slot(str, object)
    def _on_no_splits(self, _: str, error: Exception) -> None:
        self._on_splits(_SPLITS, SplitChoice())  # the preview says what is wrong with the folder

    def _suggest_out(self) -> None:
        images = self.choice.images
        if images is not None and not self._out_chosen:
            place = Path(
                QStandardPaths.writableLocation(QStandardPaths.StandardLocation.PicturesLocation) or Path.home()
            )
            name = images.name if images.is_dir() else images.stem
            chosen = "" if self.choice.only is None else "-chosen"
            self.choice = replace(self.choice, out=place / f"{name}{chosen}-attention")

    def _on_data_set(self, data_set: DataSet | None) -> None:
        before, self._place = self._place, None if data_set is None else data_set_place(data_set)
        if self._place != before:  # else its images are in other splits, which is no reason to leave a chosen folder
            self.set(images=self._place)
        else:
            self.set()  # it may have been read in another format

    def _on_selection(self, selection: ImageSelection | None) -> None:
        if selection is not None:
            self.set(images=selection.root, only=selection, split="all", first=None)
        elif self.choice.only is not None:
            self._own_split = False
            self.set(only=None)
            self._find_splits()

    def _on_setting(self, name: str) -> None:
        if name in ("device", "precision"):
            self.set(**{name: self._settings.value(name)})
        elif name == "idle_minutes":
            self.preview.set_idle_seconds(60 * self._settings.idle_minutes)

    @Slot(object)
    def _on_succeeded(self, last: dict[str, object] | None) -> None:
        if self._running is not None:
            self.exported.emit(self._running, last or {})

    @Slot(str)
    def _on_ended(self, status: str) -> None:
        self._stopped = self._running if status == "cancelled" else None
        self.job_changed.emit()
