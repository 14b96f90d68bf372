"""The events of a training: frozen, picklable dataclasses of numbers and strings. Imports neither torch nor Qt."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The run is open and about to train.

    Attributes:
        path: The run's folder.
        resumed: Whether it resumes from a checkpoint.
        epoch: The epoch that it starts or resumes with, from 0.
        epochs: Total number of epochs.
        batches: Batches per epoch.
        images: Number of training images.
        validation: Number of validation images.
        classes: Number of classes.
        device: Display name of the device.
        precision: Precision of the layers.
        notes: Sentences for the user (fallbacks, origin of the weights).
        time: How long it takes, such as "about 12 min on this machine (from run birds-3)"; empty for a resumed run.
    """

    path: Path
    resumed: bool
    epoch: int
    epochs: int
    batches: int
    images: int
    validation: int
    classes: int
    device: str
    precision: str
    notes: tuple[str, ...] = ()
    time: str = ""


@dataclass(frozen=True, slots=True)
class StepDone:
    """A batch is done; sent at most five times per second.

    Attributes:
        epoch: From 0.
        batch: Number of finished batches of this epoch.
        batches: Batches per epoch.
        values: The step's metrics.
        images_per_second: Training speed.
        seconds_left: Estimated remaining time of the whole run.
    """

    epoch: int
    batch: int
    batches: int
    values: dict[str, float]
    images_per_second: float
    seconds_left: float


@dataclass(frozen=True, slots=True)
class EpochDone:
    """An epoch and its validation are done.

    Attributes:
        epoch: From 0.
        epochs: Total number of epochs.
        values: The epoch's metrics.
        warnings: Warnings of the health report, each with a remedy.
        best: Whether it is the best so far.
    """

    epoch: int
    epochs: int
    values: dict[str, Any]
    warnings: tuple[str, ...] = ()
    best: bool = False


@dataclass(frozen=True, slots=True)
class CheckpointSaved:
    """A checkpoint has been saved.

    Attributes:
        name: Its name in the run's checkpoints folder.
    """

    name: str


@dataclass(frozen=True, slots=True)
class MicroBatchHalved:
    """Memory ran out; the current update is repeated with smaller micro-batches.

    Attributes:
        epoch: From 0.
        batch: Number of finished batches of this epoch.
        before: Micro-batch size that was too large.
        now: Micro-batch size from now on.
        batch_size: Images per update, which does not change.
    """

    epoch: int
    batch: int
    before: int
    now: int
    batch_size: int

    @property
    def sentence(self) -> str:
        """The event as a message for the user."""
        return (
            f"Memory ran out in epoch {self.epoch + 1}. From now on the micro-batch is {self.now} instead of "
            f"{self.before} images; the batch size stays {self.batch_size}."
        )


@dataclass(frozen=True, slots=True)
class ImageLeftOut:
    """A training or validation image could not be read and was left out.

    Attributes:
        name: The image's name in the data set.
        reason: The reason, as a clause.
    """

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Paused:
    """The training is paused until it is resumed or stopped."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """The training continues after a pause."""


@dataclass(frozen=True, slots=True)
class RunEnded:
    """The training has ended.

    Attributes:
        status: How it ended.
        best_epoch: The best epoch, from 0; None if there is none.
        best_accuracy: Its validation accuracy, in [0, 1]; None without a validation set.
        message: A sentence for the user.
    """

    status: Literal["finished", "stopped", "discarded"]
    best_epoch: int | None
    best_accuracy: float | None
    message: str = field(default="")


Event = (
    RunStarted | StepDone | EpochDone | CheckpointSaved | MicroBatchHalved | ImageLeftOut | Paused | Resumed | RunEnded
)
