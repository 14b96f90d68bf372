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
from s3n_core.commands.progress import print_json, progress_bar
from s3n_core.commands.text_tables import table_text
from s3n_core.datasets.records import displayed_class

if TYPE_CHECKING:
    from s3n_core.models.opening import Model
    from s3n_core.parts.atlas import Atlas

HELP = """Find parts over a whole data set, and what tells one class from another.

Examples: s3n parts build first birds --out atlas; s3n parts show atlas
"""
AtlasArgument = Annotated[Path, typer.Argument(metavar="ATLAS", help="The folder of an atlas.")]
ModelOption = Annotated[str | None, typer.Option("--model", metavar="MODEL", help="The model, if it has moved since.")]
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

    Example: s3n parts build first birds --out atlas
    """
    from s3n_core.datasets.opening import open_images

    data_set = open_images(data, format)
    say_problems(data_set, json=json)
    chosen, records = evaluation_records(data_set, split, model, runs)

    from s3n_core.parts.atlas import Atlas
    from s3n_core.parts.building import build_atlas

    opened = open_named_model(model, runs, device, precision, sampling)
    steps = build_atlas(
        opened,
        data_set,
        records,
        out,
        split=chosen,
        parts=parts,
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
    from s3n_core.parts.atlas import Atlas

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


@app.command()
def compare(
    atlas: AtlasArgument,
    a: Annotated[str, typer.Argument(metavar="A", help="A class.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Another class.")],
    removal: Annotated[
        bool, typer.Option("--removal/--no-removal", help="Also hide each part in each image, beside random places.")
    ] = True,
    model: ModelOption = None,
    data: Annotated[
        Path | None, typer.Option("--data", metavar="DATA", help="The data set's folder, if it has moved since.")
    ] = None,
    device: DeviceOption = "auto",
    workers: WorkersOption = None,
    runs: RunsOption = None,
    json: JsonOption = False,
) -> None:
    """Say what tells class A from class B: what each part contributes, and what is lost when it is hidden.

    Takes the images of both classes in the atlas, those held out where there are any. With --json the last line is the ranking.

    Example: s3n parts compare atlas "Frost tailed Willowling" "Bibbed Willowling"
    """
    from s3n_core.datasets.opening import open_images
    from s3n_core.parts.atlas import Atlas

    opened = Atlas(atlas)
    opened.class_index(a), opened.class_index(b)
    header = opened.header
    data_set = open_images(data or Path(header.data), header.data_format)

    from s3n_core.parts.comparing import compare_classes

    network = _model_of(opened, model, runs, device)
    records = {record.name: record for record in data_set.records}
    with interruptible(lambda: "Stopped; nothing was written."), progress_bar("Comparing", json=json) as bar:
        found = compare_classes(opened, network, records, a, b, removal=removal, workers=workers, progress=bar)
    if json:
        print_json({"event": "comparison", **found.details()})
        print_json(found.to_dict())
        return
    typer.echo(table_text([found.header(), *found.cells()]))
    for sentence in found.sentences():
        typer.echo(sentence)


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
    from s3n_core.parts.atlas import Atlas
    from s3n_core.prediction.tables import prepare_place

    if out.suffix.lower() != ".csv":
        raise typer.BadParameter("--out must end in .csv.")
    prepare_place(out)
    opened, data_set = Atlas(atlas), open_images(images, format)
    say_problems(data_set, json=json)
    records = chosen_records(data_set, split, model or opened.header.model_path, runs)

    from s3n_core.parts.assigning import write_assigned_peaks

    network = _model_of(opened, model, runs, device)
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
        Literal["rename", "merge", "split", "hide", "show", "background", "object", "undo"],
        typer.Argument(metavar="ACTION", help="rename, merge, split, hide, show, background, object or undo."),
    ],
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PART]...", help="The part; for rename also its new name, for merge a second part."),
    ] = None,
) -> None:
    """Rename, merge, split or hide parts, or mark them as background or object; undo takes back the last edit.

    Edits are kept in the atlas's journal, and are applied again after grouping anew where the same parts are found.

    Example: s3n parts edit atlas rename "part 3" bill
    """
    from s3n_core.parts.atlas import Atlas

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
        case "undo":
            opened.undo()
    _show(opened, json=False)


@app.command()
def export(atlas: AtlasArgument, out: OutOption, excel: ExcelOption = False) -> None:
    """Write the peaks of an atlas: .csv as a table, .json as COCO key points.

    Example: s3n parts export atlas --out peaks.csv
    """
    from s3n_core.parts.atlas import Atlas

    opened = Atlas(atlas)
    match out.suffix.lower():
        case ".csv":
            opened.write_peaks(out, excel=excel)
        case ".json":
            opened.write_coco(out)
        case _:
            raise typer.BadParameter("--out must end in .csv or .json.")
    typer.echo(str(out))


def _model_of(atlas: Atlas, model: str | None, runs: Path | None, device: str) -> Model:
    """Open the model of an atlas, with its way of assigning peaks."""
    return open_named_model(model or atlas.header.model_path, runs, device, "auto", atlas.collection.mode)


def _show(atlas: Atlas, *, json: bool) -> None:
    summaries, header = atlas.summaries(), atlas.header
    if json:
        print_json({"event": "atlas", "path": str(atlas.path), "agreement": header.agreement, "parts": list(summaries)})
        return
    rows = [["part", "peaks", "images", "at x, y", "R", "in D", "contribution", "most frequent in"]]
    for part in summaries:
        marks = [word for word, marked in (("background", part.background), ("hidden", part.hidden)) if marked]
        place = "" if part.place is None else f"{100 * part.place[0]:.0f} %, {100 * part.place[1]:.0f} %"
        rows.append(
            [
                part.name + (f" ({', '.join(marks)})" if marks else ""),
                str(part.peaks),
                str(part.images),
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
    say(f"{len(used)} of {len(atlas.images)} images (split {header.split}); {header.parts} groups, {chosen}.")
    for kind, measured in header.agreement.items():
        say(
            f"Descriptors {kind}: NMI with annotated parts {measured['part']:.2f}, with classes {measured['label']:.2f}, "
            f"difference {measured['part'] - measured['label']:+.2f} ({measured['peaks']} peaks)."
        )
    if header.lost_edits:
        say(f"{header.lost_edits} earlier edits could not be applied to the new groups.")
    say(f"Compare two classes with: s3n parts compare {quoted(atlas.path)} A B")
