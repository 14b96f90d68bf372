"""Data sets written anew as list files beside a link to their images."""

from pathlib import Path

import pytest
from PIL import Image

from s3n_core.datasets.detection import open_data_set
from s3n_core.datasets.list_folders import write_list_folder
from s3n_core.datasets.records import DataSet
from s3n_core.errors import OutputError


def original(folder: Path, *classes: str) -> DataSet:
    for name in classes:
        (folder / name).mkdir(parents=True)
        for number in range(2):
            Image.new("RGB", (8, 8), (number, 0, 0)).save(folder / name / f"{number}.png")
    return open_data_set(folder)


def listed(data_set: DataSet, number: int) -> list[tuple[str, int]]:
    """The images of one number, with their labels."""
    return [(r.name, r.label) for r in data_set.records if r.label is not None and r.path.stem == str(number)]


def labelled(data_set: DataSet) -> dict[str, str]:
    return {r.name: data_set.classes[r.label] for r in data_set.records if r.label is not None}


@pytest.mark.parametrize("classes", [("1 cent", "2 cent", "5 cent"), ("2 a", "1 b"), ("ant", "bee"), ("1", "2")])
def test_classes_keep_their_names(tmp_path: Path, classes: tuple[str, ...]) -> None:
    before = original(tmp_path / "coins", *classes)
    write_list_folder(tmp_path / "lists", before, {"train": listed(before, 0), "test": listed(before, 1)})
    after = open_data_set(tmp_path / "lists")
    assert after.classes == before.classes == tuple(sorted(classes))
    assert labelled(after) == {f"data/{name}": label for name, label in labelled(before).items()}


def test_the_fingerprint_is_that_of_earlier_versions(tmp_path: Path) -> None:
    """They wrote names alone; campaigns know their trainings by it."""
    before = original(tmp_path / "birds", "ant", "bee", "cow")
    write_list_folder(tmp_path / "lists", before, {"train": listed(before, 0), "test": listed(before, 1)})
    now = open_data_set(tmp_path / "lists").fingerprint()
    (tmp_path / "lists" / "classes.txt").write_text("ant\nbee\ncow\n")
    assert open_data_set(tmp_path / "lists").fingerprint() == now


def test_a_folder_is_written_again(tmp_path: Path) -> None:
    first = original(tmp_path / "first", "ant", "bee")
    second = original(tmp_path / "second", "ant", "bee")
    everything = {"train": listed(first, 0), "val": listed(first, 1)}
    write_list_folder(tmp_path / "lists", first, everything)
    inode = (tmp_path / "lists" / "data").lstat().st_ino
    write_list_folder(tmp_path / "lists", first, everything)
    assert (tmp_path / "lists" / "data").lstat().st_ino == inode, "the link is kept"
    write_list_folder(tmp_path / "lists", second, {"train": listed(second, 0), "val": [], "test": listed(second, 1)})
    assert (tmp_path / "lists" / "data").resolve() == second.root.resolve()
    assert open_data_set(tmp_path / "lists").splits() == ("train", "test"), "the old list of validation images is gone"


def test_a_folder_in_the_place_of_the_link_stays(tmp_path: Path) -> None:
    (tmp_path / "lists" / "data").mkdir(parents=True)
    before = original(tmp_path / "birds", "ant", "bee")
    with pytest.raises(OutputError):
        write_list_folder(tmp_path / "lists", before, {"train": listed(before, 0)})
    assert (tmp_path / "lists" / "data").is_dir()
