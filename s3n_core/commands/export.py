"""`s3n export`: the evidence of a folder's images as pictures."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
    say_problems,
)
from s3n_core.commands.failures import interruptible, say
from s3n_core.commands.progress import print_event, progress_bar
from s3n_core.errors import DataSetError

if TYPE_CHECKING:
    from s3n_core.export.exporting import ExportProgress

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
    most: Annotated[
        int | None, typer.Option("--most", metavar="N", min=1, help="Only the first so many images.")
    ] = None,
    sheets: Annotated[bool, typer.Option("--sheets/--no-sheets", help="One labelled sheet an image.")] = True,
    singles: Annotated[
        bool, typer.Option("--singles/--no-singles", help="Every panel as a picture of its own.")
    ] = True,
    arrays: Annotated[bool, typer.Option("--arrays", help="Every intermediate as numbers (.npz).")] = False,
    panels: Annotated[
        str | None,
        typer.Option(
            "--panels",
            metavar="NAMES",
            help="Only these, by comma: original, peaks, response, map_d, map_c, grid_d, grid_c, image_d, image_c.",
        ),
    ] = None,
    layout: Annotated[str, typer.Option("--layout", metavar="NAME", help="auto, wide or tall.")] = "auto",
    picture: Annotated[str, typer.Option("--picture", metavar="NAME", help="png or jpeg.")] = "png",
    dpi: Annotated[int, typer.Option("--dpi", metavar="N", min=36, max=1200, help="Pixels an inch.")] = 200,
    inches: Annotated[
        float,
        typer.Option("--inches", metavar="SIZE", min=0.5, max=20, help="Long side of a single picture, in inches."),
    ] = 4.0,
    colours: Annotated[
        str, typer.Option("--colours", metavar="NAME", help="Palette of the maps: viridis, magma, cividis or gray.")
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
    data_set = open_images(images, format)
    say_problems(data_set)
    records = part_of(data_set, split)[:most]

    from s3n_core.export.exporting import ExportOptions
    from s3n_core.export.exporting import export as export_records
    from s3n_core.export.figures import FigureStyle
    from s3n_core.export.panels import STANDARD_PANELS

    try:
        chosen = tuple(name.strip() for name in panels.split(",")) if panels else STANDARD_PANELS
        style = FigureStyle(panels=chosen, layout=layout, dpi=dpi, single_inches=inches, colour_map=colours)  # type: ignore[arg-type]
        options = ExportOptions(sheet=sheets, singles=singles, arrays=arrays, format=picture, style=style)  # type: ignore[arg-type]
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    opened = open_named_model(model, runs, device, precision, sampling)
    job = export_records(opened, records, out, options, classes=data_set.classes, workers=workers)
    last: ExportProgress | None = None

    def kept() -> str:
        images = "no image yet" if last is None else f"{last.done} of {last.total} images"
        return f"Stopped after {images}; each file in {out} is whole. The same command starts again and replaces them."

    with interruptible(kept), closing(job), progress_bar("Exporting", quiet=json) as bar:
        for last in job:
            bar(last.done, last.total, last.name)
            if json:
                print_event(last, "progress")
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
