"""`s3n parts export`: an atlas as a page, tables, key points or sheets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from s3n_core.commands.arguments import ExcelOption, JsonOption
from s3n_core.commands.failures import interruptible, say
from s3n_core.commands.parts.opened_atlas import AtlasArgument, DataOption, atlas_root
from s3n_core.commands.progress import progress_bar

OutOption = Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The file to write.")]


def export(
    atlas: AtlasArgument,
    out: OutOption,
    part: Annotated[str | None, typer.Option("--part", metavar="PART", help="For .png and .pdf: this part.")] = None,
    pair: Annotated[
        tuple[str, str] | None,
        typer.Option("--pair", metavar="A B", help="For .png and .pdf: two compared classes; - for all others."),
    ] = None,
    data: DataOption = None,
    excel: ExcelOption = False,
    json: JsonOption = False,
) -> None:
    """Write an atlas: .html as one page, .csv as a table of peaks, .json as COCO key points; a part or a pair as .png or .pdf.

    Examples: s3n parts export atlas --out atlas.html; s3n parts export atlas --part bill --out bill.pdf
    """
    from s3n_core.export.part_crops import PartCrops
    from s3n_core.parts.atlas.atlas import Atlas

    suffix = out.suffix.lower()
    if (part is not None or pair is not None) != (suffix in (".png", ".pdf")):
        raise typer.BadParameter(
            "a sheet (.png or .pdf) is of one --part or one --pair; other files are of the whole atlas."
        )
    if part is not None and pair is not None:
        raise typer.BadParameter("choose one of --part and --pair.")
    if data is not None and suffix in (".csv", ".json"):
        raise typer.BadParameter("--data is for files that show images: .html, .png and .pdf.")
    if data is not None and not data.is_dir():
        raise typer.BadParameter(f"there is no folder {data}; --data names the folder of the data set.")
    opened = Atlas(atlas)
    crops = PartCrops(opened, atlas_root(opened, data))
    match suffix:
        case ".csv":
            opened.write_peaks(out, excel=excel)
        case ".json":
            opened.write_coco(out)
        case ".html":
            from s3n_core.export.report.atlas_page import write_atlas_page

            with interruptible(lambda: "Stopped; nothing was written."), progress_bar("Exporting", json=json) as bar:
                write_atlas_page(opened, out, crops=crops, progress=bar)
        case ".png" | ".pdf":
            from s3n_core.export.figures.part_sheets import pair_sheet, part_sheet, write_sheet

            if part is not None:
                sheet = part_sheet(opened, opened.parts.number(part), crops=crops)
                write_sheet(sheet, out, part, opened.licence_notice)
            elif pair is not None:
                a, b = pair
                sheet = pair_sheet(opened, a, None if b == "-" else b, crops=crops)
                write_sheet(sheet, out, f"{a} and {b}", opened.licence_notice)
        case _:
            raise typer.BadParameter("--out must end in .html, .csv, .json, .png or .pdf.")
    if crops.unread:
        advice = (
            "if the data set has moved, give its folder with --data" if data is None else f"one is {min(crops.unread)}"
        )
        say(
            f"{len(crops.unread):,} of {len(crops.asked):,} shown images could not be read, so their crops are missing; {advice}."
        )
    if not json:
        typer.echo(str(out))
