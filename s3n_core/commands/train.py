"""`s3n train`: train in a run folder, and `train_run`, which `s3n runs resume` shares."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from s3n_core.commands.arguments import (
    DeviceOption,
    FormatOption,
    JsonOption,
    QuietOption,
    RunsOption,
    WorkersOption,
    quoted,
    say_problems,
)
from s3n_core.commands.failures import interruptible, say
from s3n_core.commands.progress import print_event, print_json, progress_bar
from s3n_core.commands.training_lines import follow
from s3n_core.errors import DataSetError

if TYPE_CHECKING:
    from s3n_core.datasets.records import DataSet
    from s3n_core.system.distributed import Team
    from s3n_core.training.recipe import Recipe
    from s3n_core.training.trainer import Trainer

_HANGUP: signal.Signals | None = getattr(signal, "SIGHUP", None)  # there is none on Windows

HELP = """Train a model on a data set with image labels.

The run folder holds everything about the training. Ctrl+C stops after the current batch and keeps the model; a second Ctrl+C
quits at once. In both cases `s3n runs resume NAME` continues the training.

Example: s3n train birds --recipe quick --name first --set epochs=20
"""


def train(
    data: Annotated[Path | None, typer.Argument(metavar="DATA", help="The data set's folder.")] = None,
    recipe: Annotated[
        str,
        typer.Option("--recipe", "-r", metavar="NAME", help="quick, small-data, paper, release, hawkeye or baseline."),
    ] = "quick",
    setting: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            "-s",
            metavar="FIELD=VALUE",
            help="Change a setting of the recipe, such as epochs=20 or network.backbone=resnet18; can be repeated.",
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            "--name", "-n", metavar="NAME", help="Name of the run; default: the data set's name and a number."
        ),
    ] = None,
    runs: RunsOption = None,
    format: FormatOption = "auto",
    device: DeviceOption = "auto",
    workers: WorkersOption = None,
    all_images: Annotated[
        bool, typer.Option("--all-images", help="Also use images that were left out in the window.")
    ] = False,
    show_recipe: Annotated[
        bool, typer.Option("--show-recipe", help="Print all settings with their sources, and exit.")
    ] = False,
    prepare: Annotated[
        bool,
        typer.Option(
            "--prepare", help="Only make the run; `s3n runs resume` trains it, here or after `s3n pack` elsewhere."
        ),
    ] = False,
    quiet: QuietOption = False,
    json: JsonOption = False,
) -> None:
    """Start a training."""
    from s3n_core.training.recipe import parse_settings
    from s3n_core.training.recipes import find_recipe

    chosen = find_recipe(recipe).changed(parse_settings(setting or []))
    if show_recipe:
        typer.echo(chosen.model_dump_json(indent=2) if json else chosen.describe())
        return
    if data is None:
        raise typer.BadParameter("the data set's folder is missing", param_hint="DATA")

    from s3n_core.commands.teamwork import working_together

    with working_together() as team:
        path: Path | None = None
        if team.leads:
            path = _prepare(data, chosen, name, runs, format, device, all_images, json, team.size)
        path = team.lead(path)
        assert path is not None
        if prepare:
            if team.leads:
                _leave_prepared(path, chosen, json)
            return
        train_run(path, device=None, workers=workers, json=json, team=team, quiet=quiet)


def _prepare(
    data: Path,
    chosen: Recipe,
    name: str | None,
    runs: Path | None,
    format: str,
    device: str,
    all_images: bool,
    json: bool,
    processes: int,
) -> Path:
    """Make the run's folder."""
    from s3n_core.datasets.assignment import assignment_sentence, open_assigned
    from s3n_core.datasets.detection import detection_sentence
    from s3n_core.datasets.left_out import without_left_out
    from s3n_core.datasets.range_finding import FINDING
    from s3n_core.runs.locations import runs_root
    from s3n_core.training.preparing import new_run

    data_set = open_assigned(data, format)
    if not json:
        say(detection_sentence(data_set.original or data_set))
    if data_set.original is not None:
        say(assignment_sentence(data_set))
    say_problems(data_set, json=json, remarks=json)
    if not all_images:
        whole, data_set = data_set, without_left_out(data_set)
        if data_set is not whole:
            count = len(whole.records) - len(data_set.records)
            say(f"{count} of them {'is' if count == 1 else 'are'} left out by hand; --all-images includes them.")
    if not json:
        _say_classes(data_set, chosen)
    nothing = "Stopped before the training began; no run was made."
    with interruptible(lambda: nothing), progress_bar(FINDING, json=json, late=True) as bar:
        run = new_run(
            runs_root(runs), data_set, chosen, name=name, device=device, processes=processes, tell=say, progress=bar
        )
    return run.path


