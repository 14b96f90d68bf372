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
from s3n_core.errors import S3NError

if TYPE_CHECKING:
    from s3n_core.datasets.records import ImageRecord
    from s3n_core.models.opening import Model
    from s3n_core.parts.atlas import Atlas
    from s3n_core.parts.atlas_agreement import RankAgreement
    from s3n_core.parts.comparison import Comparison

HELP = """Find parts over a whole data set, and what tells one class from another.

Examples: s3n parts build first birds --out atlas; s3n parts show atlas
"""
AtlasArgument = Annotated[Path, typer.Argument(metavar="ATLAS", help="The folder of an atlas.")]
ModelOption = Annotated[str | None, typer.Option("--model", metavar="MODEL", help="The model, if it has moved since.")]
DataOption = Annotated[
    Path | None, typer.Option("--data", metavar="DATA", help="The data set's folder, if it has moved since.")
]
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
    a: Annotated[str | None, typer.Argument(metavar="[A]", help="A class; not needed with --image.")] = None,
    b: Annotated[str | None, typer.Argument(metavar="[B]", help="Another class. Default: all others.")] = None,
    removal: Annotated[
        bool, typer.Option("--removal/--no-removal", help="Also hide each part in each image, beside random places.")
    ] = True,
    second: Annotated[
        bool,
        typer.Option(
            "--second", help="Also hide the best part in every image, and say what tells the classes apart then."
        ),
    ] = False,
    tags: Annotated[
        Path | None,
        typer.Option(
            "--tags",
            metavar="FILE",
            help="Repeat the table for some of the images: a CSV of image and tag (such as sex or age), or a text file that "
            "lists images.",
        ),
    ] = None,
    images: Annotated[
        int | None,
        typer.Option("--images", metavar="N", min=1, help="Take at most N images of each side, evenly spaced."),
    ] = None,
    image: Annotated[
        Path | None,
        typer.Option("--image", metavar="FILE", help="Only this image: its class against its rival, or A against B."),
    ] = None,
    model: ModelOption = None,
    data: DataOption = None,
    device: DeviceOption = "auto",
    workers: WorkersOption = None,
    runs: RunsOption = None,
    json: JsonOption = False,
) -> None:
    """Say what tells class A from class B: what each part contributes, and what is lost when it is hidden.

    Takes the images of both classes in the atlas, those held out where there are any, and keeps the answer in the atlas. Without
    B, class A is compared with all others. With --json the last line is the ranking.

    Examples: s3n parts compare atlas "Frost tailed Willowling" "Bibbed Willowling"; s3n parts compare atlas --image bird.jpg
    """
    from s3n_core.parts.atlas import Atlas

    opened = Atlas(atlas)
    for name in (a, b):
        if name is not None:
            opened.class_index(name)
    if image is not None:
        if second or tags is not None or images is not None:
            raise typer.BadParameter("--image takes one image; --second, --tags and --images compare many.")
        _compare_image(opened, image, a, b, removal, model, device, runs, json=json)
        return
    if a is None:
        raise typer.BadParameter("name a class, or an image with --image.")
    if second and not removal:
        raise typer.BadParameter("--second hides the best part, so it needs --removal.")
    if second and tags is not None:
        raise typer.BadParameter("choose one of --second and --tags.")

    from s3n_core.parts.image_tags import read_tags

    tag_of = {} if tags is None else read_tags(tags, [one.file for one in opened.images])
    records = _records_of(opened, data)

    from s3n_core.parts.answer import answer
    from s3n_core.parts.comparing import compare_classes, measure_images
    from s3n_core.parts.stored_comparisons import keep_comparison

    network = _model_of(opened, model, runs, device)
    by_tag: tuple[Comparison, ...] = ()
    with interruptible(lambda: "Stopped; nothing was written."), progress_bar("Comparing", json=json) as bar:
        if second:
            found = compare_classes(
                opened, network, records, a, b, second=True, most=images, workers=workers, progress=bar
            )
        else:
            measured = measure_images(
                opened, network, records, a, b, removal=removal, most=images, workers=workers, progress=bar
            )
            found, by_tag = measured.comparison(), measured.by_tag(tag_of)
    if removal and images is None:
        keep_comparison(opened, found)
    if tags is not None and not by_tag:
        say(f"No image of these classes has a tag in {tags}.")
    for comparison in (*by_tag, found):
        if json:
            print_json({"event": "comparison", "answer": answer(comparison).lines, **comparison.details()})
            continue
        if by_tag:
            typer.echo(f"\n{'All images' if not comparison.tag else f'Tag {comparison.tag}'}")
        for line in answer(comparison).lines:
            typer.echo(line)
        typer.echo(f"\n{table_text([comparison.header(), *comparison.cells()])}")
        for sentence in comparison.sentences():
            typer.echo(sentence)
    if json:
        print_json(found.to_dict())


