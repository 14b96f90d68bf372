"""`s3n export`: figures and numbers that show the visual evidence in a folder's images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from s3n_core.commands.arguments import ExcelOption
from s3n_core.commands.failures import say
from s3n_core.commands.image_job import ImageJob, takes_image_job
from s3n_core.commands.job_progress import follow
from s3n_core.commands.number_options import fraction, whole
from s3n_core.datasets.name_list import read_names, records_named
from s3n_core.errors import DataSetError
from s3n_core.inspection.hiding_choices import FILLS, LEAST_CONTROLS, MOST_CONTROLS, MOST_HIDDEN_PEAKS
from s3n_core.inspection.palettes import PALETTES, STANDARD_OPACITY

if TYPE_CHECKING:
    from s3n_core.export.job import ExportProgress

HELP = """Write what a model looks at in images: peaks, maps, sampling grids and warped images.

Each image gets a labelled sheet or separate panels; --arrays adds all intermediate results as numbers (.npz). index.csv
lists the files. To resume an export that was stopped, run the same command again.

Example: s3n export first photos --out attention --dpi 200
"""


@takes_image_job
def export(
    job: ImageJob,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="The folder to write to.")],
    most: Annotated[
        int | None, typer.Option("--most", metavar="N", parser=whole(1), help="Export only the first N images.")
    ] = None,
    only: Annotated[
        Path | None,
        typer.Option(
            "--only",
            metavar="FILE",
            help="Export only the images that this text file names, one per line as in a table of predictions.",
        ),
    ] = None,
    restart: Annotated[
        bool, typer.Option("--restart", help="Start from the beginning, even if some files have been written already.")
    ] = False,
    sheets: Annotated[bool, typer.Option("--sheets/--no-sheets", help="One labelled sheet per image.")] = True,
    singles: Annotated[bool, typer.Option("--singles/--no-singles", help="Every panel as a separate file.")] = True,
    arrays: Annotated[bool, typer.Option("--arrays", help="All intermediate results as numbers (.npz).")] = False,
    report: Annotated[bool, typer.Option("--report", help="An HTML page with all images: report.html.")] = False,
    hide_peaks: Annotated[
        int,
        typer.Option(
            "--hide-peaks",
            metavar="N",
            min=0,
            max=MOST_HIDDEN_PEAKS,
            help="Test the N strongest peaks of each image: hide each in the original, beside random places.",
        ),
    ] = 0,
    hide_fill: Annotated[
        str, typer.Option("--hide-fill", metavar="NAME", help="What replaces a hidden place: mean, surround or blur.")
    ] = FILLS[0],
    hide_size: Annotated[
        float | None,
        typer.Option("--hide-size", metavar="PX", min=1, help="Diameter of a hidden place; default: a peak's window."),
    ] = None,
    hide_controls: Annotated[
        int,
        typer.Option(
            "--hide-controls",
            metavar="N",
            min=LEAST_CONTROLS,
            max=MOST_CONTROLS,
            help="Number of random places per image.",
        ),
    ] = LEAST_CONTROLS,
    panels: Annotated[
        str | None,
        typer.Option(
            "--panels",
            metavar="NAMES",
            help="Panels, separated by commas: original, contributions, peaks, response, map_d, map_c, grid_d, grid_c, "
            "image_d, image_c.",
        ),
    ] = None,
    versus: Annotated[
        str | None,
        typer.Option(
            "--versus",
            metavar="CLASS",
            help="Class that contributions compare the predicted class with; default: its strongest rival.",
        ),
    ] = None,
    layout: Annotated[str, typer.Option("--layout", metavar="NAME", help="auto, wide or tall.")] = "auto",
    picture: Annotated[str, typer.Option("--picture", metavar="NAME", help="jpeg, png, pdf or svg.")] = "jpeg",
    dpi: Annotated[int, typer.Option("--dpi", metavar="N", parser=whole(36, 1200), help="Pixels per inch.")] = 200,
    inches: Annotated[
        float,
        typer.Option(
            "--inches", metavar="SIZE", parser=fraction(0.5, 20), help="Long side of a separate panel, in inches."
        ),
    ] = 4.0,
    colours: Annotated[
        str, typer.Option("--colours", metavar="NAME", help="Palette of the maps: viridis, magma, cividis or grey.")
    ] = PALETTES[0],
    opacity: Annotated[
        float,
        typer.Option(
            "--opacity",
            metavar="SHARE",
            parser=fraction(0, 1),
            help="Opacity of the maps over the grey image; 1 hides the image.",
        ),
    ] = STANDARD_OPACITY,
    excel: ExcelOption = False,
    predictions: Annotated[
        Path | None,
        typer.Option(
            "--predictions",
            metavar="FILE",
            help="Also write the table of s3n predict (.csv or .json); the network runs only once.",
        ),
    ] = None,
    boxes: Annotated[
        bool,
        typer.Option(
            "--boxes/--no-boxes",
            help="Draw the data set's boxes and key points, if it has any, and mark peaks outside a box.",
        ),
    ] = True,
) -> None:
    """Export figures and numbers of a folder's images."""
    records, classes = job.records, job.data_set.classes
    if only is not None:
        records = records_named(records, read_names(only))
    records = records[:most]

    from s3n_core.export.drawing import drawing_processes
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
            annotations=boxes,
            hidden_peaks=hide_peaks,
            hiding={"fill": hide_fill, "size": hide_size, "controls": hide_controls},
            versus=versus,
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    opened = job.open_model()
    steps = export_records(
        opened,
        records,
        out,
        options,
        classes=classes,
        workers=job.workers,
        restart=restart,
        excel=excel,
        predictions=predictions,
        processes=drawing_processes(len(records)),
    )

    def note(step: ExportProgress) -> str:
        if step.error and not job.json:
            say(f"Left out: {step.name}: {step.error}")
        return step.name

    last = follow(steps, "Exporting", json=job.json, note=note)
    for sentence in last.warnings:
        say(sentence)
    if notice := opened.header.network.licence_notice:
        say(notice)
    if last.left_out == last.total:
        raise DataSetError(f"None of the {last.total} images could be exported; {out / 'index.csv'} says why for each.")
    if not job.json:
        say(
            f"{last.total - last.left_out} images; sampling {opened.sampling}, {opened.precision}, model "
            f"{opened.digest}."
        )
        typer.echo(str(out))
