"""A data set whose training labels are shuffled: what a network learns from it, it cannot have learnt from the images.

An explanation that depends on what was learnt must look different for such a network (Adebayo et al., NeurIPS 2018).
"""

from __future__ import annotations

from pathlib import Path

from s3n_core.datasets.list_folders import write_list_folder
from s3n_core.datasets.records import DataSet
from s3n_core.errors import DataSetError
from s3n_core.system.seeding import keyed_generator


def write_shuffled_labels(data_set: DataSet, out: Path, seed: int = 0) -> int:
    """Write list files in which the labels of training and validation images are permuted among them.

    Every class keeps its number of images. Test images keep their own labels; images without a label are left out.

    Args:
        data_set: The data set.
        out: A folder to write; the images stay where they are, behind a link.
        seed: Seed of the permutation.

    Returns:
        How many of these images have another class than before.

    Raises:
        DataSetError: There are fewer than two classes among them.
        OutputError: The folder cannot be written.
    """
    labelled = sorted(
        (record for record in data_set.records if record.label is not None), key=lambda record: record.name
    )
    learning = [record for record in labelled if record.split != "test"]
    own = [record.label for record in learning if record.label is not None]
    if len(set(own)) < 2:
        raise DataSetError(
            f"{data_set.root} has training images of fewer than two classes, so there is nothing to shuffle."
        )
    order = keyed_generator(seed, "shuffled labels").permutation(len(own)).tolist()
    shuffled = [own[place] for place in order]
    lists: dict[str, list[tuple[str, int]]] = {"train": [], "val": [], "test": []}
    for record, label in zip(learning, shuffled, strict=True):
        lists["val" if record.split == "val" else "train"].append((record.name, label))
    lists["test"] += [
        (record.name, record.label) for record in labelled if record.split == "test" and record.label is not None
    ]
    write_list_folder(out, data_set, lists)
    return sum(before != after for before, after in zip(own, shuffled, strict=True))
