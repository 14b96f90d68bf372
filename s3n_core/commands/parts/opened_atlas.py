"""The atlas that a command of `s3n parts` works with, and its model and images, wherever they have moved."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from s3n_core.commands.arguments import open_named_model
from s3n_core.parts.atlas.sources import name_below

if TYPE_CHECKING:
    from s3n_core.datasets.records import ImageRecord
    from s3n_core.models.opening import Model
    from s3n_core.parts.atlas.atlas import Atlas


AtlasArgument = Annotated[Path, typer.Argument(metavar="ATLAS", help="The folder of an atlas.")]
ModelOption = Annotated[str | None, typer.Option("--model", metavar="MODEL", help="The model, if it has moved since.")]
DataOption = Annotated[
    Path | None, typer.Option("--data", metavar="DATA", help="The data set's folder, if it has moved since.")
]


def atlas_records(atlas: Atlas, data: Path | None) -> dict[str, ImageRecord]:
    """Open the data set of an atlas and return its records by name."""
    from s3n_core.datasets.opening import open_images

    data_set = open_images(data or Path(atlas.header.data), atlas.header.data_format)
    return {record.name: record for record in data_set.records}


def atlas_model(atlas: Atlas, model: str | None, runs: Path | None, device: str) -> Model:
    """Open the model of an atlas, with its way of assigning peaks."""
    return open_named_model(model or atlas.header.model_path, runs, device, "auto", atlas.collection.mode)


def peak_of_image(atlas: Atlas, image: Path, at: tuple[float, float] | None) -> tuple[int, float, float] | None:
    """Return the row and place of a peak of an image that is given by its name or file; None if it is not one of the atlas's."""
    name = name_below(Path(atlas.header.data), image)
    return atlas.peak_of(str(image), at) or (None if name is None else atlas.peak_of(name, at))