def _leave_prepared(path: Path, chosen: Recipe, json: bool) -> None:
    """Give a run that is not to be trained now the state of a stopped one."""
    from s3n_core.runs.run_directory import RunDirectory
    from s3n_core.runs.run_state import RunState

    state = RunState(status="stopped", epochs=chosen.epochs, message="Prepared; resume it to train.")
    RunDirectory(path).write_state(state)
    if json:
        print_json({"event": "prepared", "path": path})
        return
    say(f"`s3n runs resume {quoted(path.name)}` trains it; `s3n pack {quoted(path.name)}` takes it to another machine.")
    typer.echo(str(path))


def train_run(
    path: Path,
    *,
    device: str | None,
    workers: int | None,
    json: bool,
    team: Team,
    changed_data: bool = False,
    prepared_earlier: bool = False,
    epochs: int | None = None,
    quiet: bool = False,
) -> None:
    """Train the run in a folder to its end, or to ``epochs`` in all; the leader of a team prints the events.

    Raises:
        typer.Exit: With code 130 if it was stopped by a signal, after everything was kept.
    """
    from s3n_core.training.events import RunEnded
    from s3n_core.training.trainer import Trainer

    trainer = Trainer(
        path,
        device=device,
        workers=workers,
        changed_data=changed_data,
        prepared_earlier=prepared_earlier,
        epochs=epochs,
        team=team,
    )
    last_word = f"Quit; `s3n runs resume {quoted(path.name)}` continues from the last checkpoint."
    quitting = interruptible(lambda: last_word) if team.leads else nullcontext()
    with quitting, stop_by_signals(trainer, team) as signals, closing(trainer.run()) as events:
        if not team.leads:
            for _ in events:
                pass
            return
        shown = (event for event in events if isinstance(event, RunEnded)) if quiet else events
        if json:
            for event in shown:
                print_event(event)
        else:
            follow(shown, path)
    _discard_if_ordered(path)
    if signals:
        raise typer.Exit(130)


@contextmanager
def stop_by_signals(trainer: Trainer, team: Team) -> Iterator[list[int]]:
    """On the first Ctrl+C (or SIGTERM), stop after the batch and keep the model; on the second, quit at once.

    Yields:
        The signals received so far.
    """
    came: list[int] = []

    def handle(number: int, frame: Any) -> None:
        if number == _HANGUP:
            # The terminal is gone: printing would now raise an error and end the training.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            for stream in (1, 2):
                os.dup2(nowhere, stream)
        came.append(number)
        if len(came) > 1:
            raise KeyboardInterrupt
        # When another process has failed, torchrun sends the signal; then the failure is reported instead.
        if team.leads and (team.size == 1 or number == signal.SIGINT):
            say("Stopping after this batch; everything is kept. Press Ctrl+C again to quit at once.")
        trainer.request_stop()

    kinds = [signal.SIGINT, signal.SIGTERM]
    if _HANGUP is not None and signal.getsignal(_HANGUP) != signal.SIG_IGN:  # nohup ignores it on purpose
        kinds.append(_HANGUP)
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


def _say_classes(data_set: DataSet, recipe: Recipe) -> None:
    """Point out classes with few images for training, and those with many times more than others."""
    from s3n_core.datasets.audit.checks import FEWEST_TRAINING_IMAGES
    from s3n_core.datasets.imbalance import unequal_classes
    from s3n_core.training.image_counts import image_counts

    classes = data_set.classes
    try:
        counts = image_counts(data_set, recipe.validation, recipe.split_seed).training
    except DataSetError:  # said where the run is made
        return
    small = sum(count < FEWEST_TRAINING_IMAGES for count in counts)
    if small:
        fewest = counts.index(min(counts))
        say(
            f"{small} of {len(classes)} classes have fewer than {FEWEST_TRAINING_IMAGES} training images (fewest: "
            f"{classes[fewest]}, {counts[fewest]}); expect low accuracy for them."
        )
    found = unequal_classes(counts, classes)
    if found is not None and recipe.balance == "none":
        say(f"{found.sentence} `--set balance=sampling` shows all classes equally often; balance=weights weighs them.")
