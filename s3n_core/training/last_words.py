"""How a training says that it is over."""

from __future__ import annotations

from typing import Literal, cast

from s3n_core.training.events import RunEnded
from s3n_core.training.place import Place
from s3n_core.training.recipes import Recipe


def run_ended(status: str, where: Place, recipe: Recipe) -> RunEnded:
    """Say how a training ended.

    Args:
        status: "finished", "stopped" or "discarded".
        where: Where it is.
        recipe: Its recipe.
    """
    epochs = recipe.epochs
    if status == "discarded":
        message = "Discarded."
    elif status == "stopped":
        message = f"Stopped in epoch {min(where.epoch + 1, epochs)} of {epochs}; it can be resumed."
    elif where.epoch < epochs:
        message = f"Finished after {where.epoch} epochs: none of the last {recipe.patience} was better."
    else:
        message = f"Finished all {epochs} epochs." if epochs > 1 else "Finished its one epoch."
    kind = cast("Literal['finished', 'stopped', 'discarded']", status)
    return RunEnded(kind, where.best_epoch, where.best_accuracy, message)
