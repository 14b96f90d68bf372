"""Survey, filter, class tree, findings and validation images, without widgets."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from many_images import many

from s3n_core.datasets.assignment import Assignment, assign
from s3n_core.datasets.audit.checks import audit
from s3n_core.datasets.detection import open_data_set
from s3n_core.datasets.left_out import left_out_file, write_left_out
from s3n_core.datasets.records import DataSet, ImageRecord, Split, displayed_class
from s3n_core.datasets.splits import split_validation
from s3n_core.system.json_values import to_json
from s3n_gui.dataset.classes.class_nodes import arrange, class_tree, count_images
from s3n_gui.dataset.findings import Finding, problems_by_image
from s3n_gui.dataset.image_filter import ImageFilter
from s3n_gui.dataset.report_reading import findings_of
from s3n_gui.dataset.survey import TEST, TRAIN, USES, VALIDATION, Survey, survey
from s3n_gui.dataset.uses import Choices, Planner
from s3n_gui.state.session import ValidationShare


def names(prepared: Survey, indices: object) -> set[str]:
    return {prepared.record(int(index)).name for index in indices}  # type: ignore[attr-defined]


def listed(prepared: Survey, findings: tuple[Finding, ...] = (), **parts: object) -> set[str]:
    return names(prepared, ImageFilter(**parts).apply(prepared, prepared.uses, findings, frozenset({1, 2})))  # type: ignore[arg-type]


# -- survey -----------------------------------------------------------------------------------------------------------


def test_a_survey_knows_labels_uses_and_texts(prepared: Survey) -> None:
    assert len(prepared) == 34
    assert prepared.titles == ("Aster bird", "Bird ñandú", "空 bird")
    assert np.bincount(prepared.uses, minlength=4).tolist() == [28, 0, 6, 0]
    assert "空 bird" in prepared.texts[prepared.rows["test/空_bird/bird 0.png"]]


@pytest.mark.parametrize(
    ("name", "shown"),
    [("001.Black_footed_Albatross", "Black footed Albatross"), ("7", "7"), ("3.14", "3.14"), ("_", "_")],
)
def test_class_names_are_readable(name: str, shown: str) -> None:
    assert displayed_class(name) == shown


def test_a_broken_list_of_left_out_images_is_reported_and_not_fatal(data_set: DataSet) -> None:
    write_left_out(data_set.root, ["train/空_bird/two.png"])
    prepared = survey(data_set)
    assert names(prepared, prepared.left_out) == {"train/空_bird/two.png"}
    left_out_file(data_set.root).write_text("{")
    prepared = survey(data_set)
    assert prepared.left_out == frozenset()
    assert "Fix or delete it" in prepared.notice


# -- filter -----------------------------------------------------------------------------------------------------------


def test_the_filter_narrows_by_class_use_and_text(prepared: Survey) -> None:
    assert len(listed(prepared)) == 34
    assert len(listed(prepared, labels=frozenset({1}))) == 10
    assert len(listed(prepared, uses=frozenset({"test"}))) == 6
    assert listed(prepared, labels=frozenset({1}), uses=frozenset({"test"})) == {
        f"test/Bird_ñandú/bird {n}.png" for n in (0, 1)
    }
    assert listed(prepared, text="ÑANDÚ 7") == {"train/Bird_ñandú/bird 7.png"}
    assert listed(prepared, text="nothing has this") == set()
    assert len(listed(prepared, troubles=frozenset({"left-out"}))) == 2
    assert listed(prepared, troubles=frozenset({"any"})) == set()


def test_images_without_a_label_can_be_listed(tmp_path: Path) -> None:
    records = (ImageRecord(path=tmp_path / "a", name="a", label=0), ImageRecord(path=tmp_path / "b", name="b"))
    prepared = survey(DataSet(root=tmp_path, format="images", classes=("x", "y"), records=records))
    assert listed(prepared, labels=frozenset({-1})) == {"b"}
    assert listed(prepared, uses=frozenset({"unlabelled"})) == {"b"}
    tree = class_tree(prepared)
    count_images(tree, prepared, prepared.uses, frozenset())
    assert [(node.title, node.total) for node in tree.children] == [("x", 1), ("y", 0), ("Without label", 1)]


def test_a_hundred_thousand_images_are_filtered(tmp_path: Path) -> None:
    """benchmarks/data_page.py measures the time."""
    data_set = many(100_000, tmp_path)
    prepared = survey(data_set)
    found = ImageFilter(text="warbler 77", uses=frozenset({"train"})).apply(prepared, prepared.uses, (), frozenset())
    assert found.tolist() == [
        number
        for number, record in enumerate(data_set.records)
        if record.split == "train"
        and number % 60 % 3 == 0
        and ("77" in record.name or "77" in data_set.classes[number % 60])
    ]


# -- classes ----------------------------------------------------------------------------------------------------------


def test_the_tree_counts_each_use_without_what_is_left_out(prepared: Survey) -> None:
    tree = class_tree(prepared)
    out = prepared.rows["train/空_bird/two.png"]
    count_images(tree, prepared, prepared.uses, frozenset({out}))
    assert [(node.title, node.counts) for node in tree.children] == [
        ("Aster bird", (10, 0, 2, 0)),
        ("Bird ñandú", (8, 0, 2, 0)),
        ("空 bird", (9, 0, 2, 0)),
    ]
    assert tree.total == 33


def test_many_classes_are_sorted_into_families(tmp_path: Path) -> None:
    prepared = survey(many(600, tmp_path))
    tree = class_tree(prepared)
    count_images(tree, prepared, prepared.uses, frozenset())
    assert [(node.title, len(node.children), node.total) for node in tree.children] == [
        ("Warbler", 20, 200),
        ("Finch", 20, 200),
        ("Gull", 20, 200),
    ]
    assert tree.children[1].children[0].row == 0


# -- findings ---------------------------------------------------------------------------------------------------------


def test_an_audit_becomes_findings(data_set: DataSet, prepared: Survey) -> None:
    findings = {finding.kind: finding for finding in findings_of(to_json(audit(data_set, workers=0)), prepared)}
    assert set(findings) == {"unreadable", "contradiction", "leak", "duplicate", "small-image"}
    assert findings["small-image"].leave_out == frozenset()
    assert names(prepared, findings["unreadable"].leave_out) == {"train/Aster_bird/broken.png"}
    assert names(prepared, findings["contradiction"].leave_out) == {
        "train/Bird_ñandú/bird 3.png",
        "train/空_bird/two.png",
    }
    assert names(prepared, findings["leak"].leave_out) == {"train/空_bird/leak.png"}
    assert names(prepared, findings["leak"].images) == {"train/空_bird/leak.png", "test/空_bird/bird 0.png"}
    assert names(prepared, findings["duplicate"].leave_out) == {"train/Aster_bird/copy.png"}
    trouble = problems_by_image(findings.values())
    assert trouble[prepared.rows["train/空_bird/leak.png"]] == (
        "it equals bird 0.png (test)",
        "it has only 40 x 30 pixels",
    )
    assert trouble[prepared.rows["train/空_bird/two.png"]] == (
        "it equals bird 3.png (Bird ñandú)",
        "it has only 40 x 30 pixels",
    )
    assert names(
        prepared,
        ImageFilter(troubles=frozenset({"any"})).apply(prepared, prepared.uses, list(findings.values()), frozenset()),
    ) == {prepared.record(index).name for index in trouble}


def test_an_audit_of_another_state_of_the_folder_is_no_defect(
    data_set: DataSet, prepared: Survey, tmp_path: Path
) -> None:
    report = json.loads(json.dumps(to_json(audit(data_set, workers=0))))
    report["unreadable"] += [{"path": "/elsewhere/x.png", "reason": "it is gone"}]
    report["duplicates"] += [{"names": ["gone 1", "gone 2"], "splits": ["train"], "classes": []}]
    report["problems"] = [{"path": str(tmp_path / "list.txt"), "reason": "the file does not exist"}]
    findings = findings_of(report, prepared)
    assert findings[-1].title == "1 file not usable"
    assert findings[-1].images == ()
    assert len(findings[0].images) == 1


def test_small_classes_are_found_but_mark_no_single_image(tmp_path: Path, folder: Path) -> None:
    for path in (folder / "train" / "Bird_ñandú").glob("bird [1-6].png"):
        path.unlink()
    small = open_data_set(folder)
    prepared = survey(small)
    findings = findings_of(to_json(audit(small, workers=0)), prepared)
    found = next(finding for finding in findings if finding.kind == "small-class")
    assert found.title == "1 class too small"
    assert {int(prepared.labels[index]) for index in found.images} == {1}
    assert found.leave_out == frozenset()
    assert problems_by_image([found]) == {}


def test_images_without_a_label_are_no_training_images(tmp_path: Path) -> None:
    splits: dict[str, Split | None] = {
        "a.png": "train",
        "b.png": "train",
        "test.png": "test",
        "plain 1.png": None,
        "plain 2.png": None,
    }
    records = tuple(
        ImageRecord(path=tmp_path / name, name=name, split=split, label=None if split is None else int(name[0] != "a"))
        for name, split in splits.items()
    )
    prepared = survey(DataSet(root=tmp_path, format="label-table", classes=("A", "B"), records=records))
    report = {
        "unreadable": [{"path": str(tmp_path / "plain 2.png"), "reason": "it is cut off"}],
        "problems": [],
        "duplicates": [{"names": ["plain 1.png", "a.png"]}, {"names": ["plain 2.png", "test.png"]}],
        "name_findings": [{"kind": "same-name", "names": ["plain 1.png", "test.png"], "classes": []}],
    }
    findings = {finding.kind: finding for finding in findings_of(report, prepared)}
    assert not {"leak", "name-leak"} & findings.keys()
    assert len(findings["duplicate"].images) == 4
    assert findings["duplicate"].leave_out == findings["unreadable"].leave_out == frozenset()


# -- validation -------------------------------------------------------------------------------------------------------


def test_what_is_shown_as_held_out_is_what_training_holds_out(data_set: DataSet, prepared: Survey) -> None:
    gone = frozenset({prepared.rows["train/空_bird/two.png"]})
    for validation in (ValidationShare(), ValidationShare(0.3, 5), ValidationShare(0.0, 1)):
        uses = Planner(prepared).uses(Choices(left_out=gone, validation=validation)).now
        records = [record for index, record in enumerate(data_set.records) if index not in gone]
        _, held = split_validation(records, validation.fraction, validation.seed)
        assert names(prepared, np.flatnonzero(uses == VALIDATION)) == {record.name for record in held}
        assert (uses[prepared.uses == TEST] == TEST).all()


def test_images_without_labels_hold_nothing_out(tmp_path: Path) -> None:
    prepared = survey(
        DataSet(root=tmp_path, format="images", classes=(), records=(ImageRecord(path=tmp_path / "a", name="a"),))
    )
    assert [USES[use] for use in Planner(prepared).uses(Choices()).now] == ["unlabelled"]


def test_all_images_left_out_hold_nothing_out(prepared: Survey) -> None:
    uses = Planner(prepared).uses(Choices(left_out=frozenset(range(len(prepared))))).now
    assert set(uses.tolist()) == {TRAIN, TEST}


# -- assigned ---------------------------------------------------------------------------------------------------------


def test_what_is_assigned_is_what_training_gets(tmp_path: Path) -> None:
    records = tuple(
        ImageRecord(path=tmp_path / name, name=name, label=label)
        for label in range(2)
        for name in (f"{label}/{number}.png" for number in range(20))
    )
    prepared = survey(DataSet(root=tmp_path, format="class-folders", classes=("x", "y"), records=records))
    planner = Planner(prepared)
    assert planner.uses(Choices()).data_set is prepared.data_set
    assignment = Assignment(test_share=0.25, parts={"0/0.png": "validation", "1/1.png": "test"})
    found = planner.uses(Choices(assignment=assignment))
    assert found.data_set == assign(prepared.data_set, assignment)
    assert planner.uses(Choices(assignment=assignment, validation=ValidationShare(0.5))).data_set is found.data_set
    train, held = split_validation(found.data_set.records, 0.1, 0, by_hand=found.data_set.by_hand)
    assert names(prepared, np.flatnonzero(found.now == VALIDATION)) == {record.name for record in held}
    assert names(prepared, np.flatnonzero(found.now == TRAIN)) == {record.name for record in train}
    assert names(prepared, np.flatnonzero(found.given == VALIDATION)) == {"0/0.png"}
    assert planner.uses(Choices()).now.tolist() == Planner(prepared).uses(Choices()).now.tolist()


# -- classes in order -------------------------------------------------------------------------------------------------


def test_classes_stand_in_the_chosen_order(tmp_path: Path) -> None:
    counts = {"class 10": 1, "class 2": 3, "Blue": 2}
    labels = [label for label, count in enumerate(counts.values()) for _ in range(count)]
    records = tuple(
        ImageRecord(path=tmp_path / "x", name=str(number), label=label) for number, label in enumerate([*labels, None])
    )
    prepared = survey(DataSet(root=tmp_path, format="images", classes=tuple(counts), records=records))
    whole = class_tree(prepared)
    count_images(whole, prepared, prepared.uses, frozenset())
    for order, expected in (
        ("name", ["Blue", "class 2", "class 10", "Without label"]),
        ("most", ["class 2", "Blue", "class 10", "Without label"]),
        ("fewest", ["class 10", "Blue", "class 2", "Without label"]),
    ):
        assert arrange(whole, order)  # type: ignore[arg-type]
        assert [child.title for child in whole.children] == expected
        assert [child.row for child in whole.children] == [0, 1, 2, 3]
    assert not arrange(whole, "fewest")
