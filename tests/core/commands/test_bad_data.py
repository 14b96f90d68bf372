"""Folders without a data set, wrong lists and unreadable images: a clear error, or skipped and named."""

import csv
import os
import sys
from pathlib import Path

import pytest
from command_line import Command
from pictures import GOOD_NAMES, class_folders, picture, write_bad_kinds, write_good_kinds
from small_training import SMALL

from s3n_core.datasets.records import readable_name
from s3n_core.runs.run_directory import RunDirectory

COMMANDS = ["train", "predict", "evaluate", "export", "audit"]
SMALL_SETTINGS = [part for key, value in (SMALL | {"epochs": 1}).items() for part in ("--set", f"{key}={value}")]
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux takes any bytes as a name")


def call(s3n: Command, command: str, data: Path, model: Path, out: Path):  # type: ignore[no-untyped-def]
    """Run a command on a data folder; its output goes to ``out``."""
    match command:
        case "train":
            return s3n("train", data, "--runs", out / "runs", "--device", "cpu", *SMALL_SETTINGS)
        case "predict":
            return s3n("predict", model, data, "--out", out / "table.csv")
        case "export":
            quick = ["--dpi", 40, "--no-sheets", "--panels", "peaks"]
            return s3n("export", model, data, "--out", out / "attention", *quick)
        case "evaluate":
            return s3n("evaluate", model, data)
    return s3n("audit", data)


def rows_of(path: Path) -> dict[str, dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return {row["file"]: row for row in csv.DictReader(file)}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("folder", ["missing", "empty", "without images", "text file"])
def test_no_data_set_at_all(s3n: Command, model: Path, tmp_path: Path, command: str, folder: str) -> None:
    data = tmp_path / "data" / folder
    if folder == "text file":
        data.parent.mkdir()
        data.write_text("no image", encoding="utf-8")
    elif folder != "missing":
        data.mkdir(parents=True)
    if folder == "without images":
        (data / "readme.md").touch()
    outcome = call(s3n, command, data, model, tmp_path)
    if folder == "text file" and command in ("predict", "export", "audit"):  # treated as a single, unreadable image
        assert outcome.code == (0 if command == "audit" else 1)
        assert "not an image" in outcome.out + outcome.err or "why" in outcome.err
    else:
        assert outcome.code == 1
        assert outcome.err.splitlines()[-1].startswith("Error: ")
        assert folder in outcome.err or "label" in outcome.err
    assert not (tmp_path / "runs").exists()


def test_one_class_is_nothing_to_learn_but_can_be_looked_at(s3n: Command, model: Path, tmp_path: Path) -> None:
    data = class_folders(tmp_path / "data", {"sparrow": 3})
    for command in ("train", "evaluate", "audit"):
        assert "one class only (sparrow)" in call(s3n, command, data, model, tmp_path).sentence
    outcome = call(s3n, "predict", data, model, tmp_path)
    assert outcome.code == 0
    remark, *others = outcome.err.splitlines()
    assert "one class only (sparrow)" in remark, "why its labels are not used"
    assert len(others) == 1
    assert len(rows_of(tmp_path / "table.csv")) == 3


def test_unlabelled_images_are_nothing_to_learn(s3n: Command, model: Path, tmp_path: Path) -> None:
    for seed in range(2):
        picture(seed).save(tmp_path / f"{seed}.png")
    outcome = call(s3n, "train", tmp_path, model, tmp_path)
    assert outcome.code == 1
    assert "without labels" in outcome.err.splitlines()[-1]
    assert "label" in call(s3n, "evaluate", tmp_path, model, tmp_path).sentence


def test_one_image_in_a_class(s3n: Command, model: Path, tmp_path: Path) -> None:
    data = class_folders(tmp_path / "data", {"many": 4, "one": 1})
    assert "one: 1 training image(s)" in call(s3n, "audit", data, model, tmp_path).out
    outcome = call(s3n, "train", data, model, tmp_path)
    assert outcome.code == 0
    assert "2 of 2 classes have fewer than 5 training images (fewest: one, 1)" in outcome.err


def test_validation_images_are_no_images_for_training(s3n: Command, model: Path, tmp_path: Path) -> None:
    for split, few in (("train", 1), ("val", 6)):
        class_folders(tmp_path / "data" / split, {"many": 6, "few": few})
    said = call(s3n, "train", tmp_path / "data", model, tmp_path).err
    assert "1 of 2 classes have fewer than 5 training images (fewest: few, 1)" in said
    assert "Unequal classes: many has 6 images for training, few has 1 (6 to 1)." in said


def test_one_image_in_every_class(s3n: Command, model: Path, tmp_path: Path) -> None:
    data = class_folders(tmp_path / "data", {"a": 1, "b": 1, "c": 1})
    assert call(s3n, "train", data, model, tmp_path).code == 0


# -- lists ------------------------------------------------------------------------------------------------------------


def listed(root: Path, lines: list[str]) -> Path:
    class_folders(root, {"a": 2, "b": 2})
    (root / "train.txt").write_text("\n".join(lines), encoding="utf-8")
    return root


@pytest.mark.parametrize("command", COMMANDS)
def test_a_list_that_names_missing_files(s3n: Command, model: Path, tmp_path: Path, command: str) -> None:
    lines = ["a/0.png 0", "a/1.png 0", "b/0.png 1", "b/lost one.png 1", "b/1.png 1"]
    data = listed(tmp_path / "data", lines)
    outcome = call(s3n, command, data, model, tmp_path)
    if command == "evaluate":  # nor are the classes the model's
        assert outcome.code == 1
    else:
        assert outcome.code == 0
    assert "lost one.png: the file does not exist" in outcome.err + outcome.out
    if command == "predict":
        assert list(rows_of(tmp_path / "table.csv")) == ["a/0.png", "a/1.png", "b/0.png", "b/1.png"]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    "name", ["../secret.png", "/secret.png", "a/../../secret.png", "..\\secret.png", "C:\\secret.png"]
)
def test_a_list_that_leaves_the_folder(s3n: Command, model: Path, tmp_path: Path, command: str, name: str) -> None:
    picture(0).save(tmp_path / "secret.png")
    data = listed(tmp_path / "data", ["a/0.png 0", f"{name} 1"])
    outcome = call(s3n, command, data, model, tmp_path)
    assert "points outside the data set's folder" in outcome.err
    if command in ("predict", "export"):  # uses the images inside the folder, and only those
        assert outcome.code == 0
        assert "Opened as images without labels" in outcome.err
        table = tmp_path / "table.csv" if command == "predict" else tmp_path / "attention" / "index.csv"
        assert set(rows_of(table)) == {"a/0.png", "a/1.png", "b/0.png", "b/1.png"}
    else:
        assert "train.txt:2" in outcome.sentence


