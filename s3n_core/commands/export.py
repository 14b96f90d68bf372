"""`s3n export`: the evidence of a folder's images as pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from s3n_core.commands.failures import say
from s3n_core.commands.image_job import ImageJob, takes_image_job
from s3n_core.commands.job_progress import follow
from s3n_core.errors import DataSetError
from s3n_core.inspection.palettes import PALETTES, STANDARD_OPACITY

if TYPE_CHECKING:
    from s3n_core.export.job import ExportProgress

HELP = """Write what a model looks at: peaks, maps, grids, warped images.

For each image a labelled sheet and single pictures; --arrays adds every intermediate as numbers (.npz). An index.csv lists
what was written. An export that was stopped goes on where it was when the same command is given again.

Example: s3n export first photos --out attention --dpi 200
"""


@takes_image_job
def export(
    job: ImageJob,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="The folder to write into.")],
    most: Annotated[
        int | None, typer.Option("--most", metavar="N", min=1, help="Only the first so many images.")
    ] = None,
    restart: Annotated[
        bool, typer.Option("--restart", help="Write all files anew, those of a job that was stopped as well.")
    ] = False,
    sheets: Annotated[bool, typer.Option("--sheets/--no-sheets", help="One labelled sheet an image.")] = True,
    singles: Annotated[
        bool, typer.Option("--singles/--no-singles", help="Every panel as a picture of its own.")
    ] = True,
    arrays: Annotated[bool, typer.Option("--arrays", help="Every intermediate as numbers (.npz).")] = False,
    report: Annotated[
        bool, typer.Option("--report", help="One HTML page to look through all images: report.html.")
    ] = False,
    panels: Annotated[
        str | None,
        typer.Option(
            "--panels",
            metavar="NAMES",
            help="Only these, by comma: original, peaks, response, map_d, map_c, grid_d, grid_c, image_d, image_c.",
        ),
    ] = None,
    layout: Annotated[str, typer.Option("--layout", metavar="NAME", help="auto, wide or tall.")] = "auto",
    picture: Annotated[str, typer.Option("--picture", metavar="NAME", help="png, jpeg, pdf or svg.")] = "png",
    dpi: Annotated[int, typer.Option("--dpi", metavar="N", min=36, max=1200, help="Pixels an inch.")] = 200,
    inches: Annotated[
        float,
        typer.Option("--inches", metavar="SIZE", min=0.5, max=20, help="Long side of a single picture, in inches."),
    ] = 4.0,
    colours: Annotated[
        str, typer.Option("--colours", metavar="NAME", help="Palette of the maps: viridis, magma, cividis or grey.")
    ] = PALETTES[0],
    opacity: Annotated[
        float,
        typer.Option("--opacity", metavar="SHARE", min=0, max=1, help="Of the maps over the grey image; 1 hides it."),
    ] = STANDARD_OPACITY,
) -> None:
    """Export a folder's evidence."""
    records, classes = job.records[:most], job.data_set.classes

    from s3n_core.export.job import export as export_records
    from s3n_core.export.options import export_options

    try:
        options = export_options(
            sheet=sheets,
            singles=singles,
            arrays=arrays,
            report=report,
            format=picture,
            panels=None if panels is None else [name.strip() for name in panels.split(",")],
            layout=layout,
            dpi=dpi,
            single_inches=inches,
            colour_map=colours,
            opacity=opacity,
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    opened = job.open_model()
    steps = export_records(opened, records, out, options, classes=classes, workers=job.workers, restart=restart)

    def note(step: ExportProgress) -> str:
        if step.error and not job.json:
            say(f"Left out: {step.name}: {step.error}")
        return step.name

    last = follow(steps, "Exporting", json=job.json, note=note)
    if last.left_out == last.total:
        raise DataSetError(f"None of the {last.total} images could be exported; {out / 'index.csv'} says why for each.")
    if not job.json:
        say(
            f"{last.total - last.left_out} images; sampling {opened.sampling}, {opened.precision}, model {opened.digest}."
        )
        typer.echo(str(out))
