"""`s3n parts measure`: how well parts follow annotated key points."""

from __future__ import annotations

from typing import Annotated

import typer

from s3n_core.commands.arguments import DeviceOption, JsonOption, RunsOption, WorkersOption
from s3n_core.commands.failures import interruptible
from s3n_core.commands.parts.opened_atlas import AtlasArgument, DataOption, ModelOption, atlas_model, atlas_records
from s3n_core.commands.progress import print_json, progress_bar
from s3n_core.commands.text_tables import table_text


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
