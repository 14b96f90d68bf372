"""The effect of fast mode on a model's validation images: found in the window's tables, or measured by a job."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject, Signal, Slot

from s3n_core.errors import OutputError, S3NError
from s3n_core.evaluation.cascade import CascadeOutcomes, outcomes_of_rows
from s3n_core.evaluation.chosen_images import threshold_images
from s3n_core.prediction.tables import read_json_table
from s3n_gui.appearance.wording import error_text
from s3n_gui.background.command_job import CommandJob
from s3n_gui.background.jobs import JobList
from s3n_gui.background.tasks import Tasks
from s3n_gui.prediction.table_check import difference
from s3n_gui.state.prediction_request import PredictionRequest
from s3n_gui.state.settings import Settings

MeasurementStage = Literal["looking", "impossible", "unmeasured", "measuring", "measured"]
"""It is being found out; there are no validation images, or the model has only O; no table; a job is running; known."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What is known of a model.

    Attributes:
        request: The predictions that fast mode is measured with: all branches on the validation images.
        outcomes: Their results; None if there is no table.
        useless: There is a table, but images cannot stop after O.
    """

    request: PredictionRequest
    outcomes: CascadeOutcomes | None = None
    useless: bool = False


class FastModeMeasurement(QObject):
    """Looks for the predictions of the validation images, and makes them.

    Signals:
        changed: ``stage`` or what belongs to it has changed.

    Attributes:
        stage: See `MeasurementStage`.
        words: Why it is impossible, or what went wrong; may be empty.
        outcomes: The results of the validation images, if measured.
        folder: Their folder's name.
    """

    changed = Signal()

    def __init__(self, settings: Settings, jobs: JobList, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._settings, self._jobs = settings, jobs
        self.stage: MeasurementStage = "looking"
        self.words, self.folder = "", ""
        self.outcomes: CascadeOutcomes | None = None
        self._request: PredictionRequest | None = None
        self._choice: tuple[Path, Path | None] | None = None
        self._job: CommandJob | None = None
        self._tasks = Tasks(self)
        self._tasks.done.connect(self._on_found)
        self._tasks.failed.connect(self._on_not_found)

    def look(self, model: Path, images: Path | None, *, again: bool = False) -> None:
        """Look for the measured effect of a model, in the background.

        Args:
            model: A model file or a run's folder.
            images: The images to predict; their validation images are used for a model that lies in no run.
            again: Look even if it is known what there is: files may have changed.
        """
        same = self._choice == (model, images)
        if same and (self._job is not None or not again):
            return
        self._choice = (model, images)
        if not same:
            self._forget_job()
            self._set("looking")
        self._tasks.run("look", partial(_look, model, images, self._settings.device, self._settings.precision))

    def measure(self) -> None:
        """Predict the validation images with all branches."""
        request = self._request
        if request is None or self.stage != "unmeasured":
            return
        try:
            request.table.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            self._on_failed(OutputError(f"{request.table.parent} cannot be made ({error.strerror})."))
            return
        job = CommandJob(f"Measuring fast mode on {request.images.name}", request.arguments(restart=True))
        job.succeeded.connect(self._on_measured)
        job.failed.connect(self._on_failed)
        job.ended.connect(self._on_ended)
        self._job = job
        self._jobs.add(job)
        self._set("measuring")
        job.start()

    def shut_down(self) -> None:
        """Stop the thread; the job belongs to the job list."""
        self._forget_job()
        self._tasks.close()

    def _set(self, stage: MeasurementStage, words: str = "") -> None:
        self.stage, self.words = stage, words
        if stage != "measured":
            self.outcomes = None
        self.changed.emit()

    @Slot(str, object)
    def _on_found(self, name: str, found: _Found) -> None:
        self._request, self.folder = found.request, found.request.images.name
        self.outcomes = found.outcomes
        if found.useless:
            self._set("impossible", "In this model no branch can be skipped: it has only one, or O reports no class.")
        else:
            self._set("unmeasured" if found.outcomes is None else "measured")

    @Slot(str, object)
    def _on_not_found(self, name: str, error: Exception) -> None:
        self._request = None
        self._set("impossible", error_text(error) if isinstance(error, S3NError) else "The images cannot be read.")

    @Slot(object, object)
    def _on_measured(self, last: object, job: object) -> None:
        self._forget_job()
        if self._choice is not None:
            self.look(*self._choice, again=True)

    @Slot(object)
    def _on_failed(self, error: S3NError) -> None:
        self._forget_job()
        self._set("unmeasured", error_text(error))

    @Slot(str)
    def _on_ended(self, status: str) -> None:
        if status == "cancelled":  # success and failure have their own signals, which follow
            self._forget_job()
            self._set("unmeasured")

    def _forget_job(self) -> None:
        if self._job is not None:
            self._job.succeeded.disconnect(self._on_measured)
            self._job.failed.disconnect(self._on_failed)
            self._job.ended.disconnect(self._on_ended)
            self._job = None


def _look(model: Path, images: Path | None, device: str, precision: str) -> _Found:
    """Find the predictions of the validation images; those of other images or another model do not count.

    Raises:
        S3NError, OSError: There are no validation images, or they cannot be read.
    """
    source = threshold_images(model, images)
    request = PredictionRequest(
        model=model,
        images=source.folder,
        format=source.format,
        split=source.split,
        device=device,
        precision=precision,
    )
    if not request.table.exists():
        return _Found(request)
    try:
        header, rows = read_json_table(request.table)
        if difference(request, header):
            return _Found(request)
        outcomes = outcomes_of_rows(rows)
    except ValueError:  # a damaged table is made again
        return _Found(request)
    return _Found(request, outcomes, useless=outcomes is None)
