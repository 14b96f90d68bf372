"""`s3n train`: train in a run folder, and `train_run`, which `s3n runs resume` shares."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from s3n_core.commands.arguments import DeviceOption, FormatOption, JsonOption, RunsOption, WorkersOption
from s3n_core.commands.failures import say
from s3n_core.commands.progress import Bar, duration, print_json, progress_bar

if TYPE_CHECKING:
    from s3n_core.training.events import EpochDone, Event, RunStarted
    from s3n_core.training.trainer import Trainer

HELP = """Learn from a data set's image labels.

Everything about the training goes into a run folder. Ctrl+C stops and keeps; a second Ctrl+C quits at once. Either way
`s3n runs resume NAME` goes on exactly where it was.

Example: s3n train birds --recipe quick --name first --set epochs=20
"""


def train(
    data: Annotated[Path | None, typer.Argument(metavar="DATA", help="The data set's folder.")] = None,
    recipe: Annotated[
        str, typer.Option("--recipe", "-r", help="quick, paper, release, hawkeye or baseline.")
    ] = "quick",
    setting: Annotated[
        list[str] | None, typer.Option("--set", "-s", metavar="FIELD=VALUE", help="Change a setting of the recipe.")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", "-n", help="The run's name; made from the data set's.")] = None,
    runs: RunsOption = None,
    format: FormatOption = "auto",
    device: DeviceOption = "auto",
    workers: WorkersOption = None,
    show_recipe: Annotated[bool, typer.Option("--show-recipe", help="Print the recipe as JSON and exit.")] = False,
    json: JsonOption = False,
) -> None:
    """Start a training."""
    from s3n_core.training.recipes import find_recipe, parse_settings

    chosen = find_recipe(recipe).changed(parse_settings(setting or []))
    if show_recipe:
        typer.echo(chosen.model_dump_json(indent=2))
        return
    if data is None:
        raise typer.BadParameter("the data set's folder is missing", param_hint="DATA")

    from s3n_core.datasets.detection import detection_sentence, open_data_set
    from s3n_core.runs.locations import new_run_name, runs_root
    from s3n_core.training.preparing import prepare_run

    data_set = open_data_set(data, format)
    if not json:
        say(detection_sentence(data_set))
        for problem in data_set.problems[:5]:
            say(f"Left out: {problem.path}: {problem.reason}")
        if len(data_set.problems) > 5:
            say(f"... and {len(data_set.problems) - 5} more; `s3n audit {data}` lists them.")
    root = runs_root(runs)
    run_name = name or new_run_name(root, data_set.root.resolve().name)
    run = prepare_run(root / run_name, data_set, chosen, device=device)
    train_run(run.path, device=None, workers=workers, json=json)


def train_run(path: Path, *, device: str | None, workers: int | None, json: bool) -> None:
    """Train the run in a folder to its end, showing its events.

    Raises:
        typer.Exit: With code 130 if it was stopped by a signal, after everything was kept.
    """
    from s3n_core.training.trainer import Trainer

    trainer = Trainer(path, device=device, workers=workers)
    with stop_by_signals(trainer) as signals, closing(trainer.run()) as events:
        if json:
            for event in events:
                print_json({"event": type(event).__name__, **_fields(event)})
        else:
            with progress_bar("Training") as bar:
                for event in events:
                    _show(event, bar, path)
    _discard_if_ordered(path)
    if signals:
        raise typer.Exit(130)


@contextmanager
def stop_by_signals(trainer: Trainer) -> Iterator[list[int]]:
    """Let the first Ctrl+C (or a request to terminate) stop and keep, and the second quit at once.

    Yields:
        The signals that came.
    """
    came: list[int] = []

    def handle(number: int, frame: Any) -> None:
        came.append(number)
        if len(came) > 1:
            raise KeyboardInterrupt
        say("Stopping after this batch and keeping everything; press Ctrl+C again to quit at once.")
        trainer.request_stop()

    kinds = [signal.SIGINT, signal.SIGTERM]
    before = [signal.signal(kind, handle) for kind in kinds]
    try:
        yield came
    finally:
        for kind, handler in zip(kinds, before, strict=True):
            signal.signal(kind, handler)


def _discard_if_ordered(path: Path) -> None:
    """Move a discarded run to the trash, now that its lock is free."""
    from s3n_core.runs.run_directory import RunDirectory
    from s3n_core.runs.trash import move_to_trash

    state = RunDirectory(path).read_state()
    if state is not None and state.status == "discarded":
        move_to_trash(path, path.parent)


def _fields(event: Event) -> dict[str, Any]:
    return {name: getattr(event, name) for name in event.__dataclass_fields__}


def _show(event: Event, bar: Bar, path: Path) -> None:
    from s3n_core.training import events as kinds

    match event:
        case kinds.RunStarted():
            _show_start(event)
        case kinds.StepDone():
            note = (
                f"epoch {event.epoch + 1}, {event.images_per_second:.1f} images/s, {duration(event.seconds_left)} left"
            )
            bar(event.batch, event.batches, note)
        case kinds.EpochDone():
            _show_epoch(event)
        case kinds.ImageLeftOut():
            say(f"Left out: {event.name}: {event.reason}")
        case kinds.Paused():
            say("Paused.")
        case kinds.Resumed():
            say("Going on.")
        case kinds.RunEnded():
            accuracy = (
                "" if event.best_accuracy is None else f" Best held-out accuracy: {100 * event.best_accuracy:.1f} %"
            )
            epoch = "" if event.best_epoch is None or not accuracy else f" (epoch {event.best_epoch + 1})."
            say(f"{event.message}{accuracy}{epoch}")
            if event.status != "discarded":
                typer.echo(str(path))


def _show_start(event: RunStarted) -> None:
    verb = f"Going on with epoch {event.epoch + 1} of" if event.resumed else "Training"
    say(
        f"{verb} {event.epochs} epochs of {event.images} images in {event.classes} classes, {event.held_out} held out, "
        f"on {event.device} in {event.precision}: {event.path.name}"
    )
    for note in event.notes:
        say(note)


def _show_epoch(event: EpochDone) -> None:
    values = event.values
    shares = [
        f"{name} {100 * values[key]:.1f} %"
        for name in ("joint", "O", "D", "C")
        for key in (f"held_out_accuracy_{name}",)
        if key in values
    ]
    held_out = f"   held out: {', '.join(shares)}" if shares else ""
    training = values.get("accuracy_joint", values.get("accuracy_O"))
    known = "" if training is None else f"   training {100 * training:.1f} %"
    loss = f"   loss {values['loss']:.3f}" if "loss" in values else "   recalibrated"
    say(f"epoch {event.epoch + 1:3d}/{event.epochs}{loss}{known}{held_out}{'   best' if event.best else ''}")
    if sys.stderr.isatty() and event.epoch + 1 == event.epochs:
        for warning in event.warnings:
            say(f"  note: {warning}")
