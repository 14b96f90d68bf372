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


def test_boxes_and_key_points_are_those_of_the_images(tmp_path: Path) -> None:
    root = original(tmp_path / "CUB" / "images", "ant", "bee").root.parent
    names = ["ant/0.png", "ant/1.png", "bee/0.png", "bee/1.png"]
    tables = {
        "images": names,
        "image_class_labels": ["1", "1", "2", "2"],
        "train_test_split": ["1", "0", "1", "0"],
        "bounding_boxes": ["0 0 4 4", "1 1 4 4", "2 2 4 4", "3 3 4 4"],
    }
    for table, values in tables.items():
        (root / f"{table}.txt").write_text("".join(f"{number} {value}\n" for number, value in enumerate(values, 1)))
    (root / "classes.txt").write_text("1 ant\n2 bee\n")
    (root / "parts").mkdir()
    (root / "parts" / "parts.txt").write_text("1 eye\n")
    (root / "parts" / "part_locs.txt").write_text("1 1 2 3 1\n2 1 3 4 1\n3 1 4 5 1\n4 1 5 6 1\n")
    before = open_data_set(root)
    assert all(record.box is not None and record.parts for record in before.records)
    write_list_folder(tmp_path / "lists", before, {"train": listed(before, 1), "test": listed(before, 0)})
    after = {record.name: (record.box, record.parts) for record in open_data_set(tmp_path / "lists").records}
    assert after == {f"data/{record.name}": (record.box, record.parts) for record in before.records}


def test_a_link_to_a_data_set_of_its_own_lists_does_not_decide_the_labels(tmp_path: Path) -> None:
    """Behind the link "data", its lists lie where those of FGVC-Aircraft do."""
    root = tmp_path / "fgvc-aircraft-2013b" / "data"
    (root / "images").mkdir(parents=True)
    for name in "abcd":
        Image.new("RGB", (8, 40)).save(root / "images" / f"{name}.jpg")
    (root / "images_variant_train.txt").write_text("a 707\nb 727\n")
    (root / "images_variant_test.txt").write_text("c 707\nd 727\n")
    (root / "images_box.txt").write_text("".join(f"{name} 1 1 4 4\n" for name in "abcd"))
    before = open_data_set(root)
    assert before.format == "fgvc-aircraft-2013b"
    write_list_folder(tmp_path / "lists", before, {"train": [("images/a.jpg", 1), ("images/c.jpg", 0)]})
    after = open_data_set(tmp_path / "lists")
    assert labelled(after) == {"data/images/a.jpg": "727", "data/images/c.jpg": "707"}
    assert after.splits() == ("train",)
    assert all(record.box is not None and record.banner == 20 for record in after.records)
    (tmp_path / "lists" / "train.txt").unlink()
    assert open_data_set(tmp_path / "lists").format == "fgvc-aircraft-2013b", "a link alone changes nothing"


def test_a_link_that_leads_back_is_no_annotation(tmp_path: Path) -> None:
    before = original(tmp_path / "birds", "ant", "bee")
    root = before.root
    (root / "data").symlink_to(root, target_is_directory=True)
    (root / "train.txt").write_text("ant/0.png 0\nbee/0.png 1\n")
    assert all(record.box is None for record in open_data_set(root).records)
