"""The readers and format detection on small folders: what is read, what is reported, what is rejected."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from s3n_core.datasets.detection import FORMATS, detection_sentence, open_data_set
from s3n_core.datasets.opening import read_images
from s3n_core.datasets.records import Box, DataSet, Part
from s3n_core.errors import DataSetError

Tree = Callable[..., Path]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Create files in a folder: text files, or images if no text is given."""

    def make(*images: str, **texts: str) -> Path:
        root = tmp_path / "data"
        root.mkdir(exist_ok=True)
        for name in images:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (3, 2)).save(root / name, format="PNG")
        for name, text in texts.items():
            (root / f"{name}.txt").write_text(text, encoding="utf-8")
        return root

    return make


def names(data_set: DataSet) -> list[str]:
    return [record.name for record in data_set.records]


def labelled(data_set: DataSet) -> dict[str, str]:
    return {r.name: data_set.classes[r.label] for r in data_set.records if r.label is not None}


def reasons(data_set: DataSet) -> dict[str, str]:
    return {problem.path.relative_to(data_set.root).as_posix(): problem.reason for problem in data_set.problems}


# Class folders


def test_class_folders(tree: Tree) -> None:
    root = tree("b bird/2.PNG", "b bird/1.jpg", "Köln 鳥 é/x.jpeg", "a/deep/er/3.png", "a/0.png")
    (root / "a" / "notes.txt").write_text("not an image")
    data_set = open_data_set(root)
    assert data_set.format == "class-folders"
    assert data_set.classes == ("Köln 鳥 é", "a", "b bird")
    assert names(data_set) == [
        "Köln 鳥 é/x.jpeg",
        "a/0.png",
        "a/deep/er/3.png",
        "b bird/1.jpg",
        "b bird/2.PNG",
    ]
    assert labelled(data_set)["a/deep/er/3.png"] == "a"
    assert {record.split for record in data_set.records} == {None}
    assert all(record.path == root / record.name for record in data_set.records)
    assert data_set.problems == ()
    assert detection_sentence(data_set) == "Detected as class folders: 5 images of 3 classes."


@pytest.mark.parametrize("folders", [("train", "val", "test"), ("Training", "VALID", "Test")])
def test_split_folders(tree: Tree, folders: tuple[str, str, str]) -> None:
    train, val, test = folders
    root = tree(f"{train}/a/1.png", f"{train}/b/2.png", f"{val}/b/3.png", f"{test}/a/4.png", f"{test}/c/5.png")
    data_set = open_data_set(root)
    assert data_set.classes == ("a", "b", "c")
    assert [(r.name, r.split) for r in data_set.records] == [
        (f"{train}/a/1.png", "train"),
        (f"{train}/b/2.png", "train"),
        (f"{val}/b/3.png", "val"),
        (f"{test}/a/4.png", "test"),
        (f"{test}/c/5.png", "test"),
    ]
    assert data_set.counts() == {"train": (1, 1, 0), "val": (0, 1, 0), "test": (1, 0, 1)}
    sentence = "Detected as class folders in split folders: 5 images of 3 classes (2 train, 1 val, 2 test)."
    assert detection_sentence(data_set) == sentence


@pytest.mark.parametrize("train", ["train/3.png", "train/steam/3.png"])
def test_a_class_called_train_is_no_split(tree: Tree, train: str) -> None:
    data_set = open_data_set(tree("bus/1.png", "car/2.png", train))
    assert data_set.classes == ("bus", "car", "train")


def test_a_training_folder_alone(tree: Tree) -> None:
    data_set = open_data_set(tree("train/a/1.png", "train/b/2.png"))
    assert data_set.counts() == {"train": (1, 1)}


def test_a_folder_beside_split_folders_is_not_guessed_at(tree: Tree) -> None:
    root = tree("train/a/1.png", "train/b/2.png", "test/a/3.png", "extra/z/4.png", "test/5.png")
    with pytest.raises(DataSetError, match=r"test, train look like splits, and extra beside them not"):
        open_data_set(root)
    split = open_data_set(root, "class-folders:splits")
    assert labelled(split) == {"train/a/1.png": "a", "train/b/2.png": "b", "test/a/3.png": "a"}
    assert [record.name for record in split.records if record.label is None] == ["test/5.png"]
    assert "was ignored" in reasons(split)["extra"]
    assert "1 image(s) directly in it have no class" in reasons(split)["test"]
    assert open_data_set(root, "class-folders:classes").classes == ("extra", "test", "train")


