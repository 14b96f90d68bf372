"""The page as a person uses it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from s3n_core.datasets.left_out import read_left_out
from s3n_core.datasets.records import DataSet
from s3n_gui.dataset.panel import DataPage
from s3n_gui.session import HeldOut, Session

EMPTY, READING, CONTENT = range(3)


def show(qtbot: QtBot, page: DataPage, session: Session, data_set: DataSet) -> None:
    session.data_set = data_set
    qtbot.waitUntil(lambda: page.controller.survey is not None and page.is_ready())


def test_an_empty_page_says_what_to_do(qtbot: QtBot, data_page: DataPage, session: Session) -> None:
    assert data_page.stack.currentIndex() == EMPTY
    with qtbot.waitSignal(session.open_asked) as asked:
        data_page.empty.open_asked.emit("data")
    assert asked.args == ["data"]


def test_a_data_set_is_shown_with_its_classes_split_and_first_image(
    qtbot: QtBot, data_page: DataPage, session: Session, data_set: DataSet
) -> None:
    show(qtbot, data_page, session, data_set)
    assert data_page.stack.currentIndex() == CONTENT
    assert data_page.header.detected.text() == f"Detected as {data_set.title}"
    assert data_page.images.rowCount() == len(data_set.records)
    assert session.image == data_set.records[0].path
    whole = data_page.classes.whole
    assert whole is not None
    assert [child.title for child in whole.children] == ["Aster bird", "Bird ñandú", "空 bird"]
    assert whole.total == len(data_set.records)


def test_choosing_a_class_lists_its_images_and_escape_all(
    qtbot: QtBot, data_page: DataPage, session: Session, data_set: DataSet
) -> None:
    show(qtbot, data_page, session, data_set)
    data_page.class_list.setCurrentIndex(data_page.classes.index_of(frozenset({1})))
    assert data_page.images.rowCount() == 10
    assert data_page.filter_bar.count.text() == f"10 of {len(data_set.records)} images"
    qtbot.keyClick(data_page.grid, Qt.Key.Key_Escape)
    assert data_page.images.rowCount() == len(data_set.records)
    assert data_page.class_list.currentIndex() == data_page.classes.index_of(None)


def test_delete_leaves_out_and_undo_takes_back(
    qtbot: QtBot, data_page: DataPage, session: Session, data_set: DataSet, folder: Path
) -> None:
    show(qtbot, data_page, session, data_set)
    first = data_page.images.image(
        data_page.images.row_of(data_page.controller.survey.rows["train/Aster_bird/bird 1.png"])
    )  # type: ignore[union-attr]
    data_page.grid.show_image(first)
    qtbot.keyClick(data_page.grid, Qt.Key.Key_Delete)
    assert read_left_out(folder) == {"train/Aster_bird/bird 1.png"}
    assert data_page.selected.leave_button.text() == "Take back"
    data_page.undo_stack().undo()
    assert read_left_out(folder) == frozenset()
    qtbot.waitUntil(data_page.is_ready)


def test_the_split_fields_set_the_session_and_follow_it(
    qtbot: QtBot, data_page: DataPage, session: Session, data_set: DataSet
) -> None:
    show(qtbot, data_page, session, data_set)
    data_page.split_box.share.setValue(25)
    qtbot.waitUntil(lambda: session.held_out == HeldOut(0.25, 0))
    session.held_out = HeldOut(0.5, 7)
    qtbot.waitUntil(data_page.is_ready)
    assert (data_page.split_box.share.value(), data_page.split_box.seed.value()) == (50, 7)
