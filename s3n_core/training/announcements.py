"""How a training says that it begins, how long it will take, and that it is over."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, cast

from s3n_core.training.events import RunEnded, RunStarted
from s3n_core.training.preparing import Plan
from s3n_core.training.recipe import Recipe
from s3n_core.training.training_progress import Place


def run_started(
    path: Path,
    plan: Plan,
    where: Place,
    *,
    resumed: bool,
    batches: int,
    device: str,
    precision: str,
    notes: tuple[str, ...],
) -> RunStarted:
    """Say how a training begins; the arguments are those of the event, or decide them."""
    return RunStarted(
        path=path,
        resumed=resumed,
        epoch=where.epoch,
        epochs=plan.recipe.epochs,
        batches=batches,
        images=len(plan.training),
        held_out=len(plan.held_out),
        classes=len(plan.classes),
        device=device,
        precision=precision,
        notes=notes,
    )


def seconds_left(plan: Plan, where: Place, batches: int, batch_seconds: float) -> float:
    """Estimate how long the rest takes, validations included."""
    rest = (plan.recipe.epochs - where.epoch) * batches - where.batch
    # Without a backward pass an image costs about a third.
    validation = len(plan.held_out) / (3 * len(plan.training))
    return rest * batch_seconds * (1 + validation)


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
