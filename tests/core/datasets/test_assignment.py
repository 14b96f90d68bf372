"""The user's own splits: stored outside the folder, and applied wherever the folder is opened."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from s3n_core.datasets.assignment import (
    Assignment,
    assign,
    assignment_file,
    assignment_sentence,
    may_share,
    open_assigned,
    read_assignment,
    write_assignment,
)
from s3n_core.datasets.records import DataSet, ImageRecord, Split
from s3n_core.datasets.splits import split_validation
from s3n_core.errors import DataSetError


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S3N_HOME", str(tmp_path / "home"))


def data_set(root: Path, split: Split | None, *, count: int = 20) -> DataSet:
    records = [
        ImageRecord(path=root / f"{label}/{i}.png", name=f"{label}/{i}.png", label=label, split=split)
        for label in range(3)
        for i in range(count)
    ]
    loose = ImageRecord(path=root / "loose.png", name="loose.png")
    return DataSet(root=root, format="class-folders", classes=("a", "b", "c"), records=(*records, loose))


def names(chosen: DataSet, split: Split | None) -> set[str]:
    return {record.name for record in chosen.of_split(split)}


def test_a_group_is_not_drawn_away_from_its_image_that_was_put_by_hand(tmp_path: Path) -> None:
    plain = data_set(tmp_path, None)
    records = [
        record if record.label is None else replace(record, group=record.name.split("/")[1][0])
        for record in plain.records
    ]
    plain = replace(plain, records=tuple(records))
    (drawn, *_) = sorted(names(assign(plain, Assignment(test_share=0.25)), "test"))
    chosen = assign(plain, Assignment(test_share=0.25, parts={drawn: "train"}))
    groups = [{record.group for record in chosen.of_split(split)} for split in ("train", "test")]
    assert groups[1]
    assert not groups[0] & groups[1]


def test_a_share_is_drawn_evenly_where_the_folder_has_no_split(tmp_path: Path) -> None:
    plain = data_set(tmp_path, None)
    chosen = assign(plain, Assignment(test_share=0.25))
    assert Counter(record.label for record in chosen.of_split("test")) == {0: 5, 1: 5, 2: 5}
    assert len(chosen.of_split("train")) == 45
    assert names(chosen, None) == {"loose.png"}
    assert names(assign(plain, Assignment(test_share=0.25)), "test") == names(chosen, "test")
    assert names(assign(plain, Assignment(test_share=0.25, test_seed=1)), "test") != names(chosen, "test")
    shuffled = replace(plain, records=tuple(reversed(plain.records)))
    assert names(assign(shuffled, Assignment(test_share=0.25)), "test") == names(chosen, "test")
    assert assign(chosen, Assignment()) is plain


def test_the_folder_s_own_split_is_not_shared_anew(tmp_path: Path) -> None:
    plain = data_set(tmp_path, "train")
    assert not may_share(plain)
    assert assign(plain, Assignment(test_share=0.5)) is plain


def test_what_is_chosen_by_hand_goes_first(tmp_path: Path) -> None:
    plain = data_set(tmp_path, None)
    drawn = sorted(names(assign(plain, Assignment(test_share=0.25)), "test"))
    parts = {drawn[-1]: "train", "0/0.png": "validation", "1/1.png": "test", "loose.png": "test", "gone.png": "test"}
    chosen = assign(plain, Assignment(test_share=0.25, parts=parts))  # type: ignore[arg-type]
    assert chosen.by_hand == {drawn[-1], "0/0.png", "1/1.png"}
    assert drawn[-1] in names(chosen, "train")
    assert names(chosen, "val") == {"0/0.png"}
    assert "1/1.png" in names(chosen, "test")
    official = assign(data_set(tmp_path, "test"), Assignment(parts={"0/0.png": "train"}))
    assert names(official, "train") == {"0/0.png"}
    assert len(official.of_split("test")) == 59


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_holding_out_leaves_alone_what_was_chosen_by_hand(tmp_path: Path, seed: int) -> None:
    plain = data_set(tmp_path, None)
    _, drawn = split_validation(plain.records, 0.2, seed)
    kept = {record.name for record in drawn}
    parts = {**dict.fromkeys(kept, "train"), "0/0.png": "validation"}
    chosen = assign(plain, Assignment(parts=parts))  # type: ignore[arg-type]
    train, held = split_validation(chosen.records, 0.2, seed, by_hand=chosen.by_hand)
    assert kept - {"0/0.png"} <= {record.name for record in train}
    assert "0/0.png" in {record.name for record in held}
    assert len(held) > 5, "the share is cut all the same"
    _, only = split_validation(chosen.records, 0.0, seed, by_hand=chosen.by_hand)
    assert [record.name for record in only] == ["0/0.png"]


def test_it_is_kept_beside_the_runs_and_removed_with_the_last_choice(tmp_path: Path) -> None:
    root = tmp_path / "birds ñ"
    for name in ("a/1.png", "a/2.png", "b/1.png", "b/2.png"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")
    chosen = Assignment(test_share=0.5, test_seed=3, parts={"a/1.png": "validation"})
    write_assignment(root, chosen)
    assert read_assignment(root) == chosen
    assert json.loads(assignment_file(root).read_bytes())["parts"] == {"a/1.png": "validation"}
    opened = open_assigned(root)
    assert names(opened, "val") == {"a/1.png"}
    assert len(opened.of_split("test")) == 1
    sentence = assignment_sentence(opened)
    assert "1 image assigned by hand" in sentence
    assert "a random test share" in sentence
    assert str(assignment_file(root)) in sentence
    write_assignment(root, Assignment())
    assert not assignment_file(root).exists()
    assert open_assigned(root).original is None
    assert assignment_sentence(open_assigned(root)) == ""


@pytest.mark.parametrize("content", ["", "[]", '{"test_share": 2}', '{"parts": {"a": "nowhere"}}', '{"parts": 3}'])
def test_a_broken_file_is_an_error_that_names_it(tmp_path: Path, content: str) -> None:
    path = assignment_file(tmp_path)
    path.parent.mkdir(parents=True)
    path.write_text(content)
    with pytest.raises(DataSetError, match="Fix or delete this file") as caught:
        read_assignment(tmp_path)
    assert str(path) in str(caught.value)
