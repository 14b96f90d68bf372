"""Finding the images in a folder tree, with one ``scandir`` per folder and in the same order on every file system."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from s3n_core.datasets.decoding import is_image_file
from s3n_core.datasets.records import Problem

_CLUTTER = frozenset({"__macosx", "thumbs.db", "desktop.ini", "$recycle.bin", "system volume information"})


@dataclass(frozen=True, slots=True)
class Listing:
    """The direct contents of one folder, without hidden and system files.

    Attributes:
        folders: Names of the folders, sorted by code point.
        images: Names of the files with an image suffix, sorted likewise.
    """

    folders: tuple[str, ...]
    images: tuple[str, ...]


def list_folder(folder: str | Path, problems: list[Problem]) -> Listing:
    """List one folder; if that fails, return an empty listing and add the folder to ``problems``."""
    folders, images = [], []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                name = entry.name
                if name.startswith(".") or name.lower() in _CLUTTER:
                    continue
                if entry.is_dir():
                    folders.append(name)
                elif is_image_file(name):  # includes broken links, which the decoder reports
                    images.append(name)
    except OSError as error:
        problems.append(Problem(Path(folder), f"the folder cannot be read ({error.strerror})"))
    return Listing(tuple(sorted(folders)), tuple(sorted(images)))


def find_images(root: str | Path, below: str, problems: list[Problem]) -> list[str]:
    """Find all images in a folder, at any depth.

    Args:
        root: The data set's folder.
        below: Folder to search: a POSIX path relative to ``root``, empty for ``root`` itself.
        problems: Receives folders that cannot be listed, and links that lead back to a folder above them.

    Returns:
        POSIX paths relative to ``root``: a folder's own images before those of its subfolders, each sorted.
    """
    steps = below.split("/") if below else []
    above = [_identity(os.path.join(root, *steps[:depth])) for depth in range(len(steps))]
    found: list[str] = []
    _collect(os.path.join(root, *steps), f"{below}/" if below else "", above, found, problems)
    return found


def _collect(
    folder: str, prefix: str, above: list[tuple[int, int] | None], found: list[str], problems: list[Problem]
) -> None:
    identity = _identity(folder)
    if identity is not None and identity in above:
        problems.append(Problem(Path(folder), "the link leads back to a folder above it"))
        return
    listing = list_folder(folder, problems)
    found.extend([prefix + name for name in listing.images])
    for name in listing.folders:
        _collect(os.path.join(folder, name), f"{prefix}{name}/", [*above, identity], found, problems)


def _identity(folder: str) -> tuple[int, int] | None:
    try:
        status = os.stat(folder)
    except OSError:
        return None
    return (status.st_dev, status.st_ino)


def holds_images(folder: str | Path, *, depth: int = 8) -> bool:
    """Return whether there is an image in a folder, down to ``depth`` levels below it; stops at the first one found."""
    listing = list_folder(folder, [])
    if listing.images:
        return True
    return depth > 0 and any(holds_images(os.path.join(folder, name), depth=depth - 1) for name in listing.folders)
