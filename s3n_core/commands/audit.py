"""`s3n audit`: what is in a data set, and what is wrong with it."""

from __future__ import annotations

from typing import Annotated

import typer

from s3n_core.commands.arguments import DataArgument, FormatOption, JsonOption, WorkersOption
from s3n_core.commands.failures import interruptible
from s3n_core.commands.progress import print_json, progress_bar

HELP = """Look through a data set for what is broken, too small or double.

Images of each class and part, unreadable files with the reason, classes too small to learn, equal files.

Example: s3n audit birds
"""


def audit(
    data: DataArgument,
    decode: Annotated[bool, typer.Option("--decode/--no-decode", help="Open every image to its last pixel.")] = True,
    format: FormatOption = "auto",
    workers: WorkersOption = None,
    json: JsonOption = False,
) -> None:
    """Audit a data set."""
    from s3n_core.datasets.assignment import open_assigned
    from s3n_core.datasets.audit import audit as audit_data_set

    data_set = open_assigned(data, format)
    with interruptible(lambda: "Stopped."), progress_bar("Reading", quiet=json) as bar:
        report = audit_data_set(data_set, decode=decode, workers=workers, progress=bar)
    if json:
        print_json(report.to_dict())
    else:
        typer.echo(report.text())
