"""The first few images of a folder that is still being read, so that there is something to look at within a moment."""

from __future__ import annotations

from pathlib import Path

from s3n_core.datasets.readers.folder_scan import list_folder
from s3n_core.datasets.records import DataSet, ImageRecord

_IMAGES, _FOLDERS = 60, 200


def first_images(root: Path) -> DataSet:
    """Return the first images below a folder, without labels; none where none is found soon. For any thread."""
    found: list[ImageRecord] = []
    waiting, visited = [root] if root.is_dir() else [], 0
    while waiting and len(found) < _IMAGES and visited < _FOLDERS:
        folder, visited = waiting.pop(), visited + 1
        listing = list_folder(folder, [])
        for name in listing.images[: _IMAGES - len(found)]:
            path = folder / name
            found.append(ImageRecord(path=path, name=path.relative_to(root).as_posix()))
        waiting += [folder / name for name in reversed(listing.folders)]
    return DataSet(root=root, format="images", classes=(), records=tuple(found))