@app.command()
def agree(
    atlas: AtlasArgument,
    others: Annotated[
        list[Path], typer.Argument(metavar="OTHER...", help="Atlases of other models, from the same images.")
    ],
    pair: Annotated[
        tuple[str, str] | None,
        typer.Option("--pair", metavar="A B", help="Also compare these two classes with each model."),
    ] = None,
    removal: Annotated[
        bool, typer.Option("--removal/--no-removal", help="With --pair: also hide each part in each image.")
    ] = True,
    data: DataOption = None,
    device: DeviceOption = "auto",
    workers: WorkersOption = None,
    runs: RunsOption = None,
    json: JsonOption = False,
) -> None:
    """Put the atlases of several models side by side: which parts they share, and whether they rank them alike.

    Parts are matched by where their peaks lie in the same images. With --pair, each model compares the two classes (a kept answer
    is used), and the rankings are compared by Kendall's tau. Models of other training seeds show how sure a ranking is.

    Example: s3n parts agree atlas atlas-seed1 atlas-seed2 --pair "Frost tailed Willowling" "Bibbed Willowling"
    """
    from itertools import combinations

    from s3n_core.parts.atlas import Atlas
    from s3n_core.parts.atlas_agreement import match_parts, rank_agreement

    opened = [Atlas(path) for path in (atlas, *others)]
    for one in opened:
        for name in pair or ():
            one.class_index(name)
    compared = [
        None if pair is None else _kept_or_compared(one, pair, removal, data, device, workers, runs, json=json)
        for one in opened
    ]
    for first, second in combinations(range(len(opened)), 2):
        matched = match_parts(opened[first], opened[second])
        ranks = None
        if (of_first := compared[first]) is not None and (of_second := compared[second]) is not None:
            ranks = rank_agreement(of_first, of_second, matched)
        names = str(opened[first].path), str(opened[second].path)
        if json:
            print_json(
                {"event": "agreement", "first": names[0], "second": names[1], "parts": matched, "ranking": ranks}
            )
            continue
        rows = [[names[0], names[1], "shared places"]]
        rows += [
            [match.first_name or "-", match.second_name or "-", f"{100 * match.overlap:.0f} %"] for match in matched
        ]
        typer.echo(table_text(rows))
        both = sum(match.first is not None and match.second is not None for match in matched)
        typer.echo(f"{both} of {len(matched)} parts are in both.")
        if ranks is not None:
            typer.echo(_ranks_text(ranks))


