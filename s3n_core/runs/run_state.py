"""What a run is doing: the one small record in ``state.json`` that the training process replaces as it goes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

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
        best_epoch: The epoch with the best held-out accuracy; None before the first validation.
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

    def to_dict(self) -> dict[str, Any]:
        """Return the record as JSON can hold it; NaN and infinities become None."""
        return {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in asdict(self).items()
        }

    @classmethod
    def from_dict(cls, value: object) -> RunState:
        """Read a record; missing fields take their defaults, unknown ones (of a newer version) are ignored.

        Raises:
            ValueError: It is no such record; the message says why, as a clause.
        """
        if not isinstance(value, Mapping):
            raise ValueError("it does not hold a JSON object")
        if value.get("status") not in get_args(RunStatus):
            raise ValueError(f"its status {value.get('status')!r} is unknown")
        known = {field.name: value[field.name] for field in fields(cls) if field.name in value}
        for name, item in known.items():
            expected, optional = _KINDS[name]
            if (item is None and optional) or (isinstance(item, expected) and not isinstance(item, bool)):
                continue
            raise ValueError(f"its field {name!r} holds {item!r}")
        return cls(**known)


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


_WHOLE: tuple[tuple[type, ...], bool] = ((int,), False)
_NUMBER: tuple[tuple[type, ...], bool] = ((int, float), True)
_KINDS: dict[str, tuple[tuple[type, ...], bool]] = {
    "status": ((str,), False),
    "epoch": _WHOLE,
    "epochs": _WHOLE,
    "batch": _WHOLE,
    "batches": _WHOLE,
    "images_per_second": _NUMBER,
    "seconds_left": _NUMBER,
    "pid": ((int,), True),
    "process_created": _NUMBER,
    "message": ((str,), False),
    "updated": ((int, float), False),
    "best_epoch": ((int,), True),
    "best_accuracy": _NUMBER,
    "failure": ((dict,), True),
}
