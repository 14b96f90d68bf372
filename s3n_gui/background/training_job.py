"""Trainings as jobs: start a process or find a running one, and follow the run folder.

Window and training share only the run folder (`s3n_core.runs`). So trainings started from the command line or by
another window look the same here, and trainings started here outlive the window.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

from PySide6.QtCore import QObject, Signal, Slot

from s3n_core.errors import ProgramDefect, S3NError, WeightsMissing
from s3n_core.runs.ending import STOP_NOW_SECONDS, STOP_SECONDS
from s3n_core.runs.following import RunChange
from s3n_core.runs.run_state import ACTIVE, RunState, ShownStatus
from s3n_core.system.engine_process import engine_command
from s3n_gui.appearance.wording import error_text
from s3n_gui.background.jobs import Job, JobStatus
from s3n_gui.background.run_watch import Ending, Preparation, RunOrder, RunWatch
from s3n_gui.background.training_request import REPORTING, TrainingRequest
from s3n_gui.background.worker_thread import WorkerThread

_SENTENCES: dict[ShownStatus, str] = {
    "finished": "Training finished.",
    "stopped": "Training stopped; everything is kept. You can resume it.",
    "interrupted": "Training ended unexpectedly. Resume it to continue from its last checkpoint.",
    "failed": "Training failed; see its log.",
    "discarded": "Training discarded; the run is in the trash.",
    "broken": "The run folder cannot be read.",
}
_STATUSES: dict[ShownStatus, JobStatus] = {
    "finished": "done",
    "stopped": "cancelled",
    "discarded": "cancelled",
}


class TrainingJob(Job):
    """One training. Create it with `start`, `resume` or `follow`, which return a running job.

    It ends when the run is no longer trained, or when the window stops following it (`leave`).
    """

    run_changed = Signal(object)
    """The run folder changed: a `RunChange` with the new lines of the metrics."""
    run_status_changed = Signal(str)
    """The status of the run changed: the new `ShownStatus`."""
    prepared = Signal(object, object)
    """The training has made progress before there is a run folder: the `Preparation`, and the job."""
    failed = Signal(object, object)
    """An order was refused or the training failed: the `S3NError`, and the job."""

    def __init__(
        self, title: str, run_path: Path, command: Sequence[str] | None, log_name: str, parent: QObject | None
    ) -> None:
        """Use `start`, `resume` or `follow` instead."""
        super().__init__(title, parent)
        self._run_path = run_path
        self._run_status: ShownStatus = "starting"
        self._state: RunState | None = None
        self._live = False
        self._own = command is not None
        self._watch = RunWatch(run_path, command, log_name)
        self._watch.changed.connect(self._on_run_changed)
        self._watch.preparing.connect(self._on_preparing)
        self._watch.refused.connect(self._on_refused)
        self._watch.ended.connect(self._on_ended)
        self._watch.crashed.connect(self._on_crashed)
        self._thread = WorkerThread(self._watch)
        self._thread.finished.connect(self._on_finished)
        self._ending: Ending | None = None
        self._report(status="running", text="starting")
        self._thread.start()

    @classmethod
    def start(cls, request: TrainingRequest, parent: QObject | None = None) -> Self:
        """Start a new training."""
        command = engine_command(*request.arguments, prefix=request.prefix)
        path = request.root / request.name
        return cls(f"Training {request.name}", path, command, f"train-{request.name}", parent)

    @classmethod
    def resume(
        cls,
        run_path: Path,
        parent: QObject | None = None,
        *,
        device: str = "auto",
        changed_data: bool = False,
        epochs: int | None = None,
        prefix: Sequence[str] = (),
    ) -> Self:
        """Resume a stopped or interrupted run; ``changed_data``: even if its data set has changed."""
        arguments = ["runs", "resume", run_path.name, f"--runs={run_path.parent}", f"--device={device}", *REPORTING]
        arguments += ["--changed-data"] if changed_data else []
        arguments += [] if epochs is None else [f"--epochs={epochs}"]
        command = engine_command(*arguments, prefix=prefix)
        return cls(f"Training {run_path.name}", run_path, command, f"train-{run_path.name}", parent)

    @classmethod
    def follow(cls, run_path: Path, parent: QObject | None = None) -> Self:
        """Follow a training that was started elsewhere; if the run is not being trained, report it once and end."""
        return cls(f"Training {run_path.name}", run_path, None, f"train-{run_path.name}", parent)

    # State

    @property
    def run_path(self) -> Path:
        """The run folder; it may not exist yet."""
        return self._run_path

    @property
    def run_status(self) -> ShownStatus:
        """The displayed status of the run."""
        return self._run_status

    @property
    def state(self) -> RunState | None:
        """The last recorded state of the training; None before the first."""
        return self._state

    @property
    def live(self) -> bool:
        """Whether a process is training the run."""
        return self._live

    # Orders

    def pause(self) -> None:
        """Pause after the current batch."""
        self._watch.order(RunOrder("pause"))

    def go_on(self) -> None:
        """Resume a paused training."""
        self._watch.order(RunOrder("resume"))

    def stop_and_keep(self, grace_seconds: float = STOP_SECONDS) -> None:
        """Stop after the current batch and keep everything; terminate the process after the grace period."""
        self._order(RunOrder("stop", grace_seconds))

    def stop_now(self, grace_seconds: float = STOP_NOW_SECONDS) -> None:
        """Stop without waiting for the batch; the last checkpoint is kept."""
        self._order(RunOrder("stop-now", grace_seconds))

    def discard(self, grace_seconds: float = STOP_NOW_SECONDS) -> None:
        """Stop and move the run to the trash."""
        self._order(RunOrder("discard", grace_seconds))

    def cancel(self) -> None:
        """Same as `stop_and_keep`."""
        self.stop_and_keep()

    def leave(self) -> None:
        """Stop following; the training continues."""
        self._watch.leave()
        self._thread.wait()
        if self.is_active:
            self._end("cancelled", "Training continues in the background.")

    def close(self) -> None:
        """Same as `leave`: a training outlives the window."""
        self.leave()

    def _order(self, order: RunOrder) -> None:
        if self.is_active:
            self._report(status="stopping", text="stopping", fraction=self.fraction)
            self._watch.order(order)

    # Signals of the worker

    @Slot(object)
    def _on_run_changed(self, change: RunChange) -> None:
        self._state, self._live = change.state, change.live
        status = change.status
        if self._own and not change.live and self._run_status == "starting":
            status = "starting"  # this job's process has not locked the run yet; the folder shows an older state
        if status != self._run_status:
            self._run_status = status
            self.run_status_changed.emit(status)
        if self.is_active and change.state is not None and status in ACTIVE:
            self._report_state(change.state)
        self.run_changed.emit(change)

    def _report_state(self, state: RunState) -> None:
        pace = "" if state.images_per_second is None else f", {state.images_per_second:.1f} images/s"
        text = {"running": f"epoch {min(state.epoch + 1, state.epochs)} of {state.epochs}{pace}"}.get(
            state.status, state.status
        )
        self._report(
            text=text if self.status != "stopping" else "stopping",
            fraction=min(state.epochs_passed / state.epochs, 1.0) if state.epochs else None,
            seconds_left=state.seconds_left,
        )

    @Slot(object)
    def _on_preparing(self, preparation: Preparation) -> None:
        if self.status == "running":
            what = preparation.what[:1].lower() + preparation.what[1:]
            self._report(
                text=f"{what}, {preparation.done} of {preparation.total}",
                fraction=min(preparation.done / preparation.total, 1.0),
                seconds_left=preparation.seconds_left,
            )
        self.prepared.emit(preparation, self)

    @Slot(object)
    def _on_refused(self, error: S3NError) -> None:
        if self.status == "stopping":  # it is not: the training goes on, and can be stopped again
            self._report(status="running", text=self._run_status, fraction=self.fraction)
            if self._state is not None:
                self._report_state(self._state)
        self.failed.emit(error, self)

    @Slot(object)
    def _on_ended(self, ending: Ending) -> None:
        self._ending = ending

    @Slot()
    def _on_finished(self) -> None:
        ending = self._ending
        if ending is None:
            return  # the worker crashed, which has already been reported
        status = "discarded" if ending.discarded else ending.status
        if status != self._run_status:
            self._run_status = status
            self.run_status_changed.emit(status)
        self._live = False
        error, sentence = ending.error, ending.sentence
        if self._state is not None and not error and not sentence and status in ("failed", "stopped"):
            error, sentence = self._state.error, self._state.message
        sentence = sentence or _SENTENCES.get(status, "Training is over.")
        job_status = _STATUSES.get(status, "failed")
        if ending.error is not None:  # whatever the folder shows: that may be how an earlier process ended
            job_status = "failed"
        elif self.status == "stopping" and (status == "interrupted" or ending.sentence):
            job_status = "cancelled"
        if isinstance(error, WeightsMissing):  # nothing has failed yet: the window asks what is to be done
            self._end("cancelled", f"The pretrained weights of {error.backbone} are not on this machine.")
            self.failed.emit(error, self)
            return
        self._end(job_status, sentence if error is None else error_text(error))
        if job_status == "failed":
            self.failed.emit(error or S3NError(sentence), self)

    @Slot(str)
    def _on_crashed(self, what: str) -> None:
        defect = ProgramDefect(f"The progress of {self._run_path} cannot be read ({what}); training itself continues.")
        self._end("failed", str(defect))
        self.failed.emit(defect, self)
