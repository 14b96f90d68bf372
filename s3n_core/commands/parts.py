"""`s3n parts`: find the parts that tell classes apart, over a whole data set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from s3n_core.commands.arguments import (
    DataArgument,
    DeviceOption,
    ExcelOption,
    FormatOption,
    ImagesArgument,
    JsonOption,
    MeasuredSplitOption,
    ModelArgument,
    PrecisionOption,
    RunsOption,
    SamplingOption,
    SplitOption,
    WorkersOption,
    chosen_records,
    evaluation_records,
    open_named_model,
    quoted,
    say_problems,
)
from s3n_core.commands.failures import interruptible, say
from s3n_core.commands.job_progress import follow
from s3n_core.commands.number_options import whole
from s3n_core.commands.opened_atlas import (
    AtlasArgument,
    ModelOption,
    atlas_model,
    name_below,
)
from s3n_core.commands.part_answers import agree, compare, expect, measure, steady, truth
from s3n_core.commands.part_matrix import matrix
from s3n_core.commands.progress import print_json, progress_bar
from s3n_core.commands.text_tables import table_text
from s3n_core.datasets.records import displayed_class
from s3n_core.errors import AtlasError

if TYPE_CHECKING:
    from s3n_core.parts.atlas.atlas import Atlas

HELP = """Find parts over a whole data set, and what tells one class from another.

Examples: s3n parts build first birds --out atlas; s3n parts show atlas
"""
OutOption = Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The file to write.")]

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.command()
def build(
    model: ModelArgument,
    data: DataArgument,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="The folder of the atlas.")],
    parts: Annotated[
        int | None,
        typer.Option("--parts", metavar="K", parser=whole(2, 500), help="Number of parts. Default: suggested."),
    ] = None,
    parts_of: Annotated[
        Path | None,
        typer.Option(
            "--parts-of",
            metavar="ATLAS",
            help="Take the parts of another atlas of this model, with their names and edits, instead of finding parts.",
        ),
    ] = None,
    split: MeasuredSplitOption = None,
    as_they_are: Annotated[
        bool,
        typer.Option(
            "--as-they-are",
            help="Compare descriptors as they are, without subtracting the mean of the predicted class.",
        ),
    ] = False,
    seed: Annotated[int, typer.Option("--seed", metavar="N", parser=whole(0), help="Seed of all draws.")] = 0,
    restart: Annotated[
        bool, typer.Option("--restart", help="Discard what is in the folder and start from the beginning.")
    ] = False,
    format: FormatOption = "auto",
    sampling: SamplingOption = None,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    workers: WorkersOption = None,
    runs: RunsOption = None,
    json: JsonOption = False,
) -> None:
    """Find the parts that a model's peaks lie on.

    Collects every peak of the images and some random cells, and groups them by what the middle of the network sees there. A
    stopped job is resumed by the same command; with another --parts, a finished atlas is grouped anew without its images.

    Examples: s3n parts build first birds --out atlas; s3n parts build first photos --parts-of atlas --out photos-atlas
    """
    if parts_of is not None and (parts is not None or as_they_are):
        option = "--parts" if parts is not None else "--as-they-are"
        raise typer.BadParameter(
            f"the parts of another atlas are taken as they are; leave out {option}", param_hint="--parts-of"
        )
    from s3n_core.datasets.opening import open_images

    data_set = open_images(data, format)
    say_problems(data_set, json=json)
    chosen, records = evaluation_records(data_set, split, model, runs)

    from s3n_core.parts.atlas.atlas import Atlas
    from s3n_core.parts.atlas.building import build_atlas

    opened = open_named_model(model, runs, device, precision, sampling)
    steps = build_atlas(
        opened,
        data_set,
        records,
        out,
        split=chosen,
        parts=parts,
        parts_of=parts_of,
        centred=not as_they_are,
        seed=seed,
        restart=restart,
        workers=workers,
    )
    follow(steps, "Finding parts", json=json, note=lambda step: f"{step.images_per_second:.1f} images/s")
    _show(Atlas(out), json=json)


@app.command()
def show(
    atlas: AtlasArgument,
    class_name: Annotated[
        str | None, typer.Option("--class", metavar="CLASS", help="Only the parts of this class, strongest first.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Show the parts of an atlas, or those of one class.

    Example: s3n parts show atlas --class "Frost tailed Willowling"
    """
    from s3n_core.parts.atlas.atlas import Atlas

    opened = Atlas(atlas)
    if class_name is None:
        _show(opened, json=json)
        return
    found = opened.class_parts(class_name)
    if json:
        print_json({"event": "class_parts", "class": class_name, "parts": list(found)})
        return
    rows = [["part", "found in", "contribution"]]
    rows += [[part.name, f"{part.images} of {part.total}", f"{part.contribution:+.2f}"] for part in found]
    typer.echo(table_text(rows))
    typer.echo(
        "Contribution of its peaks to the margin over the strongest rival, in logits, mean over the class's images."
    )


