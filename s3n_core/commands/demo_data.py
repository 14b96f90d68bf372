"""`s3n demo-data`: a data set of synthetic birds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from s3n_core.commands.failures import interruptible, say
from s3n_core.commands.number_options import whole
from s3n_core.commands.progress import progress_bar

HELP = """Draw a data set of synthetic birds that differ in known parts.

Twelve species share one body and differ only in bill, crown, eye ring, throat, wing bars, tail or legs. It has the layout of
CUB-200-2011, with boxes and the places of the parts.

Example: s3n demo-data birds
"""


def demo_data(
    out: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    train: Annotated[
        int, typer.Option("--train", metavar="N", parser=whole(1, 10000), help="Training images per species.")
    ] = 60,
    test: Annotated[
        int, typer.Option("--test", metavar="N", parser=whole(0, 10000), help="Test images per species.")
    ] = 20,
    seed: Annotated[int, typer.Option("--seed", metavar="N", parser=whole(0), help="Seed of the random scenes.")] = 0,
    workers: Annotated[
        int | None, typer.Option("--workers", metavar="N", parser=whole(1), help="Number of processes.")
    ] = None,
) -> None:
    """Draw the demo data set."""
    from s3n_core.demo.writing import write_drawn_birds

    def left() -> str:
        return f"Stopped; {out} is incomplete. Delete it before you run this again."

    with interruptible(left), progress_bar("Drawing") as bar:
        write_drawn_birds(out, train_per_species=train, test_per_species=test, seed=seed, workers=workers, progress=bar)
    say(f"Drawn with seed {seed}; distinguishing_parts.json lists the parts in which each two species differ.")
    typer.echo(str(out))
