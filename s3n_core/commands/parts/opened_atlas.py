"""The atlas that a command of `s3n parts` works with, and its model and images, wherever they have moved."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from s3n_core.commands.arguments import open_named_model
from s3n_core.errors import DataSetNotFound
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

    data_set = open_images(atlas_root(atlas, data), atlas.header.data_format)
    return {record.name: record for record in data_set.records}


def atlas_root(atlas: Atlas, data: Path | None) -> Path:
    """Return the folder that the names of an atlas's images are relative to: the one given, or the data set found in it.

    None given: where it was when the atlas was built.

    Raises:
        DataSetError: There is no image.
        DataSetNotFound: None of the atlas's images is there.
    """
    from s3n_core.datasets.opening import open_images

    if data is None:
        return Path(atlas.header.data)
    names = [image.file for image in atlas.images]
    if _has_any(data, names):
        return data
    root = open_images(data).root  # an atlas of a folder that only wraps its data set has the names in this
    if _has_any(root, names):
        return root
    raise DataSetNotFound(
        f"None of the {len(names)} images of the atlas is in {data} (there is no {root / names[0]}); name the folder of its "
        "data set with --data.",
        path=data,
    )


def _has_any(root: Path, names: Sequence[str]) -> bool:
    return any((root / name).is_file() for name in names)


def atlas_model(atlas: Atlas, model: str | None, runs: Path | None, device: str) -> Model:
    """Open the model of an atlas, with its way of assigning peaks."""
    return open_named_model(model or atlas.header.model_path, runs, device, "auto", atlas.collection.mode)


def peak_of_image(atlas: Atlas, image: Path, at: tuple[float, float] | None) -> tuple[int, float, float] | None:
    """Return the row and place of a peak of an image that is given by its name or file; None if it is not one of the atlas's."""
    name = name_below(Path(atlas.header.data), image)
    return atlas.peak_of(str(image), at) or (None if name is None else atlas.peak_of(name, at))