def test_empty_class_folders_are_named(tree: Tree) -> None:
    root = tree("a/1.png", "b/2.png")
    (root / "c").mkdir()
    (root / "d").mkdir()
    (root / "d" / "readme.txt").touch()
    data_set = open_data_set(root)
    assert data_set.classes == ("a", "b")
    assert reasons(data_set) == {"c": "the class folder contains no image", "d": "the class folder contains no image"}


def test_stray_images_have_no_class(tree: Tree) -> None:
    root = tree(*(f"a/{n}.png" for n in range(4)), "b/2.png", "b/3.png", "stray.png")
    data_set = open_data_set(root)
    assert data_set.classes == ("a", "b")
    assert [record.name for record in data_set.records if record.label is None] == ["stray.png"]
    assert "1 image(s) directly in it have no class" in reasons(data_set)["."]


def test_many_images_beside_folders_are_no_strays(tree: Tree) -> None:
    data_set = open_data_set(tree("1.png", "2.png", "3.png", "old/4.png", "older/5.png"))
    assert (data_set.format, len(data_set.records)) == ("images", 5)


def test_clutter_is_passed_over(tree: Tree) -> None:
    root = tree("a/1.png", "b/2.png", "__MACOSX/a/1.png", ".thumbs/3.png", "a/._1.png", "b/.hidden.png")
    (root / "a" / "Thumbs.db").touch()
    data_set = open_data_set(root)
    assert names(data_set) == ["a/1.png", "b/2.png"]
    assert data_set.problems == ()


def test_what_is_called_an_image_is_listed(tree: Tree) -> None:
    """The content is checked by the decoder; the audit reports it."""
    root = tree("a/1.png", "b/2.png")
    (root / "a" / "broken.jpg").touch()
    assert names(open_data_set(root)) == ["a/1.png", "a/broken.jpg", "b/2.png"]


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")
def test_links(tree: Tree, tmp_path: Path) -> None:
    root = tree("a/1.png", "b/2.png")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    Image.new("RGB", (2, 2)).save(elsewhere / "3.png")
    (root / "c").symlink_to(elsewhere)
    (root / "b" / "loop").symlink_to(root)
    (root / "a" / "nowhere.png").symlink_to(tmp_path / "absent.png")
    data_set = open_data_set(root)
    assert names(data_set) == ["a/1.png", "a/nowhere.png", "b/2.png", "c/3.png"]
    assert set(reasons(data_set).values()) == {"the link leads back to a folder above it"}


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")
def test_a_link_in_a_circle_costs_no_class(tree: Tree) -> None:
    root = tree("a/1.png", "b/2.png")
    for name in ("circle.png", "circle"):
        (root / "a" / name).symlink_to(name)
    data_set = open_data_set(root)
    assert names(data_set) == ["a/1.png", "b/2.png"]
    assert data_set.problems == ()
    assert [(s.reason, s.suffix, s.count) for s in data_set.skipped] == [
        ("cannot be opened", "", 1),
        ("cannot be opened", ".png", 1),
    ]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has file names that are no text")
def test_names_that_are_no_text(tree: Tree) -> None:
    root = tree("a/1.png", "b/2.png")
    name = os.fsdecode(b"caf\xe9")
    os.rename(root / "a", root / name)
    data_set = open_data_set(root)
    assert data_set.classes == ("b", r"caf\udce9")  # models and reports store class names as valid text
    assert names(data_set) == ["b/2.png", f"{name}/1.png"]
    assert len(data_set.fingerprint()) == 32


# CUB-200-2011


