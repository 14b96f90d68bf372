"""`s3n parts compare`: what tells one class from another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from s3n_core.commands.arguments import DeviceOption, JsonOption, RunsOption, WorkersOption
from s3n_core.commands.failures import interruptible, say
from s3n_core.commands.parts.opened_atlas import (
    AtlasArgument,
    DataOption,
    ModelOption,
    atlas_model,
    atlas_records,
    atlas_root,
)
from s3n_core.commands.progress import print_json, progress_bar
from s3n_core.commands.text_tables import table_text

if TYPE_CHECKING:
    from s3n_core.parts.atlas.atlas import Atlas
    from s3n_core.parts.comparison.comparison import Comparison


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

    Takes the images of both classes in the atlas, the test images where there are any, and keeps the answer in the atlas. Without
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
        _compare_image(opened, image, a, b, removal, model, data, device, runs, json=json)
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


def _compare_image(
    atlas: Atlas,
    path: Path,
    a: str | None,
    b: str | None,
    removal: bool,
    model: str | None,
    data: Path | None,
    device: str,
    runs: Path | None,
    *,
    json: bool,
) -> None:
    """Compare a class with its rival in one image, and print the result."""
    from s3n_core.datasets.opening import open_images
    from s3n_core.parts.atlas.sources import name_below

    name = name_below(atlas_root(atlas, data), path)
    of_atlas = next((image for image in atlas.images if image.file == name), None)
    if a is None and b is None and of_atlas is not None and of_atlas.label in atlas.classes:
        a = of_atlas.label
    if of_atlas is not None:
        # With its box, the peaks that were moved, and the draws of its name.
        record = atlas_records(atlas, data).get(of_atlas.file)
    if of_atlas is None or record is None:
        (record, *_) = open_images(path, "auto").records

    from s3n_core.parts.comparison.image_comparison import compare_image

    network = atlas_model(atlas, model, runs, device)
    found = compare_image(atlas, network, record, a, b, removal=removal)
    if json:
        print_json({"event": "image_comparison", **found.to_dict()})
        return
    typer.echo(table_text([found.header(), *found.cells()]))
    for sentence in found.sentences():
        typer.echo(sentence)
