"""The trainer: a generator of events over a run's folder. Starting and resuming are one path."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

from s3n_core.errors import OutOfMemory, ProgramDefect, S3NError
from s3n_core.models.devices import is_out_of_memory
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.system.distributed import ALONE, Team
from s3n_core.system.locks import RunLock
from s3n_core.training.events import Event
from s3n_core.training.loop import TrainingLoop
from s3n_core.training.run_control import RunControl, run_log

_log = logging.getLogger(__name__)


class Trainer:
    """Trains the run in a folder from where it stands.

    Args:
        run_path: The run's folder, made by `preparing.prepare_run`.
        device: Overrides the device that the run was made for.
        workers: Threads that decode; None lets the loader decide.
        changed_data: Go on although the data set is not the one that the run began with.
        team: The processes that train it together; each has a trainer of its own, and all see the same folder.
    """

    def __init__(
        self,
        run_path: Path,
        *,
        device: str | None = None,
        workers: int | None = None,
        changed_data: bool = False,
        team: Team = ALONE,
    ) -> None:
        self.run_directory = RunDirectory(run_path)
        self._wanted_device = device
        self._workers = workers
        self._changed_data = changed_data
        self._team = team
        self._stop_requested = False

    def request_stop(self) -> None:
        """Stop after the batch at hand and keep everything; safe to call from a signal handler or another thread."""
        self._stop_requested = True

    def run(self) -> Generator[Event, None, None]:
        """Train until the end or until an order. Closing the generator stops the training and keeps everything.

        Raises:
            RunError: If another process trains this run, it is finished, its folder is broken, or its data set has changed.
            Diverged: If the losses are no longer finite numbers.
            OutOfMemory: If memory runs out even in the smallest steps.
            S3NError: If the data set, the weights or the disk fail, or another process of the team; what was saved stays.
        """
        run = self.run_directory
        with self._held(run):
            control = RunControl(run, lambda: self._stop_requested, self._team)
            try:
                yield from TrainingLoop(
                    run,
                    control,
                    self._team,
                    device=self._wanted_device,
                    workers=self._workers,
                    changed_data=self._changed_data,
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

    @contextmanager
    def _held(self, run: RunDirectory) -> Iterator[None]:
        """Hold the run's lock and log in it; of a team the leader does, before the others go on."""
        if not self._team.leads:
            self._team.lead(None)
            yield
            return
        with RunLock(run.path), run_log(run.log_txt):
            run.remove_leftovers()
            self._team.lead(None)
            yield