@pytest.mark.parametrize("lines", [["a/0.png"], ["a/0.png zero"], ["nothing.png 0"], ["a/0.png 0", "a/1.png 0"]])
def test_a_list_that_makes_no_data_set(s3n: Command, model: Path, tmp_path: Path, lines: list[str]) -> None:
    data = listed(tmp_path / "data", lines)
    for command in ("train", "evaluate", "audit"):
        assert str(data) in call(s3n, command, data, model, tmp_path).sentence


# -- images -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def odd_images(tmp_path: Path, model: Path) -> tuple[Path, dict[str, str], list[str]]:
    """Two of the model's classes, with images of every kind: (folder, reasons by bad name, good names)."""
    from s3n_core.models.model_headers import read_header

    first, second = read_header(model).classes[:2]
    data = tmp_path / "odd images"
    (data / first).mkdir(parents=True)
    (data / second).mkdir()
    bad = {f"{first}/{name}": reason for name, reason in write_bad_kinds(data / first).items()}
    good = [f"{first}/{name}" for name in write_good_kinds(data / first)]
    names = [name for name in GOOD_NAMES if sys.platform != "win32" or name.isprintable()]
    for seed, name in enumerate(names):
        picture(seed).save(data / second / name)
    return data, bad, sorted(good) + sorted(f"{second}/{readable_name(name)}" for name in names)


def test_training_leaves_out_what_it_cannot_read(
    s3n: Command, odd_images: tuple[Path, dict[str, str], list[str]], model: Path, tmp_path: Path
) -> None:
    data, bad, _ = odd_images
    outcome = call(s3n, "train", data, model, tmp_path)
    assert outcome.code == 0
    left_out = [line for line in outcome.err.splitlines() if line.startswith("Left out: ")]
    assert len(left_out) == len(bad)
    for name, reason in bad.items():
        assert any(name in line and reason in line for line in left_out), (name, left_out)


