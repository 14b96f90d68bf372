"""The audit checks every image and reports broken, too small and duplicate ones."""

import json
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from s3n_core.datasets.audit.checks import audit
from s3n_core.datasets.audit.report_text import report_text
from s3n_core.datasets.detection import open_data_set
from s3n_core.datasets.records import DataSet, ImageRecord
from s3n_core.system.json_values import to_json


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two splits of two classes: one file empty, one truncated, one copied across splits, one under another class."""
    root = tmp_path / "data"
    grey = 0
    for split, counts in (("train", {"a": 6, "b": 4}), ("test", {"a": 2})):
        for name, count in counts.items():
            (root / split / name).mkdir(parents=True)
            for i in range(count):
                Image.new("RGB", (20 + i, 10 + i), (grey,) * 3).save(root / split / name / f"{i}.png")
                grey += 1
    train = root / "train"
    (train / "a" / "empty.jpg").touch()
    whole = (train / "b" / "0.png").read_bytes()
    (train / "b" / "cut.png").write_bytes(whole[: len(whole) - 25])
    (root / "test" / "a" / "copy.png").write_bytes((train / "a" / "1.png").read_bytes())
    (train / "b" / "same.png").write_bytes((train / "a" / "2.png").read_bytes())
    return root


@pytest.mark.parametrize("workers", [0, 2])
def test_findings(data: Path, workers: int) -> None:
    calls: list[tuple[int, int]] = []
    report = audit(open_data_set(data), workers=workers, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(i, 16) for i in range(1, 17)]
    assert report.images == 16
    assert report.counts == {"train": {"a": 7, "b": 6}, "test": {"a": 3, "b": 0}}
    found = {problem.path.name: problem.reason for problem in report.unreadable}
    assert found == {"empty.jpg": "the file is empty", "cut.png": "the file is truncated"}
    assert [(item.name, item.training_images, item.test_images) for item in report.small_classes] == [("b", 6, 0)]
    assert report.width is not None
    assert (report.width.smallest, report.width.largest) == (20, 25)
    groups = {group.names: (group.splits, group.classes) for group in report.duplicates}
    assert groups == {
        ("train/a/1.png", "test/a/copy.png"): (("train", "test"), ("a",)),
        ("train/a/2.png", "train/b/same.png"): (("train",), ("a", "b")),
    }
    assert [group.names[1] for group in report.leaks] == ["test/a/copy.png"]


def test_report_as_text_and_as_json(data: Path) -> None:
    report = audit(open_data_set(data))
    text = report_text(report)
    for part in (
        "train: 13 images of 2 classes, 6 to 7 per class",
        "cut.png: the file is truncated",
        "b: 6 training image(s), 0 test image(s)",
        "train/a/1.png = test/a/copy.png (in train and test)",
        "train/a/2.png = train/b/same.png (as a and b)",
        "width: 20 to 25 pixels",
    ):
        assert part in text
    fields = json.loads(json.dumps(to_json(report)))
    assert fields["unreadable"][0]["reason"] == "the file is empty"
    assert fields["duplicates"][0]["splits"] == ["train", "test"]


def photograph(seed: int) -> Image.Image:
    """Smooth random blotches, different for every seed."""
    noise = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((160, 120), Image.Resampling.BICUBIC)


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """Twenty different images; one is also in the test split, small and badly compressed, and under another class."""
    root = tmp_path / "photographs"
    for i in range(20):
        path = root / ("train" if i % 4 else "test") / "ab"[i % 2] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        photograph(i).save(path)
    (root / "test" / "b").mkdir()
    photograph(1).resize((120, 90)).save(root / "test" / "b" / "again.jpg", quality=30)
    photograph(2).filter(ImageFilter.GaussianBlur(1)).save(root / "train" / "b" / "other.png")
    photograph(3).save(root / "train" / "b" / "equal.png")  # identical files are found by their content
    photograph(4).resize((40, 30)).save(root / "test" / "a" / "tiny.png")  # too small to compare
    return root


def test_near_duplicates(photographs: Path) -> None:
    report = audit(open_data_set(photographs))
    found = {group.names: (group.splits, group.classes) for group in report.near_duplicates}
    assert found == {
        ("train/b/1.png", "test/b/again.jpg"): (("train", "test"), ("b",)),
        ("train/a/2.png", "train/b/other.png"): (("train",), ("a", "b")),
    }
    assert all(0 <= group.bits_apart < 30 for group in report.near_duplicates)
    assert [group.names for group in report.duplicates] == [("train/b/3.png", "train/b/equal.png")]
    assert [item.name for item in report.small_images] == ["test/a/tiny.png"]
    assert [group.names[1] for group in report.leaks] == ["test/b/again.jpg"]
    lines = report_text(report).splitlines()
    at = lines.index("  near-duplicates: 2")
    assert lines[at + 1] == "    train/a/2.png ~ train/b/other.png (as a and b)"
    assert lines[at + 2] == "    train/b/1.png ~ test/b/again.jpg (in train and test)"
    assert lines[lines.index("  images with a side below 64 pixels: 1") + 1] == "    test/a/tiny.png: 40 x 30"


def test_headers_alone_find_no_near_duplicates(photographs: Path) -> None:
    report = audit(open_data_set(photographs), decode=False, smallest_side=121)
    assert report.near_duplicates == ()
    assert len(report.small_images) == 24


def test_long_lists_are_cut_unless_all_is_asked_for(photographs: Path) -> None:
    report = audit(open_data_set(photographs), smallest_side=1000)
    assert len(report.small_images) == 24
    assert "    ... and 4 more" in report_text(report)
    assert "more" not in report_text(report, most=None)


def test_large_groups_are_cut_unless_all_is_asked_for(tmp_path: Path) -> None:
    for i in range(9):
        path = tmp_path / "ab"[i % 2] / f"{i}.png"
        path.parent.mkdir(exist_ok=True)
        photograph(0).save(path)
    report = audit(open_data_set(tmp_path))
    assert "a/0.png = a/2.png = a/4.png = a/6.png = a/8.png = b/1.png = 3 more (as a and b)" in report_text(report)
    assert "b/5.png = b/7.png (as a and b)" in report_text(report, most=None)


def test_headers_alone_miss_truncation(data: Path) -> None:
    report = audit(open_data_set(data), decode=False)
    assert [problem.path.name for problem in report.unreadable] == ["empty.jpg"]
    assert not report.decoded


def test_nothing_to_complain_about(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for i in range(5):
            Image.new("RGB", (64, 80), (i, ord(name), 0)).save(tmp_path / name / f"{i}.png")
    text = report_text(audit(open_data_set(tmp_path)))
    assert "no problems found" in text
    assert "unassigned: 10 images of 2 classes, 5 to 5 per class" in text


def test_unlabelled_images_and_none_readable(tmp_path: Path) -> None:
    (tmp_path / "1.jpg").write_bytes(b"junk")
    report = audit(open_data_set(tmp_path))
    assert (report.width, report.small_classes, report.counts) == (None, (), {"unassigned": {}})
    assert len(report.unreadable) == 1
    assert report_text(report)


def test_a_test_part_without_labels_is_no_fault_of_its_classes(tmp_path: Path) -> None:
    for i in range(12):
        photograph(i).save(tmp_path / f"{i}.png")
    images = [ImageRecord(name=f"{i}.png", path=tmp_path / f"{i}.png", label=None, split="test") for i in range(12)]
    images = [replace(image, label=i % 2, split="train") if i < 10 else image for i, image in enumerate(images)]
    data_set = DataSet(root=tmp_path, format="stanford-cars", classes=("a", "b"), records=tuple(images))
    report = audit(data_set)
    assert (report.small_classes, report.unlabelled) == ((), 2)
    text = report_text(report)
    assert "train: 10 images of 2 classes, 5 to 5 per class" in text
    assert "without a label: 2 images" in text
    assert "test: 0 images" not in text


def test_a_file_that_vanishes(data: Path) -> None:
    data_set = open_data_set(data)
    (data / "train" / "a" / "0.png").unlink()
    found = {problem.path.name: problem.reason for problem in audit(data_set).unreadable}
    assert found["0.png"] == "the file does not exist"


def test_the_search_for_near_duplicates_tells_how_far_it_is(photographs: Path) -> None:
    calls: list[tuple[int, int]] = []
    audit(open_data_set(photographs), comparing=lambda done, total: calls.append((done, total)))
    assert calls == [(done, len(calls)) for done in range(1, len(calls) + 1)]
    assert len(calls) > 1
    seen = len(calls)
    audit(open_data_set(photographs), decode=False, comparing=lambda done, total: calls.append((done, total)))
    assert len(calls) == seen  # nothing to compare without pixels


def test_the_caller_may_end_it(data: Path) -> None:
    before = threading.active_count()

    def enough(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        audit(open_data_set(data), workers=2, progress=enough)
    assert threading.active_count() == before
