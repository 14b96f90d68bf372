"""`s3n shuffle-labels`: a data set with shuffled training labels, for sanity checks of explanations."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from s3n_core.commands.arguments import DataArgument, FormatOption
from s3n_core.commands.failures import say
from s3n_core.commands.number_options import whole

HELP = """Write a data set whose training labels are shuffled, for a sanity check of explanations.

Training and validation images swap their labels at random; test images keep theirs. The new folder holds lists and a link to
the images. A model that is trained on it has learnt nothing about the classes: `s3n faithfulness --shuffled` shows whether
explanations depend on what was learnt.

Example: s3n shuffle-labels birds shuffled; s3n train shuffled --name shuffled; s3n faithfulness first truth --shuffled shuffled
"""


def shuffle_labels(
    data: DataArgument,
    out: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    seed: Annotated[int, typer.Option("--seed", metavar="N", parser=whole(0), help="Seed of the order.")] = 0,
    format: FormatOption = "auto",
) -> None:
    """Write a data set with shuffled labels."""
    from s3n_core.datasets.assignment import open_assigned
    from s3n_core.datasets.left_out import without_left_out
    from s3n_core.datasets.shuffled_labels import write_shuffled_labels
    from s3n_core.errors import OutputError

    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OutputError(f"{out} is not empty; choose a new or empty folder.")
    data_set = without_left_out(open_assigned(data, format))
    moved = write_shuffled_labels(data_set, out, seed)
    say(f"{moved} training images have another class's label now; test images keep theirs.")
    typer.echo(out)
