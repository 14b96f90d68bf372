"""`s3n parts assign`: the parts of other images' peaks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from s3n_core.commands.arguments import (
    DeviceOption,
    ExcelOption,
    FormatOption,
    ImagesArgument,
    JsonOption,
    RunsOption,
    SplitOption,
    WorkersOption,
    chosen_records,
    say_problems,
)
from s3n_core.commands.failures import interruptible, say
from s3n_core.commands.parts.opened_atlas import AtlasArgument, ModelOption, atlas_model
from s3n_core.commands.progress import progress_bar


def assign(
    atlas: AtlasArgument,
    images: ImagesArgument,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The table: .csv.")],
    split: SplitOption = "all",
    format: FormatOption = "auto",
    model: ModelOption = None,
    device: DeviceOption = "auto",
    workers: WorkersOption = None,
    runs: RunsOption = None,
    excel: ExcelOption = False,
    json: JsonOption = False,
) -> None:
    """Find the peaks of other images and the part of each, without grouping anew.

    Writes the columns of peaks.csv, and near: 1 if the peak is as close to the part as 95 % of its members, else 0.

    Example: s3n parts assign atlas photos --out peaks.csv
    """
    from s3n_core.datasets.opening import open_images
    from s3n_core.parts.atlas.atlas import Atlas
    from s3n_core.prediction.tables import prepare_place

    if out.suffix.lower() != ".csv":
        raise typer.BadParameter("--out must end in .csv.")
    prepare_place(out)
    opened, data_set = Atlas(atlas), open_images(images, format)
    say_problems(data_set, json=json)
    records = chosen_records(data_set, split, model or opened.header.model_path, runs)

    from s3n_core.parts.atlas.assigning import write_assigned_peaks

    network = atlas_model(opened, model, runs, device)
    with interruptible(lambda: "Stopped; nothing was written."), progress_bar("Assigning", json=json) as bar:
        unreadable = write_assigned_peaks(
            opened, network, records, data_set.classes, out, workers=workers, excel=excel, progress=bar
        )
    for name, reason in unreadable:
        say(f"Left out: {name}: {reason}")
    if not json:
        typer.echo(str(out))
