"""`s3n parts steady`: whether a part comes again in other views and models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from s3n_core.commands.arguments import DeviceOption, JsonOption, RunsOption, WorkersOption
from s3n_core.commands.failures import interruptible
from s3n_core.commands.parts.opened_atlas import AtlasArgument, DataOption, ModelOption, atlas_model, atlas_records
from s3n_core.commands.progress import print_json, progress_bar
from s3n_core.commands.text_tables import table_text

if TYPE_CHECKING:
    from s3n_core.parts.atlas.atlas import Atlas
    from s3n_core.parts.steadiness.steadiness_result import Steadiness


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

    from s3n_core.parts.steadiness.steadiness_measures import shared_places
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
