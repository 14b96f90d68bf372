"""A training run seen from outside: its status, its metrics, and orders to it. Never imports torch."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any

from s3n_core.datasets.validation_images import run_validation_count
from s3n_core.errors import RunBusy, RunError
from s3n_core.evaluation.intervals import accuracy_share_text, interval_of_share
from s3n_core.runs.control import send_order
from s3n_core.runs.following import RunFollower
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.runs.run_state import ACTIVE, RunState, ShownStatus
from s3n_core.system.engine_process import engine_command, start_process
from s3n_core.system.locks import is_live
from s3n_core.training.events import EpochDone, StepDone
from s3n_core.training.extension import plan_extension

_POLL_SECONDS = 0.25
_START_SECONDS = 60.0  # for a started process to acquire the run's lock; loading torch from a slow disk takes long


class Run:
    """A handle on a run's folder, to follow and control its training in whatever process it runs.

    Iterating yields `StepDone` and `EpochDone`, past ones first, then new ones as they come, until no process trains
    the run. Each iteration starts with the first batch.
    """

    def __init__(self, path: Path) -> None:
        """Open the run in folder ``path``."""
        self._directory = RunDirectory(path)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def path(self) -> Path:
        """The run's folder."""
        return self._directory.path

    @property
    def name(self) -> str:
        """The run's name, which is its folder's name."""
        return self.path.name

    @property
    def status(self) -> ShownStatus:
        """The run's status: "running", "finished", "interrupted", ..."""
        return self._directory.summary().status

    @property
    def state(self) -> RunState | None:
        """The training's last recorded state; None before the first.

        Raises:
            RunError: The file is damaged.
        """
        return self._directory.read_state()

    @property
    def best_accuracy(self) -> float | None:
        """Validation accuracy of the best epoch, in [0, 1]; None without a validation set or before the first epoch."""
        state = self.state
        return None if state is None else state.best_accuracy

    @property
    def best_interval(self) -> tuple[float, float] | None:
        """95 % Wilson interval of ``best_accuracy``, in [0, 1]; None without one, or if its images are not known."""
        return interval_of_share(self.best_accuracy, run_validation_count(self.path))

    @property
    def settings(self) -> Mapping[str, Any]:
        """The contents of ``run.json``: recipe, classes, data set, versions.

        Raises:
            RunError: The file is missing or damaged.
        """
        return self._directory.read_run()

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """All lines of the metrics so far, oldest first; ``kind`` is "step" or "epoch"."""
        return RunFollower(self.path).poll().metrics

    def __iter__(self) -> Iterator[StepDone | EpochDone]:
        """Yield past and new events, each once, waiting for more while a process trains the run."""
        follower = RunFollower(self.path)
        told = set[tuple[object, ...]]()
        while True:
            starting = self._is_starting()
            change = follower.poll()
            for line in change.metrics:
                # A resumed training cuts lines that its checkpoint does not have, and the follower begins again.
                key = tuple(line.get(name) for name in ("kind", "epoch", "batch", "step", "averaged", "recalibrated"))
                if key in told:
                    continue
                told.add(key)
                if line.get("kind") == "epoch":
                    yield _epoch(line, change.state)
                elif line.get("kind") == "step":
                    yield _step(line, change.state)
            if not (starting or change.live or change.more):
                return
            time.sleep(_POLL_SECONDS)

    def pause(self) -> None:
        """Pause the training before its next batch.

        Raises:
            RunError: No process trains the run, or it is stopping.
        """
        send_order(self.path, "pause")

    def resume(self, *, epochs: int | None = None) -> None:
        """Continue a paused training, or start a process that resumes a stopped run.

        Args:
            epochs: Train it for this many epochs in all, more than are done; also a finished run. With a step or a constant
                schedule it ends as a run of that many epochs would, bit for bit; with a cosine the rates rise again.

        Raises:
            OutputError: The process cannot be started.
            RunBusy: ``epochs`` is given, and the run is being trained; or it is being packed.
            RunError: The run is stopping, or has done that many epochs already.
            RecipeError: The recipe does not allow that number of epochs.
        """
        if is_live(self.path):
            if epochs is not None and self._directory.summary().live:
                raise RunBusy(
                    f"The run {self.name} is being trained; stop it, or wait for its end, before giving it more epochs.",
                    path=self.path,
                )
            send_order(self.path, "resume")  # refused if the run is being packed
            return
        arguments = ["runs", "resume", self.name, f"--runs={self.path.parent}"]
        if epochs is not None:
            plan_extension(self._directory, epochs)  # what the process would refuse is said here
            arguments.append(f"--epochs={epochs}")
        command = engine_command(*arguments)
        self._process = start_process(command, log=self._directory.log_txt, long_job=True)

    def stop(self) -> None:
        """Ask the training to stop after the current batch and save a checkpoint; `wait` waits until it has.

        Raises:
            RunError: No process trains the run.
        """
        deadline = time.monotonic() + _START_SECONDS
        while self._is_starting() and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS / 5)
        send_order(self.path, "stop")

    def wait(self, timeout: float | None = None) -> ShownStatus:
        """Wait until no process trains the run.

        Args:
            timeout: Maximum waiting time in seconds; None: no limit.

        Returns:
            The final status.

        Raises:
            TimeoutError: The run is still training.
            RunError: The training failed; the message says why.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while self._is_starting() or self._directory.summary().live:
            if deadline is not None and time.monotonic() > deadline:
                raise TimeoutError(f"The run {self.name} is still training after {timeout:g} seconds.")
            time.sleep(_POLL_SECONDS)
        state = self._directory.read_state()
        if state is not None and state.status == "failed":
            raise RunError(state.message)
        if self._process is not None and self._process.poll() not in (None, 0, 130):
            raise RunError(f"The training did not start; see its log: {self._directory.log_txt}.")
        return self.status

    def _is_starting(self) -> bool:
        """Return whether our process is alive but does not hold the run's lock: it is starting up or about to exit."""
        return self._process is not None and self._process.poll() is None and not self._directory.summary().live

    def __repr__(self) -> str:
        summary = self._directory.summary()
        best = None if summary.state is None else summary.state.best_accuracy
        known = "" if best is None else f", best {accuracy_share_text(best, run_validation_count(self.path))}"
        return f"<Run {self.name}: {summary.status}{known}>"

    def _repr_html_(self) -> str:
        summary = self._directory.summary()
        rows = {"status": summary.status, "folder": str(self.path)}
        if (state := summary.state) is not None:
            rows["epoch"] = f"{min(state.epoch + (state.status in ACTIVE), state.epochs)} of {state.epochs}"
            if state.best_accuracy is not None and state.best_epoch is not None:
                best = accuracy_share_text(state.best_accuracy, run_validation_count(self.path))
                rows["best validation accuracy"] = f"{best}, in epoch {state.best_epoch + 1}"
        cells = "".join(f"<tr><th>{escape(key)}</th><td>{escape(text)}</td></tr>" for key, text in rows.items())
        return f"<table><caption>Run {escape(self.name)}</caption>{cells}</table>"


def _step(line: Mapping[str, Any], state: RunState | None) -> StepDone:
    return StepDone(
        epoch=line["epoch"],
        batch=line["batch"],
        batches=0 if state is None else state.batches,
        values={key: value for key, value in line.items() if key not in {"kind", "epoch", "batch"}},
        images_per_second=line.get("images_per_second") or 0.0,
        seconds_left=0.0 if state is None or state.seconds_left is None else state.seconds_left,
    )


def _epoch(line: Mapping[str, Any], state: RunState | None) -> EpochDone:
    return EpochDone(
        epoch=line["epoch"],
        epochs=0 if state is None else state.epochs,
        values={key: value for key, value in line.items() if key not in {"kind", "epoch", "warnings", "best"}},
        warnings=tuple(line.get("warnings", ())),
        best=bool(line.get("best", False)),
    )
