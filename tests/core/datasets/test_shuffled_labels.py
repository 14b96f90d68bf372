"""A data set with shuffled training labels."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from s3n_core.datasets.detection import open_data_set
from s3n_core.datasets.records import DataSet
from s3n_core.datasets.shuffled_labels import write_shuffled_labels
from s3n_core.errors import DataSetError


def original(folder: Path, counts: dict[str, int], classes: tuple[str, ...] = ("crow", "jay", "kite")) -> DataSet:
    for split, count in counts.items():
        for name in classes:
            (folder / split / name).mkdir(parents=True)
            for number in range(count):
                Image.new("RGB", (8, 8), (number, 0, 0)).save(folder / split / name / f"{number}.png")
    return open_data_set(folder)


def labels(data_set: DataSet, *splits: str) -> dict[str, str]:
    """By image below the data set, its class."""
    return {
        record.name.removeprefix("data/"): data_set.classes[record.label]
        for record in data_set.records
        if record.label is not None and record.split in splits
    }


def test_training_labels_are_permuted_and_test_labels_kept(tmp_path: Path) -> None:
    before = original(tmp_path / "birds", {"train": 8, "val": 2, "test": 3})
    moved = write_shuffled_labels(before, tmp_path / "shuffled", seed=1)
    after = open_data_set(tmp_path / "shuffled")
    assert after.classes == before.classes
    assert labels(after, "test") == labels(before, "test")
    own, shuffled = labels(before, "train", "val"), labels(after, "train", "val")
    assert Counter(own.values()) == Counter(shuffled.values()), "every class keeps its number of images"
    assert own.keys() == shuffled.keys()
    assert sum(own[name] != shuffled[name] for name in own) == moved > len(own) / 3
    assert labels(after, "val").keys() == labels(before, "val").keys()

    write_shuffled_labels(before, tmp_path / "again", seed=1)
    write_shuffled_labels(before, tmp_path / "other", seed=2)
    assert labels(open_data_set(tmp_path / "again"), "train", "val") == shuffled
    assert labels(open_data_set(tmp_path / "other"), "train", "val") != shuffled


def test_one_class_cannot_be_shuffled(tmp_path: Path) -> None:
    birds = original(tmp_path / "birds", {"train": 2, "test": 1}, classes=("crow", "jay"))
    alone = replace(birds, records=tuple(record for record in birds.records if record.label == 0))
    with pytest.raises(DataSetError, match="fewer than two classes"):
        write_shuffled_labels(alone, tmp_path / "shuffled")