@pytest.fixture
def cub(tree: Tree) -> Path:
    images = ["001.Black/one two.jpg", "001.Black/2.jpg", "002.White/3.jpg", "002.White/4.jpg"]
    root = tree(
        *(f"images/{name}" for name in images),
        images="".join(f"{i} {name}\n" for i, name in enumerate(images, 1)),
        image_class_labels="1 1\n2 1\n3 2\n4 2\n",
        train_test_split="1 1\n2 0\n3 1\n4 0\n",
        classes="1 001.Black\n2 002.White\n",
        bounding_boxes="1 60.0 27.0 325.0 304.0\n2 1 2 3 4\n3 1 2 3 4\n",
    )
    (root / "parts").mkdir()
    (root / "parts" / "parts.txt").write_text("1 back\n2 left eye\n")
    (root / "parts" / "part_locs.txt").write_text("1 1 0.0 0.0 0\n1 2 312.0 182.5 1\n2 1 5 6 1\n")
    return root


def test_cub(cub: Path) -> None:
    data_set = open_data_set(cub)
    assert data_set.format == "cub-200-2011"
    assert data_set.classes == ("001.Black", "002.White")
    first, second, third, fourth = data_set.records
    assert (first.name, first.label, first.split) == ("images/001.Black/one two.jpg", 0, "train")
    assert first.path.is_file()
    assert first.box == Box(x=60, y=27, width=325, height=304)
    assert first.parts == (Part(name="left eye", x=312, y=182.5),)
    assert (second.split, third.label, fourth.label, fourth.box, fourth.parts) == ("test", 1, 1, None, ())
    sentence = "Detected as CUB-200-2011: 4 images of 2 classes (2 train, 2 test)."
    assert detection_sentence(data_set) == sentence


def test_cub_as_the_archive_unpacks_it(cub: Path, tmp_path: Path) -> None:
    outer = tmp_path / "outer"
    outer.mkdir()
    cub.rename(outer / "CUB_200_2011")
    data_set = open_data_set(outer)
    assert data_set.root == outer / "CUB_200_2011"
    assert len(data_set.records) == 4


def test_cub_without_boxes_and_with_gaps(cub: Path) -> None:
    (cub / "bounding_boxes.txt").unlink()
    (cub / "parts" / "parts.txt").unlink()
    (cub / "images" / "001.Black" / "2.jpg").unlink()
    (cub / "classes.txt").write_bytes(b"\xef\xbb\xbf1 001.Black\r\n2 002.White\r\n7 007.None\r\n")
    data_set = open_data_set(cub)
    assert len(data_set.records) == 3
    assert data_set.records[0].box is None
    found = {problem.path.name: problem.reason for problem in data_set.problems}
    assert "images.txt:2" in found["2.jpg"]
    assert found["classes.txt"] == "the class 007.None has no image"


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("images.txt", "1 001.Black/2.jpg\njunk\n", r"images\.txt:2: expected '<image id> <file>' but found 'junk'"),
        ("images.txt", "1 ../../secret.jpg\n", r"images\.txt:1: '\.\./\.\./secret\.jpg' points outside"),
        ("images.txt", "1 001.Black/2.jpg\n1 001.Black/2.jpg\n", r"images\.txt:2: the id 1 appears twice"),
        (
            "images.txt",
            "1 001.Black/2.jpg\n2 001.Black/./2.jpg\n",
            r"images\.txt:2: the image images/001\.Black/2\.jpg is listed in .*images\.txt:1 already",
        ),
        ("image_class_labels.txt", "1 1\n2 1\n1 2\n", r"image_class_labels\.txt:3: the id 1 appears twice: remove one"),
        ("train_test_split.txt", "1 1\n1 0\n", r"train_test_split\.txt:2: the id 1 appears twice"),
        ("bounding_boxes.txt", "1 1 2 3 4\n1 1 2 3 5\n", r"bounding_boxes\.txt:2: the id 1 appears twice"),
        ("images.txt", "1 nothing.jpg\n", r"None of the images"),
        ("image_class_labels.txt", "1 1\n2 one\n", r"image_class_labels\.txt:2: expected"),
        ("image_class_labels.txt", "1 1\n", r"image_class_labels\.txt has no line for image 2"),
        ("image_class_labels.txt", "1 9\n2 1\n3 1\n4 1\n", r"classes\.txt has no class 9"),
        ("train_test_split.txt", "1 1\n", r"train_test_split\.txt has no line for image 2"),
        ("bounding_boxes.txt", "1 1 2 3\n", r"bounding_boxes\.txt:1: expected '<image id> <x> <y> <width> <height>'"),
        ("bounding_boxes.txt", "1 1 2 3 nan\n", r"bounding_boxes\.txt:1: expected"),
        ("parts/part_locs.txt", "1 9 0 0 1\n", r"part_locs\.txt:1: the part 9 has no name"),
        ("parts/part_locs.txt", "1 1 0 0\n", r"part_locs\.txt:1: expected"),
        ("classes.txt", "\0\0\0", r"classes\.txt is not a text file"),
    ],
)
def test_cub_refuses(cub: Path, file: str, text: str, message: str) -> None:
    (cub / file).write_text(text)
    with pytest.raises(DataSetError, match=message) as caught:
        open_data_set(cub)
    assert "\n" not in str(caught.value)


