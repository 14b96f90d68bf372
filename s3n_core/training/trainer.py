"""The trainer: a generator of events over a run's folder. Starting and resuming are one path."""

from __future__ import annotations

import logging
from collections.abc import Generator
from pathlib import Path

import torch

from s3n_core.errors import S3NError
from s3n_core.runs.lock import RunLock
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.training.events import Event
from s3n_core.training.loop import Loop, TrainingError
from s3n_core.training.steering import Steering, run_log

__all__ = ["Trainer", "TrainingError"]

_log = logging.getLogger(__name__)

# What torch says in a plain RuntimeError: main memory on Linux and on Windows, and Apple's GPUs.
_MEMORY_SIGNS = ("can't allocate memory", "not enough memory", "out of memory")


class Trainer:
    """Trains the run in a folder from where it stands.

    Args:
        run_path: The run's folder, made by `preparing.prepare_run`.
        device: Overrides the device that the run was made for.
        workers: Threads that decode; None lets the loader decide.
    """

    def __init__(self, run_path: Path, *, device: str | None = None, workers: int | None = None) -> None:
        self.run_directory = RunDirectory(run_path)
        self._wanted_device = device
        self._workers = workers
        self._stop_requested = False

    def request_stop(self) -> None:
        """Stop after the batch at hand and keep everything; safe to call from a signal handler or another thread."""
        self._stop_requested = True

    def run(self) -> Generator[Event, None, None]:
        """Train until the end or until an order. Closing the generator stops the training and keeps everything.

        Raises:
            RunError: If another process trains this run, it is finished, or its folder is broken.
            TrainingError: If the losses are no longer finite numbers, or memory runs out.
            S3NError: If the data set, the weights or the disk fail; what was saved stays.
        """
        run = self.run_directory
        with RunLock(run.path), run_log(run.log_txt):
            run.remove_leftovers()
            steering = Steering(run, lambda: self._stop_requested)
            try:
                yield from Loop(run, steering, self._wanted_device, self._workers).events()
            except GeneratorExit:
                steering.last_word("stopped", "Stopped by the program that followed it; everything is kept.")
                raise
            except KeyboardInterrupt:
                steering.last_word("stopped", "Quit by Ctrl+C; it can be resumed from its last checkpoint.")
                raise
            except S3NError as error:
                _log.error("%s", error)
                steering.last_word("failed", str(error))
                raise
            except BaseException as error:
                if _is_out_of_memory(error):
                    _log.exception("out of memory")
                    message = (
                        "Memory ran out. Start a new run with a smaller micro_batch: the images an update stay the same, "
                        "so only BatchNorm's statistics change. What was saved is kept."
                    )
                    steering.last_word("failed", message)
                    raise TrainingError(message) from error
                _log.exception("the training ended by an error of the program")
                steering.last_word("failed", f"The training ended by an error; the log is {run.log_txt}.")
                raise


def _is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _MEMORY_SIGNS)
