"""The files of a data set that say which class an image has: what has to travel with the images to read them as they are read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from s3n_core.datasets.banners import banner_of
from s3n_core.datasets.readers import class_folders, unlabelled_folder
from s3n_core.datasets.readers.file_names import FORMAT as FILE_NAMES
from s3n_core.datasets.readers.folder_tree import FolderTree
from s3n_core.datasets.readers.tables import TABLE_SUFFIXES

_SUFFIXES = TABLE_SUFFIXES | {".txt", ".lst", ".list", ".mat"}
_BY_NAME_ALONE = (
    class_folders.FORMAT,
    FILE_NAMES,
    unlabelled_folder.FORMAT,
)  # names of folders and files say the class


def annotation_files(root: Path, format: str, names: Iterable[str]) -> tuple[str, ...]:
    """Return the lists and tables of a data set, as POSIX paths below its folder.

    Args:
        root: The data set's folder.
        format: How it is read, one of `detection.FORMATS`; formats that read no files have none.
        names: The images' names. Where a list says that their banner is cut off, it belongs to them in any format.
    """
    folders = {str(PurePosixPath(name).parent) for name in names}
    cut = any(banner_of(root / folder / "any") for folder in folders)
    if format.split(":")[0] in _BY_NAME_ALONE and not cut:
        return ()
    return tuple(name for name in FolderTree(root).text_files if PurePosixPath(name).suffix.lower() in _SUFFIXES)
