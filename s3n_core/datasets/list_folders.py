"""Writing a data set anew as list files beside a link to its images: folds, and labels that are shuffled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from s3n_core.datasets.records import DataSet
from s3n_core.system.atomic_files import make_folder, output_error, write_text

IMAGES = "data"
"""The link to the data set that the lists name images of."""


def write_list_folder(folder: Path, data_set: DataSet, lists: Mapping[str, Iterable[tuple[str, int]]]) -> None:
    """Write a folder that is read as list files (`readers`): the lists, the classes, and a link to the images.

    Args:
        folder: The folder; files that are there already are replaced.
        data_set: The data set whose images and classes it has.
        lists: By split, "train", "val" or "test": the images' names in the data set and their labels. Empty lists are left out.

    Raises:
        OutputError: It cannot be written.
    """
    make_folder(folder)
    images = folder / IMAGES
    try:
        if not images.is_symlink():
            images.symlink_to(data_set.root.resolve(), target_is_directory=True)
    except OSError as error:
        raise output_error(images, error) from error
    for split, named in lists.items():
        if lines := [f"{IMAGES}/{name} {label}\n" for name, label in sorted(named)]:
            write_text(folder / f"{split}.txt", "".join(lines))
    write_text(folder / "classes.txt", "\n".join(data_set.classes) + "\n")