def test_two_classes_of_one_name(cub: Path) -> None:
    (cub / "classes.txt").write_text("1 Tern\n2 Tern\n")
    with pytest.raises(DataSetError, match="has two classes called 'Tern': give each class a name of its own"):
        open_data_set(cub)


# List files


def test_list_files(tree: Tree) -> None:
    root = tree("a/1 one.jpg", "a/2.jpg", "b/3.jpg", train="a/1 one.jpg 0\nb/3.jpg 1\n\n", test="a/2.jpg\t0\r\n")
    data_set = open_data_set(root)
    assert data_set.format == "list-files"
    assert data_set.classes == ("a", "b")
    assert [(r.name, r.label, r.split) for r in data_set.records] == [
        ("a/1 one.jpg", 0, "train"),
        ("b/3.jpg", 1, "train"),
        ("a/2.jpg", 0, "test"),
    ]


def test_class_ids_with_gaps(tree: Tree) -> None:
    root = tree("1.jpg", "2.jpg", "3.jpg", train="1.jpg 7\n2.jpg 100\n", valid="3.jpg 12\n")
    data_set = open_data_set(root)
    assert data_set.classes == ("7", "12", "100")
    assert [record.label for record in data_set.records] == [0, 2, 1]
    assert data_set.records[2].split == "val"


def test_a_class_id_with_two_names_is_refused(tree: Tree) -> None:
    root = tree("1.jpg", "2.jpg", train="1.jpg 0\n2.jpg 1\n", classes="0 cat\n1 dog\n1 bird\n")
    with pytest.raises(DataSetError, match=r"classes\.txt:3: the class id 1 has two names, 'dog' and 'bird'"):
        open_data_set(root)


@pytest.mark.parametrize("classes", [None, "0 ant\n1 bee\n", "000 ant\n001 bee\n", "ant\nbee\n"])
def test_class_ids_with_leading_zeros(tree: Tree, classes: str | None) -> None:
    root = tree("1.jpg", "2.jpg", "3.jpg", train="1.jpg 000\n2.jpg 001\n", test="3.jpg 1\n")
    if classes is not None:
        (root / "classes.txt").write_text(classes)
    data_set = open_data_set(root)
    assert data_set.classes == (("0", "1") if classes is None else ("ant", "bee"))
    assert [record.label for record in data_set.records] == [0, 1, 1]


@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        ("5 five\n9 nine birds\n", ("five", "nine birds")),
        ("0 zero\n5 five\n9 nine\n", ("five", "nine")),
        ("c1\nc2\nc3\nc4\nc5\nc6\nc7\nc8\nc9\n", ("c5", "c9")),  # nine names for ids up to nine: counted from 1
    ],
)
def test_class_names(tree: Tree, classes: str, expected: tuple[str, ...]) -> None:
    data_set = open_data_set(tree("1.jpg", "2.jpg", train="1.jpg 5\n2.jpg 9\n", classes=classes))
    assert data_set.classes == expected