def test_prediction_names_what_it_cannot_read(
    s3n: Command, odd_images: tuple[Path, dict[str, str], list[str]], model: Path, tmp_path: Path
) -> None:
    data, bad, good = odd_images
    outcome = call(s3n, "predict", data, model, tmp_path)
    assert outcome.code == 0
    assert f"{len(bad) + len(good)} images, {len(bad)} unreadable (listed in the table)" in outcome.err
    rows = rows_of(tmp_path / "table.csv")
    assert sorted(rows) == sorted([*bad, *good])
    for name, reason in bad.items():
        assert (rows[name]["class"], reason in rows[name]["error"]) == ("", True), rows[name]
    for name in good:
        assert (bool(rows[name]["class"]), rows[name]["error"]) == (True, ""), rows[name]
    first = good[0].split("/")[0]
    for one, other in (("gray.png", "gray 16 bit.png"), ("upright.png", "turned.png")):
        assert rows[f"{first}/{one}"]["probability"] == rows[f"{first}/{other}"]["probability"]


def test_evaluation_names_what_it_cannot_read(
    s3n: Command, odd_images: tuple[Path, dict[str, str], list[str]], model: Path, tmp_path: Path
) -> None:
    data, bad, good = odd_images
    outcome = call(s3n, "evaluate", data, model, tmp_path)
    assert outcome.code == 0
    assert f" of {len(good)}" in outcome.out
    assert all(name in outcome.out for name in bad)
    *_, figures = s3n("evaluate", model, data, "--json").events
    assert figures["images"] == len(good)
    assert len(figures["unreadable"]) == len(bad)


def test_export_names_what_it_cannot_read(
    s3n: Command, odd_images: tuple[Path, dict[str, str], list[str]], model: Path, tmp_path: Path
) -> None:
    data, bad, good = odd_images
    outcome = call(s3n, "export", data, model, tmp_path)
    assert outcome.code == 0
    rows = rows_of(tmp_path / "attention" / "index.csv")
    for name, reason in bad.items():
        assert f"Left out: {name}: " in outcome.err
        assert reason in rows[name]["error"]
    pictures = {row["folder"] for row in rows.values() if row["folder"]}
    assert len(pictures) == len(good)
    assert all((tmp_path / "attention" / folder / "peaks.jpg").is_file() for folder in pictures)


def test_audit_names_what_it_cannot_read(
    s3n: Command, odd_images: tuple[Path, dict[str, str], list[str]], model: Path, tmp_path: Path
) -> None:
    data, bad, _ = odd_images
    outcome = call(s3n, "audit", data, model, tmp_path)
    assert outcome.code == 0
    assert f"unreadable: {len(bad)}" in outcome.out
    for name, reason in bad.items():
        assert any(name in line and reason in line for line in outcome.out.splitlines())


@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_but_unreadable_images(s3n: Command, model: Path, tmp_path: Path, command: str) -> None:
    from s3n_core.models.model_headers import read_header

    data = tmp_path / "data"
    for name in read_header(model).classes[:2]:
        (data / name).mkdir(parents=True)
        write_bad_kinds(data / name)
    outcome = call(s3n, command, data, model, tmp_path)
    if command == "audit":
        assert (outcome.code, "unreadable: 8" in outcome.out) == (0, True)
        return
    assert outcome.code == 1
    assert outcome.err.splitlines()[-1].startswith("Error: None of the ")
    if command == "train":
        summary = RunDirectory(tmp_path / "runs" / "data-1").summary()
        assert summary.status == "failed"


# -- names in any script ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "names",
    [
        ("空 鳥 🦆", "Птица, «red»"),
        pytest.param((os.fsdecode(b"caf\xe9"), os.fsdecode(b"\xff\xfe")), marks=LINUX),
    ],
)
def test_classes_and_folders_in_any_script(s3n: Command, tmp_path: Path, names: tuple[str, str]) -> None:
    data = tmp_path / f"data {names[0]}"
    class_folders(data, dict.fromkeys(names, 3))
    outcome = call(s3n, "train", data, data, tmp_path)
    assert outcome.code == 0
    (folder,) = (tmp_path / "runs").iterdir()
    assert call(s3n, "evaluate", data, folder, tmp_path).code == 0
    assert call(s3n, "audit", data, folder, tmp_path).code == 0
    assert call(s3n, "predict", data, folder, tmp_path).code == 0
    assert all(row["correct"] for row in rows_of(tmp_path / "table.csv").values())
    assert call(s3n, "export", data, folder, tmp_path).code == 0
    assert len(list((tmp_path / "attention").rglob("peaks.jpg"))) == 6
    assert s3n("runs", "show", folder).code == 0
    assert s3n("runs", "list", "--runs", tmp_path / "runs", "--json").code == 0
