"""The progress of a training, as stored in a checkpoint. Never imports torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from s3n_core.errors import Diverged
from s3n_core.training.events import RunEnded
from s3n_core.training.extension import AVERAGED, RECALIBRATED
from s3n_core.training.recipe import Recipe


@dataclass
class TrainingProgress:
    """Everything except tensors that determines how a training continues; JSON stores it exactly.

    Attributes:
        epoch: The current epoch, from 0.
        batch: Number of finished batches of this epoch.
        step: Total number of updates.
        sums: State of the epoch's means (`RunningMean.state`); None between two epochs.
        best_epoch: The best epoch so far.
        best_accuracy: Its validation accuracy, in [0, 1].
        best_loss: Its validation loss, which breaks ties between equal accuracies.
        best_checkpoint: Its checkpoint.
        metrics_offset: Length of the metrics file, in bytes.
        seconds: Time spent training.
        scaler: State of the gradient scaler (float16).
        recalibrated: Whether the final recalibration of BatchNorm is done, which ends the training.
        averaged: Whether the weights are the mean of those of the last epochs, which ends the training, too.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    sums: dict[str, float] | None = None
    best_epoch: int | None = None
    best_accuracy: float | None = None
    best_loss: float | None = None
    best_checkpoint: str | None = None
    metrics_offset: int = 0
    seconds: float = 0.0
    scaler: dict[str, Any] = field(default_factory=dict)
    recalibrated: bool = False
    averaged: bool = False

    @property
    def checkpoint_name(self) -> str:
        """Name of a checkpoint written now; it contains the step, so that names sort by age."""
        final = AVERAGED if self.averaged else RECALIBRATED if self.recalibrated else ""
        return f"step-{self.step:07d}{final}"

    def take(self, other: TrainingProgress) -> None:
        """Take all values of another progress; the state that is reported follows this object."""
        vars(self).update(vars(other))

    def improve(self, accuracy: float | None, loss: float | None) -> bool:
        """Compare with the best values so far and keep the better ones.

        Args:
            accuracy: Validation accuracy in [0, 1]; None without a validation set: the latest epoch is then the best.
            loss: Validation loss; breaks ties between equal accuracies.

        Returns:
            Whether this is the best so far.
        """
        if accuracy is None or loss is None:
            return True
        if self.best_loss is not None and (accuracy, -loss) <= (self.best_accuracy or 0.0, -self.best_loss):
            return False
        self.best_accuracy, self.best_loss = accuracy, loss
        return True

    def trained(self, recipe: Recipe) -> bool:
        """Return whether no epoch is left: all are done, or the last ones brought no improvement."""
        in_vain = (
            recipe.patience is not None
            and self.best_epoch is not None
            and self.epoch - 1 - self.best_epoch >= recipe.patience
        )
        # A recalibration may become the best, which would reset the patience, but it always ends the training.
        return self.recalibrated or self.averaged or self.epoch >= recipe.epochs or in_vain

    def finished(self, recipe: Recipe) -> bool:
        """Return whether nothing is left to do."""
        completed = (self.recalibrated or not recipe.recalibrate) and (self.averaged or not recipe.average_epochs)
        return self.trained(recipe) and completed

    def ended(self, status: Literal["finished", "stopped", "discarded"], recipe: Recipe) -> RunEnded:
        """Return the event for the end of the training at this progress."""
        epochs = recipe.epochs
        if status == "discarded":
            message = "Discarded."
        elif status == "stopped":
            message = f"Stopped in epoch {min(self.epoch + 1, epochs)} of {epochs}; it can be resumed."
        elif self.epoch < epochs:
            message = f"Finished after {self.epoch} epochs, because the last {recipe.patience} brought no improvement."
        else:
            message = f"Finished all {epochs} epochs." if epochs > 1 else "Finished the only epoch."
        return RunEnded(status, self.best_epoch, self.best_accuracy, message)

    def diverged(self) -> Diverged:
        """Return the error for losses or weights that have become infinite or NaN in this epoch."""
        return Diverged(
            f"The training diverged in epoch {self.epoch + 1}: its losses are no longer finite numbers. Start a new "
            "run "
            "with lower learning rates (rate_backbone, rate_heads) or in float32; the last checkpoint before it is "
            "kept.",
            epoch=self.epoch,
        )
