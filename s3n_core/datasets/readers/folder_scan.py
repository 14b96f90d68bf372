"""Finding image files below a folder, quickly (one ``scandir`` a folder) and in an order that no file system decides."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from s3n_core.datasets.decoding import is_image_file
from s3n_core.datasets.records import Problem

_CLUTTER = frozenset({"__macosx", "thumbs.db", "desktop.ini", "$recycle.bin", "system volume information"})


@dataclass(frozen=True, slots=True)
class Listing:
    """What lies directly in one folder, without hidden files and operating systems' own.

    Attributes:
        folders: Names of the folders, in the order of their characters' code points.
        images: Names of the files that are images by their suffix, in the same order.
    """

    folders: tuple[str, ...]
    images: tuple[str, ...]


def list_folder(folder: str | Path, problems: list[Problem]) -> Listing:
    """List one folder; one that cannot be listed is empty and is added to ``problems``."""
    folders, images = [], []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                name = entry.name
                if name.startswith(".") or name.lower() in _CLUTTER:
                    continue
                if entry.is_dir():
                    folders.append(name)
                elif is_image_file(name):  # also a link to nowhere: the decoder names it
                    images.append(name)
    except OSError as error:
        problems.append(Problem(Path(folder), f"the folder cannot be read ({error.strerror})"))
    return Listing(tuple(sorted(folders)), tuple(sorted(images)))


def find_images(root: str | Path, below: str, problems: list[Problem]) -> list[str]:
    """Find all images below a folder, at any depth.

    Args:
        root: The data set's folder.
        below: Where to look: a posix path relative to ``root``, empty for ``root`` itself.
        problems: Folders that cannot be listed, and links that lead back to a folder above them, are added here.

    Returns:
        Posix paths relative to ``root``: a folder's own images come before those of the folders in it, each sorted.
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
    """Say whether there is an image in a folder or, down to ``depth`` levels, below it; stops at the first."""
    listing = list_folder(folder, [])
    if listing.images:
        return True
    return depth > 0 and any(holds_images(os.path.join(folder, name), depth=depth - 1) for name in listing.folders)
