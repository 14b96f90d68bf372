"""Findings from file names, and ordinary naming schemes without findings."""

from pathlib import Path

import pytest

from s3n_core.datasets.audit.name_findings import NameFinding, name_findings
from s3n_core.datasets.detection import open_data_set
from s3n_core.datasets.records import DataSet, ImageRecord


def data_set(*lines: str, classes: tuple[str, ...] = ("001.Robin", "002.House_Wren", "Wren")) -> DataSet:
    """Create a data set from lines "split label name", with "-" for no split or no label."""
    records = []
    for line in lines:
        split, label, name = line.split(" ", 2)
        records.append(
            ImageRecord(
                path=Path("/nowhere") / name,
                name=name,
                split=None if split == "-" else split,  # type: ignore[arg-type]
                label=None if label == "-" else int(label),
            )
        )
    return DataSet(root=Path("/nowhere"), format="images", classes=classes, records=tuple(records))


def found(*lines: str) -> list[tuple[str, tuple[str, ...]]]:
    return [(finding.kind, finding.names) for finding in name_findings(data_set(*lines))]


def test_one_name_in_two_parts() -> None:
    lines = ["train 0 a/DSC_sunset.jpg", "train 0 a/other.jpg", "test 0 b/dsc_sunset.png", "val 1 c/dawn.jpg"]
    assert name_findings(data_set(*lines)) == (
        NameFinding(
            kind="same-name",
            names=("a/DSC_sunset.jpg", "b/dsc_sunset.png"),
            splits=("train", "test"),
            classes=("001.Robin",),
        ),
    )


@pytest.mark.parametrize("prefix", ["", "IMG_", "image-"])
def test_counters_in_every_folder_betray_nothing(prefix: str) -> None:
    names = [f"{prefix}{i:05}.jpg" for i in range(40)]
    assert found(*(f"train 0 train/{name}" for name in names), *(f"test 0 test/{name}" for name in names)) == []


def test_long_numbers_are_no_counter() -> None:
    lines = [f"train 0 train/{i * 7919 + 1000003}.jpg" for i in range(40)] + ["test 0 test/1007922.jpg"]
    assert found(*lines) == [("same-name", ("train/1007922.jpg", "test/1007922.jpg"))]


def test_frames_of_one_clip_in_two_parts() -> None:
    lines = [f"train 0 clip{clip}_frame_{i:03}.jpg" for clip in (1, 2, 3) for i in range(4)]
    assert found(*lines, "test 0 clip2_frame_004.jpg") == [
        ("same-source", (*(f"clip2_frame_{i:03}.jpg" for i in range(4)), "clip2_frame_004.jpg"))
    ]


@pytest.mark.parametrize(
    "names",
    [
        ("robin_{i}.jpg",),  # a class and a counter
        ("adult_{i}.jpg", "young_{i}.jpg"),  # sources without a number of their own
        ("n01440764_{i}.jpg",),  # one source per class
        ("Robin_{i:04}_7{i}3{i}.jpg",),  # two numbers, the first a counter: every source has one image
    ],
)
def test_ordinary_numbering_betrays_nothing(names: tuple[str, ...]) -> None:
    every = [name.format(i=i) for i in range(12) for name in names]
    assert found(*(f"{'test' if i % 3 == 0 else 'train'} 0 {name}" for i, name in enumerate(every))) == []


@pytest.mark.parametrize(
    ("original", "copy"),
    [
        ("garden.jpg", "garden (1).jpg"),
        ("garden.jpg", "Garden - Copy.jpg"),
        ("garden.jpg", "garden_flip.png"),
        ("garden.jpg", "garden_rot90_crop2.jpg"),
        ("garden_jpg.rf.0123456789abcdef.jpg", "garden_jpg.rf.fedcba9876543210.jpg"),
    ],
)
def test_copies_in_two_parts(original: str, copy: str) -> None:
    assert found(f"train 0 {original}", f"test 0 {copy}", "train 0 hill.jpg") == [("same-source", (original, copy))]
    assert found(f"train 0 {original}", f"train 0 {copy}") == []
    assert found(f"- 0 {original}", f"- 0 {copy}") == []  # no splits yet


def test_files_numbered_in_brackets_are_no_copies() -> None:
    lines = [f"{'test' if i % 3 == 0 else 'train'} 0 robin ({i}).jpg" for i in range(9)]
    assert found(*lines) == []


def test_names_that_tell_a_class() -> None:
    lines = ["test - x/house-wren 12.jpg", "test - x/18273.jpg", "train 0 x/Robin3.jpg", "train 0 x/1_wren.jpg"]
    findings = name_findings(data_set(*lines))
    assert [(item.kind, item.names, item.classes) for item in findings] == [
        ("names-class", ("x/house-wren 12.jpg",), ("002.House_Wren",)),
        ("names-other-class", ("x/1_wren.jpg",), ("001.Robin", "Wren")),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "train 2 a/house_wren_1.jpg",  # the words of its own class are contained in another's
        "train 1 a/wren_and_house_wren.jpg",
        "train 2 a/wren_beside_robin.jpg",
        "train 2 robin/robins_1.jpg",  # folders and partial words do not count
    ],
)
def test_names_that_do_not_contradict(line: str) -> None:
    assert found(line) == []


@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["CUB10", "flowers17"])
def test_published_data_sets_have_ordinary_names(shared: Path, name: str) -> None:
    assert name_findings(open_data_set(shared / "data" / name)) == ()