@pytest.mark.parametrize(
    ("line", "first", "second"),
    [
        ("{} {}", "cat", "dog"),
        ("{},{}", "cat", "dog"),
        ("{}\t{}", "cat", "dog"),
        ("{} {}", "red fox", "great white egret"),
        ("{},{}", "red fox", "great white egret"),
        ("{}\t{}", "red fox", "great white egret"),
        ("{},{}", "0", "1"),
        ("{}, {}", "0", "1"),
        ("{} {}", "type 1", "type 2"),
        ("{} {}", "v1.5", "v2.5"),
    ],
)
def test_a_class_in_the_line_comes_before_the_folder(tree: Tree, line: str, first: str, second: str) -> None:
    listed = {"cam1/a.jpg": first, "cam1/b.jpg": second, "cam2/c.JPG": first, "cam2/d.jpg": second}
    data_set = open_data_set(tree(*listed, train="".join(f"{line.format(*pair)}\n" for pair in listed.items())))
    assert data_set.format == "list-files"
    assert labelled(data_set) == listed


@pytest.mark.parametrize("line", ["{}.heic {}", "{}.png {}", "{}.CR2 {}"])
def test_images_that_have_another_suffix_now(tree: Tree, line: str) -> None:
    root = tree("cam1/a.heic", "cam1/b.heic", train=f"{line.format('a', 'cat')}\n{line.format('b', 'dog')}\n")
    assert labelled(open_data_set(root)) == {"cam1/a.heic": "cat", "cam1/b.heic": "dog"}


def test_class_names_counted_from_0(tree: Tree) -> None:
    root = tree("1.jpg", "2.jpg", train="1.jpg 0\n2.jpg 2\n", classes="ant\nbee\ncow\ndog\n")
    assert open_data_set(root).classes == ("ant", "cow")


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("below", ["", "train/", "img/v2/"])
def test_folders_say_from_where_class_names_count(tree: Tree, first: int, below: str) -> None:
    """Neither the first class counted from 0 nor the last one counted from 1 has an image."""
    classes = ("ant", "bee", "cow", "dog")
    images = {f"{below}{classes[number - first]}/{number}.jpg": number for number in (1, 2)}
    root = tree(*images, train="".join(f"{name} {number}\n" for name, number in images.items()))
    (root / "classes.txt").write_text("\n".join(classes))
    assert open_data_set(root).classes == classes[1 - first : 3 - first]


@pytest.mark.parametrize("images", [("1.jpg", "2.jpg"), ("x/1.jpg", "y/2.jpg"), ("ant/1.jpg", "cow/2.jpg")])
def test_class_names_that_may_count_from_0_or_from_1(tree: Tree, images: tuple[str, str]) -> None:
    root = tree(*images, train=f"{images[0]} 1\n{images[1]} 2\n", classes="ant\nbee\ncow\n")
    with pytest.raises(DataSetError, match=r"count from 0 or from 1: write each line as '<class id> <name>'.* '1 ant'"):
        open_data_set(root)
    (root / "classes.txt").write_text("1 ant\n2 bee\n3 cow\n")
    assert open_data_set(root).classes == ("ant", "bee")


def test_class_names_do_not_fit(tree: Tree) -> None:
    root = tree("1.jpg", "2.jpg", train="1.jpg 0\n2.jpg 3\n", classes="zero\none\n")
    with pytest.raises(DataSetError, match=r"train\.txt:2 uses the class id 3, which has no name in .*classes\.txt"):
        open_data_set(root)


def test_folders_that_classes_share_name_nothing(tree: Tree) -> None:
    root = tree("x/1.jpg", "x/2.jpg", "y/3.jpg", train="x/1.jpg 0\nx/2.jpg 1\ny/3.jpg 1\n")
    assert open_data_set(root).classes == ("0", "1")


def test_images_in_the_folder_images(tree: Tree) -> None:
    data_set = open_data_set(tree("images/1.jpg", "images/2.jpg", train="1.jpg 0\n./images/../2.jpg 1\n"))
    assert names(data_set) == ["images/1.jpg", "images/2.jpg"]


def test_a_list_made_on_windows(tree: Tree) -> None:
    assert names(open_data_set(tree("a/1.jpg", "b/2.jpg", train="a\\1.jpg 0\r\nb\\2.jpg 1\r\n"))) == [
        "a/1.jpg",
        "b/2.jpg",
    ]


def test_listed_but_missing(tree: Tree) -> None:
    data_set = open_data_set(tree("a/1.jpg", "b/2.jpg", train="a/1.jpg 0\na/gone.jpg 0\nb/2.jpg 1\n"))
    assert names(data_set) == ["a/1.jpg", "b/2.jpg"]
    assert reasons(data_set)["a/gone.jpg"].startswith("the file does not exist")
    assert "train.txt:2" in reasons(data_set)["a/gone.jpg"]