app.command()(compare)


app.command()(matrix)


app.command()(agree)


app.command()(expect)


@app.command()
def like(
    atlas: AtlasArgument,
    image: Annotated[
        Path, typer.Argument(metavar="IMAGE", help="An image of the atlas, by name or file, or any other.")
    ],
    at: Annotated[
        tuple[float, float] | None,
        typer.Option("--at", metavar="X Y", help="The peak nearest to this pixel. Default: the strongest peak."),
    ] = None,
    count: Annotated[int, typer.Option("--count", "-n", metavar="N", min=1, max=200, help="How many places.")] = 20,
    model: ModelOption = None,
    device: DeviceOption = "auto",
    runs: RunsOption = None,
    json: JsonOption = False,
) -> None:
    """Find the peaks of the atlas that look most like a peak of an image, in other images.

    Example: s3n parts like atlas bird.jpg --at 140 96
    """
    from s3n_core.parts.atlas.atlas import Atlas

    opened = Atlas(atlas)
    place = _peak(opened, image, at)
    if place is not None:
        row, x, y = place
        found = opened.nearest(row, count, same_image=False)
    else:
        from s3n_core.datasets.opening import open_images

        (record, *_) = open_images(image, "auto").records

        from s3n_core.parts.atlas.assigning import peak_like

        descriptor, x, y = peak_like(opened, atlas_model(opened, model, runs, device), record, at)
        found = opened.nearest(descriptor, count)
    if json:
        print_json({"event": "neighbours", "image": str(image), "x": x, "y": y, "neighbours": found})
        return
    rows = [["image", "class", "x", "y", "part", "similarity"]]
    for one in found:
        of_class = "" if one.label is None else displayed_class(one.label)
        rows.append([one.image, of_class, f"{one.x:.0f}", f"{one.y:.0f}", one.name, f"{one.similarity:.2f}"])
    typer.echo(table_text(rows))
    say(f"Like the peak at ({x:.0f}, {y:.0f}) of {image}.")


@app.command()
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


@app.command()
def edit(
    atlas: AtlasArgument,
    action: Annotated[
        Literal["rename", "merge", "split", "hide", "show", "background", "object", "reassign", "undo"],
        typer.Argument(
            metavar="ACTION", help="rename, merge, split, hide, show, background, object, reassign or undo."
        ),
    ],
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PART]...", help="The part; for rename also its new name, for merge a second part."),
    ] = None,
    image: Annotated[
        Path | None, typer.Option("--image", metavar="IMAGE", help="For reassign: the image of the peak.")
    ] = None,
    at: Annotated[
        tuple[float, float] | None,
        typer.Option(
            "--at", metavar="X Y", help="For reassign: the peak nearest to this pixel. Default: the strongest."
        ),
    ] = None,
) -> None:
    """Rename, merge, split or hide parts, mark them as background or object, or move one peak to a part; undo the last edit.

    Edits are kept in the atlas's journal, and are applied again after grouping anew where the same parts and peaks are found.

    Examples: s3n parts edit atlas rename "part 3" bill; s3n parts edit atlas reassign bill --image bird.jpg --at 140 96
    """
    from s3n_core.parts.atlas.atlas import Atlas

    if (image is None) == (action == "reassign") or (at is not None and action != "reassign"):
        raise typer.BadParameter("--image, and --at if it is needed, say which peak reassign moves.")
    opened, words = Atlas(atlas), names or []
    wanted = {"rename": 2, "merge": 2, "undo": 0}.get(action, 1)
    if len(words) != wanted:
        raise typer.BadParameter(f"{action} takes {('no part', 'one part', 'two names')[wanted]}.")
    match action:
        case "rename":
            opened.rename(words[0], words[1])
        case "merge":
            opened.merge(words[0], words[1])
        case "split":
            opened.split(words[0])
        case "hide" | "show":
            opened.hide(words[0], hidden=action == "hide")
        case "background" | "object":
            opened.set_background(words[0], background=action == "background")
        case "reassign":
            _reassign(opened, words[0], image, at)
        case "undo":
            opened.undo()
    _show(opened, json=False)


app.command()(measure)


app.command()(steady)


app.command()(truth)


