"""The Inspect page's widgets in both directions: they show the state, and user actions reach the state."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from inspect_page import client, shown_page
from layout_faults import layout_faults
from made_inspection import CLASSES, FakeClient, data_set, made_inspection
from PIL import Image
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QContextMenuEvent, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QFileDialog,
    QLineEdit,
    QMenu,
    QSlider,
    QWidget,
)
from pytestqt.qtbot import QtBot
from random_model import save_picture

from s3n_core.datasets.assignment import Assignment, write_assignment
from s3n_core.datasets.records import Box, DataSet, ImageRecord
from s3n_core.errors import S3NError
from s3n_core.prediction.rows import Prediction, PredictionHeader
from s3n_core.prediction.tables import write_table
from s3n_gui.appearance import theme
from s3n_gui.frame.actions import ACTIONS
from s3n_gui.inspector.inspection_state import InspectionState
from s3n_gui.inspector.panel import InspectPage
from s3n_gui.inspector.panes.pane_head import PaneHead
from s3n_gui.inspector.panes.pane_model import PaneModel
from s3n_gui.inspector.peaks.peak_menu import PeakMenu
from s3n_gui.inspector.scores.score_rows import score_rows
from s3n_gui.inspector.scores.score_table import ScoreTable
from s3n_gui.state.session import Session
from s3n_gui.state.settings import Settings
from s3n_gui.widgets.caution_card import CautionCard
from s3n_gui.widgets.images.image_view import ImageView
from s3n_gui.widgets.number_slider import NumberSlider


@pytest.fixture
def clients() -> list[FakeClient]:
    """The engine clients of the page, in the order in which they were made."""
    return []


@pytest.fixture
def page(
    themed: QApplication, qtbot: QtBot, session: Session, settings: Settings, clients: list[FakeClient]
) -> Iterator[InspectPage]:
    def make_client() -> FakeClient:
        clients.append(FakeClient())
        return clients[-1]

    with shown_page(session, settings, make_client) as made:
        yield made


@pytest.fixture
def looking(page: InspectPage, session: Session, tmp_path: Path) -> InspectPage:
    session.model = tmp_path / "model.safetensors"
    session.data_set = data_set(tmp_path)
    client(page).answer()
    QApplication.processEvents()
    return page


def view(page: InspectPage, number: int = 0) -> ImageView:
    return page.panes.panes[number].view


def pixel(of: ImageView, x: float, y: float) -> QPoint:
    return QPointF(*of.to_screen(np.array([x, y])).tolist()).toPoint()


def move(of: ImageView, place: QPoint, button: Qt.MouseButton = Qt.MouseButton.NoButton) -> None:
    point = QPointF(place)
    event = QMouseEvent(
        QEvent.Type.MouseMove,
        point,
        of.mapToGlobal(point),
        Qt.MouseButton.NoButton,
        button,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(of.viewport(), event)


def test_an_answer_that_is_not_finite_is_said_on_the_card(page: InspectPage, session: Session, tmp_path: Path) -> None:
    lost = np.full(3, np.nan, dtype=np.float32)
    client(page).saying["bird 0.jpg"] = {"logits": dict.fromkeys(("joint", "O", "D", "C"), lost)}
    session.model = tmp_path / "model.safetensors"
    session.data_set = data_set(tmp_path)
    client(page).answer()
    card = page.side.answer
    assert (card.name.text(), card.share.text(), card.verdict.text()) == ("No prediction", "", "")
    assert "not a finite number" in card.sentence.text()
    assert card.accessibleDescription() == card.sentence.text()


def test_an_empty_page_says_what_to_do(page: InspectPage, session: Session, tmp_path: Path) -> None:
    assert page.stage.currentWidget() is page.stage.empty
    assert "model" in page.stage.empty.title.text()
    assert page.stage.empty.buttons[0].isVisible()
    assert page.stage.empty.buttons[0].toolTip()
    session.model = tmp_path / "m.safetensors"
    assert "Choose an image" in page.stage.empty.title.text()
    session.image = tmp_path / "a.jpg"
    assert "Opening" in page.stage.empty.title.text()
    client(page).answer()
    assert page.stage.currentWidget() is page.panes
    client(page).failed.emit(S3NError("a.jpg cannot be read; choose another image."), None)
    assert page.stage.currentWidget() is page.stage.empty
    assert page.stage.empty.text.text() == "a.jpg cannot be read; choose another image."
    page.stage.empty.buttons[0].click()
    client(page).answer()
    assert page.stage.currentWidget() is page.panes


def test_an_empty_page_offers_the_models(page: InspectPage) -> None:
    page.stage.empty.buttons[0].click()
    assert page.stage.model_menu.isVisible()
    offered = [action.text() for action in page.stage.model_menu.actions() if not action.isSeparator()]
    assert offered == ["demo model\tsynthetic birds", "Model file…", "Run folder…"]
    page.stage.model_menu.close()


def test_a_table_of_predictions_is_used(
    looking: InspectPage, session: Session, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        Prediction(
            file=f"bird {n}.jpg", class_name=CLASSES[0], probability=0.9, correct=n % 3 == 0,
            branches=(("O", CLASSES[0]),), mode="expected", precision="float32", model="0",
        )
        for n in range(6)
    ]  # fmt: skip
    header = PredictionHeader(
        model="0", mode="expected", precision="float32", classes=CLASSES, images="", count=len(rows)
    )
    write_table(tmp_path / "table.json", header, rows)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(tmp_path / "table.json"), ""))
    with qtbot.waitSignal(session.notice_reported) as said:
        looking.browser.table.click()
    assert "6 of 6 images" in said.args[0]
    looking.browser.shown.setCurrentIndex(1)
    looking.browser.shown.activated.emit(1)
    assert looking.browser.count.text() == "4 of 6"
    (tmp_path / "table.json").write_text("{}")
    with qtbot.waitSignal(session.error_reported):
        looking.browser.table.click()


def test_the_size_of_the_thumbnails_does_not_depend_on_the_scroll_bar(looking: InspectPage) -> None:
    sizes = set()
    for height in range(400, 1200, 20):  # at some of them all images fit only without the scroll bar
        looking.resize(1208, height)
        QApplication.processEvents()
        sizes.add(looking.browser.list.visualRect(looking.images.index(0)).size().toTuple())
    assert len(sizes) == 1


def test_the_list_stays_where_a_person_looks_when_it_gets_another_size(
    looking: InspectPage, session: Session, tmp_path: Path
) -> None:
    session.data_set = data_set(tmp_path, 3000)
    listed = looking.browser.list
    assert listed.currentIndex().row() == 0
    listed.scrollTo(looking.images.index(2500), listed.ScrollHint.PositionAtCenter)
    for width in (1208, 1000, 1300):
        looking.resize(width, 700)
        QApplication.processEvents()
        assert 2500 in listed.visible_rows()
    listed.setCurrentIndex(looking.images.index(2500))
    looking.resize(1208, 500)
    QApplication.processEvents()
    assert listed.viewport().rect().contains(listed.visualRect(listed.currentIndex()))


def test_every_control_has_a_name_and_a_tip(looking: InspectPage) -> None:
    looking.panes.panes[1].head.options_button.click()
    silent = []
    for kind in (QAbstractButton, QSlider, QComboBox, QAbstractSpinBox, QLineEdit, ImageView):
        for widget in looking.findChildren(kind):
            inside_another = isinstance(widget.parent(), (QAbstractSpinBox, QComboBox, QLineEdit))
            own_of_qt = widget.objectName().startswith(("qt_", "Scroll"))
            if (
                inside_another
                or own_of_qt
                or (isinstance(widget.parent(), CautionCard) and widget.isHidden())  # a card without an action
                or widget in (looking.stage.empty.buttons[0], looking.stage.empty.buttons[1])
            ):
                continue
            if not (widget.accessibleName() or getattr(widget, "text", str)()):
                silent.append(f"no name: {widget!r}")
            if not widget.toolTip() and not isinstance(widget, ImageView):
                silent.append(f"no tip: {widget!r} {widget.accessibleName()}")
    assert silent == [], "\n".join(silent)


def test_the_demo_keeps_the_splits_set_by_hand(
    page: InspectPage, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ant", "bee"):
        for number in range(2):
            save_picture(tmp_path / name / f"{number}.png", number)
    monkeypatch.setattr("s3n_gui.inspector.panel.demo_images", lambda: tmp_path)
    monkeypatch.setattr("s3n_gui.inspector.panel.demo_model", lambda: tmp_path / "model.safetensors")
    write_assignment(tmp_path, Assignment(parts={"ant/0.png": "test"}))
    page.show_demo()
    assert session.data_set is not None
    assert session.data_set.by_hand == {"ant/0.png"}


def test_the_mouse_is_marked_in_every_pane(looking: InspectPage) -> None:
    move(view(looking), pixel(view(looking), 100, 60))
    assert looking.state.cursor == pytest.approx((100, 60), abs=1.5)
    marks = [pane.view.cursor_mark for pane in looking.panes.panes]
    assert all(mark is not None for mark in marks)
    # D enlarges the middle, so the place has moved away from it there; C is unchanged.
    assert marks[3].x() < 99 and marks[4].x() == pytest.approx(100, abs=1.5)  # type: ignore[union-attr]  # noqa: PT018
    assert float(view(looking, 1).readout) == pytest.approx(0.3, abs=0.02)
    assert view(looking, 3).readout.startswith("×")
    QApplication.sendEvent(view(looking), QEvent(QEvent.Type.Leave))
    assert looking.state.cursor is None
    assert view(looking, 3).readout == ""


def test_the_mouse_in_a_warped_image_is_marked_in_the_original(looking: InspectPage) -> None:
    warped = view(looking, 3)
    move(warped, pixel(warped, 75, 50))
    assert looking.state.cursor is not None
    x, y = looking.state.cursor
    # Exact to the pixel under the mouse; D enlarges the middle, so the place is further in than in the warped image.
    assert (x, y) == pytest.approx(looking.state.evidence.warped_to_original("D", 75 / 300 * 64, 50 / 200 * 64), abs=1)
    assert x > 90
    assert y > 60
    assert view(looking, 0).cursor_mark == QPointF(x, y)


def test_panes_of_a_plane_zoom_and_pan_together(looking: InspectPage) -> None:
    first = view(looking)
    point = QPointF(pixel(first, 80, 50))
    event = QWheelEvent(
        point, first.mapToGlobal(point), QPoint(), QPoint(0, 240), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    before = first.to_picture(point)
    QApplication.sendEvent(first.viewport(), event)
    assert first.camera.zoom > 1
    assert first.to_picture(point).x() == pytest.approx(before.x(), abs=0.5)
    assert view(looking, 1).camera == first.camera
    assert view(looking, 3).camera.zoom == 1  # D has its own plane
    QTest.keyClick(first, Qt.Key.Key_0)
    assert view(looking, 1).camera.zoom == 1


def test_a_peak_is_dragged_with_the_mouse(looking: InspectPage) -> None:
    first, peak = view(looking), looking.state.evidence.warps.peaks[0]  # type: ignore[union-attr]
    start, end = pixel(first, peak.x, peak.y), pixel(first, 60, 120)
    QTest.mousePress(first.viewport(), Qt.MouseButton.LeftButton, pos=start)
    assert looking.state.selected == peak.found_at
    assert looking.side.peaks.currentIndex().row() == 0
    move(first, (start + end) / 2, Qt.MouseButton.LeftButton)
    move(first, end, Qt.MouseButton.LeftButton)
    QTest.mouseRelease(first.viewport(), Qt.MouseButton.LeftButton, pos=end)
    client(looking).resample()
    assert looking.side.scores.is_stale
    moved = looking.state.selected_peak
    assert moved is not None
    assert (moved.x, moved.y) == pytest.approx((60, 120), abs=6)
    client(looking).answer()
    assert not looking.side.scores.is_stale
    looking.toolbar.undo.click()
    client(looking).answer()
    assert looking.state.selected_peak == peak


def test_the_arrow_keys_move_a_peak_in_an_image_and_go_to_another_one_in_the_table(looking: InspectPage) -> None:
    table = looking.side.peak_panel.table
    first, second = (peak.found_at for peak in looking.state.evidence.warps.peaks[:2])  # type: ignore[union-attr]
    looking.state.select(first)
    QTest.keyClick(table, Qt.Key.Key_Down)
    assert (looking.state.selected, looking.state.edits) == (second, ())
    QTest.keyClick(view(looking), Qt.Key.Key_Down)
    assert looking.state.edits[0].cell == second
    assert "move it in an image" in table.toolTip()


def test_a_peak_is_changed_by_keys_and_buttons(looking: InspectPage) -> None:
    looking.state.select((10, 20))
    view(looking).setFocus()
    QTest.keyClick(view(looking), Qt.Key.Key_Right)
    QTest.keyClick(view(looking), Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier)
    client(looking).answer()
    assert looking.state.edits[0].moved_to is not None
    looking.side.peak_panel.restore.click()
    assert looking.state.edits == ()
    looking.side.peak_panel.flip.click()
    client(looking).answer()
    assert looking.state.selected_peak.set == "C"  # type: ignore[union-attr]
    QTest.keyClick(looking.side.peaks, Qt.Key.Key_Delete)
    client(looking).answer()
    assert looking.state.selected_peak.set == "off"  # type: ignore[union-attr]
    assert looking.side.peak_panel.switch.text() == "On"


def test_the_menu_of_a_peak(looking: InspectPage) -> None:
    peak = looking.state.evidence.warps.peaks[1]  # type: ignore[union-attr]
    menu = PeakMenu(peak, (), looking.editor, looking)
    next(action for action in menu.actions() if action.text().startswith("To both")).trigger()
    assert looking.state.edits[0].forced == "both"
    menu.deleteLater()


def test_a_peak_of_the_last_image_is_neither_hidden_nor_compared(
    looking: InspectPage, session: Session, qtbot: QtBot
) -> None:
    looking.commands()["inspect-next"]()
    looking.state.select((10, 20))  # of bird 0, which is still shown
    asked: list[str] = []
    session.page_requested.connect(asked.append)
    tab = looking.side.tab
    for act in (looking.commands()["inspect-hide"], looking.inspect_actions.show_like):
        with qtbot.waitSignal(session.notice_reported) as said:
            act()
        assert said.args[0] == "The last image is still shown; wait until this one appears."
    assert client(looking).hidden == asked == []
    assert session.like is None
    assert looking.side.tab == tab
    client(looking).answer()
    looking.state.select((10, 20))
    looking.inspect_actions.show_like()
    assert session.like is not None
    assert session.like.image == session.image


def test_space_holds_the_original(looking: InspectPage) -> None:
    for focused in (view(looking, 2), looking.browser.list):
        QTest.keyPress(focused, Qt.Key.Key_Space)
        assert looking.state.holds_original
        assert not view(looking, 2).has_map
        assert view(looking, 0).marks.peaks == ()
        QTest.keyRelease(focused, Qt.Key.Key_Space)
        assert not looking.state.holds_original
        assert view(looking, 2).has_map


def test_the_original_is_held_no_longer_than_the_keyboard_is_here(looking: InspectPage) -> None:
    QTest.keyPress(view(looking, 2), Qt.Key.Key_Space)
    QApplication.sendEvent(looking, QEvent(QEvent.Type.WindowDeactivate))
    assert not looking.state.holds_original
    QTest.keyPress(view(looking, 2), Qt.Key.Key_Space)
    looking.hide()  # another page
    assert not looking.state.holds_original
    assert view(looking, 2).has_map


def test_one_pane_alone(looking: InspectPage) -> None:
    QTest.mouseDClick(view(looking, 2).viewport(), Qt.MouseButton.LeftButton, pos=QPoint(5, 5))
    assert [pane.isVisible() for pane in looking.panes.panes] == [False, False, True, False, False, False]
    QTest.keyClick(view(looking, 2), Qt.Key.Key_Escape)
    assert all(pane.isVisible() for pane in looking.panes.panes)
    view(looking, 4).setFocus()
    looking.commands()["inspect-alone"]()
    assert looking.panes.alone is looking.panes.panes[4]
    button = looking.panes.panes[4].enlarge_button
    alone = button.icon().pixmap(16).toImage()
    assert button.accessibleName() == "Show all panes"
    looking.panes.set_layout_name("Two rows of three")  # as from the menu of layouts
    assert button.accessibleName() == "Maximise this pane"
    assert button.icon().pixmap(16).toImage() != alone


@pytest.mark.parametrize("name", ["Side by side", "Three rows of two", "One row of three"])
def test_layouts_come_back(looking: InspectPage, page: InspectPage, name: str) -> None:
    looking.panes.set_layout_name(name)
    looking.panes.swap(0, 1)
    looking.panes.panes[0].model.update(palette="magma", opacity=0.3)
    saved = looking.save_state()
    looking.panes.set_layout_name("Two rows of three")
    looking.panes.panes[0].model.update(kind="map_c", palette="grey")
    looking.restore_state(saved)
    assert looking.panes.layout_name == name
    assert looking.panes.panes[0].model.to_dict() == saved["panes"]["panes"][0]
    assert looking.panes.panes[0].model.kind == "response"
    looking.restore_state({"panes": {"layout": 3, "panes": [None], "sizes": "x"}, "columns": ["a"], "tab": 9})


def test_colours_and_opacity(looking: InspectPage) -> None:
    pane = looking.panes.panes[1]
    pane.head.options_button.click()
    options = pane.head.options
    assert options is not None
    options.palette_picker.setCurrentIndex(1)
    options.palette_picker.activated.emit(1)
    assert pane.model.palette == "magma"
    options.opacity.number.setValue(40)
    assert pane.model.opacity == pytest.approx(0.4)
    assert view(looking, 1).map_opacity == pytest.approx(0.4)
    options.everywhere.click()
    assert {one.model.palette for one in looking.panes.panes} == {"magma"}
    pane.model.update(opacity=0.9, palette="cividis")
    assert options.opacity.value == 90
    assert options.palette_picker.currentData() == "cividis"
    options.close()


def test_grid_lines_and_peaks_in_all_panes(looking: InspectPage) -> None:
    looking.commands()["inspect-grid"]()
    looking.commands()["inspect-peaks"]()
    assert all(len(pane.view.marks.lines) == 62 for pane in looking.panes.panes)
    assert all(pane.view.marks.peaks == () for pane in looking.panes.panes)


def test_a_class_of_the_scores_shows_its_map(looking: InspectPage) -> None:
    looking.side.scores.class_chosen.emit(1)
    assert (looking.panes.panes[1].model.kind, looking.panes.panes[1].model.class_name) == ("class_map", CLASSES[1])
    looking.side.scores.class_chosen.emit(2)  # not among the maps received
    assert client(looking).maps_asked == [2]
    client(looking).send_class_map(2)
    assert not looking.panes.panes[1].note.isVisible()
    looking.side.scores.class_chosen.emit(2)
    assert looking.panes.panes[1].model.kind == "response"


def test_the_menu_of_a_class_shows_its_map_also_where_it_is_shown(looking: InspectPage) -> None:
    for _ in range(2):
        looking.side.scores.class_menu_requested.emit(1, QPoint())
        (menu,) = [menu for menu in looking.findChildren(QMenu) if menu.isVisible()]
        menu.actions()[0].trigger()
        menu.close()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        assert looking.panes.panes[1].title.shown == "Class map: Blue bird"


def test_a_class_map_is_of_the_same_class_in_each_model(
    looking: InspectPage, clients: list[FakeClient], session: Session, tmp_path: Path
) -> None:
    looking.stage.compare_with(tmp_path / "run-07")
    comparison = looking.stage.comparison
    assert comparison is not None
    clients[1].saying["bird 0.jpg"] = {"classes": (CLASSES[1], CLASSES[0], "004.Black_bird")}
    clients[1].answer()
    QApplication.processEvents()
    first, second = (row.panes.panes[1] for row in (comparison.first, comparison.second))
    first.model.update(kind="class_map", class_name=CLASSES[1])
    assert first.title.shown == second.title.shown == "Class map: Blue bird"
    values = [pane._content.values for pane in (first, second)]  # type: ignore[union-attr]
    assert [value[0, 0] for value in values if value is not None] == [
        4,
        0,
    ]  # the second of the one, the first of the other
    asked = list(clients[1].maps_asked)
    first.model.update(class_name=CLASSES[2])
    assert first.note.text() == "Loading this class's map …"
    assert second.note.text() == "Green bird is not one of this model's classes."
    assert clients[1].maps_asked == asked
    looking.side.scores.mark_class(1)
    session.model = tmp_path / "another.safetensors"  # whose classes may have other numbers
    assert looking.side.scores._marked is None


def test_thumbnails_are_read_again_with_the_data_set(
    looking: InspectPage, session: Session, qtbot: QtBot, tmp_path: Path
) -> None:
    picture = save_picture(tmp_path / "bird 0.jpg", 1, (80, 64))
    session.data_set = data_set(tmp_path)
    qtbot.waitUntil(lambda: looking.thumbnails.image(picture) is not None and looking.thumbnails.kept_bytes > 0)
    session.data_set = data_set(tmp_path)
    assert looking.thumbnails.kept_bytes == 0


def test_class_maps_share_one_scale(looking: InspectPage) -> None:
    model, pane = looking.panes.panes[1].model, looking.panes.panes[1]
    limits = []
    for index in (0, 1):
        model.update(kind="class_map", class_name=CLASSES[index])
        limits.append(pane.footer.bar.accessibleDescription())
    assert limits[0] == limits[1]
    assert limits[0].startswith("0,")  # the smallest and the largest value of all maps
    assert limits[0].endswith(", 7")
    assert pane.title.shown == "Class map: Blue bird"


def test_symbols_are_shown_on_request_and_remembered(looking: InspectPage) -> None:
    titles, card, table = [pane.title for pane in looking.panes.panes], looking.side.answer, looking.side.peaks.model()
    header = [table.headerData(column, Qt.Orientation.Horizontal) for column in range(5)]
    assert header == ["", "Position", "Strength", "", "Kind"]
    assert looking.side.peaks.isColumnHidden(3)
    assert [table.index(row, 4).data() for row in (0, 1)] == ["strong (D)", "supporting (C)"]
    assert titles[1].shown == "Response map"
    assert card.rule.isHidden()
    assert card.sentence.text() == (
        "The model is fairly sure. It found the strongest evidence in the middle and at the lower left."
    )
    looking.commands()["inspect-symbols"]()
    assert looking.toolbar.symbols.isChecked()
    assert table.headerData(2, Qt.Orientation.Horizontal) == "R"
    assert table.index(0, 4).data() == "T_d"
    assert not looking.side.peaks.isColumnHidden(3)
    assert titles[1].shown == "Response map R"
    assert not card.rule.isHidden()
    assert looking.save_state()["symbols"] is True
    looking.restore_state({"symbols": False})
    assert not looking.toolbar.symbols.isChecked()
    assert titles[1].shown == "Response map"


def test_peaks_outside_the_box_are_marked_in_the_table(looking: InspectPage, session: Session, tmp_path: Path) -> None:
    table = looking.side.peaks.model()
    assert "outside" not in table.index(0, 0).data(Qt.ItemDataRole.AccessibleTextRole)
    records = data_set(tmp_path).records
    box = Box(x=0, y=0, width=100, height=200)  # the first peak is at the upper right
    session.data_set = DataSet(
        root=tmp_path, format="class-folders", classes=CLASSES, records=(replace(records[0], box=box), *records[1:])
    )
    said = [table.index(row, 0).data(Qt.ItemDataRole.AccessibleTextRole) for row in (0, 1)]
    assert said[0].endswith("outside the annotated box")
    assert not said[1].endswith("outside the annotated box")
    assert "outside the annotated box" in table.index(0, 1).data(Qt.ItemDataRole.ToolTipRole)
    assert looking.side.answer.sentence.text().endswith("The strongest place is outside the annotated box.")
    looking.resize(888, 430)
    for _ in range(4):
        QApplication.processEvents()
    assert layout_faults(looking.side) == []  # the longer sentence has its room


def test_an_answer_is_drawn_once_in_every_pane(looking: InspectPage, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[ImageView] = []
    set_picture = ImageView.set_picture

    def set_and_count(self: ImageView, *given: Any) -> None:
        drawn.append(self)
        set_picture(self, *given)

    monkeypatch.setattr(ImageView, "set_picture", set_and_count)
    views = [pane.view for pane in looking.panes.panes]
    for fetched in (False, True):
        if fetched:
            looking.side.scores.class_chosen.emit(2)
            client(looking).send_class_map(2)
        looking.editor.flip_peak((10, 20))
        drawn.clear()
        client(looking).answer()  # first without the scores, then with them
        assert sorted(map(id, drawn)) == sorted(map(id, views))


def test_the_answer_and_the_rule_are_said(looking: InspectPage) -> None:
    assert looking.side.answer.name.text() == "Red bird"
    assert looking.side.answer.verdict.text() == "✓ correct"
    looking.side.set_truth("Black bird")
    assert looking.side.answer.verdict.text() == "True class Black bird is not one of this model's classes"
    looking.side.set_truth("Red bird")
    assert "H = 0.10 ≤ δ = 0.2" in looking.side.answer.rule.text()  # shown with the symbols
    client(looking).saying = {"bird 1.jpg": {"winner": 2}}
    looking.inspect_actions.next_image()
    client(looking).answer()
    assert looking.side.answer.verdict.text() == "✕ wrong: true class Blue bird"
    assert CLASSES[0] not in looking.side.answer.rule.text()


def test_without_a_label_the_answer_names_the_run(looking: InspectPage, session: Session, tmp_path: Path) -> None:
    looking.side.set_truth(None)
    assert looking.side.answer.verdict.text() == "Joint prediction of model"
    session.model = tmp_path / "runs" / "run-07" / "checkpoints" / "step-1200.safetensors"
    client(looking).answer()
    looking.side.set_truth(None)
    assert looking.side.answer.verdict.text() == "Joint prediction of run-07 step-1200"


def test_numbers_reach_the_engine_and_come_back(looking: InspectPage) -> None:
    form = looking.side.numbers
    slider = form.sliders["delta"]
    assert slider.value == pytest.approx(0.2)
    slider.slider.setValue(100)
    slider.slider.setValue(120)
    assert client(looking).asked[-1].settings.delta == pytest.approx(1.2)
    assert looking.editor.undo_stack.count() == 1
    assert not slider.reset.isHidden()
    client(looking).answer()
    slider.reset.click()
    assert client(looking).asked[-1].settings.delta is None
    assert slider.value == pytest.approx(0.2)
    form.mode.setCurrentIndex(form.mode.findData("random"))
    form.mode.activated.emit(form.mode.currentIndex())
    form.draw.click()
    assert (client(looking).asked[-1].settings.sampling, client(looking).asked[-1].settings.seed) == ("random", 1)
    form.floor.setCurrentIndex(form.floor.findData("number"))
    form.floor.activated.emit(form.floor.currentIndex())
    assert client(looking).asked[-1].settings.floor == 0.5
    client(looking).answer()
    looking.toolbar.reset.click()
    assert client(looking).asked[-1].settings.sampling is None


def test_a_slider_and_its_number(themed: QApplication, qtbot: QtBot) -> None:
    slider = NumberSlider("Width", 0.5, 32.0, 0.1, logarithmic=True, tip="How wide")
    qtbot.addWidget(slider)
    heard: list[float] = []
    slider.value_changed.connect(lambda value: heard.append(value))
    slider.set_value(4.0, own=2.8)
    assert heard == []
    assert slider.slider.value() == 500
    slider.slider.setValue(0)
    slider.number.setValue(32.0)
    assert heard == [0.5, 32.0]
    assert slider.slider.value() == 1000
    slider.set_value(2.8, own=2.8)
    assert slider.reset.isHidden()
    assert slider.reset.toolTip() == "Reset to the model's own 2.8"
    standard = NumberSlider("Opacity", 0.0, 1.0, 0.05, source="the standard")
    qtbot.addWidget(standard)
    standard.set_value(0.2, own=0.5)
    assert standard.reset.toolTip() == "Reset to the standard 0.50"
    assert standard.reset.accessibleName() == "Opacity, reset to the standard"


def test_a_class_that_has_no_room_cannot_be_chosen(themed: QApplication, qtbot: QtBot) -> None:
    table = ScoreTable()
    qtbot.addWidget(table)
    table.show_rows(score_rows(made_inspection(), None, None, 6), stale=False)
    table.show()
    table.resize(280, table.minimumSizeHint().height() + 20)  # two rows, and half of the third
    heard: list[int] = []
    table.class_chosen.connect(heard.append)
    qtbot.mouseMove(table, QPoint(20, table.height() - 5))
    qtbot.mouseClick(table, Qt.MouseButton.LeftButton, pos=QPoint(20, table.height() - 5))
    assert heard == []
    for _ in range(5):
        qtbot.keyClick(table, Qt.Key.Key_Down)
    qtbot.keyClick(table, Qt.Key.Key_Return)
    assert heard == [table.shown[1].index]
    assert len(table.shown) == table.fitting == 2


def test_the_row_of_the_scores_that_the_keys_have_reached_is_seen_and_stays(looking: InspectPage, qtbot: QtBot) -> None:
    looking.activateWindow()
    scores = looking.side.scores
    before = scores.grab().toImage()
    scores.setFocus(Qt.FocusReason.TabFocusReason)
    with_focus = scores.grab().toImage()
    assert with_focus != before
    assert scores.accessibleDescription().startswith("Red bird: O 90.9 %, D 96.5 %")
    qtbot.keyClick(scores, Qt.Key.Key_Down)
    assert scores.grab().toImage() not in (before, with_focus)
    assert scores.accessibleDescription().startswith("Blue bird: ")
    QTest.mouseMove(scores, QPoint(20, scores.height() - 5))
    QApplication.sendEvent(scores, QEvent(QEvent.Type.Leave))
    with qtbot.waitSignal(scores.class_chosen) as chosen:
        qtbot.keyClick(scores, Qt.Key.Key_Return)
    assert chosen.args == [1]
    with qtbot.waitSignal(scores.class_menu_requested) as asked:
        event = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, QPoint(), QPoint())
        QApplication.sendEvent(scores, event)
    assert asked.args[0] == 1
    QApplication.activePopupWidget().close()
    scores.setFixedHeight(2 * scores.minimumSizeHint().height() // 3)
    QApplication.processEvents()
    assert scores.fitting == 1
    assert scores.accessibleDescription().startswith("Red bird: ")


def test_the_true_class_is_among_the_scores_that_fit(looking: InspectPage) -> None:
    scores = looking.side.scores
    looking.side.set_truth(CLASSES[2])
    scores.setFixedHeight(scores.minimumSizeHint().height())
    QApplication.processEvents()
    assert [(row.index, row.true) for row in scores.shown] == [(0, False), (2, True)]
    scores.setFixedHeight(scores.sizeHint().height())
    QApplication.processEvents()
    assert [row.index for row in scores.shown] == [0, 1, 2]


@pytest.mark.parametrize("corner", [(0, 0), (300, 500), (-900, -80)])
def test_the_options_of_every_pane_are_whole_on_the_screen(looking: InspectPage, corner: tuple[int, int]) -> None:
    looking.move(*corner)
    screen = looking.screen().availableGeometry()
    whole = screen.adjusted(0, 0, 2, 2)  # the test platform moves every window by two pixels
    for pane in looking.panes.panes:
        pane.head.show_options()
        assert pane.head.options is not None
        assert whole.contains(pane.head.options.geometry())
        pane.head.options.close()


def test_the_options_of_a_narrow_pane_are_at_its_head(themed: QApplication, qtbot: QtBot) -> None:
    head = PaneHead(0, PaneModel("peaks"), InspectionState())
    qtbot.addWidget(head)
    head.show()
    place = head.screen().availableGeometry().center()
    for width in (400, 120):  # the button is where it was, but hidden
        head.setGeometry(place.x(), place.y(), width, head.height())
    assert not head.options_button.isVisible()
    for y, above in ((place.y(), False), (head.screen().availableGeometry().bottom() - 100, True)):
        head.move(place.x(), y)
        head.show_options()
        options = head.options
        assert options is not None
        there = QRect(head.mapToGlobal(QPoint(0, 0)), head.size())
        assert options.geometry().right() == pytest.approx(there.right(), abs=2)
        assert not options.geometry().intersects(there)
        assert (options.y() < there.y()) is above
        options.close()


def test_the_list_and_the_image_agree(looking: InspectPage, session: Session, tmp_path: Path) -> None:
    assert looking.browser.list.currentIndex().row() == 0
    looking.browser.list.setCurrentIndex(looking.images.index(3))
    assert session.image == tmp_path / "bird 3.jpg"
    session.image = tmp_path / "bird 5.jpg"
    assert looking.browser.list.currentIndex().row() == 5
    assert looking.toolbar.place.text() == "6 / 6"
    looking.commands()["inspect-previous"]()
    assert looking.browser.list.currentIndex().row() == 4


def test_two_models_on_one_image(
    looking: InspectPage, clients: list[FakeClient], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = ["", str(tmp_path / "other.safetensors")]
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (answers.pop(0), ""))
    while answers:
        looking.toolbar.compare.click()
        assert not looking.toolbar.compare.isChecked()
        menu = looking.stage.second_models
        next(action for action in menu.actions() if action.text() == "Model file…").trigger()
        menu.close()
    assert looking.toolbar.compare.isChecked()
    comparison, other = looking.stage.comparison, looking.stage.other
    assert comparison is not None
    assert other is not None
    assert looking.stage.currentWidget() is comparison
    _, second = clients
    assert second.models == [tmp_path / "other.safetensors"]
    second.saying = {"bird 0.jpg": {"winner": 1}}
    second.answer()
    assert comparison.second.answer.text().startswith("Blue bird")
    assert comparison.second.verdict.text() == "✕ wrong"
    assert comparison.first.verdict.text() == "✓ correct"
    lost = np.full(3, np.nan, dtype=np.float32)
    second.saying = {"bird 0.jpg": {"logits": dict.fromkeys(("joint", "O", "D", "C"), lost)}}
    second.answer()
    assert (comparison.second.answer.text(), comparison.second.verdict.text()) == ("No prediction", "")
    assert "not a finite number" in comparison.second.answer.toolTip()
    move(comparison.first.panes.panes[0].view, pixel(comparison.first.panes.panes[0].view, 100, 60))
    assert other.state.cursor == looking.state.cursor
    assert comparison.second.panes.panes[2].view.cursor_mark is not None
    looking.inspect_actions.next_image()
    assert second.asked[-1].image == client(looking).asked[-1].image
    assert comparison.first.model.text() == "This model: model"  # open: only the image is new
    assert comparison.second.model.text() == "Other model: other"
    looking.toolbar.compare.click()
    client(looking).answer()
    assert looking.stage.currentWidget() is looking.panes
    asked = len(second.asked)
    looking.inspect_actions.next_image()
    assert len(second.asked) == asked
    looking.shut_down()
    assert second.closed


def test_the_changes_of_a_renamed_run_can_still_be_undone(
    looking: InspectPage, session: Session, clients: list[FakeClient], tmp_path: Path
) -> None:
    session.model = tmp_path / "run-07"
    client(looking).answer()
    looking.stage.compare_with(tmp_path / "run-08")
    clients[1].answer()
    looking.editor.switch_peak((10, 20))
    client(looking).answer()
    comparison = looking.stage.comparison
    assert comparison is not None
    session.follow_rename(tmp_path / "run-07", tmp_path / "narrow")
    session.follow_rename(tmp_path / "run-08", tmp_path / "wide")
    assert looking.state.edits
    assert looking.undo_stack().canUndo()
    assert [one.models[-1].name for one in clients] == ["narrow", "wide"]
    clients[1].answer()
    assert (comparison.first.model.text(), comparison.second.model.text()) == (
        "This model: narrow best",
        "Other model: wide best",
    )
    session.model = tmp_path / "other.safetensors"
    assert not looking.undo_stack().canUndo()


def test_two_models_are_shown_alike(looking: InspectPage, clients: list[FakeClient], tmp_path: Path) -> None:
    looking.stage.compare_with(tmp_path / "run-07")
    comparison = looking.stage.comparison
    assert comparison is not None
    clients[1].answer()
    QApplication.processEvents()
    first, second = comparison.first.panes, comparison.second.panes
    assert abs(first.panes[0].view.height() - second.panes[0].view.height()) <= 1
    second.panes[1].model.update(kind="class_map", class_name=CLASSES[1])
    assert first.panes[1].title.shown == second.panes[1].title.shown == "Class map: Blue bird"
    looking.toolbar.grid.click()
    assert all(len(pane.view.marks.lines) for pane in (*first.panes, *second.panes))
    second.panes[2].enlarge_button.click()
    assert first.alone is first.panes[2]
    assert second.alone is second.panes[2]
    assert not first.panes[0].isVisible()
    QTest.keyClick(looking, Qt.Key.Key_Escape)
    assert first.alone is second.alone is None
    assert first.panes[0].isVisible()
    looking.commands()["inspect-alone"]()
    assert first.alone is not None
    assert second.alone is not None
    first.toggle_alone()
    assert second.alone is None
    cell, place = (10, 20), pixel(first.panes[0].view, 230, 100)
    mark = next(mark for mark in first.panes[0].view.marks.peaks if mark.key == cell)
    QTest.mousePress(
        first.panes[0].view.viewport(), Qt.MouseButton.LeftButton, pos=pixel(first.panes[0].view, mark.x, mark.y)
    )
    move(first.panes[0].view, place, Qt.MouseButton.LeftButton)
    QTest.mouseRelease(first.panes[0].view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert looking.state.edits  # the current model's peaks can be moved here, too
    assert not second.panes[0].view.peaks_draggable
    first.panes[0].view.zoom_by(2.0)
    assert second.panes[1].view.camera.zoom == 2.0


def test_commands_are_the_rows_of_the_table(looking: InspectPage) -> None:
    rows = {row.id for row in ACTIONS if row.page == "inspect" and row.menu}
    assert set(looking.commands()) == rows
    for name, command in looking.commands().items():
        if name != "inspect-compare":  # opens a file dialog
            command()


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("factor", [0.8, 1.6])
def test_both_themes_and_all_text_sizes(
    looking: InspectPage, themed: QApplication, mode: theme.Mode, factor: float
) -> None:
    theme.apply(themed, mode, factor)
    QApplication.processEvents()
    assert not looking.grab().isNull()
    looking.side.tabs.setCurrentIndex(1)
    assert not looking.grab().isNull()


def test_panes_change_what_they_show(looking: InspectPage) -> None:
    pane = looking.panes.panes[2]
    for kind in ("magnified_d", "image_c", "class_map", "peaks"):
        pane.model.update(kind=kind)
        assert not pane.grab().isNull()
    assert isinstance(pane, QWidget)


def test_predicting_is_offered_where_it_would_tell_more(looking: InspectPage, session: Session) -> None:
    browser = looking.browser
    assert browser.predict.isHidden()
    browser.shown.setCurrentIndex(browser.shown.findData("mistakes"))
    browser.shown.activated.emit(browser.shown.currentIndex())
    assert not browser.predict.isHidden()
    asked: list[str] = []
    session.predictions_asked.connect(lambda: asked.append("predictions"))
    browser.predict.click()
    assert asked == ["predictions"]
    assert "as far as is known" in browser.list.words_when_empty
    looking.known.of_all = True
    looking.known.changed.emit()
    assert browser.predict.isHidden()


def test_settings_count_at_once(
    looking: InspectPage, clients: list[FakeClient], settings: Settings, tmp_path: Path
) -> None:
    looking.stage.compare_with(tmp_path / "other.safetensors")
    settings.set("device", "cpu")
    assert client(looking).opened_on[-1] == clients[1].opened_on[-1] == ("cpu", "auto")
    settings.set("idle_minutes", 7)
    assert client(looking).idle_seconds == clients[1].idle_seconds == [420]
    settings.set("thumbnail_cache_mb", 32)
    assert looking.thumbnails.cache_bytes == 32 * 2**20
    looking.toolbar.show_device("CPU, 2 cores, float32", "the driver is too old")
    assert "the driver is too old" in looking.toolbar.device.toolTip()
    assert not looking.toolbar.device.isHidden()


def test_the_page_is_made_in_pieces(
    themed: QApplication, qtbot: QtBot, session: Session, settings: Settings, tmp_path: Path
) -> None:
    made = InspectPage(session, settings, FakeClient)
    try:
        kept = {"panes": {"layout": "Side by side", "panes": [{"grid": True}]}, "tab": 1}
        made.restore_state(kept)
        assert made.commands() == {}
        assert not made.is_ready()
        assert made.save_state() == kept  # closed before it was built
        made.show()
        session.model = tmp_path / "model.safetensors"
        session.data_set = data_set(tmp_path)
        client(made).answer()  # what arrives in the meantime is shown once the widgets exist
        with qtbot.waitSignal(made.commands_changed):
            pass
        assert made.is_ready()
        assert made.commands()
        assert made.panes.layout_name == "Side by side"
        assert made.side.tab == 1
        made.resize(1200, 1300)  # tall: peaks and numbers show together, and no other tab takes their place
        QApplication.processEvents()
        assert made.side.tabs.tabText(made.side.tabs.currentIndex()) == "Peaks and numbers"
        assert made.side.tab == 1
        assert made.toolbar.grid.isChecked()  # as in the panes
        assert made.panes.panes[0].view.isVisible()
        assert made.side.answer.name.text() == "Red bird"
    finally:
        made.shut_down()
        made.close()
        made.deleteLater()


def test_an_image_that_does_not_suit_the_models_range_is_said_above_the_panes(
    page: InspectPage, session: Session, qtbot: QtBot, tmp_path: Path
) -> None:
    paths = [tmp_path / f"{top}.tif" for top in (4000, 900, 255)]
    for path in paths:
        top = int(path.stem)
        values = np.linspace(0, top, 400).reshape(20, 20).astype(np.uint8 if top == 255 else np.uint16)
        Image.fromarray(values).save(path)
    session.model = tmp_path / "model.safetensors"
    records = tuple(ImageRecord(path=path, name=path.name) for path in paths)
    session.data_set = DataSet(root=tmp_path, format="images", classes=(), records=records)
    header = SimpleNamespace(preprocess={"integer_range": [0, 4095]})
    opened = SimpleNamespace(classes=CLASSES, device_name="", precision="", device_reason="", header=header)
    client(page).opened.emit(opened)
    session.image = paths[1]
    qtbot.waitUntil(page.caution.isVisible)
    assert "but the model's range is 0 to 4,095: they use less than a quarter of it" in page.caution.words
    session.image = paths[0]
    assert not page.caution.isVisible()
    session.image = paths[1]
    qtbot.waitUntil(page.caution.isVisible)
    session.model = tmp_path / "another.safetensors"
    assert not page.caution.isVisible()