@pytest.mark.parametrize("line", ["{} {}", "{},{}", "{} , {}", "{};{}", "{}\t{}", "{}|{}", '"{}",{}', "{1},{0}"])
@pytest.mark.parametrize("label", ["1", "dog"])
def test_listed_but_missing_with_any_separator(tree: Tree, line: str, label: str) -> None:
    first = "0" if label == "1" else "cat"
    listed = [("a/1.jpg", first), ("a/gone.jpg", label), ("a/2.jpg", label)]
    data_set = open_data_set(tree("a/1.jpg", "a/2.jpg", train="".join(line.format(*row) + "\n" for row in listed)))
    assert labelled(data_set) == {"a/1.jpg": first, "a/2.jpg": label}
    assert list(reasons(data_set)) == ["a/gone.jpg"]


@pytest.mark.parametrize("folder", ["/data/b", "C:/data/b", "C:\\data\\b", "\\\\server\\b"])
def test_an_image_of_another_machine_that_is_not_here(tree: Tree, folder: str) -> None:
    """No other folder's image of the same name takes its place."""
    root = tree("dog/1.jpg", "dog/2.jpg", "cat/3.jpg", "cat/4.jpg")
    lists = {"train": ("cat/1.jpg 0", "cat/3.jpg 0", "dog/2.jpg 1"), "test": ("dog/1.jpg 1", "cat/4.jpg 0")}
    for split, lines in lists.items():
        (root / f"{split}.txt").write_text("".join(f"{folder}/{line}\n" for line in lines))
    data_set = open_data_set(root)
    assert [(r.name, data_set.classes[r.label or 0], r.split) for r in data_set.records] == [
        ("cat/3.jpg", "cat", "train"),
        ("dog/2.jpg", "dog", "train"),
        ("dog/1.jpg", "dog", "test"),
        ("cat/4.jpg", "cat", "test"),
    ]
    assert [problem.reason.startswith("the file does not exist") for problem in data_set.problems] == [True]


def test_a_list_of_which_no_image_is_here_beside_one_of_another_machine(tree: Tree) -> None:
    root = tree("dog/1.jpg", "cat/3.jpg", train="/b/cat/1.jpg 0\n", test="/b/dog/1.jpg 1\n/b/cat/3.jpg 0\n")
    assert names(open_data_set(root)) == ["dog/1.jpg", "cat/3.jpg"]


@pytest.mark.parametrize("classes", [None, "cat\ndog\n"])
@pytest.mark.parametrize("lines", ["cat/8.jpg\ndog/9.jpg\n", "cat/8.jpg 0\ndog/9.jpg 1\n"])
def test_folders_say_the_classes_whatever_a_list_of_images_that_are_not_here_says(
    tree: Tree, lines: str, classes: str | None
) -> None:
    root = tree("cat/1.jpg", "dog/2.jpg", train="cat/1.jpg\ndog/2.jpg\n", test=lines)
    if classes is not None:
        (root / "classes.txt").write_text(classes)
    assert labelled(open_data_set(root)) == {"cat/1.jpg": "cat", "dog/2.jpg": "dog"}


def test_class_ids_of_images_that_are_listed_before_without_any(tree: Tree) -> None:
    root = tree("cat/1.jpg", "dog/2.jpg", train="cat/1.jpg\ndog/2.jpg\n", test="cat/1.jpg 0\n", classes="cat\ndog\n")
    data_set = open_data_set(root)
    assert (labelled(data_set), data_set.classes) == ({}, ())
    assert "with class none, then 0" in reasons(data_set)["cat/1.jpg"]


