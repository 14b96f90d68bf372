"""The Predict page's controller: starts, stops and resumes the job, follows its table, and holds the choices."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject, Signal, Slot

from s3n_core.datasets.records import DataSet, Skipped
from s3n_core.datasets.skipped_files import skipped_from_json
from s3n_core.errors import OutputError, S3NError, UnfinishedOutput
from s3n_core.prediction.rows import PredictionHeader
from s3n_core.runs.model_paths import after_rename
from s3n_core.system.line_files import part_path
from s3n_gui.background.command_job import CommandJob
from s3n_gui.background.jobs import Job, JobList
from s3n_gui.background.tasks import Tasks
from s3n_gui.background.worker_thread import WorkerThread
from s3n_gui.prediction.table.prediction_columns import Block, PredictionColumns
from s3n_gui.prediction.table.table_reading import TableReader
from s3n_gui.prediction.table_check import TableCheck, check_table
from s3n_gui.state.kept_results import move_table
from s3n_gui.state.opening import data_set_format, data_set_place
from s3n_gui.state.prediction_request import PredictionRequest
from s3n_gui.state.session import Session
from s3n_gui.state.settings import Settings
from s3n_gui.state.split_choice import SplitChoice, split_choice

Stage = Literal["nothing", "reading", "ready", "running", "stopping", "stopped", "finished"]
"""The stage of the request: incomplete; its table is being opened; no table; a job is running; the job is stopping; part
of the table exists; the table is complete."""


class PredictionController(QObject):
    """The state of the page, without a widget.

    Signals:
        request_changed: Images, model, split or entropy threshold of the fast mode have changed.
        stage_changed: ``stage`` has changed.
        began: A new table begins; ``predictions`` is a new object.
        grown: Rows were added; the index of the first new row.
        failed: The job or the reading has failed; the `S3NError`.
        checked: ``stale`` is known for the current table.
        progressed: The job has made progress.
    """

    request_changed = Signal()
    stage_changed = Signal()
    began = Signal()
    grown = Signal(int)
    failed = Signal(object)
    checked = Signal()
    progressed = Signal()

    def __init__(self, session: Session, settings: Settings, jobs: JobList, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._settings, self._jobs = session, settings, jobs
        self.model: Path | None = session.model
        self._place = None if session.data_set is None else data_set_place(session.data_set)
        self.images: Path | None = self._place
        self._start_asked = False  # by another page, as soon as the images and the state of their table are known
        self.split = "all"
        self.splits = SplitChoice()
        """The splits of the images that can be chosen, once they are known."""
        self.remembered: dict[str, str] = {}
        """The split that was chosen for each folder of images, newest last."""
        self._settled = self.images is None
        """Whether ``split`` is known: it was chosen, or found out."""
        self.stop_below: float | None = None
        self.stage: Stage = "nothing"
        self.predictions: PredictionColumns | None = None
        self.total = 0
        self.error: S3NError | None = None
        self.stale = ""
        self.measured_split = ""
        """The split that the accuracy should be measured on, if the table is of all images; see ``TableCheck.split``."""
        self._skipped: tuple[Skipped, ...] = ()
        self._job: Job | None = None
        self._tasks = Tasks(self)
        self._tasks.done.connect(self._on_done)
        self._tasks.failed.connect(self._on_not_done)
        self._read_for: PredictionRequest | None = None  # whose table is shown; ``request`` may differ in its precision
        self._table = Path()  # its path, as long as nothing is renamed while a job is writing it
        self._reader: TableReader | None = None
        self._thread: WorkerThread | None = None
        self._reading = 0
        self._active = False
        session.run_renamed.connect(self._on_renamed)
        session.model_changed.connect(self.set_model)
        session.data_set_changed.connect(self._on_data_set)
        session.predictions_asked.connect(self._on_asked)

    @property
    def request(self) -> PredictionRequest | None:
        """The request for the current choices; None without images or a model, or before the split is known."""
        if self.model is None or self.images is None or not self._settled:
            return None
        return PredictionRequest(
            model=self.model,
            images=self.images,
            format=data_set_format(self._session.data_set, self.images),
            split=self.split,
            device=self._settings.device,
            precision=self._settings.precision,
            stop_below=self.stop_below,
        )

    @property
    def _known_split(self) -> str:
        """The split, or "" until it is known."""
        return self.split if self._settled else ""

    @property
    def job(self) -> Job | None:
        """The running job, or None."""
        return self._job

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """What lies in the folder and is no image, as the open data set or the last job says."""
        data_set = self._open_data_set
        return self._skipped if data_set is None else data_set.skipped

    @property
    def _open_data_set(self) -> DataSet | None:
        """The open data set if its images are the chosen ones, else None."""
        data_set = self._session.data_set
        return data_set if data_set is not None and data_set_place(data_set) == self.images else None

    @property
    def can_start_over(self) -> bool:
        """Whether there are rows of an earlier job that a new one may replace."""
        if isinstance(self.error, UnfinishedOutput):
            return self.stage not in ("running", "stopping")
        return self.stage == "stopped" and not self.stale

    # -- choices -------------------------------------------------------------------------------------------------------

    def activate(self) -> None:
        """Look for an existing table; called when the page is shown, and nothing is read before."""
        if not self._active:
            self._active = True
            self._find_splits()
            self._open()

    @Slot(object)
    def set_model(self, model: Path | None) -> None:
        """Choose a model; a threshold of fast mode was chosen for another's entropies, so it is given up, and that is said."""
        same = model == self.model
        given_up = None if same else self.stop_below
        self._choose(model, self.images, self._known_split if same else "", self.stop_below if same else None)
        if given_up is not None:
            self._session.report_notice("Fast mode is off: its threshold was that of another model.")

    @Slot(object, object)
    def _on_renamed(self, before: Path, after: Path) -> None:
        """Keep the table, the job and the threshold of a run that has another name now."""
        model = None if self.model is None else after_rename(self.model, before, after)
        if model is None or model == self.model:
            return
        self.model = model
        if self._read_for is not None:
            self._read_for = replace(self._read_for, model=model)
            if self._job is None:
                self._move_table(self._read_for.table)
        self.request_changed.emit()
        if self.stage == "reading":  # it may not have been opened under its old name yet
            self._open()

    def set_images(self, images: Path | None, split: str = "") -> None:
        """Choose a folder or a single image.

        Args:
            images: The folder or the image.
            split: The split; empty: the one that was chosen for it before, else the usual one.
        """
        self._choose(self.model, images, split or (self._known_split if images == self.images else ""), self.stop_below)

    def set_split(self, split: str) -> None:
        """Choose a split of the data set, which is kept for it."""
        if self.images is not None:
            self.remembered.pop(str(self.images), None)
            self.remembered[str(self.images)] = split
        self._choose(self.model, self.images, split, self.stop_below)

    def set_stop_below(self, entropy: float | None) -> None:
        """Set the entropy, in nats, up to which O alone predicts an image; None uses all branches."""
        self._choose(self.model, self.images, self._known_split, entropy)

    def _on_data_set(self, data_set: DataSet | None) -> None:
        before, self._place = self._place, None if data_set is None else data_set_place(data_set)
        if self._place != self.images:
            if self._place != before:  # else the user has chosen other images, and this one only has other splits
                self.set_images(self._place)
        elif self._job is None:  # it was read again, or images were moved to other splits: the table may no longer fit
            self._find_splits()
            self._check()

    def _choose(self, model: Path | None, images: Path | None, split: str, stop_below: float | None) -> None:
        """Take choices; an empty ``split`` is found out first, in the background."""
        if (model, images, split, stop_below) == (self.model, self.images, self._known_split, self.stop_below):
            return
        changed = (model, images) != (self.model, self.images)
        self._start_asked = False
        if self._job is not None:
            self._job.cancel()  # its rows are kept in a table of their own
            self._forget_job()
        if images != self.images:
            self._skipped = ()
        self.model, self.images, self.split, self.stop_below = model, images, split or "all", stop_below
        if changed:
            self._session.predictions = None
            self._settled = bool(split) or images is None
            self.splits = SplitChoice()
            self._find_splits()
        elif split:
            self._settled = True
        self._session.end_cause("prediction")
        self.request_changed.emit()
        if self._active:
            self._open()

    def _find_splits(self) -> None:
        """Find out the splits of the images, and which one to predict, unless it is chosen; nothing is read before."""
        if not self._active or self.images is None:
            self._tasks.forget("splits")
            return
        self._tasks.run("splits", partial(split_choice, self.images, self._open_data_set, self.model))

    def _on_done(self, name: str, result: SplitChoice | TableCheck) -> None:
        if isinstance(result, SplitChoice):
            self._take_splits(result)
        else:
            self._on_checked(result)

    def _on_not_done(self, name: str, error: Exception) -> None:
        if name == "splits":  # the prediction says what is wrong with the folder
            self._take_splits(SplitChoice())

    def _take_splits(self, splits: SplitChoice) -> None:
        self.splits = splits
        if not self._settled:
            kept = self.remembered.get(str(self.images), "")
            self.split, self._settled = kept if kept in splits.available else splits.usual, True
            self.request_changed.emit()
            self._open()
        else:
            self.request_changed.emit()

    def _on_asked(self, split: str) -> None:
        """Predict the data set, or a split of it, with all branches for another page, unless that is done or a job runs.

        Args:
            split: "all", a split, or "" for the images that are measured by themselves.
        """
        self.activate()
        data_set = self._session.data_set
        images = self.images if data_set is None else data_set_place(data_set)
        same = (self._session.model, images) == (self.model, self.images)
        self._choose(self._session.model, images, split or (self._known_split if same else ""), None)
        self._start_asked = True
        self._start_if_asked()

    def _start_if_asked(self) -> None:
        """Start what another page has asked for, once it is known whether there are rows already, and whether they fit."""
        if not self._start_asked or not self._settled or self._tasks.is_open("check") or self.stage == "reading":
            return
        self._start_asked = False
        if self.stage in ("ready", "stopped") or (self.stage == "finished" and self.stale):
            self.start()

    # -- the job -------------------------------------------------------------------------------------------------------

    def start(self, *, restart: bool = False) -> None:
        """Start the job; it resumes an earlier one, unless that was for another model or other images.

        Args:
            restart: Discard the rows of an earlier job.
        """
        request = self.request
        if request is None or self._job is not None:
            return
        self._session.end_cause("prediction")
        # Also discards stale rows, and the header of a job that was stopped before its first row.
        rowless = self.stage == "ready" and self.predictions is not None
        restart = restart or rowless or (self.stage == "stopped" and bool(self.stale))
        try:
            request.table.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            self._fail(
                OutputError(f"{request.table.parent} cannot be made ({error.strerror}); choose another S3N_HOME.")
            )
            return
        job = CommandJob(f"Predicting {request.images.name}", request.arguments(restart=restart))
        job.printed.connect(self._on_printed)
        job.failed.connect(self._fail)
        job.ended.connect(self._on_ended)
        self._job, self.error, self.stale = job, None, ""
        self._session.predictions = None  # it is written anew under the same name, and has to be read again then
        self._jobs.add(job)
        self._set_stage("running")
        self._read(request, growing=True, restart=restart)
        job.start()

    def cancel(self) -> None:
        """Stop the job; its rows are kept."""
        if self._job is not None and self.stage == "running":
            self._set_stage("stopping")
            self._job.cancel()

    def shut_down(self) -> None:
        """Stop all threads; the job itself belongs to the job list."""
        self._forget_job()
        self._stop_reading()
        self._tasks.close()

    @Slot(object)
    def _on_printed(self, event: dict[str, object]) -> None:
        if isinstance(event.get("total"), int):
            self.total = int(str(event["total"]))
        if event.get("event") == "skipped":
            self._skipped = skipped_from_json(event.get("skipped"))
        self.progressed.emit()

    @Slot(str)
    def _on_ended(self, status: str) -> None:
        self._forget_job()
        if self._read_for is not None and self._table != self._read_for.table:  # renamed while the job was running
            self._move_table(self._read_for.table)
            self._open()
        elif self._reader is not None:
            self._reader.settle()

    def _forget_job(self) -> None:
        if self._job is not None:
            self._job.ended.disconnect(self._on_ended)
            if isinstance(self._job, CommandJob):
                self._job.printed.disconnect(self._on_printed)
            self._job = None

    @Slot(object)
    def _fail(self, error: S3NError) -> None:
        self.error = error
        self.failed.emit(error)

    # -- the table -----------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        """Open the existing table, complete or partial."""
        self._stop_reading()
        self._read_for, request = None, self.request
        self.predictions, self.total, self.error, self.stale, self.measured_split = None, 0, None, "", ""
        self.began.emit()
        if request is None:
            self._set_stage("nothing" if self._settled or self.model is None else "reading")
        elif part_path(request.table).exists() or request.table.exists():
            self._set_stage("reading")
            self._read(request, growing=False)
        else:
            self._set_stage("ready")
        self._start_if_asked()

    def _read(self, request: PredictionRequest, *, growing: bool, restart: bool = False) -> None:
        self._stop_reading()
        self._read_for = request
        self._table = request.table
        self._reading += 1
        reader = TableReader(request.table, growing=growing, restart=restart, number=self._reading)
        reader.began.connect(self._on_began)
        reader.read.connect(self._on_read)
        reader.completed.connect(self._on_completed)
        reader.ended.connect(self._on_read_all)
        reader.unreadable.connect(self._on_unreadable)
        self._reader, self._thread = reader, WorkerThread(reader)
        self._thread.start()

    def _move_table(self, table: Path) -> None:
        """Give the table that is shown the name that its request has now."""
        move_table(self._table, table)
        if self._session.predictions == self._table:
            self._session.predictions = table
        self._table = table

    def _stop_reading(self) -> None:
        self._tasks.forget("check")
        if self._reader is None or self._thread is None:
            return
        self._reader.stop()
        self._thread.wait()  # at most the time for one block
        self._reader = self._thread = None
        self._reading += 1

    @Slot(int, object)
    def _on_began(self, number: int, header: PredictionHeader) -> None:
        if number == self._reading:
            self.predictions, self.total = PredictionColumns(header), header.count
            self.began.emit()

    @Slot(int, object)
    def _on_read(self, number: int, block: Block) -> None:
        if number == self._reading and self.predictions is not None:
            first = len(self.predictions)
            self.predictions.append(block)
            self.grown.emit(first)

    @Slot(int, object)
    def _on_completed(self, number: int, header: PredictionHeader) -> None:
        if number == self._reading and self.predictions is not None:
            self.predictions.header = header

    @Slot(int, bool)
    def _on_read_all(self, number: int, finished: bool) -> None:
        if number == self._reading:
            self._set_stage("finished" if finished else "stopped" if self.predictions else "ready")  # no rows: ready
            self._check()
            self._start_if_asked()

    @Slot(int, str)
    def _on_unreadable(self, number: int, sentence: str) -> None:
        if number == self._reading:
            self._fail(S3NError(sentence))

    # -- stale check ---------------------------------------------------------------------------------------------------

    def _check(self) -> None:
        request = self._read_for
        if request is None or not self.predictions:
            return
        # The data set may have been opened in another format since.
        request = replace(request, format=data_set_format(self._session.data_set, request.images))
        self._tasks.run("check", partial(check_table, request, self.predictions.header))

    def _on_checked(self, check: TableCheck) -> None:
        if self.predictions is None or self._job is not None:
            return
        self.stale, self.measured_split = check.stale, check.split
        request = self._read_for
        if (
            self.stage == "finished"
            and not check.stale
            and request is not None
            and request.model == self._session.model
            and self._open_data_set is not None
        ):
            # Fast mode leaves D and C unknown, but other pages need them to find disagreements.
            self._session.predictions = request.table if request.stop_below is None else None
        self.checked.emit()
        self._start_if_asked()

    def _set_stage(self, stage: Stage) -> None:
        if stage != self.stage:
            self.stage = stage
            self.stage_changed.emit()
