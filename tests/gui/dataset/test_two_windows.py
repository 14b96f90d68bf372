"""Choices about images that another window changes too, or that cannot be read: nothing saved is lost, all pages know."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from many_images import many
from pytestqt.qtbot import QtBot

from s3n_core.datasets.assignment import Assignment, assignment_file, read_assignment, write_assignment
from s3n_core.datasets.left_out import left_out_file, read_left_out, write_left_out
from s3n_core.datasets.records import DataSet
from s3n_core.datasets.tags import Tags, read_tags, tags_file, write_tags
from s3n_gui.background.jobs import JobList
from s3n_gui.dataset.controller import DataController
from s3n_gui.dataset.survey import TEST, TRAIN
from s3n_gui.state.session import Session

Open = Callable[[DataSet], DataController]


@pytest.fixture
def window(qtbot: QtBot, jobs: JobList) -> Iterator[Open]:
    """Opens a data set in one more window and returns the state of its Data page."""
    made: list[DataController] = []

    def opened(data_set: DataSet) -> DataController:
        session = Session()
        session.data_set = data_set
        made.append(DataController(session, jobs))
        qtbot.waitUntil(lambda: made[-1].survey is not None and not made[-1].is_busy)
        return made[-1]

    yield opened
    for controller in made:
        controller.close()


@pytest.fixture
def ten(tmp_path: Path) -> DataSet:
    """Ten images of training and test; 0 and 5 are test images."""
    return many(10, tmp_path)


def name(image: int) -> str:
    return f"{image}.png"


def names(*images: int) -> frozenset[str]:
    return frozenset(map(name, images))


# -- saved choices that cannot be read --------------------------------------------------------------------------------


def test_a_list_of_left_out_images_that_cannot_be_read_is_not_replaced(
    qtbot: QtBot, controller: DataController, session: Session, ten: DataSet
) -> None:
    write_left_out(ten.root, names(1, 2))
    file = left_out_file(ten.root)
    good = file.read_text()
    file.write_text("spoilt")
    session.data_set = ten
    qtbot.waitUntil(lambda: controller.survey is not None and not controller.is_busy)
    with qtbot.waitSignal(session.error_reported) as said:
        controller.planning.leave_out([3])
    assert str(file) in said.args[0]
    assert file.read_text() == "spoilt"
    assert controller.planning.left_out == frozenset()
    assert not controller.planning.undo_stack.canUndo()
    file.write_text(good)
    controller.planning.leave_out([3])
    assert read_left_out(ten.root) == names(1, 2, 3)
    assert controller.planning.left_out == {1, 2, 3}


def test_a_split_that_cannot_be_read_is_not_replaced(
    qtbot: QtBot, controller: DataController, session: Session, ten: DataSet
) -> None:
    write_assignment(ten.root, Assignment(parts={name(1): "test"}))
    file = assignment_file(ten.root)
    good = file.read_text()
    file.write_text("spoilt")
    session.data_set = ten
    qtbot.waitUntil(lambda: controller.survey is not None and not controller.is_busy)
    with qtbot.waitSignal(session.error_reported) as said:
        controller.planning.use_for([3], "validation")
    assert str(file) in said.args[0]
    assert file.read_text() == "spoilt"
    assert controller.planning.by_hand == 0
    assert not controller.planning.undo_stack.canUndo()
    file.write_text(good)
    controller.planning.use_for([3], "validation")
    assert read_assignment(ten.root).parts == {name(1): "test", name(3): "validation"}


def test_images_that_are_absent_now_stay_left_out(window: Open, ten: DataSet) -> None:
    write_left_out(ten.root, {"not mounted/1.png", name(1)})
    planning = window(ten).planning
    planning.leave_out([2])
    assert read_left_out(ten.root) == {"not mounted/1.png", *names(1, 2)}
    planning.leave_out([1, 2], out=False)
    assert read_left_out(ten.root) == {"not mounted/1.png"}


def test_other_pages_hear_of_images_left_out(
    qtbot: QtBot, controller: DataController, session: Session, ten: DataSet
) -> None:
    session.data_set = ten
    qtbot.waitUntil(lambda: controller.survey is not None and not controller.is_busy)
    with qtbot.waitSignal(session.left_out_changed):
        controller.planning.leave_out([1])
    with qtbot.waitSignal(session.left_out_changed):
        controller.planning.undo_stack.undo()


# -- two windows ------------------------------------------------------------------------------------------------------


def test_two_windows_leave_out_different_images(window: Open, ten: DataSet) -> None:
    one, other = window(ten).planning, window(ten).planning
    one.leave_out([1])
    other.leave_out([2])
    assert read_left_out(ten.root) == names(1, 2)
    assert other.left_out == {1, 2}, "the window shows what is saved"
    one.leave_out([3])
    other.undo_stack.undo()
    assert read_left_out(ten.root) == names(1, 3)
    assert other.left_out == {1, 3}


def test_two_windows_move_different_images(qtbot: QtBot, window: Open, ten: DataSet) -> None:
    first, second = window(ten), window(ten)
    first.planning.use_for([1, 4], "test")
    second.planning.use_for([2], "validation")
    assert read_assignment(ten.root).parts == {name(1): "test", name(4): "test", name(2): "validation"}
    qtbot.waitUntil(lambda: not second.is_busy)
    assert second.planning.given[[1, 4]].tolist() == [TEST, TEST]
    second.planning.use_for([4], None)
    second.planning.use_for([3], "test")
    first.planning.undo_stack.undo()
    assert read_assignment(ten.root).parts == {name(2): "validation", name(3): "test"}
    qtbot.waitUntil(lambda: not first.is_busy)
    assert first.planning.given[[1, 3]].tolist() == [TRAIN, TEST]


def test_a_test_share_of_another_window_stays(window: Open, ten: DataSet) -> None:
    plain = replace(ten, records=tuple(replace(record, split=None) for record in ten.records))
    one, other = window(plain).planning, window(plain).planning
    one.set_test_share(0.2, 3)
    other.use_for([1], "train")
    kept = Assignment(test_share=0.2, test_seed=3, parts={name(1): "train"})
    assert read_assignment(ten.root) == other.assignment == kept
    one.set_test_share(0.3, 4)
    assert read_assignment(ten.root) == replace(kept, test_share=0.3, test_seed=4)


def test_the_seed_of_a_test_share_of_0_is_kept_in_the_window(window: Open, ten: DataSet) -> None:
    planning = window(replace(ten, records=tuple(replace(record, split=None) for record in ten.records))).planning
    planning.set_test_share(0.0, 7)
    planning.use_for([1], "train")
    assert planning.assignment == Assignment(test_seed=7, parts={name(1): "train"})


def test_two_windows_tag_different_images(window: Open, ten: DataSet) -> None:
    write_tags(ten.root, Tags({"old": names(7, 8)}))
    one, other = window(ten), window(ten)
    one.tagging.retag([1], add=("Blurry",))
    other.tagging.retag([2], add=("blurry", "new"), remove=("old",))
    other.tagging.retag([7], remove=("old",))
    both = {"Blurry": names(1, 2), "new": names(2), "old": names(8)}
    assert read_tags(ten.root) == other.tagging.tags == Tags(both), "a tag has one spelling"
    assert other.tagging.masks()["Blurry"].nonzero()[0].tolist() == [1, 2]
    one.planning.undo_stack.undo()
    assert read_tags(ten.root) == one.tagging.tags == Tags({**both, "Blurry": names(2)})
    other.planning.undo_stack.undo()
    other.planning.undo_stack.undo()
    assert read_tags(ten.root) == other.tagging.tags == Tags({"old": names(7, 8)})


def test_tags_that_became_unreadable_are_not_replaced(window: Open, ten: DataSet) -> None:
    tagging = window(ten).tagging
    tagging.retag([1], add=("old",))
    tags_file(ten.root).write_text("spoilt")
    tagging.retag([2], add=("new",))
    assert tags_file(ten.root).read_text() == "spoilt"
    assert tagging.tags == Tags({"old": names(1)})
