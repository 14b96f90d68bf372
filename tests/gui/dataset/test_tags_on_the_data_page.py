"""Tags on the Data page: given, seen, filtered by, kept, exchanged, all by keyboard."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from many_images import many
from PySide6.QtCore import QItemSelectionModel, QPoint, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QMenu
from pytestqt.qtbot import QtBot

from s3n_core.datasets.records import DataSet
from s3n_core.datasets.tags import Tags, read_tags, tags_file, write_tags
from s3n_core.errors import OutputError
from s3n_gui.dataset import tagging
from s3n_gui.dataset.image_filter import UNTAGGED, ImageFilter
from s3n_gui.dataset.images.image_model import TAGS_ROLE
from s3n_gui.dataset.panel import DataPage
from s3n_gui.dataset.survey import survey
from s3n_gui.dataset.tags.tag_dialog import TagDialog
from s3n_gui.state.session import Session


def show(qtbot: QtBot, page: DataPage, session: Session, data_set: DataSet) -> None:
    session.data_set = data_set
    qtbot.waitUntil(lambda: page.controller.survey is not None and page.is_ready(), timeout=20_000)


def select(page: DataPage, *rows: int) -> list[str]:
    """Select rows, the last of which is current, and return the names of their images."""
    page.grid.setCurrentIndex(page.images.index(rows[-1]))
    for row in rows:
        page.grid.selectionModel().select(page.images.index(row), QItemSelectionModel.SelectionFlag.Select)
    survey = page.controller.survey
    assert survey is not None
    return [survey.record(image).name for image in page.images.images(rows)]


def dialog_of(page: DataPage) -> TagDialog:
    page.commands()["data-tag"]()
    assert page.tags.dialog is not None
    return page.tags.dialog


def tag(page: DataPage, text: str) -> None:
    dialog = dialog_of(page)
    QTest.keyClicks(dialog.field, text)
    QTest.keyClick(dialog.field, Qt.Key.Key_Return)


def tags_menu(page: DataPage) -> dict[str, object]:
    page.filter_bar.filter_menu.aboutToShow.emit()
    (menu,) = (m for m in page.filter_bar.filter_menu.findChildren(QMenu) if m.title() == "Tags")
    return {action.text(): action for action in menu.actions() if action.text()}


def test_a_tag_is_given_seen_found_and_kept(
    qtbot: QtBot, data_page: DataPage, session: Session, data_set: DataSet, folder: Path
) -> None:
    before = sorted(folder.rglob("*"))
    show(qtbot, data_page, session, data_set)
    names = select(data_page, 1, 2)
    tag(data_page, " in  flight ")
    assert read_tags(folder) == Tags({"in flight": frozenset(names)})
    assert list(data_page.selected.tags.chips) == ["in flight"]
    assert data_page.images.index(1).data(TAGS_ROLE) == ("in flight",)
    assert "Tags: in flight" in data_page.images.index(2).data(Qt.ItemDataRole.ToolTipRole)
    total = len(data_set.records)
    data_page.controller.set_filter(text="bird flight")
    assert [data_page.images.image(row) for row in range(data_page.images.rowCount())] == [1, 2]
    data_page.filter_bar.show_all()
    assert list(tags_menu(data_page))[:2] == ["in flight\t2", f"Without tags\t{total - 2}"]
    tags_menu(data_page)["in flight\t2"].trigger()  # type: ignore[attr-defined]
    assert data_page.images.rowCount() == 2
    chip = data_page.filter_bar.chips.chips["tags"]
    assert chip.text() == "in flight  2"
    selection = data_page.selection()
    assert selection is not None
    assert (selection.name, selection.names) == ("in flight", frozenset(names))
    session.data_set = None
    show(qtbot, data_page, session, data_set)
    assert data_page.controller.tagging.of(1) == ("in flight",)
    assert sorted(folder.rglob("*")) == before


def test_the_dialog_shows_what_the_selected_images_have(
    qtbot: QtBot, data_page: DataPage, session: Session, data_set: DataSet
) -> None:
    show(qtbot, data_page, session, data_set)
    names = select(data_page, 0)
    tag(data_page, "some")
    names += select(data_page, 1, 0)[:1]
    tag(data_page, "all")
    dialog = dialog_of(data_page)
    states = {name: check.checkState() for name, check in dialog.checks.items()}
    assert states == {"all": Qt.CheckState.Checked, "some": Qt.CheckState.PartiallyChecked}
    assert (dialog.added, dialog.removed) == (frozenset(), frozenset()), "what is not touched stays"
    QTest.keyClicks(dialog.field, "SO")
    assert [name for name, check in dialog.checks.items() if not check.isHidden()] == ["some"]
    QTest.keyClicks(dialog.field, "ME")
    assert dialog.added == {"some"}, "a tag has one spelling"
    dialog.checks["all"].setChecked(False)
    QTest.keyClick(dialog.field, Qt.Key.Key_Return)
    assert data_page.controller.tagging.tags == Tags({"some": frozenset(names)})
    data_page.undo_stack().undo()
    assert data_page.controller.tagging.tags.names == ("all", "some")
    cancelled = dialog_of(data_page)
    QTest.keyClicks(cancelled.field, "never")
    QTest.keyClick(cancelled, Qt.Key.Key_Escape)
    assert data_page.controller.tagging.tags.names == ("all", "some")


def test_letters_that_found_a_tag_are_no_new_tag(themed: QApplication, qtbot: QtBot) -> None:
    counts = {**{f"tag {number}": 0 for number in range(30)}, "juvenile": 0}
    dialog = TagDialog("bird.png", 1, counts)
    qtbot.addWidget(dialog)
    dialog.show()
    check = dialog.checks["juvenile"]
    QTest.keyClicks(dialog.field, "juv")
    QTest.keyClick(dialog.field, Qt.Key.Key_Down)
    QTest.keyClick(check, Qt.Key.Key_Space)
    assert dialog.added == {"juvenile"}
    assert not any(other.isHidden() for other in dialog.checks.values())
    qtbot.waitUntil(lambda: check.visibleRegion().boundingRect() == check.rect())  # in the whole list, too
    QTest.keyClick(check, Qt.Key.Key_Space)
    QTest.keyClicks(dialog.field, "wet")
    assert dialog.added == {"wet"}


def test_a_press_on_a_chip_removes_the_tag_and_undo_brings_it_back(
    qtbot: QtBot, data_page: DataPage, session: Session, data_set: DataSet, folder: Path
) -> None:
    show(qtbot, data_page, session, data_set)
    select(data_page, 0, 1)
    tag(data_page, "a & b")
    chip = data_page.selected.tags.chips["a & b"]
    assert chip.text() == "a && b"
    assert chip.accessibleName() == "Remove the tag a & b from 2 images"
    QTest.mouseClick(chip, Qt.MouseButton.LeftButton)
    assert not tags_file(folder).exists()
    data_page.undo_stack().undo()
    assert len(read_tags(folder).images["a & b"]) == 2


def test_the_next_image_follows_when_a_tagged_one_leaves_the_list(
    qtbot: QtBot, data_page: DataPage, session: Session, data_set: DataSet
) -> None:
    show(qtbot, data_page, session, data_set)
    select(data_page, 7)
    tag(data_page, "first")
    data_page.controller.show_only(tags=frozenset({UNTAGGED}))
    select(data_page, 3)
    tag(data_page, "next")
    assert data_page.images.rowCount() == len(data_set.records) - 2
    assert data_page.images.image(data_page.grid.currentIndex().row()) == 4
    data_page.controller.show_only(tags=frozenset({"first", "next"}))
    assert [data_page.images.image(row) for row in range(2)] == [3, 7], "any of the tags"


def test_a_table_of_tags_is_written_and_read(
    qtbot: QtBot,
    data_page: DataPage,
    session: Session,
    data_set: DataSet,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    show(qtbot, data_page, session, data_set)
    select(data_page, 0, 1)
    tag(data_page, "kept")
    file = tmp_path / "tags"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(file), "Table (*.csv)"))
    with qtbot.waitSignal(session.notice_reported) as said:
        tags_menu(data_page)["Export tags…"].trigger()  # type: ignore[attr-defined]
    assert said.args is not None
    assert "2 tags" in said.args[0]
    table = file.with_name("tags.csv")
    text = table.read_text("utf-8")
    assert text.splitlines() == ["path,tag", *(f"{record.name},kept" for record in data_set.records[:2])]
    table.write_text(f"{text}{data_set.records[4].name},new\nelsewhere.png,new\n", "utf-8")
    data_page.undo_stack().undo()
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(table), ""))
    with qtbot.waitSignal(session.notice_reported) as said:
        data_page.commands()["data-import-tags"]()
    assert said.args == ["3 images tagged. 1 path of the table not found here, such as elsewhere.png."]
    assert [data_page.controller.tagging.of(image) for image in (0, 4, 5)] == [("kept",), ("new",), ()]


def test_an_import_that_cannot_be_saved_is_not_reported_as_done(
    qtbot: QtBot,
    data_page: DataPage,
    session: Session,
    data_set: DataSet,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise OutputError("The tags cannot be written.")

    show(qtbot, data_page, session, data_set)
    table, said = tmp_path / "tags.csv", list[str]()
    table.write_text(f"path,tag\n{data_set.records[0].name},new\n", "utf-8")
    session.notice_reported.connect(said.append)
    with monkeypatch.context() as patched, qtbot.waitSignal(session.error_reported) as failed:
        patched.setattr(tagging, "write_tags", refuse)
        data_page.controller.tagging.read_table(table)
    assert failed.args == ["The tags cannot be written."]
    assert (said, data_page.controller.tagging.of(0)) == ([], ())
    with qtbot.waitSignal(session.notice_reported):
        data_page.controller.tagging.read_table(table)
    assert (said, data_page.controller.tagging.of(0)) == (["1 image tagged."], ("new",))


def test_saved_tags_that_cannot_be_read_are_not_lost(
    qtbot: QtBot, data_page: DataPage, session: Session, data_set: DataSet, folder: Path
) -> None:
    write_tags(folder, Tags().changed([data_set.records[0].name], add=("old",)))
    good = tags_file(folder).read_text()
    tags_file(folder).write_text("spoilt")
    with qtbot.waitSignal(session.error_reported) as said:
        show(qtbot, data_page, session, data_set)
    assert said.args is not None
    assert str(tags_file(folder)) in said.args[0]
    with qtbot.waitSignal(session.error_reported):
        data_page.controller.tagging.retag([1], add=("new",))
    assert tags_file(folder).read_text() == "spoilt"
    tags_file(folder).write_text(good)
    data_page.controller.tagging.retag([1], add=("new",))
    assert read_tags(folder).names == ("new", "old")


def test_the_menu_of_the_images_offers_what_the_keys_do(
    qtbot: QtBot, data_page: DataPage, session: Session, data_set: DataSet
) -> None:
    show(qtbot, data_page, session, data_set)
    select(data_page, 0, 1)
    QApplication.sendEvent(data_page.grid, QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, QPoint(), QPoint()))
    menu = data_page.image_menu
    assert [action.text() for action in menu.actions() if action.text() and action.isVisible()] == [
        "Inspect 2 images\tEnter", "Tag 2 images…\tT", "Leave out 2 images\tDelete", "Move to split"
    ]  # fmt: skip
    menu.tag_action.trigger()
    assert data_page.tags.dialog is not None
    assert data_page.tags.dialog.isVisible()
    data_page.tags.dialog.reject()
    menu.close()


def test_filters_by_tag_and_by_the_words_of_tags(tmp_path: Path) -> None:
    prepared = survey(many(1000, tmp_path))
    made = Tags().changed(prepared.keys[::2], add=("even",)).changed(prepared.keys[:10], add=("first",))
    masks = {tag: np.array([key in keys for key in prepared.keys]) for tag, keys in made.images.items()}
    found = ImageFilter(tags=frozenset({"first", UNTAGGED})).apply(
        prepared, prepared.uses, (), frozenset(), tagged=masks
    )
    assert found.tolist() == sorted({*range(10), *range(1, 1000, 2)})
    found = ImageFilter(text="even 998").apply(prepared, prepared.uses, (), frozenset(), tagged=masks)
    assert found.tolist() == [998]
