"""Finding image files below a folder, quickly (one ``scandir`` a folder) and in an order that no file system decides."""

from __future__ import annotations

import os
from collections.abc import Sequence
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
        problems.append(Problem(Path(folder), f"the folder cannot be listed ({error.strerror})"))
    return Listing(tuple(sorted(folders)), tuple(sorted(images)))


def find_images(folder: str | Path, problems: list[Problem], *, _above: Sequence[tuple[int, int]] = ()) -> list[str]:
    """Find all images below a folder, at any depth.

    Args:
        folder: Where to look.
        problems: Folders that cannot be listed, and links that lead back to a folder above them, are added here.

    Returns:
        Posix paths relative to ``folder``: first its own images, then those of its folders, each sorted.
    """
    try:
        status = os.stat(folder)
    except OSError as error:
        problems.append(Problem(Path(folder), f"the folder cannot be listed ({error.strerror})"))
        return []
    identity = (status.st_dev, status.st_ino)
    if identity in _above:
        problems.append(Problem(Path(folder), "the link leads back to a folder above it"))
        return []
    listing = list_folder(folder, problems)
    found = list(listing.images)
    for name in listing.folders:
        inner = find_images(os.path.join(folder, name), problems, _above=(*_above, identity))
        found.extend(f"{name}/{path}" for path in inner)
    return found


def holds_images(folder: str | Path, *, depth: int = 8) -> bool:
    """Say whether there is an image in a folder or, down to ``depth`` levels, below it; stops at the first."""
    listing = list_folder(folder, [])
    if listing.images:
        return True
    return depth > 0 and any(holds_images(os.path.join(folder, name), depth=depth - 1) for name in listing.folders)
