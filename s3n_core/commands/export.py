"""`s3n export`: the evidence of a folder's images as pictures."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from s3n_core.commands.arguments import (
    DeviceOption,
    FormatOption,
    ImagesArgument,
    JsonOption,
    ModelArgument,
    PrecisionOption,
    RunsOption,
    SamplingOption,
    SplitOption,
    WorkersOption,
    open_images,
    open_named_model,
    part_of,
)
from s3n_core.commands.failures import say
from s3n_core.commands.progress import print_json, progress_bar
from s3n_core.errors import DataSetError

HELP = """Write what a model looks at: peaks, maps, grids, warped images.

For each image a labelled sheet and single pictures; --arrays adds every intermediate as numbers (.npz). An index.csv lists
what was written.

Example: s3n export first photos --out attention --dpi 200
"""


def export(
    model: ModelArgument,
    images: ImagesArgument,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="The folder to write into.")],
    split: SplitOption = "all",
    most: Annotated[int | None, typer.Option("--most", min=1, help="Only the first so many images.")] = None,
    sheets: Annotated[bool, typer.Option("--sheets/--no-sheets", help="One labelled sheet an image.")] = True,
    singles: Annotated[
        bool, typer.Option("--singles/--no-singles", help="Every panel as a picture of its own.")
    ] = True,
    arrays: Annotated[bool, typer.Option("--arrays", help="Every intermediate as numbers (.npz).")] = False,
    panels: Annotated[
        str | None, typer.Option("--panels", help="Names by comma, for example peaks,map_d,image_d.")
    ] = None,
    layout: Annotated[str, typer.Option("--layout", help="auto, wide or tall.")] = "auto",
    picture: Annotated[str, typer.Option("--picture", help="png or jpeg.")] = "png",
    dpi: Annotated[int, typer.Option("--dpi", min=36, max=1200, help="Pixels an inch.")] = 200,
    colours: Annotated[
        str, typer.Option("--colours", help="Palette of the maps: viridis, magma, cividis, gray.")
    ] = "viridis",
    format: FormatOption = "auto",
    sampling: SamplingOption = None,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    workers: WorkersOption = None,
    runs: RunsOption = None,
    json: JsonOption = False,
) -> None:
    """Export a folder's evidence."""
    from s3n_core.export.exporting import ExportOptions
    from s3n_core.export.exporting import export as export_records
    from s3n_core.export.figures import FigureStyle
    from s3n_core.export.panels import STANDARD_PANELS

    try:
        chosen = tuple(name.strip() for name in panels.split(",")) if panels else STANDARD_PANELS
        style = FigureStyle(panels=chosen, layout=layout, dpi=dpi, colour_map=colours)  # type: ignore[arg-type]
        options = ExportOptions(sheet=sheets, singles=singles, arrays=arrays, format=picture, style=style)  # type: ignore[arg-type]
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    data_set = open_images(images, format)
    records = part_of(data_set, split)[:most]
    opened = open_named_model(model, runs, device, precision, sampling)
    job = export_records(opened, records, out, options, classes=data_set.classes, workers=workers)
    last = None
    with closing(job), progress_bar("Exporting", quiet=json) as bar:
        for last in job:
            bar(last.done, last.total, last.name)
            if json:
                print_json({"event": "progress", "value": last})
            elif last.error:
                say(f"Left out: {last.name}: {last.error}")
    assert last is not None
    if last.left_out == last.total:
        raise DataSetError(f"None of the {last.total} images could be exported; {out / 'index.csv'} says why for each.")
    if not json:
        say(
            f"{last.total - last.left_out} images; sampling {opened.sampling}, {opened.precision}, model {opened.digest}."
        )
        typer.echo(str(out))
