"""`s3n runs`: list, show, control and delete runs."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from s3n_core.commands.arguments import DeviceOption, JsonOption, QuietOption, RunsOption, WorkersOption, quoted
from s3n_core.commands.failures import interruptible, say
from s3n_core.commands.number_options import whole
from s3n_core.commands.progress import duration, print_json
from s3n_core.commands.run_tables import COLUMNS, fields_of, print_runs, print_trash, row_of
from s3n_core.errors import RunBusy

HELP = """List, show, pause, stop, resume and delete runs.

Example: s3n runs list
"""
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The run's name or folder.")]

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


def _find(name: str, runs: Path | None) -> Path:
    from s3n_core.runs.locations import find_run, runs_root

    return find_run(name, runs_root(runs))


@app.command("list")
def list_(
    trash: Annotated[bool, typer.Option("--trash", help="List the runs in the trash instead.")] = False,
    runs: RunsOption = None,
    json: JsonOption = False,
) -> None:
    """List the runs, the newest first.

    Example: s3n runs list
    """
    from s3n_core.runs.locations import runs_root
    from s3n_core.runs.run_list import list_runs

    root = runs_root(runs)
    if trash:
        print_trash(root, json)
        return
    summaries = list_runs(root)
    if json:
        print_json([fields_of(summary) for summary in summaries])
        return
    if not summaries:
        say(f"There are no runs in {root} yet; `s3n train DATA` creates one.")
        return
    print_runs(summaries)


@app.command()
def show(
    name: NameArgument,
    figures: Annotated[bool, typer.Option("--all", help="Show all values of the last epoch.")] = False,
    runs: RunsOption = None,
    json: JsonOption = False,
) -> None:
    """Show one run: its state and its last epoch.

    Example: s3n runs show first
    """
    from s3n_core.commands.run_figures import epoch_lines, every_figure
    from s3n_core.datasets.validation_images import run_validation_count
    from s3n_core.runs.metrics_reading import read_epochs
    from s3n_core.runs.run_directory import RunDirectory

    run = RunDirectory(_find(name, runs))
    summary = run.summary()
    epochs = read_epochs(run.metrics_jsonl)
    if json:
        print_json({**fields_of(summary), "epochs_done": epochs})
        return
    fields = dict(zip(COLUMNS, row_of(summary), strict=True))
    fields["folder"] = str(run.path)
    if summary.problem:
        fields["problem"] = summary.problem
    elif summary.state is not None and summary.state.message:
        fields["message"] = summary.state.message
    if summary.live and summary.state is not None and summary.state.seconds_left:
        fields["time left"] = duration(summary.state.seconds_left)
    for key, value in fields.items():
        typer.echo(f"{key:10} {value}".rstrip())
    for line in epochs[-1:]:
        shown = every_figure if figures else epoch_lines
        typer.echo("\n" + "\n".join(shown(line, run_validation_count(run.path))))


@app.command()
def pause(name: NameArgument, runs: RunsOption = None) -> None:
    """Pause an active run; `s3n runs resume` continues it.

    Example: s3n runs pause first
    """
    from s3n_core.runs.control import send_order

    path = _find(name, runs)
    send_order(path, "pause")
    say(f"The run pauses after the current batch; `s3n runs resume {quoted(path.name)}` continues it.")


@app.command()
def stop(
    name: NameArgument,
    now: Annotated[bool, typer.Option("--now", help="Do not wait for the end of the batch.")] = False,
    runs: RunsOption = None,
) -> None:
    """Stop an active run and keep everything.

    Returns when the run has ended. A process that does not end within three minutes (--now: half a minute) is ended; what
    its last checkpoint holds is kept.

    Example: s3n runs stop first
    """
    from s3n_core.runs import ending
    from s3n_core.runs.control import send_order
    from s3n_core.runs.run_directory import is_live
    from s3n_core.system.locks import read_owner

    path = _find(name, runs)
    asked = read_owner(path)
    send_order(path, "stop-now" if now else "stop")
    say("Stopping.")
    deadline = time.monotonic() + (ending.STOP_NOW_SECONDS if now else ending.STOP_SECONDS)
    kept = "everything is kept"
    with interruptible(lambda: "No longer waiting; the run will still stop."):
        while is_live(path):
            current = read_owner(path)
            if asked is not None and current is not None and current.session != asked.session:
                break  # the one that was asked has ended, and somebody has resumed the run
            if time.monotonic() > deadline:
                ending.end_run(path)
                kept = "it did not respond, so its process was terminated; its last checkpoint is kept"
                break
            time.sleep(0.1)
    say(f"Stopped; {kept}. `s3n runs resume {quoted(path.name)}` continues it.")


@app.command()
def resume(
    name: NameArgument,
    epochs: Annotated[
        int | None,
        typer.Option(
            "--epochs",
            metavar="N",
            parser=whole(1),
            help="Train for N epochs in all, more than are done; also for a finished run.",
        ),
    ] = None,
    device: DeviceOption = "auto",
    workers: WorkersOption = None,
    changed_data: Annotated[
        bool, typer.Option("--changed-data", help="Resume even if images were added, removed or changed.")
    ] = False,
    runs: RunsOption = None,
    quiet: QuietOption = False,
    json: JsonOption = False,
) -> None:
    """Continue a run that was stopped, killed or paused, or train it for more epochs.

    With a step or a constant schedule the result is the same as that of a run of N epochs from the start. With a cosine schedule
    it is not; the first lines say what happens to the learning rates.

    Example: s3n runs resume first --epochs 30
    """
    from s3n_core.commands.teamwork import working_together
    from s3n_core.commands.train import train_run
    from s3n_core.runs.control import send_order
    from s3n_core.runs.run_directory import is_live
    from s3n_core.system.locks import read_owner

    path = _find(name, runs)
    with working_together() as team:
        if team.lead(is_live(path)):
            owner = read_owner(path)
            if epochs is not None and not (owner is not None and owner.packs):
                raise RunBusy(
                    f"The run {path.name} is being trained. Stop it (`s3n runs stop {quoted(path.name)}`), or wait for "
                    "its end; then give it more epochs.",
                    path=path,
                )
            if team.leads:
                send_order(path, "resume")
                say("The run is active; it continues if it was paused.")
            return
        wanted = None if device == "auto" else device
        train_run(
            path,
            device=wanted,
            workers=workers,
            json=json,
            team=team,
            changed_data=changed_data,
            prepared_earlier=True,
            epochs=epochs,
            quiet=quiet,
        )


@app.command()
def trash(name: NameArgument, runs: RunsOption = None) -> None:
    """Move a run to the trash, from which it can be restored.

    Example: s3n runs trash first
    """
    from s3n_core.runs.locations import runs_root
    from s3n_core.runs.trash import move_to_trash

    entry = move_to_trash(_find(name, runs), runs_root(runs))
    say(f"Moved to the trash; `s3n runs restore {quoted(entry.name)}` restores it.")


@app.command()
def restore(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The run's name.")],
    runs: RunsOption = None,
) -> None:
    """Restore the latest run of that name from the trash.

    Example: s3n runs restore first
    """
    from s3n_core.errors import RunError
    from s3n_core.runs.locations import runs_root
    from s3n_core.runs.trash import list_trash
    from s3n_core.runs.trash import restore as restore_entry

    root = runs_root(runs)
    entries = [entry for entry in list_trash(root) if entry.name == name]
    if not entries:
        raise RunError(
            f"There is no run {name!r} in the trash of {root}; `s3n runs list --trash` shows what the trash contains."
        )
    typer.echo(str(restore_entry(entries[0], root)))


@app.command("empty-trash")
def empty_trash(runs: RunsOption = None) -> None:
    """Delete everything in the trash permanently.

    Example: s3n runs empty-trash
    """
    from s3n_core.runs.locations import runs_root
    from s3n_core.runs.trash import empty_trash as empty

    count = empty(runs_root(runs))
    say(f"{count} {'run' if count == 1 else 'runs'} deleted permanently.")
