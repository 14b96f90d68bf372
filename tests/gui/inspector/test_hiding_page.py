"""Hiding a place on the Inspect page: what is requested, what is shown, and when a result goes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from inspect_page import client, shown_page
from made_inspection import CLASSES, data_set, hidden_place
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QMenu
from pytestqt.qtbot import QtBot

from s3n_core.datasets.records import Box
from s3n_core.errors import S3NError
from s3n_core.inspection.hiding import HidingSettings
from s3n_core.inspection.settings import InspectionSettings
from s3n_gui.inspector.panel import InspectPage
from s3n_gui.state.session import Session
from s3n_gui.state.settings import Settings
from s3n_gui.widgets.images.marks import Marks

BOX = Box(x=10, y=20, width=200, height=150)


@pytest.fixture
def page(
    themed: QApplication, qtbot: QtBot, session: Session, settings: Settings, tmp_path: Path
) -> Iterator[InspectPage]:
    with shown_page(session, settings, height=900) as made:
        records = data_set(tmp_path).records
        session.model = tmp_path / "model.safetensors"
        session.data_set = replace(data_set(tmp_path), records=(replace(records[0], box=BOX), *records[1:]))
        client(made).answer()
        QApplication.processEvents()
        yield made


def press(page: InspectPage) -> None:
    """Run the command behind the key H."""
    page.commands()["inspect-hide"]()


def hide_first_peak(page: InspectPage) -> None:
    assert page.state.evidence is not None
    page.state.select(page.state.evidence.warps.peaks[0].found_at)
    press(page)


def reply(page: InspectPage, settings: HidingSettings | None = None) -> None:
    subject, places, asked, _ = client(page).hidden[-1]
    client(page).places_hidden.emit(tuple(hidden_place(place, settings or asked) for place in places), subject)


def test_the_selected_peak_is_hidden_with_its_images_box(page: InspectPage) -> None:
    hide_first_peak(page)
    (subject, (place,), settings, box), peak = client(page).hidden[-1], page.state.selected_peak
    assert peak is not None
    assert (subject.name, subject.settings, place) == ("bird 0.jpg", InspectionSettings(), (peak.x, peak.y))
    assert (settings, box) == (HidingSettings(), BOX)
    assert page.side.hiding.isVisible()
    assert page.side.hiding.running.stop.isVisible()
    client(page).hiding_progressed.emit(8, 22)
    assert page.side.hiding.running.bar.toolTip() == "8 of 22 images"
    reply(page)
    assert not page.side.hiding.running.stop.isVisible()
    assert page.side.hiding.headline.text() == "Stronger than 20 of 20 random places"
    assert page.side.hiding.loss.text() == "Hiding this place lowers the margin of Red bird by 3."
    rows = dict(page.side.hiding.table.rows)
    assert list(rows) == ["joint", "O", "D", "C"]
    assert rows["joint"] == ("90.9 → 33.3 %", "−3", "20 of 20")
    assert rows["O"][1:] == ("0", "0 of 20")
    assert "random places: median −0.5" in page.side.hiding.plot.accessibleDescription()
    assert "20 random places anywhere in what the network sees" in page.side.hiding.detail.text()
    assert "Mean colour, 20 px, feather 25 %, seed 0" in page.side.hiding.detail.text()


def test_a_moved_peak_is_hidden_where_it_is_now(page: InspectPage) -> None:
    assert page.state.evidence is not None
    found = page.state.evidence.warps.peaks[0]
    page.state.select(found.found_at)
    page.editor.nudge_peak(3, 0)
    client(page).answer()
    press(page)
    subject, (place,), _, _ = client(page).hidden[-1]
    assert place[1] > found.y
    assert subject.settings.edits == ()
    reply(page)
    page.editor.switch_peak(found.found_at)  # edits do not change a result
    assert page.side.hiding.headline.isVisible()


def test_any_place_is_hidden_by_the_right_button_or_under_the_mouse(
    page: InspectPage, session: Session, qtbot: QtBot
) -> None:
    view = page.panes.panes[0].view
    point = QPointF(*view.to_screen(np.array([60.0, 150.0])).tolist()).toPoint()
    with qtbot.waitSignal(page.stage.requests.place_menu_requested) as asked:
        QTest.mousePress(view.viewport(), Qt.MouseButton.RightButton, pos=point)
    place = asked.args[0]
    assert place == pytest.approx((60, 150), abs=2)
    (menu,) = [menu for menu in page.findChildren(QMenu) if menu.isVisible()]
    action: QAction = menu.actions()[0]
    assert action.text() == "Hide this place"
    action.trigger()
    menu.close()
    assert client(page).hidden[-1][1] == (place,)
    page.state.select(None)
    page.state.point_at((33.0, 44.0))
    press(page)
    assert client(page).hidden[-1][1] == ((33.0, 44.0),)
    page.state.point_at(None)
    with qtbot.waitSignal(session.notice_reported) as said:
        press(page)
    assert "Select a peak" in said.args[0]
    assert len(client(page).hidden) == 2


def test_the_place_is_outlined_on_the_original_only(page: InspectPage, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: dict[str, Marks] = {}
    for pane in page.panes.panes:
        monkeypatch.setattr(pane.view, "set_marks", lambda marks, kind=pane.model.kind: shown.update({kind: marks}))
    hide_first_peak(page)
    peak = page.state.selected_peak
    assert peak is not None
    (mark,) = shown["peaks"].places
    assert mark.rect.center() == QPointF(peak.x, peak.y)
    assert mark.rect.width() == pytest.approx(page.hiding.window_size())
    assert shown["response"].places
    assert not shown["image_d"].places
    page.hiding.clear()
    assert not shown["peaks"].places


def test_a_result_goes_with_its_image_model_or_numbers(page: InspectPage, session: Session, tmp_path: Path) -> None:
    hide_first_peak(page)
    late, reply_to = (hidden_place(client(page).hidden[-1][1][0]),), client(page).hidden[-1][0]
    page.commands()["inspect-next"]()
    client(page).places_hidden.emit(late, reply_to)
    assert page.hiding.result is None
    assert page.hiding.place is None
    client(page).answer()
    for change in (
        lambda: page.editor.set_numbers(InspectionSettings(delta=0.5), "Change delta"),
        lambda: setattr(session, "model", tmp_path / "other.safetensors"),
    ):
        hide_first_peak(page)
        reply(page)
        assert page.hiding.result is not None
        change()
        assert page.hiding.result is None
        client(page).answer()


def test_stopped_and_refused_tests_say_so_and_leave_the_page(page: InspectPage) -> None:
    hide_first_peak(page)
    page.side.hiding.running.stop.click()
    assert page.side.hiding.hint.text() == "Stopped before the result was complete."
    assert page.side.hiding.hide_button.isEnabled()
    hide_first_peak(page)
    client(page).hiding_ended.emit(S3NError("Only 3 random places of 90 px do not overlap a peak."))
    assert page.side.hiding.hint.text() == "Only 3 random places of 90 px do not overlap a peak."
    assert page.stage.currentWidget() is page.panes


def test_another_fill_or_size_hides_again(page: InspectPage) -> None:
    hide_first_peak(page)
    reply(page)
    panel = page.side.hiding
    panel.form.fill.setCurrentIndex(panel.form.fill.findData("blur"))
    panel.form.fill.activated.emit(panel.form.fill.currentIndex())
    panel.form.size_field.setValue(48)
    assert [asked[2] for asked in client(page).hidden[1:]] == [
        HidingSettings(fill="blur"),
        HidingSettings(fill="blur", size=48),
    ]
    reply(page)
    assert "Blur, 48 px" in panel.detail.text()
    assert panel.form.size_field.value() == 48


def test_more_sets_the_random_places_the_shape_the_feather_and_the_blur(page: InspectPage) -> None:
    form = page.side.hiding.form
    page.side.show_hiding()
    assert not form.controls.isVisible()
    form.more.click()
    assert form.controls.isVisible()
    assert (form.controls.value(), form.feather.value(), form.blur.text()) == (20, 25, "half the size")
    assert not form.blur.isVisible()  # only a blur has a strength
    form.fill.setCurrentIndex(form.fill.findData("blur"))
    form.fill.activated.emit(form.fill.currentIndex())
    assert form.blur.isVisible()
    form.controls.setValue(50)
    form.feather.setValue(0)
    form.blur.setValue(8)
    form.shape.setCurrentIndex(form.shape.findData("square"))
    form.shape.activated.emit(form.shape.currentIndex())
    assert "50 random places" in page.side.hiding.hint.text()
    assert client(page).hidden == []  # nothing is hidden yet
    hide_first_peak(page)
    assert client(page).hidden[-1][2] == HidingSettings(fill="blur", controls=50, feather=0, blur=8, shape="square")
    reply(page)
    assert page.side.hiding.headline.text() == "Stronger than 50 of 50 random places"
    form.controls.setValue(20)
    assert client(page).hidden[-1][2].controls == 20  # hidden again
    form.more.click()
    assert not form.feather.isVisible()


def test_the_shown_class_beside_the_predicted_one(page: InspectPage) -> None:
    hide_first_peak(page)
    reply(page)
    assert not page.side.hiding.other.isVisible()
    page.side.scores.class_chosen.emit(1)
    assert page.side.hiding.loss.text() == "Hiding this place raises the margin of Blue bird by 3."
    assert page.side.hiding.headline.text() == "Stronger than 0 of 20 random places"
    assert page.side.hiding.other.text().startswith("Predicted class: Red bird 90.9 % → 33.3 %.")
    page.side.scores.class_chosen.emit(1)
    assert "Red bird" in page.side.hiding.loss.text()


def test_numbers_are_saved_with_how_they_came_about(
    page: InspectPage, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    hide_first_peak(page)
    settings = HidingSettings(fill="blur", size=30, feather=0.5, controls=25, seed=7)
    reply(page, settings)
    target = tmp_path / "numbers.json"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    page.side.hiding.save.click()
    saved = json.loads(target.read_text())
    assert saved["settings"] == settings.resolved(1).to_dict()
    assert len(saved["controls"]) == 25
    assert saved["classes"][0]["class"] == CLASSES[0]
    margin = saved["classes"][0]["branches"]["joint"]["margin"]
    assert (margin["change"], margin["stronger_than"], margin["of"]) == (-3, 25, 25)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "none" / "numbers.json"), ""))
    with qtbot.waitSignal(session.error_reported):
        page.side.hiding.save.click()


def test_the_tab_is_kept_and_fits(page: InspectPage) -> None:
    hide_first_peak(page)
    reply(page)
    for width, height in ((1208, 610), (884, 430), (1500, 1000)):
        page.resize(width, height)
        QApplication.processEvents()
        panel = page.side.hiding
        assert panel.isVisible()
        for widget in (
            panel.hide_button,
            panel.form.fill,
            panel.form.size_field,
            panel.pictures,
            panel.table,
            panel.headline,
        ):
            right = widget.mapTo(page.side, QPoint(widget.width(), 0)).x()
            assert right <= page.side.width()
    assert page.save_state()["tab"] == 2
