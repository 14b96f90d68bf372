"""`s3n parts` as a user calls it."""

import csv
import json
from pathlib import Path

import pytest
from command_line import Command
from made_up_atlas import CLASSES, PLACES, draw_pictures, write_atlas
from small_training import TrainedRun


def test_parts_without_peaks_are_said_to_be_so(s3n: Command, tmp_path: Path) -> None:
    """Drawn cells only are background; an empty part is listed last, and is no column of a table."""
    files = draw_pictures(tmp_path / "data", 1)
    atlas = write_atlas(tmp_path / "atlas", tmp_path / "data", files)
    for file in files:
        atlas.reassign(0, file, *PLACES[1])
    *_, cells, empty = s3n("parts", "show", atlas.path).out.splitlines()
    assert cells.split() == ["part", "3", "(background,", "drawn", "cells", "only)"]
    assert empty.split() == ["part", "2", "(empty)"]
    title, knot, *_ = s3n("parts", "matrix", atlas.path).out.splitlines()
    assert title.split() == ["class", "part", "1", "part", "3", "(background)", "elsewhere"]
    assert knot.split() == ["Red", "knot", "+3.00", "+1.00"]
    assert s3n("parts", "matrix", atlas.path, "--out", tmp_path / "classes.csv").code == 0
    with open(tmp_path / "classes.csv", encoding="utf-8", newline="") as file:
        assert {row["part"] for row in csv.DictReader(file)} == {"part 1", "part 3", "elsewhere"}
    assert s3n("parts", "export", atlas.path, "--out", tmp_path / "atlas.html").code == 0
    page = (tmp_path / "atlas.html").read_text(encoding="utf-8")
    assert "part 2" not in page
    assert 'part 3 <span class="word">background</span> <span class="word">drawn cells only</span>' in page
    assert "no peak, 6 drawn cells" in page
    assert s3n("parts", "export", atlas.path, "--part", "part 3", "--out", tmp_path / "cells.png").code == 0


def test_crops_are_taken_from_where_the_data_set_lies_now(s3n: Command, tmp_path: Path) -> None:
    atlas = write_atlas(tmp_path / "atlas", tmp_path / "data", draw_pictures(tmp_path / "data", 2)).path
    moved = (tmp_path / "data").rename(tmp_path / "moved")
    page = tmp_path / "atlas.html"
    outcome = s3n("parts", "export", atlas, "--out", page)
    assert (outcome.code, outcome.out.strip()) == (0, str(page))
    assert "6 of 6 shown images could not be read, so their crops are missing" in outcome.err
    assert "data:image/jpeg" not in page.read_text(encoding="utf-8")
    outcome = s3n("parts", "export", atlas, "--out", page, "--data", moved)
    assert (outcome.code, outcome.err) == (0, "")
    assert "data:image/jpeg" in page.read_text(encoding="utf-8")
    for sheet in ("part.png", "part.pdf"):
        assert s3n("parts", "export", atlas, "--part", "part 1", "--out", tmp_path / sheet, "--data", moved).err == ""
    outcome = s3n("parts", "export", atlas, "--out", page, "--data", tmp_path / "nowhere")
    assert (outcome.code, "there is no folder" in outcome.err) == (2, True)
    assert s3n("parts", "export", atlas, "--out", tmp_path / "peaks.csv", "--data", moved).code == 2
    (tmp_path / "downloads").mkdir()
    inner = moved.rename(
        tmp_path / "downloads" / "birds"
    )  # the data set is found in the folder around it, as it is opened
    outcome = s3n("parts", "export", atlas, "--out", page, "--data", inner.parent)
    assert (outcome.code, outcome.err) == (0, "")
    assert "data:image/jpeg" in page.read_text(encoding="utf-8")
    draw_pictures(tmp_path / "others", 1, ("Gull", "Tern"))
    missing, sheet = tmp_path / "others" / CLASSES[0] / "0.jpg", tmp_path / "none.png"
    outcome = s3n("parts", "export", atlas, "--part", "part 1", "--out", sheet, "--data", tmp_path / "others")
    assert (outcome.code, f"there is no {missing}" in outcome.err) == (1, True)
    assert not sheet.exists()
    (inner / CLASSES[0] / "0.jpg").write_bytes(b"no picture")
    outcome = s3n("parts", "export", atlas, "--out", page, "--data", inner)
    assert (
        f"1 of 6 shown images could not be read, so their crops are missing; one is {CLASSES[0]}/0.jpg." in outcome.err
    )


