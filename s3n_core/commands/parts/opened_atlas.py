"""The atlas that a command of `s3n parts` works with, and its model and images, wherever they have moved."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from s3n_core.commands.arguments import open_named_model

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


def name_below(root: Path, path: Path) -> str:
    """Return a file's name in a data set, or the path itself if it lies elsewhere; links are followed."""
    place, absolute = root.resolve(), path.absolute()
    # First the path as it is given: below a data set's folder, links are part of the names.
    for folder in absolute.parents:
        if folder.resolve() == place:
            return absolute.relative_to(folder).as_posix()
    resolved = path.resolve()
    return resolved.relative_to(place).as_posix() if resolved.is_relative_to(place) else str(path)


def atlas_model(atlas: Atlas, model: str | None, runs: Path | None, device: str) -> Model:
    """Open the model of an atlas, with its way of assigning peaks."""
    return open_named_model(model or atlas.header.model_path, runs, device, "auto", atlas.collection.mode)


def peak_of_image(atlas: Atlas, image: Path, at: tuple[float, float] | None) -> tuple[int, float, float] | None:
    """Return the row and place of a peak of an image that is given by its name or file; None if it is not one of the atlas's."""
    return atlas.peak_of(str(image), at) or atlas.peak_of(name_below(Path(atlas.header.data), image), at)
