"""Writing a data set anew as list files beside a link to its images: folds, and labels that are shuffled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from s3n_core.datasets.records import SPLITS, DataSet
from s3n_core.system.atomic_files import make_folder, output_error, write_text

IMAGES = "data"
"""The link to the data set that the lists name images of."""


def write_list_folder(folder: Path, data_set: DataSet, lists: Mapping[str, Iterable[tuple[str, int]]]) -> None:
    """Write a folder that is read as list files (`readers`): the lists, the classes, and a link to the images.

    Args:
        folder: The folder; files that are there already are replaced, and lists of splits that are empty now are removed.
        data_set: The data set whose images and classes it has.
        lists: By split, "train", "val" or "test": the images' names in the data set and their labels. Empty lists are left out.

    Raises:
        OutputError: It cannot be written.
    """
    make_folder(folder)
    images = folder / IMAGES
    root = data_set.root.resolve()
    try:
        if images.is_symlink() and images.readlink() != root:
            images.unlink()
        if not images.is_symlink():
            images.symlink_to(root, target_is_directory=True)
    except OSError as error:
        raise output_error(images, error) from error
    for split in SPLITS:
        path = folder / f"{split}.txt"
        if lines := [f"{IMAGES}/{name} {label}\n" for name, label in sorted(lists.get(split, ()))]:
            write_text(path, "".join(lines))
            continue
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise output_error(path, error) from error
    # With their ids: names alone that all begin with a number ("1 cent") would be read as ids and names.
    names = (f"{label} {name}\n" for label, name in enumerate(data_set.classes))
    write_text(folder / "classes.txt", "".join(names))
