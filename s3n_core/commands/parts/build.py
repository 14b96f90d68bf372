"""`s3n parts build`: find the parts that a model's peaks lie on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from s3n_core.commands.arguments import (
    DataArgument,
    DeviceOption,
    FormatOption,
    JsonOption,
    MeasuredSplitOption,
    ModelArgument,
    PrecisionOption,
    RunsOption,
    SamplingOption,
    WorkersOption,
    evaluation_records,
    open_named_model,
    say_problems,
)
from s3n_core.commands.job_progress import follow
from s3n_core.commands.number_options import whole
from s3n_core.commands.parts.show import show_atlas


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
    show_atlas(Atlas(out), json=json)
