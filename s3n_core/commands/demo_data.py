"""`s3n demo-data`: a data set of synthetic birds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from s3n_core.commands.failures import interruptible, say
from s3n_core.commands.number_options import fraction, whole
from s3n_core.commands.progress import progress_bar

HELP = """Draw a data set of synthetic birds that differ in known parts.

The species share one body and differ only in bill, crown, eye ring, throat, wing bars, tail or legs. The layout is that of
CUB-200-2011, with boxes and the places of the parts.

--interventions adds a folder with every test image drawn again without each part and without each object of its background,
with masks and an index: the truth that explanations can be measured against. Models to be measured should be trained on
images from which parts are left out as well (--leave-out).

Examples: s3n demo-data birds; s3n demo-data truth --interventions --leave-out 0.1
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
    species: Annotated[
        int | None,
        typer.Option(
            "--species",
            metavar="N",
            parser=whole(2, 24),
            help="Number of species, 2 to 24. Default: 12, with --interventions 24.",
        ),
    ] = None,
    leave_out: Annotated[
        float,
        typer.Option(
            "--leave-out",
            metavar="RATE",
            parser=fraction(0, 0.5),
            help="Leave each part out of this share of the training images, 0 to 0.5, independently of the others.",
        ),
    ] = 0.0,
    interventions: Annotated[
        bool,
        typer.Option(
            "--interventions",
            help="Also draw the test images without each part and background object, and write masks.",
        ),
    ] = False,
) -> None:
    """Draw the demo data set."""
    from s3n_core.demo.species import DEFAULT_SPECIES, SPECIES
    from s3n_core.demo.writing import write_drawn_birds

    def left() -> str:
        return f"Stopped; {out} is incomplete. Delete it before you run this again."

    with interruptible(left), progress_bar("Drawing") as bar:
        redrawn = write_drawn_birds(
            out,
            train_per_species=train,
            test_per_species=test,
            seed=seed,
            workers=workers,
            progress=bar,
            species=species or (len(SPECIES) if interventions else DEFAULT_SPECIES),
            leave_out=leave_out,
            interventions=interventions,
        )
    say(f"Drawn with seed {seed}; distinguishing_parts.json lists the parts in which each two species differ.")
    if leave_out:
        say(
            "left_out.json lists the parts left out of each training image. Choices made again because they fitted several "
            f"species: {redrawn}."
        )
    if interventions:
        say("interventions/index.jsonl lists the test images with their variants and masks.")
    typer.echo(str(out))