@app.command()
def expect(
    atlas: AtlasArgument,
    a: Annotated[str | None, typer.Argument(metavar="[A]", help="A class.")] = None,
    b: Annotated[str | None, typer.Argument(metavar="[B]", help="Another class, or - for all others.")] = None,
    mark: Annotated[
        str | None, typer.Argument(metavar="[MARK]", help="The part that you expect to tell them apart.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Write down which part you expect to tell two classes apart, before you see the answer; without classes, count agreement.

    It agrees if the part that hiding costs most (in the comparison that the atlas keeps) has the expected name.

    Example: s3n parts expect atlas "Frost tailed Willowling" "Bibbed Willowling" throat
    """
    from s3n_core.parts.atlas import Atlas
    from s3n_core.parts.expectations import agreement_sentence, expectations
    from s3n_core.parts.expectations import expect as write_expectation

    opened = Atlas(atlas)
    if a is not None:
        if b is None or mark is None:
            raise typer.BadParameter("name two classes (- for all others) and the part, or nothing.")
        written = write_expectation(opened, a, None if b == "-" else b, mark)
        say("Written before the answer." if written.before else "Written after the answer: it is counted apart.")
    found = expectations(opened)
    if json:
        print_json({"event": "expectations", "expectations": found, "sentence": agreement_sentence(found)})
        return
    if found:
        rows = [["A", "B", "expected", "answer", "agrees", "written"]]
        for one in found:
            said = one.expectation
            rows.append(
                [
                    displayed_class(said.a),
                    "all others" if said.b is None else displayed_class(said.b),
                    said.mark,
                    {None: "", "": "no part"}.get(one.answer, one.answer or ""),
                    {None: "", True: "yes", False: "no"}[one.agrees],
                    "before" if said.before else "after",
                ]
            )
        typer.echo(table_text(rows))
    typer.echo(agreement_sentence(found))


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
    from s3n_core.parts.atlas import Atlas

    opened = Atlas(atlas)
    place = opened.peak_of(str(image), at) or opened.peak_of(_below(Path(opened.header.data), image), at)
    if place is not None:
        row, x, y = place
        found = opened.nearest(row, count, same_image=False)
    else:
        from s3n_core.datasets.opening import open_images

        (record, *_) = open_images(image, "auto").records

        from s3n_core.parts.assigning import peak_like

        descriptor, x, y = peak_like(opened, _model_of(opened, model, runs, device), record, at)
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
def measure(
    atlas: AtlasArgument,
    images: Annotated[
        int | None, typer.Option("--images", metavar="N", min=2, help="Take at most N images, evenly spaced.")
    ] = None,
    model: ModelOption = None,
    data: DataOption = None,
    device: DeviceOption = "auto",
    workers: WorkersOption = None,
    runs: RunsOption = None,
    json: JsonOption = False,
) -> None:
    """Measure how well the parts follow annotated key points, beside controls. Needs boxes and key points.

    Consistency, stability with noise, purity, NMI, ARI and the regression of key points, by the protocols of the field: images
    are cropped to the object's box. Nothing learns from the key points.

    Example: s3n parts measure atlas
    """
    from s3n_core.parts.atlas import Atlas

    opened = Atlas(atlas)
    records = _records_of(opened, data)
    some = [records[image.file] for image in opened.images if not image.error and image.file in records]
    count = len(some) if images is None else min(images, len(some))
    some = [some[index * len(some) // count] for index in range(count)]

    from s3n_core.parts.annotation_protocol import measure_annotation

    network = _model_of(opened, model, runs, device)
    with interruptible(lambda: "Stopped; nothing was written."), progress_bar("Measuring", json=json) as bar:
        found = measure_annotation(opened, network, some, workers=workers, progress=bar)
    if json:
        print_json({"event": "annotation", **found.to_dict()})
        return
    typer.echo(table_text(found.table()))
    for sentence in found.sentences():
        typer.echo(sentence)


@app.command()
def truth(
    atlas: AtlasArgument,
    data: Annotated[Path, typer.Argument(metavar="TRUTH", help="Synthetic birds drawn with --interventions.")],
    removal: Annotated[
        bool, typer.Option("--removal/--no-removal", help="Also rank by what is lost when parts are hidden.")
    ] = True,
    check: Annotated[bool, typer.Option("--check", help="Print goals, and exit with 1 if one is missed.")] = False,
    model: ModelOption = None,
    device: DeviceOption = "auto",
    workers: WorkersOption = None,
    runs: RunsOption = None,
    json: JsonOption = False,
) -> None:
    """Measure how often the part that is ranked first for two species is one in which they truly differ.

    Synthetic birds differ in known parts. The rankings by contribution and by removal stand beside exact removal of each part,
    the part's area, the best constant ranking and chance.

    Example: s3n demo-data truth --interventions --seed 7; s3n parts truth atlas truth --check
    """
    from s3n_core.parts.atlas import Atlas

    opened = Atlas(atlas)

    from s3n_core.parts.ranking_protocol import measure_rankings

    network = _model_of(opened, model, runs, device)
    with interruptible(lambda: "Stopped; nothing was written."), progress_bar("Measuring", json=json) as bar:
        found = measure_rankings(opened, network, data, removal=removal, workers=workers, progress=bar)
    if json:
        print_json({"event": "rankings", "data": str(data), **found.to_dict()})
    else:
        typer.echo(table_text(found.table()))
        for sentence in found.sentences():
            typer.echo(sentence)
    if check:
        goals = found.goals()
        if not json:
            for goal in goals:
                typer.echo(f"{'met' if goal.met else 'MISSED'}: {goal.name}")
        if missed := [goal.name for goal in goals if not goal.met]:
            raise S3NError(f"{len(missed)} of {len(goals)} goals are missed: {'; '.join(missed)}.")


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
    from s3n_core.parts.atlas import Atlas

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


def _records_of(atlas: Atlas, data: Path | None) -> dict[str, ImageRecord]:
    """Open the data set of an atlas and return its records by name."""
    from s3n_core.datasets.opening import open_images

    data_set = open_images(data or Path(atlas.header.data), atlas.header.data_format)
    return {record.name: record for record in data_set.records}


def _below(root: Path, path: Path) -> str:
    """Return a file's name in a data set, or the path itself if it lies elsewhere."""
    absolute = path.absolute()
    return absolute.relative_to(root).as_posix() if absolute.is_relative_to(root) else str(path)


def _compare_image(
    atlas: Atlas,
    path: Path,
    a: str | None,
    b: str | None,
    removal: bool,
    model: str | None,
    device: str,
    runs: Path | None,
    *,
    json: bool,
) -> None:
    """Compare a class with its rival in one image, and print the result."""
    from s3n_core.datasets.opening import open_images

    name = _below(Path(atlas.header.data), path)
    of_atlas = next((image for image in atlas.images if image.file == name), None)
    if a is None and b is None and of_atlas is not None and of_atlas.label in atlas.classes:
        a = of_atlas.label
    (record, *_) = open_images(path, "auto").records

    from s3n_core.parts.image_comparison import compare_image

    network = _model_of(atlas, model, runs, device)
    found = compare_image(atlas, network, record, a, b, removal=removal)
    if json:
        print_json({"event": "image_comparison", **found.to_dict()})
        return
    typer.echo(table_text([found.header(), *found.cells()]))
    for sentence in found.sentences():
        typer.echo(sentence)


def _kept_or_compared(
    atlas: Atlas,
    pair: tuple[str, str],
    removal: bool,
    data: Path | None,
    device: str,
    workers: int | None,
    runs: Path | None,
    *,
    json: bool,
) -> Comparison:
    """Return the comparison of two classes that an atlas keeps, or compare them."""
    from s3n_core.parts.stored_comparisons import keep_comparison, kept_comparison

    if (kept := kept_comparison(atlas, *pair)) is not None and kept.current:
        return kept.comparison
    records = _records_of(atlas, data)

    from s3n_core.parts.comparing import compare_classes

    network = _model_of(atlas, None, runs, device)
    with interruptible(lambda: "Stopped; nothing was written."), progress_bar("Comparing", json=json) as bar:
        found = compare_classes(atlas, network, records, *pair, removal=removal, workers=workers, progress=bar)
    if removal:
        keep_comparison(atlas, found)
    return found


def _ranks_text(ranks: RankAgreement) -> str:
    """Return in words how well two rankings agree."""
    said = [
        f"{what} {tau:+.2f}"
        for what, tau in (("contribution", ranks.contribution), ("relied on", ranks.relied_on))
        if tau is not None
    ]
    first = {None: "one of them names no mark", True: "the same best mark", False: "different best marks"}[
        ranks.same_mark
    ]
    return f"Kendall's tau over {ranks.parts} shared parts: {', '.join(said) or 'too few parts'}; {first}."


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
