"""What `s3n parts` asks an atlas: what tells classes apart, whether models agree, and how true the answers are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from s3n_core.commands.arguments import (
    DeviceOption,
    JsonOption,
    RunsOption,
    WorkersOption,
)
from s3n_core.commands.failures import interruptible, say
from s3n_core.commands.opened_atlas import (
    AtlasArgument,
    DataOption,
    ModelOption,
    atlas_model,
    atlas_records,
    name_below,
)
from s3n_core.commands.progress import print_json, progress_bar
from s3n_core.commands.text_tables import table_text
from s3n_core.datasets.records import displayed_class
from s3n_core.evaluation.goals import GOAL_TITLES, fail_unless_met
from s3n_core.evaluation.intervals import share_text

if TYPE_CHECKING:
    from s3n_core.parts.atlas.atlas import Atlas
    from s3n_core.parts.comparison.atlas_agreement import RankAgreement
    from s3n_core.parts.comparison.comparison import Comparison
    from s3n_core.parts.steadiness.steadiness import Steadiness


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
    from s3n_core.parts.atlas.atlas import Atlas

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

    from s3n_core.parts.comparison.image_tags import read_tags

    tag_of = {} if tags is None else read_tags(tags, [one.file for one in opened.images])
    records = atlas_records(opened, data)

    from s3n_core.parts.comparison.answer import answer
    from s3n_core.parts.comparison.comparing import compare_classes, measure_images
    from s3n_core.parts.comparison.stored_comparisons import keep_comparison

    network = atlas_model(opened, model, runs, device)
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

    from s3n_core.parts.atlas.atlas import Atlas
    from s3n_core.parts.comparison.atlas_agreement import match_parts, rank_agreement

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
        rows = [[names[0], names[1], "shared places", "of the first's places"]]
        rows += [
            [
                match.first_name or "-",
                match.second_name or "-",
                f"{100 * match.overlap:.0f} %",
                "" if match.first is None or match.second is None else share_text(match.shared, match.places),
            ]
            for match in matched
        ]
        typer.echo(table_text(rows))
        both = sum(match.first is not None and match.second is not None for match in matched)
        typer.echo(f"{both} of {len(matched)} parts are in both.")
        if ranks is not None:
            typer.echo(_ranks_text(ranks))


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
    from s3n_core.parts.atlas.atlas import Atlas
    from s3n_core.parts.comparison.expectations import agreement_sentence, expectations
    from s3n_core.parts.comparison.expectations import expect as write_expectation

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
    from s3n_core.parts.atlas.atlas import Atlas

    opened = Atlas(atlas)
    records = atlas_records(opened, data)
    some = [records[image.file] for image in opened.images if not image.error and image.file in records]
    count = len(some) if images is None else min(images, len(some))
    some = [some[index * len(some) // count] for index in range(count)]

    from s3n_core.parts.annotation.annotation_protocol import measure_annotation

    network = atlas_model(opened, model, runs, device)
    with interruptible(lambda: "Stopped; nothing was written."), progress_bar("Measuring", json=json) as bar:
        found = measure_annotation(opened, network, some, workers=workers, progress=bar)
    if json:
        print_json({"event": "annotation", **found.to_dict()})
        return
    typer.echo(table_text(found.table()))
    for sentence in found.sentences():
        typer.echo(sentence)


def steady(
    atlas: AtlasArgument,
    images: Annotated[
        int | None,
        typer.Option(
            "--images",
            metavar="N",
            min=2,
            help="Measure all parts (again) with N images, evenly spaced. Default: 200, or all if fewer.",
        ),
    ] = None,
    others: Annotated[
        list[Path] | None,
        typer.Option(
            "--with", metavar="OTHER", help="An atlas of another model, from the same images; may be repeated."
        ),
    ] = None,
    model: ModelOption = None,
    data: DataOption = None,
    device: DeviceOption = "auto",
    workers: WorkersOption = None,
    runs: RunsOption = None,
    json: JsonOption = False,
) -> None:
    """Measure how steady the parts are: do their peaks come again in mirrored and shifted images, and how far off are they?

    Each image is asked again mirrored and cropped. Beside each figure stands the same one for another image. With key points,
    places are held against the part's own key point, else against the changed views. The answer is kept in the atlas. After edits
    of parts, only these are measured again. --with adds the atlas of another model, such as one of another training seed.

    Example: s3n parts steady atlas --images 100 --with atlas-seed1
    """
    from s3n_core.parts.atlas.atlas import Atlas
    from s3n_core.parts.comparison.atlas_agreement import match_parts

    opened = Atlas(atlas)
    matched = [(other, match_parts(opened, other)) for other in map(Atlas, others or ())]

    from s3n_core.parts.steadiness.steadiness import shared_places
    from s3n_core.parts.steadiness.stored_steadiness import keep_steadiness, kept_steadiness, unmeasured_parts

    found = kept_steadiness(opened) if images is None else None
    if found is None or unmeasured_parts(opened, found):
        found = _steadiness(opened, images, found, model, data, device, workers, runs, json=json)
    if matched:
        found = found.with_others(shared_places(opened, matched))
    keep_steadiness(opened, found)
    if json:
        print_json({"event": "steadiness", **found.to_dict()})
        return
    typer.echo(table_text(found.table({part: opened.parts.name(part) for part in opened.parts.numbers})))
    for sentence in found.sentences():
        typer.echo(sentence)
    for one in found.parts:
        for statement in one.statements()[-len(one.others) :] if one.others else ():
            typer.echo(f"{opened.parts.name(one.part)}: {statement.text}")


def _steadiness(
    atlas: Atlas,
    images: int | None,
    kept: Steadiness | None,
    model: str | None,
    data: Path | None,
    device: str,
    workers: int | None,
    runs: Path | None,
    *,
    json: bool,
) -> Steadiness:
    """Ask an atlas's model for changed views of its images, for the parts of which nothing is kept."""
    from s3n_core.parts.steadiness.steadiness_protocol import MOST_IMAGES, measure_steadiness

    records, network = atlas_records(atlas, data), atlas_model(atlas, model, runs, device)
    with interruptible(lambda: "Stopped; nothing was written."), progress_bar("Measuring", json=json) as bar:
        return measure_steadiness(
            atlas,
            network,
            records,
            images=images or MOST_IMAGES,
            kept=kept,
            workers=workers,
            progress=bar,
        )


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
    from s3n_core.parts.atlas.atlas import Atlas

    opened = Atlas(atlas)

    from s3n_core.parts.truth.ranking_protocol import measure_rankings

    network = atlas_model(opened, model, runs, device)
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
            typer.echo(table_text([GOAL_TITLES, *(goal.row() for goal in goals)]))
        fail_unless_met(goals)


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

    name = name_below(Path(atlas.header.data), path)
    of_atlas = next((image for image in atlas.images if image.file == name), None)
    if a is None and b is None and of_atlas is not None and of_atlas.label in atlas.classes:
        a = of_atlas.label
    (record, *_) = open_images(path, "auto").records
    if of_atlas is not None:
        record = replace(record, name=name)  # with the peaks that were moved, and the draws of its image

    from s3n_core.parts.comparison.image_comparison import compare_image

    network = atlas_model(atlas, model, runs, device)
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
    from s3n_core.parts.comparison.stored_comparisons import keep_comparison, kept_comparison

    if (kept := kept_comparison(atlas, *pair)) is not None and kept.current:
        return kept.comparison
    records = atlas_records(atlas, data)

    from s3n_core.parts.comparison.comparing import compare_classes

    network = atlas_model(atlas, None, runs, device)
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
