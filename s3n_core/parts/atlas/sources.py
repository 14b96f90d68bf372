"""The images and the model of an atlas, wherever they lie now. Without torch and NumPy, for the window."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from s3n_core.errors import ModelFileError
from s3n_core.runs.model_paths import is_of_model, known_digest
from s3n_core.runs.run_directory import RunDirectory

if TYPE_CHECKING:
    from s3n_core.parts.atlas.atlas_files import AtlasHeader


def name_below(root: Path, path: Path) -> str | None:
    """Return a file's name in a data set, None if it lies elsewhere; links are followed.

    Args:
        root: The data set's folder.
        path: The file, which need not exist.
    """
    place, absolute = root.resolve(), path.absolute()
    # First the path as it is given: below a data set's folder, links are part of the names.
    for folder in absolute.parents:
        if folder.resolve() == place:
            return absolute.relative_to(folder).as_posix()
    resolved = path.resolve()
    return resolved.relative_to(place).as_posix() if resolved.is_relative_to(place) else None


def has_images_of(header: AtlasHeader, root: Path) -> bool:
    """Return whether an atlas is of the images in a data set's folder; links are followed."""
    return bool(header.data) and Path(header.data).resolve() == root.resolve()


def model_of(header: AtlasHeader, model: Path) -> Path | None:
    """Return the file of an atlas's model among those that a path stands for; None if the atlas is of another model.

    What the file holds decides, wherever it has moved. A checkpoint that its run has removed since counts by its path.

    Args:
        header: The atlas's header.
        model: A model file or a run's folder.
    """
    stored = Path(header.model_path)
    file = RunDirectory(model).checkpoints / stored.name if model.is_dir() else model
    if not file.is_file():
        return stored if is_of_model(stored, model) else None
    with suppress(ModelFileError):
        return file if known_digest(file) == header.collection.get("model") else None
    return None