@pytest.mark.usefixtures("run")
def test_from_a_model_to_what_tells_two_classes_apart(s3n: Command, trained_run: TrainedRun, tmp_path: Path) -> None:
    atlas = tmp_path / "an atlas"
    outcome = s3n("parts", "build", "birds-1", trained_run.data, "--out", atlas, "--parts", 5, "--device", "cpu")
    assert outcome.code == 0, outcome
    lines = outcome.out.splitlines()
    assert lines[0].split()[:3] == ["part", "peaks", "images"]
    assert len(lines) == 6
    assert "12 of 12 images (split test); 5 groups, given." in outcome.err
    assert outcome.err.count("NMI with annotated parts") in (0, 2)

    last = s3n("parts", "show", atlas, "--json").events[-1]
    assert (last["event"], len(last["parts"])) == ("atlas", 5)
    first = sorted(path.name for path in (trained_run.data / "images").iterdir())[0]
    of_class = s3n("parts", "show", atlas, "--class", first, "--json").events[-1]
    assert all(part["total"] == 1 for part in of_class["parts"])
    assert "found in" in s3n("parts", "show", atlas, "--class", first).out

    second = sorted(path.name for path in (trained_run.data / "images").iterdir())[1]
    outcome = s3n("parts", "compare", atlas, first, second, "--json", "--device", "cpu")
    assert outcome.code == 0, outcome
    *_, details, ranking = map(json.loads, outcome.out.splitlines())
    assert list(ranking) == ["a", "b", "margin", "parts"]
    assert (ranking["a"], ranking["b"]) == (first, second)
    contributions = [part["contribution"] for part in ranking["parts"]]
    assert contributions == sorted(contributions, reverse=True)
    rest = sum(row["contribution"] for row in details["rest"])
    assert sum(contributions) + rest == pytest.approx(ranking["margin"])
    assert all(part["low"] is None for part in ranking["parts"])  # one image of each class
    found = [part for part in ranking["parts"] if part["images_a"] + part["images_b"]]
    assert found
    assert all(part["relied_on"] is not None for part in found) or details["not_hidden"]
    # The answer is kept, and an expectation is counted as written after it.
    assert "Written after the answer" in s3n("parts", "expect", atlas, first, second, "bill").err
    assert s3n("parts", "expect", atlas, "--json").events[-1]["expectations"][0]["agrees"] is False
    beside = s3n("parts", "agree", atlas, atlas, "--pair", first, second, "--json").events[-1]
    assert (beside["event"], beside["ranking"]["same_mark"]) in {("agreement", True), ("agreement", None)}
    assert all(part["overlap"] == 1 or not part["places"] for part in beside["parts"])
    assert "parts are in both" in s3n("parts", "agree", atlas, atlas).out
    (image, *_) = sorted((trained_run.data / "images").rglob("*.jpg"))
    one = s3n("parts", "compare", atlas, "--image", image, "--json").events[-1]
    assert one["event"] == "image_comparison"
    assert sum(row["contribution"] for row in one["parts"] + one["rest"]) == pytest.approx(one["margin"])
    others = s3n("parts", "compare", atlas, first, "--no-removal", "--images", 3, "--json").events[-1]
    assert others["b"] is None
    listed = tmp_path / "listed.txt"
    listed.write_text(image.name)
    assert s3n("parts", "compare", atlas, "--second").code == 2
    told = s3n("parts", "compare", atlas, first, second, "--no-removal").out
    assert "sum = margin" in told
    assert "No intervals" in told


