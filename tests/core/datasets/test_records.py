"""Records use little memory, and a data set's fingerprint detects changes."""

import dataclasses
import os
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from s3n_core.datasets.detection import open_data_set
from s3n_core.datasets.records import DataSet, ImageRecord


def make(root: Path) -> DataSet:
    records = []
    for i, split in enumerate(("train", "test", None)):
        path = root / f"{i}.png"
        path.write_bytes(b"x" * (i + 1))
        records.append(ImageRecord(path=path, name=path.name, label=i % 2, split=split))
    return DataSet(root=root, format="class-folders", classes=("a", "b"), records=tuple(records))


def test_fingerprint(tmp_path: Path) -> None:
    data_set = make(tmp_path)
    print_ = data_set.fingerprint()
    assert dataclasses.replace(data_set, records=data_set.records[::-1]).fingerprint() == print_
    assert dataclasses.replace(data_set, classes=("a", "c")).fingerprint() != print_
    first, *rest = data_set.records
    for change in ({"label": 1}, {"split": "test"}, {"name": "other.png"}):
        changed = dataclasses.replace(data_set, records=(dataclasses.replace(first, **change), *rest))
        assert changed.fingerprint() != print_
    first.path.write_bytes(b"longer")
    assert data_set.fingerprint() != print_
    first.path.unlink()
    assert len(data_set.fingerprint()) == 32


def test_fingerprint_does_not_depend_on_the_place(tmp_path: Path) -> None:
    prints = []
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        prints.append(make(tmp_path / name).fingerprint())
    assert prints[0] == prints[1]


def test_splits_and_counts(tmp_path: Path) -> None:
    data_set = make(tmp_path)
    assert data_set.splits() == ("train", "test", None)
    assert [record.name for record in data_set.of_split(None)] == ["2.png"]
    assert data_set.counts() == {"train": (1, 0), "test": (0, 1), None: (1, 0)}


def test_records_are_frozen(tmp_path: Path) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        make(tmp_path).records[0].label = 3  # type: ignore[misc]


def test_a_large_tree_is_listed_without_a_look_at_each_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The directory listing suffices: on a network disk, each further stat takes about a millisecond."""
    for folder in range(100):
        (tmp_path / f"class {folder:03}").mkdir()
        for file in range(100):
            os.close(os.open(tmp_path / f"class {folder:03}" / f"image {file:04}.jpg", os.O_CREAT))
    looks: list[object] = []
    look = os.stat

    def counted(path: Any, *arguments: Any, **options: Any) -> os.stat_result:
        looks.append(path)
        return look(path, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(os, "stat", counted)
        data_set = open_data_set(tmp_path)
    assert len(data_set.records) == 10_000
    assert len(looks) < 1000
    del data_set
    tracemalloc.start()
    data_set = open_data_set(tmp_path)
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used / len(data_set.records) < 1500  # bytes per record
