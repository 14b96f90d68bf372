"""`s3n parts like`: peaks that look most like one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from s3n_core.commands.arguments import DeviceOption, JsonOption, RunsOption
from s3n_core.commands.failures import say
from s3n_core.commands.parts.opened_atlas import AtlasArgument, ModelOption, atlas_model, peak_of_image
from s3n_core.commands.progress import print_json
from s3n_core.commands.text_tables import table_text
from s3n_core.datasets.records import displayed_class


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
    place = peak_of_image(opened, image, at)
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
