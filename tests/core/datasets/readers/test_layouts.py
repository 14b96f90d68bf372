"""Folders as people have them: splits by name, wrappers, Unicode forms, levels, masks, classes from file names."""

import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from s3n_core.datasets.detection import detection_sentence, open_data_set
from s3n_core.datasets.opening import open_images
from s3n_core.datasets.readers.split_names import split_roles
from s3n_core.datasets.records import DataSet
from s3n_core.errors import DataSetError, TooFewClasses


def make(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (3, 2)).save(root / name, format="PNG")
    return root


def counts(data_set: DataSet) -> dict[str | None, int]:
    """Return the number of labelled images of each split, and under "-" that of images without a label."""
    labelled = {split: sum(row) for split, row in data_set.counts().items() if sum(row)}
    unlabelled = sum(record.label is None for record in data_set.records)
    return {**labelled, **({"-": unlabelled} if unlabelled else {})}


@pytest.mark.parametrize(
    ("names", "roles"),
    [
        (("train", "test"), ("train", "test")),
        (("Training", "VALID", "Test"), ("train", "val", "test")),
        (("seg_train", "seg_test", "seg_pred"), ("train", "test", "unlabelled")),
        (("train2017", "val2017"), ("train", "val")),
        (("train_images", "test_images"), ("train", "test")),
        (("TrainSet", "TestSet"), ("train", "test")),
        (("train", "dev"), ("train", "val")),
        (("train", "eval"), ("train", "val")),
        (("train", "val", "eval"), ("train", "val", "test")),
        (("bus", "car", "train"), ()),
        (("control", "test"), ()),
        (("test 1", "test 2"), ()),
        (("train", "test", "train station"), ()),
        (("train_test",), ()),
    ],
)
def test_names_of_splits(names: tuple[str, ...], roles: tuple[str, ...]) -> None:
    assert tuple(split_roles(names).values()) == roles


def test_a_flat_test_folder_is_images_without_labels(tmp_path: Path) -> None:
    root = make(tmp_path, "train/a/1.png", "train/b/2.png", "test/3.png", "test/4.png")
    data_set = open_data_set(root)
    assert data_set.classes == ("a", "b")
    assert counts(data_set) == {"train": 2, "-": 2}
    assert {record.split for record in data_set.records if record.label is None} == {"test"}
    assert "The 2 images of test have no label." in detection_sentence(data_set)


@pytest.mark.parametrize("inner", ["test", "everything"])
def test_a_single_folder_in_test_that_training_does_not_have_is_no_class(tmp_path: Path, inner: str) -> None:
    data_set = open_data_set(make(tmp_path, "train/a/1.png", "train/b/2.png", f"test/{inner}/3.png"))
    assert data_set.classes == ("a", "b")
    assert counts(data_set) == {"train": 2, "-": 1}


def test_a_test_set_of_other_classes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataSetError, match=r"c, d\) are none of the training classes \(a, b\)"):
        open_data_set(make(tmp_path, "train/a/1.png", "train/b/2.png", "test/c/3.png", "test/d/4.png"))


def test_split_folders_that_hold_a_folder_of_the_same_name(tmp_path: Path) -> None:
    root = make(tmp_path, *(f"s_{split}/s_{split}/{name}/1.png" for split in ("train", "test") for name in "ab"))
    make(root, "s_pred/s_pred/1.png")
    data_set = open_data_set(root)
    assert data_set.classes == ("a", "b")
    assert counts(data_set) == {"train": 2, "test": 2, "-": 1}
    assert "Opened inside the split folders: s_pred/s_pred, s_test/s_test, s_train/s_train." in data_set.remarks


def test_the_same_wrapper_in_every_split(tmp_path: Path) -> None:
    names = [f"{split}/images/{name}/1.png" for split in ("train", "valid") for name in "ab"]
    assert counts(open_data_set(make(tmp_path, *names))) == {"train": 2, "val": 2}


def test_wrappers_are_seen_through(tmp_path: Path) -> None:
    root = make(tmp_path, *(f"archive/v1/{split}/{name}/1.png" for split in ("train", "val") for name in "ab"))
    data_set = open_data_set(root)
    assert (data_set.root, data_set.classes, counts(data_set)) == (
        root / "archive/v1",
        ("a", "b"),
        {"train": 2, "val": 2},
    )
    assert "Opened as if archive/v1 had been chosen" in detection_sentence(data_set)


def test_one_class_is_not_a_wrapper(tmp_path: Path) -> None:
    with pytest.raises(TooFewClasses, match="one class only"):
        open_data_set(make(tmp_path, "sparrow/1.png", "sparrow/2.png"))
    assert len(open_images(tmp_path).records) == 2


def test_flat_splits_are_not_two_classes(tmp_path: Path) -> None:
    data_set = open_data_set(make(tmp_path, "train/1.png", "test/2.png"))
    assert (data_set.classes, len(data_set.records)) == ((), 2)
    assert "test and train are the names of splits, not classes" in detection_sentence(data_set)


