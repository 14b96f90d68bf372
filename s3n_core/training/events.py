"""What a training tells: frozen, picklable values of numbers and strings. Free of torch and of Qt."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The run is open and about to train.

    Attributes:
        path: The run's folder.
        resumed: Whether it goes on from a checkpoint.
        epoch: The epoch that it begins or goes on with, from 0.
        epochs: Epochs in all.
        batches: Batches an epoch.
        images: Training images.
        validation: Validation images.
        classes: Number of classes.
        device: Name of the device for a person.
        precision: Precision of the layers.
        notes: Sentences worth knowing (fallbacks, what became of the weights).
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


@dataclass(frozen=True, slots=True)
class StepDone:
    """A batch is done; sent at most five times a second.

    Attributes:
        epoch: From 0.
        batch: Batches of this epoch that are done.
        batches: Batches an epoch.
        values: What the step's line in the metrics holds.
        images_per_second: Pace.
        seconds_left: Estimate for the whole run.
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
        epochs: Epochs in all.
        values: What the epoch's line in the metrics holds.
        warnings: Sentences of the health report, each with its remedy.
        best: Whether it is the best so far.
    """

    epoch: int
    epochs: int
    values: dict[str, Any]
    warnings: tuple[str, ...] = ()
    best: bool = False


@dataclass(frozen=True, slots=True)
class CheckpointSaved:
    """A checkpoint is on the disk.

    Attributes:
        name: Its name in the run's checkpoints folder.
    """

    name: str


@dataclass(frozen=True, slots=True)
class MicroBatchHalved:
    """Memory ran out; the update at hand is begun again in smaller steps.

    Attributes:
        epoch: From 0.
        batch: Batches of this epoch that are done.
        before: Images at once that were too many.
        now: Images at once from here on.
        batch_size: Images an update, as ever.
    """

    epoch: int
    batch: int
    before: int
    now: int
    batch_size: int

    @property
    def sentence(self) -> str:
        """Say it to a person."""
        return (
            f"Memory ran out in epoch {self.epoch + 1}. From now on the micro-batch is {self.now} instead of "
            f"{self.before} images; the batch size stays {self.batch_size}."
        )


@dataclass(frozen=True, slots=True)
class ImageLeftOut:
    """A training or validation image could not be read and was left out.

    Attributes:
        name: The image's name in the data set.
        reason: Why, as a clause.
    """

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Paused:
    """The training waits for an order to go on."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """The training goes on after a pause."""


@dataclass(frozen=True, slots=True)
class RunEnded:
    """The training is over.

    Attributes:
        status: How.
        best_epoch: The best epoch, from 0; None without one.
        best_accuracy: Its validation accuracy, in [0, 1]; None without a validation set.
        message: A sentence for a person.
    """

    status: Literal["finished", "stopped", "discarded"]
    best_epoch: int | None
    best_accuracy: float | None
    message: str = field(default="")


Event = (
    RunStarted | StepDone | EpochDone | CheckpointSaved | MicroBatchHalved | ImageLeftOut | Paused | Resumed | RunEnded
)
