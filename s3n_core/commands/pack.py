"""`s3n pack` and `s3n unpack`: a training as one file for another machine, and its run back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from s3n_core.commands.arguments import JsonOption, RunsOption, quoted
from s3n_core.commands.failures import interruptible, say
from s3n_core.commands.progress import megabytes, print_json, progress_bar
from s3n_core.method.weight_licences import notice_of
from s3n_core.system.typed_paths import typed_path

HELP = """Pack a run into one file: recipe, list of images, initial weights, and everything trained so far.

On another machine `s3n unpack` makes it a run again, which `s3n runs resume` trains. Packed again there, it comes back the same
way.

Example: s3n train birds --name first --prepare; s3n pack first
"""

UNPACK_HELP = """Unpack a run that was packed on another machine.

The images are found by their names and sizes in the folder that --data names. If the run came from here, it replaces the one
here, which goes to the trash; without --data its data set stays where it is.

Example: s3n unpack first.zip --data birds; s3n runs resume first
"""


def pack(
    name: Annotated[str, typer.Argument(metavar="RUN", help="The run's name or folder.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="The file to write; default: RUN.zip in the current folder."),
    ] = None,
    images: Annotated[bool, typer.Option("--images", help="Also pack the images of the run's split.")] = False,
    runs: RunsOption = None,
    json: JsonOption = False,
) -> None:
    """Pack a run."""
    from s3n_core.runs.locations import find_run, runs_root
    from s3n_core.runs.run_directory import RunDirectory
    from s3n_core.training.jobs.packing import pack_run

    run = RunDirectory(find_run(name, runs_root(runs)))
    file = Path(f"{run.path.name}.zip") if out is None else typed_path(out)
    stopped = f"Stopped; {file} was not written."
    with interruptible(lambda: stopped), progress_bar("Packing", json=json, late=True) as bar:
        packed = pack_run(run, file, images=images, progress=megabytes(bar))
    notice = notice_of(packed.origin)
    if json:
        print_json({"event": "packed", "path": file, "bytes": packed.bytes, "licence": notice})
    else:
        if notice:
            say(notice)
        there = f"s3n unpack {quoted(file.name)}{'' if images else ' --data DATA'}"
        say(f"{packed.bytes / 1e6:,.1f} MB. On the other machine: `{there}`.")
        typer.echo(str(file))


def unpack(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that s3n pack has written.")],
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            metavar="DIR",
            help="The data set's folder on this machine, or one that holds it; for a job with images, a new folder for them. "
            "Default: where the same run has it here, or where the other machine had it; images go beside FILE.",
        ),
    ] = None,
    name: Annotated[str | None, typer.Option("--name", "-n", metavar="NAME", help="Another name for the run.")] = None,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Replace the same run here even if it was trained here since it was packed."),
    ] = False,
    runs: RunsOption = None,
    json: JsonOption = False,
) -> None:
    """Unpack a job."""
    from s3n_core.runs.locations import runs_root
    from s3n_core.training.jobs.unpacking import unpack_job

    with (
        interruptible(lambda: "Stopped; nothing was unpacked."),
        progress_bar("Unpacking", json=json, late=True) as bar,
    ):
        done = unpack_job(
            typed_path(file), runs_root(runs), data=data, name=name, replace=replace, progress=megabytes(bar)
        )
    if json:
        replaced = None if done.replaced is None else done.replaced.name
        print_json(
            {
                "event": "unpacked",
                "path": done.path,
                "data": done.root,
                "images": done.new_images,
                "replaced": replaced,
                "licence": notice_of(done.origin),
            }
        )
        return
    if notice := notice_of(done.origin):
        say(notice)
    if done.replaced is not None:
        say(f"The run as it was here is in the trash (`s3n runs restore {quoted(done.replaced.name)}`).")
    if done.new_images is not None:
        say(f"Its images are in {done.new_images}.")
    say(f"Its data set: {done.root}." if done.has_data or done.root.is_dir() else _without_data(done.root))
    typer.echo(str(done.path))


def _without_data(root: Path) -> str:
    return f"Its data set, {root}, is not on this machine: to train the run here, unpack it again with --data."
