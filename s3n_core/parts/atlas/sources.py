"""The images and the model of an atlas, wherever they lie now. Without torch and NumPy, for the window."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

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
