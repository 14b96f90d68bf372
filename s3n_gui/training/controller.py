"""The Train page's controller: the shown run, its metrics, which commands it accepts, and the job that runs them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot

from s3n_core.errors import DataChanged, S3NError, WeightsMissing
from s3n_core.runs.run_state import ACTIVE, RunState, ShownStatus
from s3n_gui.background.jobs import JobList
from s3n_gui.background.run_watch import Preparation
from s3n_gui.background.training_job import TrainingJob
from s3n_gui.background.training_request import TrainingRequest
from s3n_gui.state.live_runs import LiveRuns
from s3n_gui.state.messages import Cause
from s3n_gui.state.runs_watch import RunsSeen
from s3n_gui.state.session import Session
from s3n_gui.training.curves.metric_series import MetricSeries
from s3n_gui.training.runs.run_machine import Order, RunMachine
from s3n_gui.training.runs.run_reader import RunNews, RunReader

_log = logging.getLogger(__name__)
MOST_OTHERS = 4
_OVER_AT_START: tuple[Cause, ...] = ("training", "busy")


class TrainingController(QObject):
    """Follows the shown run and the runs compared with it, and passes commands to its job.

    Signals:
        run_shown: Another run is shown; its folder or None.
        measured: The shown run has new metrics, or has restarted.
        status_changed: State, status or phase of the shown run have changed.
        snapshots_found: Names of new snapshots of the shown run.
        others_changed: Other runs are compared with it, or have new metrics.
        data_changed: The shown run was not resumed because its data set has changed; the `DataChanged`.
        weights_missing: A training was not begun because its pretrained weights are not on this machine; the `WeightsMissing`,
            and a function that begins it when they are.

    Attributes:
        machine: The phase of the shown run.
        series: The metrics of the shown run.
        state: Its last recorded state.
        status: Its status to show; None if no run is shown.
        run: The content of its ``run.json``; empty until it is read.
        preparation: What its training does before its folder exists; None otherwise.
        validation: The fingerprint of its validation images; None until it is known.
    """

    run_shown = Signal(object)
    measured = Signal()
    status_changed = Signal()
    snapshots_found = Signal(object)
    others_changed = Signal()
    data_changed = Signal(object)
    weights_missing = Signal(object, object)

    def __init__(self, session: Session, jobs: JobList, trainings: LiveRuns, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._jobs, self._trainings = session, jobs, trainings
        self.machine = RunMachine()
        self.series = MetricSeries()
        self.state: RunState | None = None
        self.status: ShownStatus | None = None
        self.run: Mapping[str, Any] = {}
        self.preparation: Preparation | None = None
        self.validation: str | None = None
        self.path: Path | None = None
        self._reader: RunReader | None = None
        self._job: TrainingJob | None = None
        self._begun: tuple[TrainingJob, Callable[[], None]] | None = None
        self._heard: set[TrainingJob] = set()
        self._others: dict[Path, tuple[RunReader, MetricSeries]] = {}
        self._validation: dict[Path, str | None] = {}
        self._readers: list[RunReader] = []
        trainings.watch.changed.connect(self._on_seen)

    # -- which run -----------------------------------------------------------------------------------------------------

    def show_run(self, path: Path | None) -> None:
        """Show a live or finished run, or none."""
        if path == self.path:
            return
        self._close(self._reader)
        self._reader, self._job = None, None
        self.path, self.state, self.status, self.run, self.validation = path, None, None, {}, None
        self.series, self.preparation = MetricSeries(), None
        self.machine.hear("cleared" if path is None else "shown")
        if path is not None:
            self.lay_over(path, on=False)
            self._reader = self._open(path)
            self._reader.news.connect(self._on_news)
            self._reader.begin()
            self._adopt_job(path)
        self._session.run = path
        self.run_shown.emit(path)
        self.status_changed.emit()

    def lay_over(self, path: Path, *, on: bool = True) -> None:
        """Overlay another run on the shown one, or remove it."""
        if on and path != self.path and path not in self._others and len(self._others) < MOST_OTHERS:
            reader = self._open(path)
            self._others[path] = (reader, MetricSeries())
            reader.news.connect(self._on_other_news)
            reader.begin()
            self.others_changed.emit()
        elif not on and path in self._others:
            self._close(self._others.pop(path)[0])
            self.others_changed.emit()

    def others(self) -> list[tuple[Path, MetricSeries]]:
        """Return the overlaid runs and their metrics."""
        return [(path, series) for path, (_, series) in self._others.items()]

    def has_other_validation(self, fingerprint: str | None) -> bool:
        """Return whether validation images with this fingerprint are known to be other ones than those of the shown run."""
        return bool(fingerprint and self.validation and fingerprint != self.validation)

    def others_on_other_images(self) -> frozenset[Path]:
        """Return the runs laid over the shown one that have other validation images."""
        return frozenset(path for path in self._others if self.has_other_validation(self._validation.get(path)))

    # -- orders --------------------------------------------------------------------------------------------------------

    def start(self, request: TrainingRequest) -> None:
        """Start a new run and show it."""
        job = TrainingJob.start(request)
        self.show_run(request.root / request.name)
        self._begin(job, "start", partial(self.start_when_free, request))

    def start_when_free(self, request: TrainingRequest) -> None:
        """Start a new run and show it, unless another one has begun since it was asked for."""
        live = self.live_run()
        if live is None:
            self.start(request)
        else:
            self._session.report_error(f"{in_the_way(live)} Then start {request.name}.", cause="busy")

    def resume(self, device: str = "auto", *, changed_data: bool = False, epochs: int | None = None) -> None:
        """Resume the shown run; ``changed_data`` resumes it even if its data set has changed."""
        if self.path is None or not self.machine.can("resume"):
            return
        live = self.live_run()
        if live is not None and live != self.path:
            self._session.report_error(f"{in_the_way(live)} Then resume {self.path.name}.", cause="busy")
        else:
            job = TrainingJob.resume(self.path, device=device, changed_data=changed_data, epochs=epochs)
            again = partial(self._resume_again, self.path, device, changed_data, epochs)
            self._begin(job, "resume", again)

    def live_run(self) -> Path | None:
        """Return a run that is training, the shown one or another, or None."""
        if self.machine.busy and self.path is not None:
            return self.path
        others = [job.run_path for job in self._trainings.active()]
        others += [run.path for run in self._trainings.watch.seen.live()]
        # Ignore the watcher for the shown run: its own machine is more recent.
        return next((path for path in others if path != self.path), None)

    def order(self, order: Order) -> None:
        """Pause, continue, stop and keep, stop now or discard; ignored if the phase does not allow it."""
        if self.path is None or not self.machine.can(order):
            return
        job = self._job_now()
        self.machine.order(order)
        {
            "pause": job.pause,
            "go-on": job.go_on,
            "stop": job.stop_and_keep,
            "stop-now": job.stop_now,
            "discard": job.discard,
        }[order]()
        self.status_changed.emit()

    @property
    def batch_seconds(self) -> float | None:
        """Approximate time per batch in seconds; None while unknown."""
        recipe = self.run.get("recipe")
        pace = self.state.images_per_second if self.state is not None else None
        size = recipe.get("batch_size") if isinstance(recipe, Mapping) else None
        return size / pace if isinstance(size, int) and pace else None

    def close(self) -> None:
        """Stop following runs; training continues."""
        self._close(self._reader)
        self._reader = None
        for reader, _ in self._others.values():
            self._close(reader)
        self._others.clear()
        for reader in self._readers:
            reader.wait()

    # -- inside --------------------------------------------------------------------------------------------------------

    def _resume_again(self, path: Path, device: str, changed_data: bool, epochs: int | None) -> None:
        if path == self.path and self.machine.can("resume"):
            self.resume(device, changed_data=changed_data, epochs=epochs)
        else:  # another run is shown by now
            self._session.report_notice(f"The weights of {path.name} are here; resume it to train.")

    def _begin(self, job: TrainingJob, order: Order, again: Callable[[], None]) -> None:
        self._begun = job, again
        for cause in _OVER_AT_START:
            self._session.end_cause(cause)
        self._jobs.add(job)
        self._listen(job)
        self.machine.order(order)
        self.status = "starting"
        self.status_changed.emit()

    def _job_now(self) -> TrainingJob:
        assert self.path is not None
        if self._job is None or not self._job.is_active:
            self._listen(self._trainings.job_of(self.path))
        assert self._job is not None
        return self._job

    def _adopt_job(self, path: Path) -> None:
        """Take over the job of a run that is shown again: until its process locks the run, only the job knows of it."""
        job = next((job for job in self._trainings.active() if job.run_path == path), None)
        if job is not None:
            self._listen(job)
            self.status = "stopping" if job.status == "stopping" else "starting"
            self.machine.hear(self.status)

    def _listen(self, job: TrainingJob) -> None:
        self._job = job
        if job in self._heard:
            return
        self._heard.add(job)
        job.prepared.connect(self._on_prepared)
        job.failed.connect(self._on_failed)
        job.ended.connect(self._on_ended)

    def _open(self, path: Path) -> RunReader:
        reader = RunReader(path, self)
        self._readers.append(reader)
        reader.destroyed.connect(self._forget_readers)
        return reader

    def _close(self, reader: RunReader | None) -> None:
        if reader is not None:
            reader.close()

    def _forget_readers(self) -> None:
        from shiboken6 import isValid

        self._readers = [reader for reader in self._readers if isValid(reader)]

    def _on_seen(self, seen: RunsSeen) -> None:
        if not seen.live():
            self._session.end_cause("busy")

    @Slot(object)
    def _on_news(self, news: RunNews) -> None:
        if news.restarted:
            self.series.clear()
        self.series.add(news.lines)
        self.series.set_validation_images(news.validation_images)
        self.run, self.state = news.run or self.run, news.state
        if not news.gone:
            self.preparation = None
        if news.validation != self.validation:
            self.validation = news.validation
            self.others_changed.emit()
        if news.state is not None:
            self.series.set_batches(news.state.batches)
        self._hear(news)
        if news.restarted or news.lines.count or news.lines.epochs:
            self.measured.emit()
        if news.snapshots:
            self.snapshots_found.emit(news.snapshots)
        self.status_changed.emit()

    def _hear(self, news: RunNews) -> None:
        waiting = self._job is not None and self._job.is_active
        if news.live and news.status in ACTIVE:
            self.machine.hear(news.status)  # type: ignore[arg-type]  # the active statuses are news
            self.status = news.status
        elif not waiting:
            # A new process does not hold the run's lock yet; until it does, rely on its job.
            self.machine.hear("over")
            self.status = news.status
        if news.gone and not waiting:
            self.show_run(None)

    @Slot(object, object)
    def _on_other_news(self, news: RunNews, path: Path) -> None:
        _, series = self._others[path]
        self._validation[path] = news.validation
        if news.restarted:
            series.clear()
        series.add(news.lines)
        series.set_validation_images(news.validation_images)
        if news.state is not None:
            series.set_batches(news.state.batches)
        self.others_changed.emit()

    @Slot(object, object)
    def _on_prepared(self, preparation: Preparation, job: TrainingJob) -> None:
        if job is self._job and self.machine.busy:
            self.preparation = preparation
            self.status_changed.emit()

    @Slot(object, object)
    def _on_failed(self, error: S3NError, job: TrainingJob) -> None:
        if job is self._job and self._job is not None and self._job.is_active:
            self.machine.hear("refused")
            self.status_changed.emit()
        if isinstance(error, DataChanged) and job is self._job:
            self.data_changed.emit(error)
        elif isinstance(error, WeightsMissing) and self._begun is not None and job is self._begun[0]:
            self.weights_missing.emit(error, self._begun[1])
        else:
            self._session.report_error(error, cause="training")

    @Slot(str, object)
    def _on_ended(self, status: str, job: TrainingJob) -> None:
        self._heard.discard(job)
        if job is not self._job or self._job is None:
            return
        self.machine.hear("over")
        self.status = self._job.run_status
        if self.status == "discarded":
            name = self._job.run_path.name
            self.show_run(None)
            self._session.report_notice(f"{name} was discarded; it is in the trash.")
        elif self.status in ("failed", "stopped") and not self._job.run_path.exists():
            ended = self._job
            self.show_run(None)  # Refused before the run folder existed, where the error says why, or stopped.
            if ended.run_status == "stopped":
                self._session.report_notice(ended.sentence, cause="training")
        else:
            self.status_changed.emit()


def in_the_way(live: Path) -> str:
    """Return the message that another run is training. Only one may train, as two would slow each other down."""
    return f"{live.name} is being trained. Stop and keep it, or wait until it is finished."