@pytest.mark.parametrize(
    ("images", "lines"),
    [
        (("1.jpg", "2.jpg"), ("/data/birds/1.jpg 0", "/data/birds/2.jpg 1")),
        (("a/1.jpg", "b/2.jpg"), ("/data/birds/a/1.jpg 0", "/data/birds/b/2.jpg 1")),
        (("images/1.jpg", "images/2.jpg"), ("/data/birds/jpg/1.jpg 0", "/data/birds/jpg/2.jpg 1")),
        (("a/1.jpg", "b/2.jpg"), ("/a/1 0", "/b/2 1")),
        (("a/1.jpg", "b/2.jpg"), ("/1.jpg 0", "/2.jpg 1")),
        (("v2/img/a/1.jpg", "v2/img/b/1.jpg"), ("/x/y/a/1.jpg 0", "/x/y/b/1.jpg 1")),
        (("train/a/1.jpg", "test/a/1.jpg"), ("D:\\x\\train\\a\\1.jpg 0", "D:\\x\\test\\a\\1.jpg 1")),
    ],
)
def test_a_folder_that_lay_elsewhere(tree: Tree, images: tuple[str, str], lines: tuple[str, str]) -> None:
    data_set = open_data_set(tree(*images, train="\n".join(lines)))
    assert [(record.name, record.label) for record in data_set.records] == [(images[0], 0), (images[1], 1)]


def test_listed_twice(tree: Tree) -> None:
    root = tree("a/1.jpg", "b/2.jpg", train="a/1.jpg 0\na/1.jpg 0\nb/2.jpg 1\n", test="b/2.jpg 0\n")
    data_set = open_data_set(root)
    assert [(r.name, r.label, r.split) for r in data_set.records] == [("a/1.jpg", 0, "train"), ("b/2.jpg", 1, "train")]
    assert "train.txt:1 was used" in reasons(data_set)["a/1.jpg"]
    assert "train.txt:2 was ignored" in reasons(data_set)["a/1.jpg"]
    assert "with class 1, then 0" in reasons(data_set)["b/2.jpg"]
    assert "test.txt:1 was ignored" in reasons(data_set)["b/2.jpg"]


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd.jpg",
        "../outside.jpg",
        "a/../../outside.jpg",
        "..",
        "C:/x.jpg",
        "C:x.jpg",
        "\\\\server\\share\\x.jpg",
        "..\\outside.jpg",
        "a\\..\\..\\outside.jpg",
    ],
)
def test_lists_stay_inside_the_folder(tree: Tree, name: str) -> None:
    root = tree("a/1.jpg", "../outside.jpg", train=f"a/1.jpg 0\n{name} 1\n")
    with pytest.raises(DataSetError, match=r"train\.txt:2: .* points outside the data set's folder"):
        open_data_set(root)


def test_names_that_begin_with_dots_stay_inside_the_folder(tree: Tree) -> None:
    root = tree("..a/1.jpg", "..2.jpg", train="..a/1.jpg 0\n..2.jpg 1\n..gone.jpg 1\n..a\\gone.jpg 1\n")
    data_set = open_data_set(root)
    assert names(data_set) == ["..a/1.jpg", "..2.jpg"]
    assert reasons(data_set)["..gone.jpg"].startswith("the file does not exist")


@pytest.mark.parametrize("line", ["junk", "a/1.jpg one", "a/1.jpg -1", "a/1.jpg 1.5", "a/1.jpg"])
def test_junk_in_a_list(tree: Tree, line: str) -> None:
    root = tree("a/1.jpg", train=f"a/1.jpg 0\n\n{line}\n")
    with pytest.raises(DataSetError, match=r"train\.txt:3: expected '<image> <class id>' but found") as caught:
        open_data_set(root)
    assert "read as list files" in str(caught.value)


def test_nothing_listed_exists(tree: Tree) -> None:
    with pytest.raises(DataSetError, match="None of the images"):
        open_data_set(tree("a/1.jpg", train="b/1.jpg 0\n"))


# Images without labels


def test_unlabelled_folder(tree: Tree) -> None:
    data_set = open_data_set(tree("2.png", "1.png", "sub/3.jpg"))
    assert data_set.format == "images"
    assert names(data_set) == ["1.png", "2.png", "sub/3.jpg"]
    assert data_set.classes == ()
    assert data_set.counts() == {None: ()}
    assert detection_sentence(data_set) == "Detected as images without labels: 3 images."


def test_single_image(tree: Tree) -> None:
    root = tree("é 1.png")
    data_set = open_data_set(root / "é 1.png")
    assert (data_set.root, names(data_set), data_set.format) == (root, ["é 1.png"], "images")
    assert data_set.records[0].path == root / "é 1.png"
    assert detection_sentence(data_set) == "Detected as images without labels: 1 image."