@pytest.mark.usefixtures("run")
def test_edits_and_exports(s3n: Command, trained_run: TrainedRun, tmp_path: Path) -> None:
    atlas = tmp_path / "atlas"
    assert s3n("parts", "build", "birds-1", trained_run.data, "-o", atlas, "--parts", 3, "--device", "cpu").code == 0
    assert "bill" in s3n("parts", "edit", atlas, "rename", "part 1", "bill").out
    assert s3n("parts", "edit", atlas, "merge", "bill", "part 2").code == 0
    assert "no part 'part 9'" in s3n("parts", "edit", atlas, "hide", "part 9").sentence
    assert s3n("parts", "edit", atlas, "rename", "bill").code == 2
    outcome = s3n("parts", "matrix", atlas, "--out", tmp_path / "matrix.csv")
    assert outcome.out.splitlines()[0].split()[-1] == "elsewhere"
    assert "12 of 12 classes are not measured" in outcome.err
    with open(tmp_path / "matrix.csv", encoding="utf-8", newline="") as file:
        assert {row["part"] for row in csv.DictReader(file)} == {"bill", "part 3", "elsewhere"}
    assert s3n("parts", "matrix", atlas, "--out", tmp_path / "matrix.txt").code == 2
    assert len(s3n("parts", "matrix", atlas, "--json").events[-1]["classes"]) == 12
    assert s3n("parts", "export", atlas, "--out", tmp_path / "peaks.csv").code == 0
    with open(tmp_path / "peaks.csv", encoding="utf-8", newline="") as file:
        assert {row["part"] for row in csv.DictReader(file)} <= {"bill", "part 3"}
    assert s3n("parts", "export", atlas, "--out", tmp_path / "points.json").code == 0
    (image, *_) = sorted((trained_run.data / "images").rglob("*.jpg"))
    assert s3n("parts", "assign", atlas, image, "--out", tmp_path / "new.csv").code == 0
    with open(tmp_path / "new.csv", encoding="utf-8", newline="") as file:
        assert {row["part"] for row in csv.DictReader(file)} <= {"bill", "part 3"}
    assert "best constant place" in s3n("parts", "measure", atlas, "--images", 4).out
    steady = s3n("parts", "steady", atlas, "--images", 4, "--with", atlas, "--device", "cpu", "--json").events[-1]
    assert (steady["event"], steady["images"]) == ("steadiness", 4)
    assert all(
        other["shared"] == other["places"] for part in steady["parts"] for other in part["others"] if other["name"]
    )
    again = s3n("parts", "steady", atlas, "--with", atlas, "--json").events
    assert again == [steady]  # what is kept is not measured again
    like = s3n("parts", "like", atlas, image, "--count", 3, "--json").events[-1]
    assert like["event"] == "neighbours"
    of_test = {peak["image"] for peak in like["neighbours"]}
    assert len(like["neighbours"]) == 3
    first = like["neighbours"][0]
    there = "--image", first["image"], "--at", first["x"], first["y"]
    new, old = ("bill", "part 3") if first["name"] == "part 3" else ("part 3", "bill")
    moved = s3n("parts", "edit", atlas, "reassign", new, *there)
    assert (moved.code, f"belonged to {old}." in moved.err) == (0, True)
    numbers = {part["part"] for part in steady["parts"]}
    edited = s3n("parts", "steady", atlas, "--device", "cpu", "--json").events[-1]
    assert {part["part"] for part in edited["parts"]} == numbers
    for one in edited["parts"]:  # what is kept of the parts that were not edited stays as it is
        assert (one in steady["parts"]) or not one["others"]
    assert f"belongs to {new} already" in s3n("parts", "edit", atlas, "reassign", new, *there).sentence
    assert "no peak of nobody.jpg" in s3n("parts", "edit", atlas, "reassign", "bill", "--image", "nobody.jpg").sentence
    assert s3n("parts", "edit", atlas, "reassign", "bill").code == 2
    assert s3n("parts", "edit", atlas, "hide", "bill", "--image", image).code == 2
    assert s3n("parts", "edit", atlas, "undo").code == 0
    other = tmp_path / "other.jpg"
    other.write_bytes(image.read_bytes())
    again = s3n("parts", "like", atlas, other, "--at", like["x"], like["y"], "--json").events[-1]
    assert (again["x"], again["y"]) == pytest.approx((like["x"], like["y"]), abs=0.1)
    assert of_test <= {peak["image"] for peak in again["neighbours"]}
    assert s3n("parts", "export", atlas, "--out", tmp_path / "points.txt").code == 2
    assert s3n("parts", "export", atlas, "--out", tmp_path / "atlas.html").code == 0
    assert s3n("parts", "export", atlas, "--part", "bill", "--out", tmp_path / "bill.png").code == 0
    assert s3n("parts", "export", atlas, "--out", tmp_path / "bill.pdf").code == 2
    assert (
        "s3n parts compare first"
        in s3n(
            "parts",
            "export",
            atlas,
            "--pair",
            *sorted(path.name for path in (trained_run.data / "images").iterdir())[:2],
            "--out",
            tmp_path / "pair.pdf",
        ).sentence
    )
    assert "part 2" in s3n("parts", "edit", atlas, "undo").out
    outcome = s3n("parts", "compare", atlas, "nobody", "someone", "--json")
    assert outcome.events[-1]["code"] == "atlas.error"
    assert "no finished atlas" in s3n("parts", "show", tmp_path / "none").sentence
