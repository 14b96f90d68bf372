"""The page's state without widgets: audit by the real command, leaving out, what survives a change of the data set."""

from __future__ import annotations

from pathlib import Path

import pytest
from many_images import many
from pytestqt.qtbot import QtBot

from s3n_core.datasets.left_out import read_left_out, without_left_out
from s3n_core.datasets.records import DataSet
from s3n_gui.background.jobs import JobList
from s3n_gui.dataset.controller import DataController
from s3n_gui.dataset.image_model import LEFT_OUT_ROLE, TROUBLE_ROLE, USE_ROLE, ImageModel
from s3n_gui.session import HeldOut, Session


def show(qtbot: QtBot, controller: DataController, session: Session, data_set: DataSet) -> None:
    session.data_set = data_set
    qtbot.waitUntil(lambda: controller.survey is not None and not controller.is_busy)


def test_a_check_finds_and_one_press_leaves_out(
    qtbot: QtBot, controller: DataController, session: Session, jobs: JobList, data_set: DataSet, folder: Path
) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    show(qtbot, controller, session, data_set)
    controller.check()
    assert controller.audit_job is not None
    assert controller.audit_job in jobs.jobs()
    controller.check()  # again while it runs: nothing
    assert len(jobs.jobs()) == 1
    qtbot.waitUntil(lambda: controller.findings is not None, timeout=60_000)
    assert controller.audit_job is None
    assert [finding.kind for finding in controller.findings or ()] == [
        "unreadable",
        "contradiction",
        "leak",
        "duplicate",
    ]
    for finding in controller.findings or ():
        controller.leave_out(finding.leave_out)
    gone = read_left_out(folder)
    assert len(gone) == 5
    assert {record.name for record in without_left_out(data_set).records} == {r.name for r in data_set.records} - gone
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    while controller.undo_stack.canUndo():
        controller.undo_stack.undo()
    assert read_left_out(folder) == frozenset()
    qtbot.waitUntil(lambda: not controller.is_busy)


def test_a_check_can_be_stopped_and_started_again(
    qtbot: QtBot, controller: DataController, session: Session, jobs: JobList, data_set: DataSet
) -> None:
    show(qtbot, controller, session, data_set)
    controller.check()
    assert controller.audit_job is not None
    controller.audit_job.cancel()
    qtbot.waitUntil(lambda: controller.audit_job is None, timeout=60_000)
    assert controller.findings is None
    controller.check()
    qtbot.waitUntil(lambda: controller.findings is not None, timeout=60_000)


def test_another_data_set_ends_the_check_of_the_first(
    qtbot: QtBot, controller: DataController, session: Session, jobs: JobList, data_set: DataSet, tmp_path: Path
) -> None:
    show(qtbot, controller, session, data_set)
    controller.check()
    session.data_set = many(10, tmp_path)
    qtbot.waitUntil(lambda: not jobs.active() and not controller.is_busy, timeout=60_000)
    assert controller.findings is None
    assert len(controller.listed) == 10
    session.data_set = None
    assert controller.survey is None
    assert len(controller.listed) == 0


def test_a_folder_that_is_gone_is_an_error_and_no_more(
    qtbot: QtBot, controller: DataController, session: Session, jobs: JobList, tmp_path: Path
) -> None:
    show(qtbot, controller, session, many(10, tmp_path / "gone"))
    with qtbot.waitSignal(session.error_reported, timeout=60_000) as told:
        controller.check()
    assert "does not exist" in told.args[0]
    assert controller.audit_job is None


def test_test_images_stay_in_the_test(
    qtbot: QtBot, controller: DataController, session: Session, data_set: DataSet, folder: Path
) -> None:
    show(qtbot, controller, session, data_set)
    assert controller.survey is not None
    image = controller.survey.rows["test/空_bird/bird 0.png"]
    assert not controller.may_be_left_out(image)
    controller.leave_out([image])
    assert read_left_out(folder) == frozenset()
    assert not controller.undo_stack.canUndo()


def test_a_list_that_cannot_be_kept_changes_nothing(
    qtbot: QtBot, controller: DataController, session: Session, data_set: DataSet, s3n_home: Path
) -> None:
    show(qtbot, controller, session, data_set)
    (s3n_home / "left-out").write_text("in the way")
    with qtbot.waitSignal(session.error_reported):
        controller.leave_out([0])
    assert controller.left_out == frozenset()
    assert not controller.undo_stack.canUndo()


def test_leaving_out_changes_what_is_held_out_and_the_list_of_it(
    qtbot: QtBot, controller: DataController, session: Session, data_set: DataSet
) -> None:
    show(qtbot, controller, session, data_set)
    controller.set_filter(use="held-out")
    held = controller.listed.tolist()
    assert len(held) == 3
    controller.leave_out(held[:1])
    qtbot.waitUntil(lambda: not controller.is_busy)
    assert held[0] not in controller.listed
    controller.set_held_out(0.5, 3)
    assert session.held_out == HeldOut(0.5, 3)
    qtbot.waitUntil(lambda: not controller.is_busy)
    assert len(controller.listed) > 8


def test_the_model_says_what_is_known_of_each_image(
    qtbot: QtBot, controller: DataController, session: Session, data_set: DataSet
) -> None:
    model = ImageModel(controller)
    assert model.rowCount() == 0
    show(qtbot, controller, session, data_set)
    controller.leave_out([0])
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
