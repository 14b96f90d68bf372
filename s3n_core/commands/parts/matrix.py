"""`s3n parts matrix`: the classes by parts, by contribution and by what hiding costs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from s3n_core.commands.arguments import DeviceOption, ExcelOption, JsonOption, RunsOption, WorkersOption
from s3n_core.commands.failures import interruptible, say
from s3n_core.commands.parts.opened_atlas import AtlasArgument, DataOption, ModelOption, atlas_model, atlas_records
from s3n_core.commands.progress import print_json, progress_bar
from s3n_core.commands.text_tables import table_text
from s3n_core.datasets.records import displayed_class

if TYPE_CHECKING:
    from s3n_core.parts.atlas.atlas import Atlas


def matrix(
    atlas: AtlasArgument,
    measure: Annotated[
        bool,
        typer.Option(
            "--measure", help="First measure what hiding each part costs each class that is not measured yet."
        ),
    ] = False,
    images: Annotated[
        int | None,
        typer.Option(
            "--images",
            metavar="N",
            min=2,
            help="With --measure: at most N images of each class, and as many of all others, evenly spaced. Default: 20.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Also write everything as a table: .csv.")
    ] = None,
    model: ModelOption = None,
    data: DataOption = None,
    device: DeviceOption = "auto",
    workers: WorkersOption = None,
    runs: RunsOption = None,
    excel: ExcelOption = False,
    json: JsonOption = False,
) -> None:
    """Show the classes by parts: what each part contributes, and what hiding it costs the class.

    --measure compares each class with all others, as `s3n parts compare ATLAS CLASS` does, and keeps each answer in the atlas. To
    resume a job that was stopped, run it again: it takes the classes that are left.

    Example: s3n parts matrix atlas --measure --out matrix.csv
    """
    from s3n_core.parts.atlas.atlas import Atlas
    from s3n_core.parts.comparison.class_effects import class_effects, effect_table, write_class_table
    from s3n_core.parts.comparison.class_matrix import class_matrix
    from s3n_core.prediction.tables import prepare_place

    if out is not None:
        if out.suffix.lower() != ".csv":
            raise typer.BadParameter("--out must end in .csv.")
        prepare_place(out)
    opened = Atlas(atlas)
    if measure:
        _measure(opened, images, model, data, device, workers, runs, json=json)
    elif images is not None:
        raise typer.BadParameter("--images needs --measure.")
    found = class_matrix(opened)
    effects = class_effects(opened, found)
    if out is not None:
        write_class_table(out, opened, found, excel=excel)
    if json:
        print_json({"event": "matrix", "classes": found.classes, "parts": found.parts, "measured": effects.measured})
        return
    header = ["class", *found.titles(opened), "elsewhere"]
    columns = range(len(found.parts))
    rows = [
        [
            displayed_class(name),
            *(found.contribution_text(row, column) for column in columns),
            f"{found.rest[row]:+.2f}",
        ]
        for row, name in enumerate(found.classes)
    ]
    typer.echo(table_text([header, *rows]))
    typer.echo(
        "What is read at each part of the margin over the strongest rival, in logits, mean over the class's images."
    )
    count = int(effects.measured.sum())
    if count:
        typer.echo(f"\n{table_text(effect_table(opened, found, effects))}")
        typer.echo(
            "What hiding each part costs the margin over all other classes beyond random places of the same size, in logits; in "
            "brackets where that is not shown (95 % interval not above 0)."
        )
    if count < len(found.classes):
        outdated = int(effects.outdated.sum())
        since = f", {outdated} of them since the parts were edited" if outdated else ""
        say(f"{len(found.classes) - count} of {len(found.classes)} classes are not measured{since}; --measure does it.")


def _measure(
    atlas: Atlas,
    images: int | None,
    model: str | None,
    data: Path | None,
    device: str,
    workers: int | None,
    runs: Path | None,
    *,
    json: bool,
) -> None:
    """Measure the classes that are left."""
    records = atlas_records(atlas, data)

    from s3n_core.parts.comparison.class_effects import IMAGES_OF_A_SIDE
    from s3n_core.parts.comparison.effect_measuring import measure_effects

    network = atlas_model(atlas, model, runs, device)
    done = 0

    def last_word() -> str:
        classes = "1 class is" if done == 1 else f"{done} classes are"
        return f"Stopped; {classes} measured and kept. Run the same command to go on."

    with interruptible(last_word), progress_bar("Measuring", json=json) as bar:
        most = images or IMAGES_OF_A_SIDE
        for one in measure_effects(atlas, network, records, most=most, workers=workers, progress=bar):
            if one.problem:
                say(f"Left out: {displayed_class(one.name)}: {one.problem}.")
            else:
                done += 1
            if json:
                print_json({"event": "measured", "class": one.name, "problem": one.problem})
