"""The Data page as a user operates it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from many_images import many
from PIL import Image
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QInputDialog,
    QLineEdit,
    QSlider,
    QWidget,
)
from pytestqt.qtbot import QtBot
from random_layouts import KINDS, layout
from shiboken6 import isValid
from small_pictures import draw

from s3n_core.datasets.audit.checks import audit
from s3n_core.datasets.detection import FORMATS, open_data_set
from s3n_core.datasets.left_out import read_left_out
from s3n_core.datasets.records import Box, DataSet, ImageRecord, Part, displayed_class
from s3n_core.datasets.value_ranges import ValueRanges
from s3n_core.system.json_values import to_json
from s3n_gui.appearance.theme import tokens
from s3n_gui.appearance.tokens import ANNOTATION
from s3n_gui.background.command_job import CommandJob
from s3n_gui.background.jobs import JobList
from s3n_gui.dataset.findings import Finding, Pair
from s3n_gui.dataset.images.image_model import PATH_ROLE
from s3n_gui.dataset.panel import DataPage
from s3n_gui.dataset.report_reading import findings_of
from s3n_gui.dataset.survey import TEST
from s3n_gui.state.session import Session, ValidationShare
from s3n_gui.state.settings import Settings

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
    assert data_page.filter_bar.count.text() == f"10 of {len(data_set.records)}"
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
    assert data_page.selected.leave_button.text() == "Include again"
    data_page.undo_stack().undo()
    assert read_left_out(folder) == frozenset()
    qtbot.waitUntil(data_page.is_ready)


def test_the_split_fields_set_the_session_and_follow_it(
    qtbot: QtBot, data_page: DataPage, session: Session, data_set: DataSet
) -> None:
    show(qtbot, data_page, session, data_set)
    data_page.split_box.validation.share.setValue(25)
    qtbot.waitUntil(lambda: session.validation == ValidationShare(0.25, 0))
    session.validation = ValidationShare(0.5, 7)
    qtbot.waitUntil(data_page.is_ready)
    assert (data_page.split_box.validation.share.value(), data_page.split_box.validation.seed.value()) == (50, 7)


def test_a_busy_opener_shows_that_the_folder_is_being_read(
    qtbot: QtBot, data_page: DataPage, session: Session, folder: Path
) -> None:
    with qtbot.waitSignal(session.data_set_changed):
        data_page._opener.open_path(folder)
        assert data_page.stack.currentIndex() == READING
        assert not data_page.is_ready()
    qtbot.waitUntil(data_page.is_ready)
    assert data_page.stack.currentIndex() == CONTENT


def test_a_folder_that_cannot_be_read_leaves_what_was_open(
    qtbot: QtBot, data_page: DataPage, session: Session, data_set: DataSet, tmp_path: Path
) -> None:
    show(qtbot, data_page, session, data_set)
    (tmp_path / "empty").mkdir()
    with qtbot.waitSignal(session.error_reported) as heard:
        data_page._opener.open_path(tmp_path / "empty")
    assert "is empty" in heard.args[0]
    assert session.data_set is data_set
    assert data_page.stack.currentIndex() == CONTENT


def test_the_format_can_be_changed_by_hand(
    qtbot: QtBot, data_page: DataPage, session: Session, data_set: DataSet
) -> None:
    show(qtbot, data_page, session, data_set)
    assert data_page.header.actions_by_format["class-folders"].isChecked()
    with qtbot.waitSignal(session.data_set_changed):
        data_page.header.actions_by_format["images"].trigger()
    qtbot.waitUntil(data_page.is_ready)
    assert data_page.header.detected.text().startswith("Read as ")
    assert data_page.header.actions_by_format["images"].isChecked()
    assert not data_page.header.actions_by_format["class-folders"].isChecked()
    whole = data_page.classes.whole
    assert whole is not None
    assert whole.children == []
    assert whole.counts == (0, 0, 0, len(data_set.records))


def test_how_the_folder_was_read_stands_below_its_name(
    qtbot: QtBot, data_page: DataPage, session: Session, tmp_path: Path
) -> None:
    for number in range(3):
        for place in ("train/ant", "train/bee", "test"):
            draw(tmp_path / "insects" / place / f"{number}.png", number)
    show(qtbot, data_page, session, open_data_set(tmp_path / "insects"))
    assert data_page.header.remarks.text() == "The 3 images of test have no label."
    assert data_page.header.remarks.isVisibleTo(data_page)


@pytest.mark.parametrize("kind", range(len(KINDS)))
def test_the_page_shows_every_layout_as_it_is(
    qtbot: QtBot, data_page: DataPage, session: Session, tmp_path: Path, kind: int
) -> None:
    made = layout(tmp_path / "data", kind)
    with qtbot.waitSignal(session.data_set_changed, timeout=10_000):
        data_page._opener.open_path(made.root)
    qtbot.waitUntil(data_page.is_ready, timeout=10_000)
    assert data_page.images.rowCount() == len(made.truth)
    whole = data_page.classes.whole
    labels = Counter("Without label" if label is None else displayed_class(label) for label, _ in made.truth.values())
    if len(labels) > 1:
        assert whole is not None
        assert {child.title: child.total for child in whole.children} == labels


def test_a_pattern_of_file_names_is_asked_for(
    qtbot: QtBot, data_page: DataPage, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(2):
        for name in ("ant", "bee"):
            draw(tmp_path / "insects" / f"{name}-{number}.png", number)
    show(qtbot, data_page, session, open_data_set(tmp_path / "insects"))
    monkeypatch.setattr(QInputDialog, "getText", lambda *args, **kwargs: ("{class}-*", True))
    with qtbot.waitSignal(data_page.header.format_chosen) as chosen:
        data_page.header.actions_by_format["file-names"].trigger()
    assert chosen.args == ["file-names:{class}-*"]
    found = open_data_set(tmp_path / "insects", chosen.args[0])
    show(qtbot, data_page, session, found)
    assert found.classes == ("ant", "bee")
    assert data_page.header.actions_by_format["file-names"].isChecked()


def test_the_ticked_format_is_that_of_the_data_set(
    qtbot: QtBot,
    data_page: DataPage,
    session: Session,
    data_set: DataSet,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    show(qtbot, data_page, session, data_set)
    header = data_page.header

    def ticked() -> list[str]:
        return [name for name, action in header.actions_by_format.items() if action.isChecked()]

    monkeypatch.setattr(QInputDialog, "getText", lambda *args, **kwargs: ("{class}-*", False))
    header.actions_by_format["file-names"].trigger()
    assert ticked() == ["class-folders"]
    with qtbot.waitSignal(session.error_reported):
        header.actions_by_format["stanford-cars"].trigger()
    qtbot.waitUntil(lambda: ticked() == ["class-folders"])
    for number, name in enumerate(("ant", "bee")):
        draw(tmp_path / "insects" / name / "0.png", number)
    session.data_set = open_data_set(tmp_path / "insects")
    qtbot.waitUntil(lambda: header.name.text() == "insects")
    assert header.detected.text().startswith("Detected as ")


def test_a_format_chosen_for_one_folder_is_not_said_of_another(
    qtbot: QtBot, data_page: DataPage, session: Session, data_set: DataSet, tmp_path: Path
) -> None:
    show(qtbot, data_page, session, data_set)
    for number, name in enumerate(("ant", "bee")):
        draw(tmp_path / "insects" / name / "0.png", number)
    data_page.header.actions_by_format["images"].trigger()
    data_page._opener.open_path(tmp_path / "insects")  # before the other format is read
    qtbot.waitUntil(lambda: data_page.header.name.text() == "insects" and data_page.is_ready())
    assert data_page.header.detected.text().startswith("Detected as ")


def test_without_images_the_page_has_no_commands(
    qtbot: QtBot, data_page: DataPage, session: Session, data_set: DataSet
) -> None:
    assert data_page.commands() == {}
    with qtbot.waitSignal(data_page.commands_changed):
        session.data_set = data_set
    assert {"data-tag", "data-import-tags", "data-check"} <= set(data_page.commands())


def test_several_images_can_be_left_out_if_one_of_them_can(
    qtbot: QtBot, data_page: DataPage, session: Session, data_set: DataSet
) -> None:
    show(qtbot, data_page, session, data_set)
    card, rows = data_page.selected, data_page.controller.survey.rows  # type: ignore[union-attr]
    tested = tuple(index for name, index in rows.items() if name.startswith("test/"))
    card.show_image(tested[0], tested)
    assert card.leave_button.text() == f"Leave out {len(tested)} images"
    assert not card.leave_button.isEnabled()
    card.show_image(tested[0], (*tested, rows["train/Aster_bird/bird 1.png"]))
    assert card.leave_button.isEnabled()


def test_every_format_of_the_engine_can_be_chosen(data_page: DataPage) -> None:
    assert set(data_page.header.actions_by_format) == {"auto", *FORMATS}


def test_twenty_thousand_images_load_only_what_is_visible(
    qtbot: QtBot, data_page: DataPage, session: Session, tmp_path: Path
) -> None:
    asked: list[Path] = []
    data_page.thumbnails.failed.connect(lambda path, reason: asked.append(path))  # the files do not exist
    show(qtbot, data_page, session, many(20_000, tmp_path))
    page_rows = len(data_page.grid.visible_rows())
    assert 4 <= page_rows <= 60
    qtbot.waitUntil(lambda: len(asked) >= page_rows - 12)
    qtbot.wait(100)
    assert len(set(asked)) <= 2 * page_rows
    bar = data_page.grid.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 100_000)
    bar.setValue(bar.maximum() // 2)
    middle = data_page.images.index(data_page.grid.visible_rows()[0]).data(PATH_ROLE)
    qtbot.waitUntil(lambda: middle in asked)
    qtbot.wait(100)
    assert len(set(asked)) <= 4 * page_rows
    first = data_page.grid.visible_rows().start
    assert data_page.grid.currentIndex().row() < first  # another image is the current one
    data_page.resize(1304, 600)
    QApplication.processEvents()
    assert abs(data_page.grid.visible_rows().start - first) < 2 * data_page.grid.columns


def test_show_me_lists_the_images_and_leave_out_settles_the_finding(
    qtbot: QtBot, data_page: DataPage, session: Session, data_set: DataSet, folder: Path
) -> None:
    show(qtbot, data_page, session, data_set)
    report = json.loads(json.dumps(to_json(audit(data_set, workers=0))))
    controller = data_page.controller
    assert controller.survey is not None
    controller.checking.show_findings(findings_of(report, controller.survey))
    leak = next(row for row in data_page.findings.rows if "training and test" in row.show_button.accessibleName())
    qtbot.mouseClick(leak.show_button, Qt.MouseButton.LeftButton)
    assert data_page.images.rowCount() == 2
    assert list(data_page.filter_bar.chips.chips) == ["troubles"]
    qtbot.mouseClick(leak.leave_button, Qt.MouseButton.LeftButton)
    assert read_left_out(folder) == {"train/空_bird/leak.png"}
    qtbot.waitUntil(data_page.is_ready)
    settled = next(row for row in data_page.findings.rows if "training and test" in row.show_button.accessibleName())
    assert settled.leave_button.text() == "Include again"
    assert data_page.split_box.buttons["left-out"].isVisible()
    qtbot.mouseClick(data_page.split_box.buttons["left-out"], Qt.MouseButton.LeftButton)
    assert data_page.images.rowCount() == 1
    qtbot.mouseClick(data_page.filter_bar.clear, Qt.MouseButton.LeftButton)
    assert data_page.images.rowCount() == len(data_set.records)


def test_the_rows_of_the_split_are_there_from_the_start(
    qtbot: QtBot, data_page: DataPage, session: Session, data_set: DataSet, tmp_path: Path
) -> None:
    show(qtbot, data_page, session, data_set)
    rows = data_page.split_box.buttons
    top = rows["train"].y()
    assert rows["left-out"].isVisible()  # before the first image is excluded
    assert rows["validation"].isVisible()
    data_page.toggle_left_out()
    qtbot.waitUntil(data_page.is_ready)
    QApplication.processEvents()
    assert rows["train"].y() == top
    plain = many(20, tmp_path)
    show(
        qtbot,
        data_page,
        session,
        replace(plain, classes=(), records=tuple(replace(r, label=None) for r in plain.records)),
    )
    assert rows["unlabelled"].isVisible()
    assert not rows["validation"].isVisible()


@pytest.mark.parametrize(
    ("task", "function", "words"),
    [
        ("survey", "s3n_gui.dataset.controller.survey", "prepared"),
        ("uses", "s3n_gui.dataset.uses.Planner.uses", "splits of the images"),
        ("kept", "s3n_gui.dataset.checking.kept_report", "last check"),
    ],
)
def test_each_task_that_fails_says_what_it_was(
    qtbot: QtBot,
    data_page: DataPage,
    session: Session,
    data_set: DataSet,
    monkeypatch: pytest.MonkeyPatch,
    task: str,
    function: str,
    words: str,
) -> None:
    def fail(*_: object) -> None:
        raise OSError("the disk is gone")

    monkeypatch.setattr(function, fail)
    with qtbot.waitSignal(session.error_reported) as said:
        session.data_set = data_set
    assert words in said.args[0]
    assert "the disk is gone" in said.args[0]


def test_a_broken_file_says_why(qtbot: QtBot, data_page: DataPage, session: Session, data_set: DataSet) -> None:
    show(qtbot, data_page, session, data_set)
    assert data_page.controller.survey is not None
    data_page.grid.show_image(data_page.controller.survey.rows["train/Aster_bird/broken.png"])
    qtbot.waitUntil(lambda: bool(data_page.selected.picture.problem))
    assert data_page.selected.trouble.text().endswith(".")
    assert not data_page.selected.picture.grab().isNull()


def test_box_and_parts_lie_where_they_are_annotated(
    qtbot: QtBot, data_page: DataPage, session: Session, folder: Path
) -> None:
    path = folder / "train" / "Aster_bird" / "bird 0.png"
    record = ImageRecord(
        path=path,
        name="train/Aster_bird/bird 0.png",
        label=0,
        box=Box(x=4, y=3, width=20, height=15),
        parts=(Part(name="beak", x=20, y=15),),
    )
    show(qtbot, data_page, session, DataSet(root=folder, format="cub-200-2011", classes=("a", "b"), records=(record,)))
    picture = data_page.selected.picture
    assert picture.original_size == (40, 30)
    assert picture.part_at(picture.picture_rect().center()) == "beak"  # (20, 15) is the middle of 40 x 30
    assert picture.part_at(picture.picture_rect().topLeft()) == ""
    assert data_page.selected.box_button.isVisible()
    with_marks = picture.grab().toImage()
    for x, y in ((4, 10), (20, 15)):  # the left edge of the box, and the beak
        assert with_marks.pixelColor(picture.on_screen(x, y).toPoint()).name().upper() == ANNOTATION
    data_page.selected.box_button.click()
    data_page.selected.parts_button.click()
    assert picture.grab().toImage() != with_marks
    assert picture.part_at(picture.picture_rect().center()) == ""


def test_what_is_tested_on_is_chosen_in_the_split_and_by_hand(
    qtbot: QtBot, data_page: DataPage, session: Session, tmp_path: Path
) -> None:
    for label in "ab":
        for number in range(10):
            draw(tmp_path / "plain" / label / f"{number}.png", number)
    show(qtbot, data_page, session, open_data_set(tmp_path / "plain"))
    box, planning = data_page.split_box, data_page.controller.planning
    assert box.test.share.isVisible()
    box.test.share.setValue(20)
    qtbot.waitUntil(lambda: planning.assignment.test_share == pytest.approx(0.2))
    qtbot.waitUntil(data_page.is_ready)
    assert box._numbers["test"].text() == "4"
    tested = int(np.flatnonzero(planning.uses == TEST)[0])
    data_page.grid.show_image(tested)
    assert "Test" in data_page.selected.facts.text()
    data_page.selected.use_actions["train"].trigger()
    qtbot.waitUntil(lambda: data_page.is_ready() and planning.uses[tested] != TEST)
    assert "Training (by hand)" in data_page.selected.facts.text()
    assert box._hand.isVisible()
    assert box.by_hand.text() == "1 image assigned by hand"
    box.forget.click()
    qtbot.waitUntil(lambda: data_page.is_ready() and planning.by_hand == 0)
    data_page.undo_stack().undo()
    assert planning.by_hand == 1
    qtbot.waitUntil(data_page.is_ready)


def test_memory_for_thumbnails_takes_effect_at_once(data_page: DataPage, settings: Settings) -> None:
    settings.set("thumbnail_cache_mb", 64)
    assert data_page.thumbnails._cache_bytes == 64 * 2**20


def test_the_selected_picture_can_be_looked_at_from_close(
    qtbot: QtBot, data_page: DataPage, session: Session, data_set: DataSet, tmp_path: Path
) -> None:
    path = tmp_path / "large" / "one.png"
    draw(path, 3, (3000, 1500))
    record = ImageRecord(path=path, name="one.png", label=0, parts=(Part(name="beak", x=2000, y=500),))
    show(qtbot, data_page, session, DataSet(root=path.parent, format="images", classes=("a", "b"), records=(record,)))
    picture = data_page.selected.picture
    qtbot.waitUntil(lambda: not picture.is_reading)
    whole, beak = picture.picture_rect(), picture.on_screen(2000, 500)
    drawn = picture.grab().toImage()
    beside = QPoint(round(whole.center().x()), round(whole.top()) // 2)
    assert beside.y() > 2, "the image is wider than its room"
    assert drawn.pixelColor(beside) != QColor(tokens().image_ground), "no bars beside the image"
    for _ in range(8):
        wheel(picture, beak, 120)
    assert picture.camera.zoom == pytest.approx(1.25**8)
    assert (picture.on_screen(2000, 500) - beak).manhattanLength() < 1, "the place under the mouse stays there"
    assert picture.part_at(beak) == "beak"
    assert picture.picture_rect().width() == pytest.approx(whole.width() * 1.25**8)
    qtbot.waitUntil(lambda: not picture.is_reading)
    assert picture._read is not None
    assert picture._read.image is not None
    assert picture._read.image.width() == 3000, "from close all its pixels are there"
    start = QPoint(100, 60)
    qtbot.mousePress(picture, Qt.MouseButton.LeftButton, pos=start)
    qtbot.mouseMove(picture, start - QPoint(30, 10))
    qtbot.mouseRelease(picture, Qt.MouseButton.LeftButton, pos=start - QPoint(30, 10))
    assert (picture.on_screen(2000, 500) - beak).toPoint() == QPoint(-30, -10)
    qtbot.mouseDClick(picture, Qt.MouseButton.LeftButton)
    assert picture.camera.fits
    assert picture.picture_rect() == whole
    qtbot.keyClick(picture, Qt.Key.Key_Plus)
    qtbot.keyClick(picture, Qt.Key.Key_Right)
    assert picture.camera.x > 0.5
    qtbot.keyClick(picture, Qt.Key.Key_0)
    assert picture.camera.fits


def test_pictures_that_look_alike_are_compared_side_by_side(
    qtbot: QtBot, data_page: DataPage, session: Session, tmp_path: Path
) -> None:
    root = tmp_path / "twins"
    for part, name, count in (("train", "a", 6), ("test", "a", 2), ("train", "b", 6), ("test", "b", 2)):
        for number in range(count):
            draw(root / part / name / f"{part}{number}.png", ord(name) * 7 + number)
    pictured = QImage(200, 160, QImage.Format.Format_RGB32)
    pictured.fill(Qt.GlobalColor.white)
    painter = QPainter(pictured)
    painter.fillRect(20, 30, 60, 90, Qt.GlobalColor.darkBlue)
    painter.fillRect(120, 10, 30, 140, Qt.GlobalColor.darkRed)
    painter.end()
    assert pictured.save(str(root / "train" / "a" / "twin.png"))
    assert pictured.scaled(150, 120).save(str(root / "test" / "a" / "twin small.png"))
    assert pictured.save(str(root / "train" / "b" / "twin again.jpg"), quality=60)
    data_set = open_data_set(root)
    show(qtbot, data_page, session, data_set)
    controller = data_page.controller
    report = json.loads(json.dumps(to_json(audit(data_set, workers=0))))
    assert controller.survey is not None
    controller.checking.show_findings(findings_of(report, controller.survey))
    found = {finding.kind: finding for finding in controller.checking.findings or ()}
    assert {"near-contradiction", "small-image"} <= set(found)
    row = next(row for row in data_page.findings.rows if not row.pairs_button.isHidden())
    row.pairs_button.click()
    dialog = data_page.findings.pairs
    assert dialog is not None
    assert (dialog.previous.isEnabled(), dialog.next.isEnabled()) == (False, True)
    qtbot.waitUntil(lambda: not any(side.picture.is_reading for side in dialog.sides))
    one, other = dialog.sides
    wheel(one.picture, QPointF(50, 50), 240)
    assert other.picture.camera == one.picture.camera, "both are looked at from the same distance"
    shown = dialog.pair
    qtbot.keyClick(dialog.next, Qt.Key.Key_Right)  # a button would give the focus to the one beside it
    assert dialog.pair != shown
    qtbot.keyClick(dialog.previous, Qt.Key.Key_Left)
    assert dialog.pair == shown
    qtbot.keyClick(dialog, Qt.Key.Key_PageDown)
    assert dialog.pair != shown
    for side, image in zip(dialog.sides, (dialog.pair.one, dialog.pair.other), strict=True):
        assert side.button.isEnabled() == controller.planning.may_be_left_out(image)
    learned = next(side for side in dialog.sides if side.button.isEnabled())
    learned.button.click()
    assert len(read_left_out(root)) == 1
    assert learned.button.text() == "Include again"
    controller.planning.undo_stack.undo()
    assert read_left_out(root) == frozenset()
    qtbot.waitUntil(lambda: data_page.is_ready())
    session.data_set = None
    assert data_page.findings.pairs is None, "the pairs were of another data set"


def wheel(widget: QWidget, place: QPointF, steps: int) -> None:
    event = QWheelEvent(
        place,
        widget.mapToGlobal(place),
        QPoint(),
        QPoint(0, steps),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)


def test_pairs_are_compared_in_the_values_of_the_open_model(
    qtbot: QtBot, data_page: DataPage, session: Session, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        path = tmp_path / "deep" / name / "dark.tif"
        path.parent.mkdir(parents=True)
        Image.fromarray(np.linspace(0, 900, 1600).reshape(40, 40).astype(np.uint16)).save(path)
    session.value_ranges = ValueRanges(integers=(0.0, 4095.0))
    show(qtbot, data_page, session, open_data_set(tmp_path / "deep"))
    pair = Pair(one=0, other=1, remark="the same")
    data_page.controller.checking.show_findings(
        (Finding(kind="near-duplicate", title="1 pair", images=(0, 1), notes=("", ""), pairs=(pair,)),)
    )
    data_page.findings.rows[0].pairs_button.click()
    dialog = data_page.findings.pairs
    assert dialog is not None
    pictures = [data_page.selected.picture, *(side.picture for side in dialog.sides)]

    def brightest() -> list[int]:
        qtbot.waitUntil(lambda: not any(picture.is_reading for picture in pictures))
        shown = [picture._read.image for picture in pictures if picture._read is not None]
        return [image.pixelColor(39, 39).red() for image in shown if image is not None]

    assert brightest() == [pytest.approx(255 * 900 / 4095, abs=2)] * 3
    session.value_ranges = None
    assert brightest() == [pytest.approx(255 * 900 / 1023, abs=2)] * 3
    dialog.close()


def test_an_ended_check_can_be_cleared_before_its_findings_are_listed(
    qtbot: QtBot,
    data_page: DataPage,
    session: Session,
    jobs: JobList,
    data_set: DataSet,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(CommandJob, "start", lambda _: None)  # it ends below, without a process
    show(qtbot, data_page, session, data_set)
    controller, card = data_page.controller, data_page.findings
    controller.checking.check()
    job = controller.checking.job
    assert job is not None
    job._report(status="running", fraction=0.25)
    assert "25.0 %" in card.words.text()
    job._end("done")
    job.succeeded.emit({"unreadable": [], "duplicates": [], "problems": []}, job)
    jobs.clear_ended()
    QApplication.sendPostedEvents(job, QEvent.Type.DeferredDelete)
    assert not isValid(job)
    qtbot.waitUntil(lambda: controller.checking.findings == ())
    assert controller.checking.job is None
    assert card.button.text() == "Check again"
    assert card.words.text().startswith("Checked just now.")


def test_the_image_of_another_page_is_chosen_here(
    qtbot: QtBot, data_page: DataPage, session: Session, data_set: DataSet
) -> None:
    show(qtbot, data_page, session, data_set)
    session.image = data_set.records[20].path
    assert data_page.grid.chosen() == (20,)
    session.image = Path("/elsewhere/x.png")
    assert data_page.grid.chosen() == (20,)
    with qtbot.waitSignal(session.page_requested) as asked:
        qtbot.keyClick(data_page.grid, Qt.Key.Key_Return)
    assert asked.args == ["inspect"]
    assert session.image == data_set.records[20].path


def test_panes_and_tiles_come_back(data_page: DataPage) -> None:
    data_page.restore_state({"tile": 200, "panes": [300, 500, 300]})
    assert data_page.save_state()["tile"] == 200
    data_page.restore_state({"tile": "x", "panes": [0, -1], "other": 1})
    assert data_page.save_state()["tile"] == 200


def test_everything_that_can_be_used_is_named(
    qtbot: QtBot, data_page: DataPage, session: Session, data_set: DataSet
) -> None:
    show(qtbot, data_page, session, data_set)
    for kind in (QAbstractButton, QComboBox, QLineEdit, QAbstractSpinBox, QSlider):
        for widget in data_page.findChildren(kind):
            inner = isinstance(widget.parent(), (QAbstractSpinBox, QComboBox, QLineEdit, QAbstractItemView))
            if widget.isVisible() and not inner:
                text = widget.text() if isinstance(widget, QAbstractButton) else ""
                assert text or widget.accessibleName(), widget
                assert widget.toolTip(), widget


def test_the_first_images_are_there_before_the_folder_is_read(
    qtbot: QtBot, data_page: DataPage, session: Session, folder: Path, data_set: DataSet
) -> None:
    controller = data_page.controller
    controller.show_first_images(folder)
    qtbot.waitUntil(lambda: controller.survey is not None)
    assert controller.is_provisional
    assert data_page.stack.currentIndex() == CONTENT
    assert data_page.header.detected.text() == "Reading the folder…"
    assert data_page.grid.currentIndex().isValid()
    assert session.image is None, "the image that is to be shown again may not be among the first ones"
    controller.planning.leave_out([0])
    controller.checking.check()
    assert read_left_out(folder) == frozenset()
    assert controller.checking.job is None
    session.data_set = data_set
    qtbot.waitUntil(lambda: not controller.is_provisional and data_page.is_ready())
    assert data_page.header.change.isEnabled()
    assert data_page.images.rowCount() == len(data_set.records)


def test_the_first_images_are_those_of_the_folder_that_is_being_read(
    qtbot: QtBot, data_page: DataPage, folder: Path, tmp_path: Path
) -> None:
    draw(tmp_path / "second" / "only.png", 1)
    controller = data_page.controller
    controller.show_first_images(folder)
    qtbot.waitUntil(lambda: controller.survey is not None)
    controller.show_first_images(tmp_path / "second")  # before the first folder has been read
    assert controller.survey is None
    qtbot.waitUntil(lambda: controller.survey is not None)
    assert data_page.header.name.text() == "second"
    assert data_page.images.rowCount() == 1


def test_the_first_images_of_a_folder_that_cannot_be_used_go_again(
    qtbot: QtBot, data_page: DataPage, session: Session, folder: Path
) -> None:
    with qtbot.waitSignal(session.error_reported):
        data_page._opener.open_data_set(folder, "cub-200-2011")
    qtbot.waitUntil(lambda: data_page.stack.currentIndex() == EMPTY and data_page.is_ready())
    assert data_page.controller.survey is None


def test_unequal_classes_are_pointed_out_until_they_are_no_longer(
    qtbot: QtBot, data_page: DataPage, session: Session, tmp_path: Path
) -> None:
    draw(tmp_path / "birds" / "wren" / "only.png", 1)
    for number in range(6):
        draw(tmp_path / "birds" / "crow" / f"{number}.png", number)
    show(qtbot, data_page, session, open_data_set(tmp_path / "birds"))
    note = data_page.content.unequal
    assert note.isVisible()
    assert note.text().startswith("Unequal classes: crow has 6 images for training, wren has 1 (6 to 1).")
    data_page.controller.planning.leave_out({0})
    qtbot.waitUntil(lambda: not note.isVisible())


def test_what_is_being_typed_in_the_search_field_stays(
    qtbot: QtBot, data_page: DataPage, session: Session, data_set: DataSet
) -> None:
    show(qtbot, data_page, session, data_set)
    search, controller = data_page.filter_bar.search, data_page.controller
    QTest.keyClicks(search, "bird")
    controller.marks_changed.emit()
    assert search.text() == "bird"
    qtbot.waitUntil(lambda: controller.filter.text == "bird")
    controller.show_only()
    assert search.text() == ""
