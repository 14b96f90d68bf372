"""The state of a run: the small record in ``state.json`` that the training process keeps replacing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from s3n_core.errors import S3NError

RunStatus = Literal[
    "starting", "running", "pausing", "paused", "stopping", "stopped", "finished", "failed", "discarded"
]
"""Status written by the training process."""

ShownStatus = Literal[RunStatus, "interrupted", "broken"]
"""Status to display: also ``interrupted`` (the process ended without a final status) and ``broken`` (unreadable)."""

STATUS_TEXTS: Mapping[ShownStatus, str] = {
    "starting": "Starting",
    "running": "Running",
    "pausing": "Pausing",
    "paused": "Paused",
    "stopping": "Stopping",
    "stopped": "Stopped",
    "finished": "Finished",
    "failed": "Failed",
    "discarded": "Discarded",
    "interrupted": "Interrupted",
    "broken": "Broken",
}
"""What a person reads of each status: in every list of runs, in the window and on the command line."""

ACTIVE: frozenset[str] = frozenset({"starting", "running", "pausing", "paused", "stopping"})
"""Statuses that are only true while a process trains the run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """Status, progress and speed of a training.

    Attributes:
        status: What the training is doing or how it ended.
        epoch: The current epoch, from 0; the number of epochs when all are done.
        epochs: Total number of epochs.
        batch: Number of finished batches of this epoch.
        batches: Batches per epoch.
        images_per_second: Training speed; None while unknown.
        seconds_left: Estimated remaining time of the whole run; None while unknown.
        pid: Id of the training process.
        process_created: Creation time of that process (`processes.process_created`).
        message: A sentence for the user, such as what failed or what it waits for. May be empty.
        updated: When the state was written, Unix seconds.
        best_epoch: The best epoch so far, from 0; None before the first.
        best_accuracy: Its validation accuracy, in [0, 1]; None without a validation set.
        failure: The error that ended the training (`S3NError.to_dict`), or None. Older versions wrote only `message`.
        device: The device that `images_per_second` was measured on: "cpu", "cuda" or "mps"; None in older versions.
        host: Name of the machine that it was measured on (`platform.node`); None in older versions, and if several processes
            shared the work.
    """

    status: RunStatus
    epoch: int = 0
    epochs: int = 0
    batch: int = 0
    batches: int = 0
    images_per_second: float | None = None
    seconds_left: float | None = None
    pid: int | None = None
    process_created: float | None = None
    message: str = ""
    updated: float = 0.0
    best_epoch: int | None = None
    best_accuracy: float | None = None
    failure: Mapping[str, Any] | None = None
    device: str | None = None
    host: str | None = None

    @property
    def epochs_passed(self) -> float:
        """How many epochs are done, with the part of the one that has begun."""
        return self.epoch + (self.batch / self.batches if self.batches else 0.0)

    @property
    def error(self) -> S3NError | None:
        """The error that ended the training; None if it has not failed."""
        if self.status != "failed":
            return None
        return S3NError(self.message) if self.failure is None else S3NError.from_dict(self.failure)


def shown_status(state: RunState | None, live: bool) -> ShownStatus:
    """Return the status of a run to display.

    Args:
        state: The last recorded state; None if there is none yet.
        live: Whether a process trains the run.
    """
    if state is None:
        return "starting" if live else "interrupted"
    if state.status in ACTIVE and not live:
        return "interrupted"
    return state.status
