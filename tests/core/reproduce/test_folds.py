"""Folds of the training part or of all images: stratified, the same every time, and whole groups."""

from pathlib import Path

import pytest
from PIL import Image

from s3n_core.datasets.detection import open_data_set
from s3n_core.datasets.records import Split
from s3n_core.errors import DataSetError
from s3n_core.reproduce.folds import write_folds


def write_table(root: Path, rows: list[tuple[str, str, str]]) -> Path:
    """Write images, each with its label, split and group."""
    root.mkdir()
    for number, _ in enumerate(rows):
        Image.new("RGB", (8, 8), (number, 0, 0)).save(root / f"{number}.png")
    lines = [f"{number}.png,{','.join(row)}" for number, row in enumerate(rows)]
    (root / "labels.csv").write_text("\n".join(["image,label,split,patient", *lines]) + "\n")
    return root


def split_of(folder: Path, split: Split) -> set[int]:
    return {int(record.path.stem) for record in open_data_set(folder).of_split(split)}


def test_groups_stay_together(tmp_path: Path) -> None:
    rows = [("x" if number < 12 else "y", "train", f"p{number // 3}") for number in range(24)]
    made = write_folds(open_data_set(write_table(tmp_path / "eyes", rows)), tmp_path / "out", 2)
    tested: list[int] = []
    for folder in made:
        train, test = split_of(folder, "train"), split_of(folder, "test")
        assert not {number // 3 for number in train} & {number // 3 for number in test}
        assert {rows[number][0] for number in train} == {rows[number][0] for number in test} == {"x", "y"}
        tested += test
    assert sorted(tested) == list(range(24))


def test_all_images_are_divided_anew_as_often_as_wanted(tmp_path: Path) -> None:
    rows = [("xy"[number % 2], ("train", "val", "test", "test")[number // 6], f"p{number}") for number in range(24)]
    data_set = open_data_set(write_table(tmp_path / "eyes", rows))
    divisions = []
    for division in range(3):
        made = write_folds(data_set, tmp_path / "out", 3, division=division)
        assert [folder.name for folder in made] == [f"eyes-all-{division}-fold{fold}of3" for fold in range(3)]
        tested = [split_of(folder, "test") for folder in made]
        assert sorted(number for fold in tested for number in fold) == list(range(24))
        for folder, fold in zip(made, tested, strict=True):
            assert split_of(folder, "train") == set(range(24)) - fold
            assert sorted(rows[number][0] for number in fold) == ["x"] * 4 + ["y"] * 4
        divisions.append(tested)
        again = write_folds(data_set, tmp_path / "again", 3, division=division)
        assert [split_of(folder, "test") for folder in again] == tested
    assert divisions[0] != divisions[1] != divisions[2] != divisions[0]
    learned = [split_of(folder, "train") for folder in write_folds(data_set, tmp_path / "out", 3)]
    assert set().union(*learned) == set(range(6)), "else only training images are divided"


def test_groups_stay_together_where_all_images_are_divided(tmp_path: Path) -> None:
    rows = [("xy"[number // 12], "train" if number % 3 else "test", f"p{number // 3}") for number in range(24)]
    for folder in write_folds(open_data_set(write_table(tmp_path / "eyes", rows)), tmp_path / "out", 2, division=1):
        train, test = split_of(folder, "train"), split_of(folder, "test")
        assert not {number // 3 for number in train} & {number // 3 for number in test}
        assert len(train) + len(test) == 24


def test_a_class_of_one_group_cannot_be_divided(tmp_path: Path) -> None:
    rows = [("x" if number < 6 else "y", "train", f"p{number // (3 if number < 6 else 6)}") for number in range(12)]
    data_set = open_data_set(write_table(tmp_path / "eyes", rows))
    with pytest.raises(DataSetError, match="all training images of y would lie in one"):
        write_folds(data_set, tmp_path / "out", 2)


@pytest.mark.parametrize("grouped", [True, False])
def test_a_fold_is_never_empty(tmp_path: Path, grouped: bool) -> None:
    rows = [("xy"[number % 2], "train", f"p{number // 2}" if grouped else "") for number in range(8 if grouped else 4)]
    data_set = open_data_set(write_table(tmp_path / "eyes", rows))
    with pytest.raises(DataSetError, match="has 4 training images or groups"):
        write_folds(data_set, tmp_path / "out", 5)
    assert len(write_folds(data_set, tmp_path / "out", 2)) == 2


def test_images_without_a_split_are_for_training_and_folds_stay_what_they_were(tmp_path: Path) -> None:
    root = tmp_path / "birds"
    for number in range(12):
        (root / "ab"[number % 2]).mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (number, 0, 0)).save(root / "ab"[number % 2] / f"{number}.png")
    assert open_data_set(root).splits() == (None,)
    made = write_folds(open_data_set(root), tmp_path / "out", 3)
    assert [sorted(split_of(folder, "test")) for folder in made] == [[6, 7, 9, 10], [0, 1, 5, 8], [2, 3, 4, 11]]


def test_machines_whose_images_lie_elsewhere_share_folds_but_not_links(tmp_path: Path) -> None:
    rows = [("xy"[number % 2], "train", f"p{number}") for number in range(12)]
    here = write_table(tmp_path / "eyes", rows)
    (tmp_path / "mount").mkdir()
    there = write_table(tmp_path / "mount" / "eyes", rows)
    first = write_folds(open_data_set(here), tmp_path / "out", 2)
    second = write_folds(open_data_set(there), tmp_path / "out", 2)
    assert write_folds(open_data_set(here), tmp_path / "out", 2) == first
    assert write_folds(open_data_set(there), tmp_path / "out", 2) == second
    for ours, theirs in zip(first, second, strict=True):
        assert ours.name == theirs.name
        assert ((ours / "data").resolve(), (theirs / "data").resolve()) == (here, there)
        assert open_data_set(ours).fingerprint() == open_data_set(theirs).fingerprint()
