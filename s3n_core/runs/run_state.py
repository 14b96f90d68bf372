"""What a run is doing: the one small record in ``state.json`` that the training process replaces as it goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from s3n_core.errors import S3NError

RunStatus = Literal[
    "starting", "running", "pausing", "paused", "stopping", "stopped", "finished", "failed", "discarded"
]
"""What the training process says of itself."""

ShownStatus = Literal[RunStatus, "interrupted", "broken"]
"""What a person is told: also ``interrupted`` (the process is gone without a last word) and ``broken`` (unreadable)."""

ACTIVE: frozenset[str] = frozenset({"starting", "running", "pausing", "paused", "stopping"})
"""The statuses that only a living process can have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """A training's place and pace.

    Attributes:
        status: What the training process is doing or how it ended.
        epoch: The epoch under way, from 0; the number of epochs when all are done.
        epochs: Epochs in all.
        batch: Batches of this epoch that are done.
        batches: Batches in an epoch.
        images_per_second: Training pace; None while unknown.
        seconds_left: Estimate for the whole run; None while unknown.
        pid: Id of the training process.
        process_created: When that process was created (`processes.process_created`).
        message: A sentence for the person: what failed, what it waits for. May be empty.
        updated: When this was written, Unix seconds.
        best_epoch: The epoch with the best validation accuracy; None before the first validation.
        best_accuracy: That accuracy, in [0, 1].
        failure: The error that ended it, as `S3NError.to_dict`; None where none did. Older versions wrote only `message`.
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

    @property
    def error(self) -> S3NError | None:
        """The error that ended the training; None unless one did."""
        if self.status != "failed":
            return None
        return S3NError(self.message) if self.failure is None else S3NError.from_dict(self.failure)


def shown_status(state: RunState | None, live: bool) -> ShownStatus:
    """Return what to tell a person about a run.

    Args:
        state: The last record, None where there is none yet.
        live: Whether a process holds the run's lock.
    """
    if state is None:
        return "starting" if live else "interrupted"
    if state.status in ACTIVE and not live:
        return "interrupted"
    return state.status
