"""Cross-validation: folders of list files that share the data set's images.

Each fold is a folder such as ``CUB10-fold0of3``: ``train.txt`` without the fold, ``test.txt`` with only the fold, and a link
to the images. It contains no images of the official test split, unless all images are divided (``CUB10-all-0-fold0of3``).
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from pathlib import Path

from s3n_core.datasets.list_folders import IMAGES, write_list_folder
from s3n_core.datasets.records import DataSet
from s3n_core.errors import DataSetError
from s3n_core.system.seeding import keyed_generator


def write_folds(data_set: DataSet, out: Path, folds: int, *, division: int | None = None) -> list[Path]:
    """Write folds of a data set's training split, stratified by class and keyed by image names; groups stay together.

    For repeated cross-validation, all labelled images are divided, those of the test split too, as often as wanted.

    Args:
        data_set: The data set.
        out: The folder to write them into; folds that are there already are written again, and are the same. Where another
            machine's lead to images elsewhere, these lie in a folder of their own in ``out``.
        folds: Number of folds, at least 2.
        division: Number of this division of all labelled images, each of which is another; None: the one division of the training
            images.

    Returns:
        The folders of the folds.

    Raises:
        DataSetError: A class has fewer than two of these images, or all of them would lie in one fold; or a fold would be empty.
        OutputError: A fold cannot be written.
    """
    divided = "training images" if division is None else "labelled images"
    by_class: dict[int, list[str]] = defaultdict(list)
    together: dict[str, str] = {}  # what is dealt as one: an image alone, or its group
    for record in data_set.records:
        learned = division is not None or record.split in ("train", None)  # as in `split_validation`
        if learned and record.label is not None:
            name = record.path.relative_to(data_set.root).as_posix()
            by_class[record.label].append(name)
            together[name] = name if record.group is None else f"group {record.group}"
    small = [data_set.classes[label] for label, names in by_class.items() if len(names) < 2]
    if small or not by_class:
        raise DataSetError(
            f"{data_set.root} cannot be divided into folds: {', '.join(small) or 'nothing'} has fewer than two {divided}."
        )
    fold_of_one: dict[str, int] = {}
    dealt = 0
    for names in by_class.values():
        draws = {together[name]: keyed_generator(division or 0, "fold", together[name]).random() for name in names}
        for one in sorted(draws, key=lambda one: (draws[one], one)):
            if one not in fold_of_one:  # else a group with images of an earlier class
                fold_of_one[one] = dealt % folds
                dealt += 1
    if dealt < folds:
        raise DataSetError(
            f"{data_set.root} cannot be divided into {folds} folds: it has {dealt} {divided} or groups of images that stay "
            "together, so a fold would be empty."
        )
    fold_of = {name: fold_of_one[together[name]] for names in by_class.values() for name in names}
    alone = [data_set.classes[label] for label, names in by_class.items() if len({fold_of[name] for name in names}) < 2]
    if alone:
        raise DataSetError(
            f"{data_set.root} cannot be divided into {folds} folds: groups stay together, so all {divided} of "
            f"{', '.join(alone)} would lie in one."
        )
    label_of = {name: label for label, names in by_class.items() for name in names}
    root, made = data_set.root.resolve(), []
    name_of_all = root.name if division is None else f"{root.name}-all-{division}"
    for fold in range(folds):
        folder = _free_of_others(out, f"{name_of_all}-fold{fold}of{folds}", root)
        lists = {
            split: [(name, label_of[name]) for name in fold_of if (fold_of[name] == fold) == wanted]
            for split, wanted in (("train", False), ("test", True))
        }
        write_list_folder(folder, data_set, lists)
        made.append(folder)
    return made


def _free_of_others(out: Path, name: str, root: Path) -> Path:
    """Return a fold's folder that does not lead to other images: trainings may be reading them."""
    link = out / name / IMAGES
    if not link.is_symlink() or link.readlink() == root:
        return out / name
    return out / hashlib.sha256(str(root).encode()).hexdigest()[:8] / name