@app.command()
def export(
    atlas: AtlasArgument,
    out: OutOption,
    part: Annotated[str | None, typer.Option("--part", metavar="PART", help="For .png and .pdf: this part.")] = None,
    pair: Annotated[
        tuple[str, str] | None,
        typer.Option("--pair", metavar="A B", help="For .png and .pdf: two compared classes; - for all others."),
    ] = None,
    excel: ExcelOption = False,
    json: JsonOption = False,
) -> None:
    """Write an atlas: .html as one page, .csv as a table of peaks, .json as COCO key points; a part or a pair as .png or .pdf.

    Examples: s3n parts export atlas --out atlas.html; s3n parts export atlas --part bill --out bill.pdf
    """
    from s3n_core.parts.atlas.atlas import Atlas

    suffix = out.suffix.lower()
    if (part is not None or pair is not None) != (suffix in (".png", ".pdf")):
        raise typer.BadParameter(
            "a sheet (.png or .pdf) is of one --part or one --pair; other files are of the whole atlas."
        )
    if part is not None and pair is not None:
        raise typer.BadParameter("choose one of --part and --pair.")
    opened = Atlas(atlas)
    match suffix:
        case ".csv":
            opened.write_peaks(out, excel=excel)
        case ".json":
            opened.write_coco(out)
        case ".html":
            from s3n_core.export.report.atlas_page import write_atlas_page

            with interruptible(lambda: "Stopped; nothing was written."), progress_bar("Exporting", json=json) as bar:
                write_atlas_page(opened, out, progress=bar)
        case ".png" | ".pdf":
            from s3n_core.export.figures.part_sheets import pair_sheet, part_sheet, write_sheet

            if part is not None:
                write_sheet(part_sheet(opened, opened.parts.number(part)), out, part)
            elif pair is not None:
                a, b = pair
                write_sheet(pair_sheet(opened, a, None if b == "-" else b), out, f"{a} and {b}")
        case _:
            raise typer.BadParameter("--out must end in .html, .csv, .json, .png or .pdf.")
    if not json:
        typer.echo(str(out))


def _peak(atlas: Atlas, image: Path, at: tuple[float, float] | None) -> tuple[int, float, float] | None:
    """Return the row and place of a peak of an image that is given by its name or file; None if it is not one of the atlas's."""
    return atlas.peak_of(str(image), at) or atlas.peak_of(name_below(Path(atlas.header.data), image), at)


def _reassign(atlas: Atlas, part: str, image: Path | None, at: tuple[float, float] | None) -> None:
    """Move a peak to a part, and say which it was."""
    found = None if image is None else _peak(atlas, image, at)
    if found is None:
        raise AtlasError(f"The atlas has no peak of {image}; give an image of the atlas, by its name or file.")
    row, x, y = found
    before = atlas.parts.name(int(atlas.part_of[row]))
    file = atlas.images[int(atlas.places["image"][row])].file
    atlas.reassign(part, file, x, y)
    say(f"The peak at ({x:.0f}, {y:.0f}) of {file} belonged to {before}.")


def _show(atlas: Atlas, *, json: bool) -> None:
    summaries, header = atlas.summaries(), atlas.header
    if json:
        print_json({"event": "atlas", "path": str(atlas.path), "agreement": header.agreement, "parts": list(summaries)})
        return
    rows = [["part", "peaks", "images", "at x, y", "R", "in D", "contribution", "most frequent in"]]
    for part in summaries:
        place = "" if part.place is None else f"{100 * part.place[0]:.0f} %, {100 * part.place[1]:.0f} %"
        rows.append(
            [
                part.title,
                str(part.peaks or ""),
                str(part.images or ""),
                place,
                "" if part.response is None else f"{part.response:.2f}",
                "" if part.strong is None else f"{100 * part.strong:.0f} %",
                "" if part.contribution is None else f"{part.contribution:+.2f}",
                ", ".join(f"{displayed_class(name)} {some}/{total}" for name, some, total in part.classes[:2]),
            ]
        )
    typer.echo(table_text(rows))
    used = [image for image in atlas.images if not image.error]
    chosen = "suggested" if header.suggested else "given"
    if header.parts_of:
        chosen = f"taken from {header.parts_of}"
    say(f"{len(used)} of {len(atlas.images)} images (split {header.split}); {header.parts} groups, {chosen}.")
    for kind, measured in header.agreement.items():
        say(
            f"Descriptors {kind}: NMI with annotated parts {measured['part']:.2f}, with classes {measured['label']:.2f}, "
            f"difference {measured['part'] - measured['label']:+.2f} ({measured['peaks']} peaks)."
        )
    if header.lost_edits:
        say(f"{header.lost_edits} earlier edits could not be applied to the new groups.")
    say(f"Compare two classes with: s3n parts compare {quoted(atlas.path)} A B")
