"""The trainer: trains a run's folder and yields events. Starting and resuming use the same code path."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

from s3n_core.errors import OutOfMemory, ProgramDefect, RunFinished, S3NError
from s3n_core.models.device_memory import is_out_of_memory
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.system.distributed import ALONE, Team
from s3n_core.system.locks import RunLock
from s3n_core.training.checkpoints import finished_progress
from s3n_core.training.events import Event
from s3n_core.training.extension import extend_run, recipe_of
from s3n_core.training.loop import TrainingLoop
from s3n_core.training.recipe import Recipe
from s3n_core.training.run_control import RunControl, run_log
from s3n_core.training.training_progress import TrainingProgress

_log = logging.getLogger(__name__)


class Trainer:
    """Trains the run in a folder, starting it or resuming from its last checkpoint.

    Args:
        run_path: The run's folder, created by `preparing.prepare_run`.
        device: Overrides the run's device.
        workers: Threads that decode images; None: the loader's default.
        changed_data: Continue even if the data set has changed since the run started.
        prepared_earlier: The run was prepared by an earlier command: compare its data set even before the first checkpoint.
        epochs: Train for this many epochs in all (`extension`); None: as many as the recipe says.
        team: The processes that train together; each has its own trainer, and all use the same folder.
    """

    def __init__(
        self,
        run_path: Path,
        *,
        device: str | None = None,
        workers: int | None = None,
        changed_data: bool = False,
        prepared_earlier: bool = False,
        epochs: int | None = None,
        team: Team = ALONE,
    ) -> None:
        self.run_directory = RunDirectory(run_path)
        self._wanted_device = device
        self._workers = workers
        self._changed_data = changed_data
        self._prepared_earlier = prepared_earlier
        self._epochs = epochs
        self._team = team
        self._stop_requested = False

    def request_stop(self) -> None:
        """Stop after the current batch and save; safe to call from a signal handler or another thread."""
        self._stop_requested = True

    def run(self) -> Generator[Event, None, None]:
        """Train until the run is finished or stopped. Closing the generator stops the training and saves a checkpoint.

        Raises:
            RunError: If another process trains this run, it is finished, damaged, has done as many epochs as were asked for, or
                its data set has changed.
            Diverged: If losses or weights are no longer finite.
            OutOfMemory: If memory runs out even with the smallest micro-batch.
            S3NError: If the data set, the weights, the disk or another process fail; saved checkpoints are kept.
        """
        run = self.run_directory
        with self._held(run):
            notes = self._extended(run)
            control = RunControl(run, lambda: self._stop_requested, self._team)
            self._refuse_finished(run, control)
            try:
                yield from TrainingLoop(
                    run,
                    control,
                    self._team,
                    device=self._wanted_device,
                    workers=self._workers,
                    changed_data=self._changed_data,
                    prepared_earlier=self._prepared_earlier,
                    notes=notes,
                ).events()
            except GeneratorExit:
                control.last_word("stopped", "Stopped by the program that started it; everything is kept.")
                raise
            except KeyboardInterrupt:
                control.last_word("stopped", "Quit by Ctrl+C; it can be resumed from its last checkpoint.")
                raise
            except S3NError as error:
                _log.error("%s", error)
                control.fail(error)
                raise
            except BaseException as error:
                if is_out_of_memory(error):
                    _log.exception("out of memory")
                    too_little = OutOfMemory(
                        "Memory ran out while the network was built or updated. Close other programs that use it, "
                        "choose "
                        "another device, or start a new run with a smaller network. What was saved is kept."
                    )
                    control.fail(too_little)
                    raise too_little from error
                _log.exception("the training failed because of a bug")
                control.fail(ProgramDefect(f"The training failed; see the log {run.log_txt}."))
                raise

    def _extended(self, run: RunDirectory) -> tuple[str, ...]:
        """Give the run another number of epochs where that was asked for; a refusal leaves it as it was."""
        if self._epochs is None:
            return ()
        extension = self._team.lead(extend_run(run, self._epochs) if self._team.leads else None)
        assert extension is not None
        return (extension.sentence,) if extension.epochs != extension.before else ()

    def _refuse_finished(self, run: RunDirectory, control: RunControl) -> None:
        """Raise if nothing is left to do. A finished run stays finished, even without its data set and its device.

        Raises:
            RunFinished: The run is finished.
        """
        found = self._team.lead(_finished(run) if self._team.leads else None)
        if found is None:
            return
        control.still_finished(*found)
        raise RunFinished(
            f"The run {run.path.name} is finished: there is nothing left to resume. To train it longer, give it "
            "more epochs (`s3n runs resume NAME --epochs N`).",
            path=run.path,
        )

    @contextmanager
    def _held(self, run: RunDirectory) -> Iterator[None]:
        """Hold the run's lock and log to its file; of several processes, the leader does so before the others start."""
        if not self._team.leads:
            self._team.lead(None)
            yield
            return
        with RunLock(run.path), run_log(run.log_txt):
            run.remove_leftovers()
            self._team.lead(None)
            yield


def _finished(run: RunDirectory) -> tuple[TrainingProgress, Recipe] | None:
    """Return progress and recipe of a finished run; None if it is not, or if that cannot be read: the training then says why."""
    try:
        recipe = recipe_of(run)
        progress = finished_progress(run, recipe)
    except S3NError:
        return None
    return None if progress is None else (progress, recipe)
