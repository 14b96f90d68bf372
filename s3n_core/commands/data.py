"""`s3n data`: fetch one of the paper's data sets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from s3n_core.commands.failures import interruptible, say
from s3n_core.commands.progress import megabytes, progress_bars

HELP = """Fetch a public data set: cub200, aircraft, cars or flowers17.

Its files are downloaded from their owners, checked by their checksums, unpacked, and the images are counted. A download
that was stopped goes on with the same command. Read the owners' terms first; without a name the data sets are listed.

Example: s3n data cub200 CUB
"""


def data(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="cub200, aircraft, cars or flowers17.")] = None,
    out: Annotated[Path | None, typer.Argument(metavar="DIR", help="A new or empty folder.")] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="PLACE",
            help="A folder that has the files, one of these files, or the address of a mirror's folder.",
        ),
    ] = None,
) -> None:
    """Fetch a public data set."""
    from s3n_core.datasets.public.catalogue import CATALOGUE

    if name is None:
        for data_set in CATALOGUE.values():
            files = ", ".join(file.name for file in data_set.sources)
            typer.echo(
                f"{data_set.key}: {data_set.title}, {data_set.images:,} images, {data_set.classes} classes; {files}"
            )
            typer.echo(f"  {data_set.page} ({data_set.terms})")
        return
    chosen = CATALOGUE.get(name.casefold())
    if chosen is None:
        raise typer.BadParameter(f"there is no data set {name}; choose one of {', '.join(CATALOGUE)}.")
    if out is None:
        raise typer.BadParameter(f"name the folder for the data set, such as: s3n data {chosen.key} {chosen.key}")
    from s3n_core.datasets.public.fetching import fetch

    def left() -> str:
        return f"Stopped; {out} is unfinished. The same command goes on."

    say(f"{chosen.title}, from {chosen.page}. Terms: {chosen.terms}.")
    with interruptible(left), progress_bars("Downloading", "Unpacking", late=True) as (downloading, unpacking):
        found = fetch(chosen, out, source=source, downloading=megabytes(downloading), unpacking=megabytes(unpacking))
    splits = ", ".join(f"{count:,} {split}" for split, count in chosen.splits.items())
    say(f"{len(found.records):,} images of {len(found.classes)} classes ({splits}).")
    typer.echo(str(out))
