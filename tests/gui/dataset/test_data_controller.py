"""The Data page's state without widgets: audit by the real command, exclusion, and what survives another data set."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from many_images import many
from pytestqt.qtbot import QtBot

from s3n_core.datasets.assignment import assign, assignment_file, open_assigned, read_assignment
from s3n_core.datasets.left_out import read_left_out, without_left_out
from s3n_core.datasets.records import DataSet
from s3n_gui.background.jobs import JobList
from s3n_gui.dataset.controller import DataController
from s3n_gui.dataset.images.image_model import LEFT_OUT_ROLE, TROUBLE_ROLE, USE_ROLE, ImageModel
from s3n_gui.dataset.kept_report import keep_report
from s3n_gui.dataset.survey import TEST, TRAIN, VALIDATION
from s3n_gui.state.session import Session, ValidationShare


def show(qtbot: QtBot, controller: DataController, session: Session, data_set: DataSet) -> None:
    session.data_set = data_set
    qtbot.waitUntil(lambda: controller.survey is not None and not controller.is_busy)


def test_a_check_finds_and_one_press_leaves_out(
    qtbot: QtBot, controller: DataController, session: Session, jobs: JobList, data_set: DataSet, folder: Path
) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    show(qtbot, controller, session, data_set)
    controller.checking.check()
    assert controller.checking.job is not None
    assert controller.checking.job in jobs.jobs()
    controller.checking.check()  # no effect while it is running
    assert len(jobs.jobs()) == 1
    qtbot.waitUntil(lambda: controller.checking.findings is not None, timeout=60_000)
    assert controller.checking.job is None
    assert [finding.kind for finding in controller.checking.findings or ()] == [
        "unreadable",
        "contradiction",
        "leak",
        "duplicate",
        "small-image",
    ]
    for finding in controller.checking.findings or ():
        controller.planning.leave_out(finding.leave_out)
    gone = read_left_out(folder)
    assert len(gone) == 5
    assert {record.name for record in without_left_out(data_set).records} == {r.name for r in data_set.records} - gone
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    again = DataController(session, jobs)  # as after a restart
    qtbot.waitUntil(lambda: again.checking.findings is not None and not again.is_busy)
    assert [finding.kind for finding in again.checking.findings or ()] == [
        finding.kind for finding in controller.checking.findings or ()
    ]
    assert again.checking.when == controller.checking.when
    again.close()
    (folder / "train" / "Aster_bird" / "copy.png").write_bytes(b"other")
    changed = DataController(session, jobs)
    qtbot.waitUntil(lambda: changed.checking.when is not None and not changed.is_busy)
    assert changed.checking.is_outdated
    assert changed.checking.findings is None
    changed.close()
    while controller.planning.undo_stack.canUndo():
        controller.planning.undo_stack.undo()
    assert read_left_out(folder) == frozenset()
    qtbot.waitUntil(lambda: not controller.is_busy)


def test_a_running_check_outlives_the_findings_of_the_last_one(
    qtbot: QtBot, controller: DataController, session: Session, jobs: JobList, data_set: DataSet, folder: Path
) -> None:
    keep_report(data_set, {"unreadable": [], "duplicates": [], "problems": []})  # an earlier check that found nothing
    show(qtbot, controller, session, data_set)
    qtbot.waitUntil(lambda: controller.checking.findings == ())
    controller.checking.check()
    job = controller.checking.job
    assert job is not None
    assert controller.survey is not None
    moved = controller.survey.rows["test/空_bird/bird 0.png"]
    with qtbot.waitSignal(controller.checking.changed):  # the earlier findings are listed anew
        controller.planning.use_for([moved], "train")
    assert job.is_active
    assert controller.checking.job is job
    controller.checking.check()
    assert len(jobs.jobs()) == 1, "no second check"
    qtbot.waitUntil(lambda: controller.checking.job is None, timeout=60_000)
    assert "unreadable" in [finding.kind for finding in controller.checking.findings or ()]


def test_a_check_can_be_stopped_and_started_again(
    qtbot: QtBot, controller: DataController, session: Session, jobs: JobList, data_set: DataSet
) -> None:
    show(qtbot, controller, session, data_set)
    controller.checking.check()
    assert controller.checking.job is not None
    controller.checking.job.cancel()
    qtbot.waitUntil(lambda: controller.checking.job is None, timeout=60_000)
    assert controller.checking.findings is None
    controller.checking.check()
    qtbot.waitUntil(lambda: controller.checking.findings is not None, timeout=60_000)


def test_another_data_set_ends_the_check_of_the_first(
    qtbot: QtBot, controller: DataController, session: Session, jobs: JobList, data_set: DataSet, tmp_path: Path
) -> None:
    show(qtbot, controller, session, data_set)
    controller.checking.check()
    session.data_set = many(10, tmp_path)
    qtbot.waitUntil(lambda: not jobs.active() and not controller.is_busy, timeout=60_000)
    assert controller.checking.findings is None
    assert len(controller.listed) == 10
    session.data_set = None
    assert controller.survey is None
    assert len(controller.listed) == 0


def test_a_folder_that_is_gone_is_an_error_and_no_more(
    qtbot: QtBot, controller: DataController, session: Session, jobs: JobList, tmp_path: Path
) -> None:
    show(qtbot, controller, session, many(10, tmp_path / "gone"))
    with qtbot.waitSignal(session.error_reported, timeout=60_000) as heard:
        controller.checking.check()
    assert "does not exist" in heard.args[0]
    assert controller.checking.job is None


def test_test_images_stay_in_the_test(
    qtbot: QtBot, controller: DataController, session: Session, data_set: DataSet, folder: Path
) -> None:
    show(qtbot, controller, session, data_set)
    assert controller.survey is not None
    image = controller.survey.rows["test/空_bird/bird 0.png"]
    assert not controller.planning.may_be_left_out(image)
    controller.planning.leave_out([image])
    assert read_left_out(folder) == frozenset()
    assert not controller.planning.undo_stack.canUndo()


def test_a_list_that_cannot_be_kept_changes_nothing(
    qtbot: QtBot, controller: DataController, session: Session, data_set: DataSet, s3n_home: Path
) -> None:
    show(qtbot, controller, session, data_set)
    (s3n_home / "left-out").write_text("in the way")
    with qtbot.waitSignal(session.error_reported):
        controller.planning.leave_out([0])
    assert controller.planning.left_out == frozenset()
    assert not controller.planning.undo_stack.canUndo()


def test_leaving_out_changes_what_is_held_out_and_the_list_of_it(
    qtbot: QtBot, controller: DataController, session: Session, data_set: DataSet
) -> None:
    show(qtbot, controller, session, data_set)
    controller.set_filter(uses=frozenset({"validation"}))
    held = controller.listed.tolist()
    assert len(held) == 3
    controller.planning.leave_out(held[:1])
    qtbot.waitUntil(lambda: not controller.is_busy)
    assert held[0] not in controller.listed
    controller.planning.set_validation(0.5, 3)
    assert session.validation == ValidationShare(0.5, 3)
    qtbot.waitUntil(lambda: not controller.is_busy)
    assert len(controller.listed) > 8


def test_the_model_says_what_is_known_of_each_image(
    qtbot: QtBot, controller: DataController, session: Session, data_set: DataSet
) -> None:
    model = ImageModel(controller)
    assert model.rowCount() == 0
    show(qtbot, controller, session, data_set)
    controller.planning.leave_out([0])
    index = model.index(model.row_of(0))
    assert (index.data(), index.data(LEFT_OUT_ROLE), index.data(TROUBLE_ROLE)) == ("Aster bird", True, ())
    assert index.data(USE_ROLE) in ("test", "train")
    assert "Left out of training" in index.data(0x0003)
    assert model.row_of(999) == -1
    assert model.rowCount(index) == 0
    assert model.index(len(data_set.records)).data() is None
    qtbot.waitUntil(lambda: not controller.is_busy)


@pytest.mark.parametrize("text", ["ñ", "鳥 no", "BIRD 1"])
def test_text_filters(qtbot: QtBot, controller: DataController, session: Session, data_set: DataSet, text: str) -> None:
    show(qtbot, controller, session, data_set)
    controller.set_filter(text=text)
    expected = {"ñ": 10, "鳥 no": 0, "BIRD 1": 6}[text]
    assert len(controller.listed) == expected


# -- assigning --------------------------------------------------------------------------------------------------------


def test_an_image_can_be_used_for_another_part_and_taken_back(
    qtbot: QtBot, controller: DataController, session: Session, data_set: DataSet, folder: Path
) -> None:
    show(qtbot, controller, session, data_set)
    assert controller.survey is not None
    image = controller.survey.rows["test/空_bird/bird 0.png"]
    controller.planning.use_for([image], "train")
    qtbot.waitUntil(lambda: not controller.is_busy)
    assert read_assignment(folder).parts == {"test/空_bird/bird 0.png": "train"}
    assert controller.planning.uses[image] == TRAIN
    assert controller.planning.may_be_left_out(image)
    assert session.data_set is not None
    assert session.data_set.records[image].split == "train", "other pages and jobs see it"
    assert controller.survey.data_set is session.data_set
    assert open_assigned(folder) == session.data_set
    controller.planning.use_for([image, 0], "validation")
    qtbot.waitUntil(lambda: not controller.is_busy)
    assert controller.planning.uses[[image, 0]].tolist() == [VALIDATION, VALIDATION]
    controller.planning.forget_splits()
    assert controller.planning.by_hand == 0
    for _ in range(3):
        controller.planning.undo_stack.undo()
    qtbot.waitUntil(lambda: not controller.is_busy)
    assert not assignment_file(folder).exists()
    assert session.data_set == data_set


def test_a_data_set_without_a_split_gets_a_test_part(
    qtbot: QtBot, controller: DataController, session: Session, tmp_path: Path
) -> None:
    split = many(120, tmp_path)
    plain = replace(split, records=tuple(replace(record, split=None) for record in split.records))
    show(qtbot, controller, session, plain)
    assert controller.survey is not None
    assert controller.survey.may_share
    controller.planning.set_test_share(0.25, 1)
    qtbot.waitUntil(lambda: not controller.is_busy)
    assert (controller.planning.uses == TEST).sum() == 30
    assert len(session.data_set.of_split("test")) == 30  # type: ignore[union-attr]
    controller.set_filter(uses=frozenset({"test"}))
    assert len(controller.listed) == 30
    session.data_set = None
    show(qtbot, controller, session, open_again(plain))
    assert (controller.planning.uses == TEST).sum() == 30, "kept"
    assert not controller.planning.undo_stack.canUndo()


def test_an_assignment_that_cannot_be_kept_changes_nothing(
    qtbot: QtBot, controller: DataController, session: Session, data_set: DataSet, s3n_home: Path
) -> None:
    show(qtbot, controller, session, data_set)
    (s3n_home / "assignments").write_text("in the way")
    with qtbot.waitSignal(session.error_reported):
        controller.planning.use_for([0], "test")
    assert controller.planning.by_hand == 0
    assert session.data_set is data_set
    assert not controller.planning.undo_stack.canUndo()


def open_again(plain: DataSet) -> DataSet:
    return assign(plain, read_assignment(plain.root))