def test_splits_inside_of_classes(tmp_path: Path) -> None:
    names = [f"{name}/{split}/{number}.png" for name in "ab" for split in ("train", "test") for number in range(2)]
    data_set = open_data_set(make(tmp_path, *names))
    assert (data_set.classes, counts(data_set)) == (("a", "b"), {"train": 4, "test": 4})


def test_several_data_sets_in_one_folder_are_refused(tmp_path: Path) -> None:
    names = [f"{name}/{split}/{kind}/1.png" for name in ("one", "two") for split in ("train", "test") for kind in "ab"]
    with pytest.raises(DataSetError, match=r"several data sets \(one, two\)"):
        open_data_set(make(tmp_path, *names))


def test_unicode_forms_are_one_class(tmp_path: Path) -> None:
    composed, apart = (unicodedata.normalize(form, "Köln") for form in ("NFC", "NFD"))
    root = make(tmp_path, f"train/{composed}/1.png", "train/b/2.png", f"val/{apart}/3.png")
    data_set = open_data_set(root)
    assert data_set.classes == (composed, "b")
    assert counts(data_set) == {"train": 2, "val": 1}
    assert data_set.records[-1].path == root / "val" / apart / "3.png", "paths stay as they are on the disk"


def test_classes_that_differ_by_case_or_blanks_are_pointed_out(tmp_path: Path) -> None:
    data_set = open_data_set(make(tmp_path, "Ant/1.png", "bee/2.png", "ant /3.png", "ANT/4.png"))
    assert len(data_set.classes) == 4
    assert ["the classes 'ANT', 'Ant', 'ant ' differ only" in problem.reason for problem in data_set.problems] == [True]


def test_two_levels_of_classes(tmp_path: Path) -> None:
    root = make(tmp_path, "finch/red/1.png", "finch/blue/2.png", "owl/barn/3.png", "owl/barred/4.png")
    data_set = open_data_set(root)
    assert data_set.classes == ("finch", "owl")
    assert "The classes are the first of two levels of folders" in detection_sentence(data_set)
    assert open_data_set(root, "class-folders:2").classes == ("finch/blue", "finch/red", "owl/barn", "owl/barred")


def test_a_pattern_gives_the_class_by_the_file_name(tmp_path: Path) -> None:
    names = ("Abyssinian_1.png", "Abyssinian_2.png", "american_bulldog_100.png", "american_bulldog_3.png")
    root = make(tmp_path, *names)
    plain = open_data_set(root)
    assert plain.classes == ()
    assert "The file names suggest 2 classes (such as Abyssinian); the format file-names reads them." in plain.remarks
    data_set = open_data_set(root, "file-names")
    assert data_set.classes == ("Abyssinian", "american_bulldog")
    assert counts(data_set) == {None: 4}
    make(root, "x-Owl-1.png")
    other = open_data_set(root, "file-names:*{class}_*")
    assert [record.name for record in other.records if record.label is None] == ["x-Owl-1.png"]
    with pytest.raises(DataSetError, match=r"must contain \{class\} once"):
        open_data_set(root, "file-names:*_*")


def photograph(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (24, 24, 3), dtype=np.uint8)).save(path)


def mask(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.zeros((24, 24), np.uint8)
    pixels[6:12, 6:12] = 255
    Image.fromarray(pixels).save(path)


def test_masks_are_never_images(tmp_path: Path) -> None:
    for number in range(3):
        photograph(tmp_path / f"a/{number}.png", number)
        photograph(tmp_path / f"b/{number}.png", number + 10)
        mask(tmp_path / f"masks/{number}.png")
        mask(tmp_path / f"b/{number}_mask.png")
    data_set = open_data_set(tmp_path)
    assert (data_set.classes, len(data_set.records)) == (("a", "b"), 6)
    reasons = {problem.path.name: problem.reason for problem in data_set.problems}
    assert "masks of the images" in reasons["masks"]
    assert reasons["b"].endswith("never images themselves: 3")


def test_a_class_called_mask_is_a_class(tmp_path: Path) -> None:
    for number in range(3):
        photograph(tmp_path / f"mask/{number}.png", number)
        photograph(tmp_path / f"no_mask/{number}.png", number + 10)
        photograph(tmp_path / f"wrong/{number}.png", number + 20)
    assert open_data_set(tmp_path).classes == ("mask", "no_mask", "wrong")


@pytest.mark.parametrize("top", [255, 900, 65535])
def test_masks_are_known_beside_images_of_any_depth(tmp_path: Path, top: int) -> None:
    """Values up to 900 of 65,535 are nearly black unless they are compared in their own range."""
    steps = np.linspace(0, top, 64 * 48).reshape(48, 64)
    kind = np.uint8 if top == 255 else np.uint16
    for name in ("1", "2"):
        for folder, values in (("images", steps), ("labels", np.where(steps > top / 2, top, 0))):
            (tmp_path / folder).mkdir(exist_ok=True)
            Image.fromarray(values.astype(kind)).save(tmp_path / folder / f"{name}.png")
    paths = [record.path.parent.name for record in open_images(tmp_path).records]
    assert paths == ["images", "images"]
