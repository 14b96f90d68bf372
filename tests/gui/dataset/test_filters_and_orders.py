"""Filters with chips and counts, and the orders of the Data page's images."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from many_images import many
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from s3n_core.datasets.audit.checks import audit
from s3n_core.datasets.audit.measures import read_measures
from s3n_core.datasets.audit.near_duplicates import bits_apart, hash_distances
from s3n_core.datasets.detection import open_data_set
from s3n_core.datasets.records import DataSet, ImageRecord
from s3n_core.system.json_values import to_json
from s3n_gui.dataset.checking import Checking
from s3n_gui.dataset.image_filter import ImageFilter
from s3n_gui.dataset.image_order import UNMEASURED, ImageOrder, Measures, OrderName, name_ranks
from s3n_gui.dataset.panel import DataPage
from s3n_gui.dataset.report_reading import findings_of
from s3n_gui.dataset.survey import USES, Survey, survey
from s3n_gui.state.session import Session

SIZES = {"a/bird 10.png": (300, 200), "a/bird 2.png": (90, 50), "b/bird 1.png": (600, 700), "b/Ant 3.png": (90, 64)}


@pytest.fixture(scope="module")
def sized(tmp_path_factory: pytest.TempPathFactory) -> DataSet:
    """Four images of known sizes and a broken one; "b/Ant 3.png" looks like "a/bird 10.png", mirrored."""
    root = tmp_path_factory.mktemp("sized")
    for number, (name, size) in enumerate(SIZES.items()):
        noise = np.random.default_rng(0 if "Ant" in name or "10" in name else number).integers(0, 255, (8, 8, 3))
        picture = Image.fromarray(noise.astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)
        if "Ant" in name:
            picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        (root / name).parent.mkdir(exist_ok=True)
        picture.save(root / name)
    (root / "b/broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    return open_data_set(root)


@pytest.fixture(scope="module")
def prepared(sized: DataSet) -> Survey:
    return survey(sized)


@pytest.fixture(scope="module")
def report(sized: DataSet) -> dict[str, object]:
    made = to_json(audit(sized, measure=True, workers=0))
    assert isinstance(made, dict)
    return made


def measures(report: dict[str, object], images: int) -> Measures:
    found = read_measures(report, images)
    assert found is not None
    return Measures.of(*found)


def ordered(prepared: Survey, report: dict[str, object], by: OrderName, like: str = "") -> list[str]:
    rows = ImageOrder(by, prepared.rows.get(like, -1)).apply(
        np.arange(len(prepared)),
        prepared,
        names=name_ranks(prepared),
        measures=measures(report, len(prepared)),
        findings=findings_of(report, prepared),
    )
    return [prepared.record(row).name for row in rows]


def test_the_audit_measures_only_when_asked(sized: DataSet, report: dict[str, object]) -> None:
    assert audit(sized, workers=0).measures is None
    found = read_measures(report, len(sized.records))
    assert found is not None
    sizes = {record.name: tuple(size) for record, size in zip(sized.records, found[0].tolist(), strict=True)}
    assert sizes == {**SIZES, "b/broken.png": (0, 0)}


@pytest.mark.parametrize(
    "measured", [None, {}, {"sizes": "!"}, {"sizes": "", "hashes": ""}, {"sizes": 3, "hashes": []}, "text"]
)
def test_measures_that_do_not_fit_are_none(measured: object) -> None:
    assert read_measures({"measures": measured}, 4) is None
    assert read_measures({}, 4) is None


def test_distances_are_those_of_single_pairs() -> None:
    hashes = np.random.default_rng(0).integers(0, 256, (20, 32), dtype=np.uint8)
    expected = [bits_apart(value.tobytes(), hashes[3].tobytes()) for value in hashes]
    assert hash_distances(hashes, hashes[3]).tolist() == expected


def test_orders(prepared: Survey, report: dict[str, object]) -> None:
    in_order = [record.name for record in prepared.data_set.records]
    assert ordered(prepared, report, "data-set") == in_order
    assert ordered(prepared, report, "name") == [
        "b/Ant 3.png", "b/bird 1.png", "a/bird 2.png", "a/bird 10.png", "b/broken.png"
    ]  # fmt: skip
    assert [name[0] for name in ordered(prepared, report, "class")] == ["a", "a", "b", "b", "b"]
    assert ordered(prepared, report, "smallest") == [
        "a/bird 2.png", "b/Ant 3.png", "a/bird 10.png", "b/bird 1.png", "b/broken.png"
    ]  # fmt: skip
    assert ordered(prepared, report, "largest")[0] == "b/bird 1.png"
    assert ordered(prepared, report, "largest")[-1] == "b/broken.png"
    assert set(ordered(prepared, report, "near-duplicates")[:2]) == {"b/Ant 3.png", "a/bird 10.png"}
    alike = ordered(prepared, report, "likeness", "b/Ant 3.png")
    assert alike[:2] == ["b/Ant 3.png", "a/bird 10.png"]
    assert alike[-1] == "b/broken.png"
    assert ordered(prepared, report, "likeness", "b/broken.png") == in_order, "nothing is like an image without a hash"


def test_an_order_without_its_measures_changes_nothing(prepared: Survey) -> None:
    rows = np.array([3, 1, 0], np.intp)
    for by in ("name", "smallest", "largest", "near-duplicates", "likeness"):
        order = ImageOrder(by, 1)
        assert order.apply(rows, prepared, names=None, measures=None, findings=()).tolist() == [3, 1, 0]


def test_sizes_are_ranges_of_the_shorter_side(prepared: Survey, report: dict[str, object]) -> None:
    ranges = measures(report, len(prepared)).ranges
    found = {record.name: int(ranges[row]) for row, record in enumerate(prepared.data_set.records)}
    assert found == {
        "a/bird 10.png": 1, "a/bird 2.png": 0, "b/bird 1.png": 3, "b/Ant 3.png": 1, "b/broken.png": UNMEASURED
    }  # fmt: skip
    rows = ImageFilter(sizes=frozenset({1})).apply(prepared, prepared.uses, (), frozenset(), ranges)
    assert {prepared.record(row).name for row in rows} == {"a/bird 10.png", "b/Ant 3.png"}
    assert len(ImageFilter(sizes=frozenset({1})).apply(prepared, prepared.uses, (), frozenset(), None)) == len(prepared)


def test_conditions_are_taken_apart() -> None:
    chosen = ImageFilter(uses=frozenset({"test"}), text="bird", sizes=frozenset({0}))
    assert chosen.conditions == ("uses", "sizes", "text")
    assert chosen.without("text").conditions == ("uses", "sizes")
    assert chosen.only("sizes") == ImageFilter(sizes=frozenset({0}))
    assert ImageFilter().conditions == ()


def show(qtbot: QtBot, page: DataPage, session: Session, data_set: DataSet) -> None:
    session.data_set = data_set
    qtbot.waitUntil(page.is_ready, timeout=20_000)
    page.window().activateWindow()
    qtbot.waitActive(page.window())


def choose(page: DataPage, submenu: str, words: str) -> None:
    """Choose a filter in the menu: with keys this is Space, Down, Right, ..., Enter."""
    page.filter_bar.filter_menu.aboutToShow.emit()
    (menu,) = (m for m in page.filter_bar.filter_menu.findChildren(QMenu) if m.title() == submenu)
    (action,) = (action for action in menu.actions() if action.text().split("\t")[0] == words)
    action.trigger()


def chips(page: DataPage) -> list[str]:
    return [chip.text() for chip in page.filter_bar.chips.chips.values()]


def test_filters_are_combined_and_removed_by_their_chips(
    qtbot: QtBot, data_page: DataPage, session: Session, data_set: DataSet
) -> None:
    show(qtbot, data_page, session, data_set)
    total = len(data_set.records)
    choose(data_page, "Split", "Test")
    data_page.class_list.setCurrentIndex(data_page.classes.index_of(frozenset({1})))
    data_page.controller.set_filter(text="bird 1")
    assert chips(data_page) == ["Test  6", "Bird ñandú  10", "“bird 1”  6"]
    assert data_page.images.rowCount() == 1
    for condition, left in (("labels", 3), ("text", 6), ("uses", total)):
        chip = data_page.filter_bar.chips.chips[condition]  # type: ignore[index]  # a literal above
        chip.setFocus()
        QTest.keyClick(chip, Qt.Key.Key_Space)
        assert data_page.images.rowCount() == left
        focused = QApplication.focusWidget()
        assert focused in (*data_page.filter_bar.chips.chips.values(), data_page.grid)
    assert QApplication.focusWidget() is data_page.grid
    assert not data_page.filter_bar.chips.isVisible()


def test_a_condition_takes_several_values(
    qtbot: QtBot, data_page: DataPage, session: Session, data_set: DataSet
) -> None:
    show(qtbot, data_page, session, data_set)
    tests, training = (sum(record.split == split for record in data_set.records) for split in ("test", "train"))
    validation = int((data_page.controller.planning.uses == USES.index("validation")).sum())
    choose(data_page, "Split", "Test")
    choose(data_page, "Split", "Validation")
    assert data_page.images.rowCount() == tests + validation
    assert chips(data_page) == [f"Validation, Test  {tests + validation}"]
    buttons = data_page.split_box.buttons
    assert [name for name, button in buttons.items() if button.isChecked()] == ["validation", "test"]
    QTest.mouseClick(buttons["train"], Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier)
    assert data_page.images.rowCount() == tests + training
    QTest.mouseClick(buttons["test"], Qt.MouseButton.LeftButton)
    assert data_page.images.rowCount() == tests, "a click without Ctrl lists these alone"
    choose(data_page, "Split", "Test")
    assert data_page.controller.filter.is_empty, "without the last value all images pass"


def test_a_menu_of_filters_stays_open_while_entries_are_switched(
    qtbot: QtBot, data_page: DataPage, session: Session, data_set: DataSet
) -> None:
    show(qtbot, data_page, session, data_set)
    data_page.filter_bar.filter_menu.aboutToShow.emit()
    (menu,) = (m for m in data_page.filter_bar.filter_menu.findChildren(QMenu) if m.title() == "Split")
    menu.popup(data_page.mapToGlobal(data_page.rect().center()))
    entries = {action.text().split("\t")[0]: action for action in menu.actions()}
    QTest.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(entries["Test"]).center())
    menu.setActiveAction(entries["Training"])
    QTest.keyClick(menu, Qt.Key.Key_Space)
    assert menu.isVisible()
    assert data_page.controller.filter.uses == {"train", "test"}
    menu.close()


def test_typing_keeps_the_focus_and_escape_leads_to_the_images(
    qtbot: QtBot, data_page: DataPage, session: Session, data_set: DataSet
) -> None:
    show(qtbot, data_page, session, data_set)
    data_page.search()
    with qtbot.waitSignal(data_page.controller.listed_changed):
        QTest.keyClicks(data_page.filter_bar.search, "aster")
    assert QApplication.focusWidget() is data_page.filter_bar.search
    QTest.keyClick(data_page.filter_bar.search, Qt.Key.Key_Escape)
    assert data_page.images.rowCount() == len(data_set.records)
    assert QApplication.focusWidget() is data_page.grid


def test_an_order_that_needs_the_check_starts_it_and_follows(
    qtbot: QtBot, data_page: DataPage, session: Session, sized: DataSet, report: dict[str, object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    show(qtbot, data_page, session, sized)
    begun: list[bool] = []
    monkeypatch.setattr(Checking, "check", lambda self: begun.append(True))
    data_page.filter_bar.order_actions["largest"].trigger()
    assert begun == [True]
    checking = data_page.controller.checking
    prepared = data_page.controller.survey
    assert prepared is not None
    checking.show_findings(findings_of(report, prepared), measures(report, len(prepared)))
    first = data_page.images.index(0)
    assert first.data(Qt.ItemDataRole.ToolTipRole).startswith("b/bird 1.png")
    choose(data_page, "Shorter side", "64 to 255 px")
    assert chips(data_page) == ["64 to 255 px  2"]
    data_page.grid.setCurrentIndex(data_page.images.index(1))
    selected = data_page.images.image(1)
    data_page.filter_bar.show_all()
    data_page.filter_bar.order_actions["likeness"].trigger()
    assert data_page.images.image(0) == selected
    assert "of 256 hash bits differ" in data_page.images.index(1).data(Qt.ItemDataRole.ToolTipRole)


def test_the_order_stays_where_the_selected_image_cannot_be_compared(
    qtbot: QtBot, data_page: DataPage, session: Session, sized: DataSet, report: dict[str, object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    show(qtbot, data_page, session, sized)
    monkeypatch.setattr(Checking, "check", lambda self: None)
    controller, actions, said = data_page.controller, data_page.filter_bar.order_actions, list[str]()
    session.notice_reported.connect(said.append)
    prepared = survey(sized)

    def sort_like(name: str) -> None:
        data_page.grid.show_image(prepared.rows[name])
        actions["likeness"].trigger()

    sort_like("b/broken.png")  # before it is known what it looks like
    controller.checking.show_findings(findings_of(report, prepared), measures(report, len(prepared)))
    assert controller.order == ImageOrder()
    assert "too uniform" in said[-1]
    sort_like("b/Ant 3.png")
    order, listed = controller.order, controller.listed.tolist()
    said.clear()
    sort_like("b/broken.png")
    assert "too uniform" in said[-1]
    assert (controller.order, controller.listed.tolist()) == (order, listed)
    actions["largest"].trigger()
    sort_like("b/broken.png")
    assert actions["largest"].isChecked()


def test_names_are_sorted_by_their_numbers(qtbot: QtBot, data_page: DataPage, session: Session, tmp_path: Path) -> None:
    records = tuple(ImageRecord(path=tmp_path / name, name=name) for name in ("x10.png", "x9.png", "X1.png"))
    show(qtbot, data_page, session, DataSet(root=tmp_path, format="images", classes=(), records=records))
    data_page.filter_bar.order_actions["name"].trigger()
    qtbot.waitUntil(lambda: [data_page.images.image(row) for row in range(3)] == [2, 1, 0])
    assert data_page.save_state()["order"] == "name"


def test_counts_in_the_menu_hold_together_with_the_other_filters(
    qtbot: QtBot, data_page: DataPage, session: Session, tmp_path: Path
) -> None:
    show(qtbot, data_page, session, replace(many(600, tmp_path), title="many"))
    data_page.controller.set_filter(labels=frozenset({0}))
    data_page.filter_bar.filter_menu.aboutToShow.emit()
    (split,) = (m for m in data_page.filter_bar.filter_menu.findChildren(QMenu) if m.title() == "Split")
    test = next(action for action in split.actions() if action.text().startswith("Test"))
    assert test.text() == "Test\t10"
    test.trigger()
    assert data_page.images.rowCount() == 10
