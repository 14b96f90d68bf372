"""What `s3n train` and `s3n runs resume` print: one line per epoch, a progress bar, and the result."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from s3n_core.commands.arguments import quoted
from s3n_core.commands.failures import say
from s3n_core.commands.progress import progress_bar

if TYPE_CHECKING:
    from s3n_core.training.events import EpochDone, Event, RunEnded, RunStarted

_SETTLED = 5  # epochs after which the notes of the health report mean something


def follow(events: Iterable[Event], path: Path) -> None:
    """Print events as they arrive, and the run's folder at the end."""
    from s3n_core.training import events as kinds

    epochs, validation, ended = 0, 0, None
    notes: tuple[str, ...] = ()
    with progress_bar("Training") as bar:
        for event in events:
            match event:
                case kinds.RunStarted():
                    epochs, validation = event.epochs, event.validation
                    _show_start(event)
                case kinds.StepDone():
                    done, total = event.epoch * event.batches + event.batch, epochs * event.batches
                    note = f"epoch {event.epoch + 1}, {event.images_per_second:.1f} images/s"
                    bar(done, total, note, event.seconds_left)
                case kinds.EpochDone():
                    # In the first epochs nearly every figure of the health report is out of bounds, and rightly so.
                    notes = event.warnings if event.epoch + 1 >= _SETTLED else ()
                    _show_epoch(event, validation)
                case kinds.MicroBatchHalved():
                    say(event.sentence)
                case kinds.ImageLeftOut():
                    say(f"Left out: {event.name}: {event.reason}")
                case kinds.Paused():
                    say("Paused.")
                case kinds.Resumed():
                    say("Resumed.")
                case kinds.RunEnded():
                    ended = event
    if ended is not None:
        _show_end(ended, notes, path, validation)


def _show_start(event: RunStarted) -> None:
    verb = f"Resuming at epoch {event.epoch + 1} of" if event.resumed else "Training"
    epochs = "1 epoch" if event.epochs == 1 else f"{event.epochs} epochs"
    say(
        f"{verb} {epochs} of {event.images} images in {event.classes} classes, {event.validation} for validation, "
        f"on {event.device} in {event.precision}: {event.path.name}"
    )
    if event.time:
        say(f"Time: {event.time}.")
    for note in event.notes:
        say(note)


def _show_end(event: RunEnded, notes: Sequence[str], path: Path, validation: int) -> None:
    from s3n_core.evaluation.intervals import accuracy_share_text

    for note in notes if event.status == "finished" else ():
        say(f"note: {note}")
    best = ""
    if event.best_accuracy is not None and event.best_epoch is not None:
        best_text = accuracy_share_text(event.best_accuracy, validation)
        best = f" Best validation accuracy: {best_text}, in epoch {event.best_epoch + 1}."
    say(f"{event.message}{best}")
    if event.status == "stopped":
        say(f"`s3n runs resume {quoted(path.name)}` continues it.")
    if event.status != "discarded":
        typer.echo(str(path))


def _show_epoch(event: EpochDone, validation_images: int) -> None:
    from s3n_core.evaluation.intervals import accuracy_share_text

    values = event.values
    read = values.get("validation_images", validation_images)  # without those that could not be read
    shares = [
        f"{name} {accuracy_share_text(values[f'validation_accuracy_{name}'], int(read))}"
        for name in ("joint", "O", "D", "C")
        if f"validation_accuracy_{name}" in values
    ]
    validation = f"   validation: {', '.join(shares)}" if shares else ""
    training = values.get("accuracy_joint", values.get("accuracy_O"))
    known = "" if training is None else f"   training {accuracy_share_text(training, int(values.get('images', 0)))}"
    completed = " and ".join(word for word in ("averaged", "recalibrated") if word in values)
    loss = f"   loss {values['loss']:.3f}" if "loss" in values else f"   {completed}"
    say(f"epoch {event.epoch + 1:3d}/{event.epochs}{loss}{known}{validation}{'   best' if event.best else ''}")