# Detection


def test_formats() -> None:
    assert FORMATS == (
        "cub-200-2011",
        "fgvc-aircraft-2013b",
        "fgvc-aircraft-2013b:family",
        "fgvc-aircraft-2013b:manufacturer",
        "stanford-cars",
        "list-files",
        "label-table",
        "class-folders",
        "class-folders:classes",
        "class-folders:splits",
        "class-folders:2",
        "file-names",
        "images",
    )


def test_a_format_given_by_hand_wins(cub: Path) -> None:
    assert open_data_set(cub, "images").format == "images"
    assert open_data_set(cub / "images", "class-folders").classes == ("001.Black", "002.White")


def test_folders_that_cannot_be_used(tree: Tree, tmp_path: Path) -> None:
    def message(root: Path, format: str = "auto") -> str:
        with pytest.raises(DataSetError) as caught:
            open_data_set(root, format)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    assert message(tmp_path / "absent") == f"{tmp_path / 'absent'} does not exist: check the path."
    (tmp_path / "empty").mkdir()
    assert "is empty" in message(tmp_path / "empty")
    (tmp_path / "texts" / "inner").mkdir(parents=True)
    (tmp_path / "texts" / "inner" / "notes.md").touch()
    assert "contains no images" in message(tmp_path / "texts")
    assert "contains no image" in message(tmp_path / "texts", "images")
    assert "no class folders with images" in message(tmp_path / "texts", "class-folders")
    assert "classes.txt cannot be read" in message(tmp_path / "texts", "cub-200-2011")
    root = tree("only/1.png", "only/2.png")
    assert "one class only (only)" in message(root)
    assert "no data set format 'coco'" in message(root, "coco")


def test_a_folder_that_cannot_be_listed(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulated, because the tests may run as root."""
    root = tree("a/1.png", "b/2.png", "c/3.png")
    scandir = os.scandir

    def refuse(folder: str | Path) -> object:
        if Path(folder).name == refused:
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", refuse)
        refused = "b"
        data_set = open_data_set(root)
        refused = "data"
        with pytest.raises(DataSetError, match="cannot be read"):
            open_data_set(root)
    assert data_set.classes == ("a", "c")
    assert "the folder cannot be read (Permission denied)" in [problem.reason for problem in data_set.problems]


@pytest.mark.parametrize("hidden", ["the folder", "what is in it"])
def test_a_folder_that_may_not_be_looked_at(tree: Tree, monkeypatch: pytest.MonkeyPatch, hidden: str) -> None:
    """Simulated for the same reason: the folder above it, or it itself, may be listed but not entered."""
    root = tree("a/1.png", "b/2.png")
    stat = os.stat

    def refuse(path: object, **options: Any) -> os.stat_result:
        if isinstance(path, str | Path) and (
            root == Path(path) if hidden == "the folder" else root in Path(path).parents
        ):
            raise PermissionError(13, "Permission denied")
        return stat(path, **options)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(os, "stat", refuse)
        for format in ("auto", "cub-200-2011"):
            with pytest.raises(DataSetError, match=r"data cannot be read \(Permission denied\): check its permissions"):
                open_data_set(root, format)
        if hidden == "the folder":
            with pytest.raises(DataSetError, match="cannot be read"):
                read_images(root)


@pytest.mark.shared_data
def test_cub10(shared: Path) -> None:
    data_set = open_data_set(shared / "data" / "CUB10")
    assert data_set.format == "cub-200-2011"
    assert data_set.problems == ()
    assert (len(data_set.records), len(data_set.of_split("train")), len(data_set.of_split("test"))) == (543, 300, 243)
    assert data_set.classes[0] == "001.Black_footed_Albatross"
    assert all(record.box is not None and record.parts for record in data_set.records)


@pytest.mark.shared_data
def test_flowers17(shared: Path) -> None:
    data_set = open_data_set(shared / "data" / "flowers17")
    assert data_set.format == "list-files"
    assert (len(data_set.of_split("train")), len(data_set.of_split("test"))) == (1019, 341)
    assert data_set.classes[0] == "01.daffodil"
    assert data_set.problems == ()
