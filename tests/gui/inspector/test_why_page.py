"""Why on the Inspect page: what is requested, the pane and the ledger, and what is relied on only after a measurement."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from inspect_page import shown_page
from layout_faults import layout_faults
from made_inspection import CLASSES, FakeClient, data_set, hidden_place
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from s3n_core.datasets.records import Box
from s3n_core.errors import NoSingleHead
from s3n_core.inspection.hiding import HidingSettings
from s3n_core.inspection.inspection import Inspection
from s3n_core.inspection.map_display import palette_colours
from s3n_core.inspection.palettes import DIVERGING
from s3n_core.inspection.settings import InspectionSettings
from s3n_core.parts.atlas.part_place import PartPlace
from s3n_core.server.requests import Subject
from s3n_gui.appearance.part_colours import part_colour
from s3n_gui.appearance.theme import tokens
from s3n_gui.inspector.panel import InspectPage
from s3n_gui.inspector.panes.pane import Pane
from s3n_gui.inspector.peaks.peak_menu import PeakMenu
from s3n_gui.inspector.why_state import WhyQuestion
from s3n_gui.state.session import LikeRequest, Session
from s3n_gui.state.settings import Settings
from s3n_gui.widgets.images.marks import PartTag

BOX = Box(x=10, y=20, width=200, height=150)


class OtherClient(FakeClient):
    """A model that does not know blue birds."""

    def inspection(self, subject: Subject | None = None) -> Inspection:
        made = super().inspection(subject)
        return replace(made, response=replace(made.response, classes=(CLASSES[0], "004.Grey_bird", CLASSES[2])))


@pytest.fixture
def clients() -> list[FakeClient]:
    return []


@pytest.fixture
def page(
    themed: QApplication, qtbot: QtBot, session: Session, settings: Settings, tmp_path: Path, clients: list[FakeClient]
) -> Iterator[InspectPage]:
    def make_client() -> FakeClient:
        clients.append(FakeClient() if not clients else OtherClient())
        return clients[-1]

    with shown_page(session, settings, make_client, height=900) as made:
        records = data_set(tmp_path).records
        session.model = tmp_path / "model.safetensors"
        session.data_set = replace(data_set(tmp_path), records=(replace(records[0], box=BOX), *records[1:]))
        clients[0].answer()
        QApplication.processEvents()
        yield made


def press(page: InspectPage) -> None:
    """Run the command behind the key W."""
    page.commands()["inspect-why"]()
    QApplication.processEvents()


def why_pane(page: InspectPage) -> Pane:
    return next(pane for pane in page.stage.shown_panes() if pane.model.kind == "contributions")


def rows(page: InspectPage) -> list[tuple[str, ...]]:
    """Return the shown texts of the ledger: place, read, and relied on if that column shows."""
    table = page.side.why.table
    model = table.model()
    columns = [column for column in range(model.columnCount()) if not table.isColumnHidden(column)]
    return [tuple(model.index(row, column).data() for column in columns) for row in range(model.rowCount())]


def number(text: str) -> float:
    return float(text.replace("−", "-"))


def words(page: InspectPage) -> str:
    """Return everything that the panel says."""
    panel = page.side.why
    return " ".join(label.text() for label in (panel.note, panel.sentence, panel.hint)) + str(rows(page))


def test_a_key_asks_for_the_predicted_class_over_its_strongest_rival(
    page: InspectPage, clients: list[FakeClient]
) -> None:
    assert clients[0].why_asked == []  # nothing is computed before somebody asks
    press(page)
    (asked,) = clients[0].why_asked
    assert asked == (clients[0].asked[-1], 0, 1, BOX)
    pane, panel = why_pane(page), page.side.why
    assert pane.note.text() == panel.note.text() == "Computing contributions …"
    assert not pane.view.has_map
    clients[0].send_contributions()
    assert (pane.note.isVisible(), panel.note.isVisible()) == (False, False)
    assert pane.view.has_map
    assert "Red bird over Blue bird" in pane.title.toolTip()
    assert len(clients[0].why_asked) == 1
    press(page)  # back to the response map and the peaks
    assert "contributions" not in [one.model.kind for one in page.panes.panes]
    assert not page.side.shows_why
    press(page)
    assert len(clients[0].why_asked) == 1  # what is known is not asked again
    assert why_pane(page).view.has_map


def test_the_ledger_sums_to_the_margin_of_the_scores_and_the_cursor_has_its_number(
    page: InspectPage, clients: list[FakeClient]
) -> None:
    press(page)
    clients[0].send_contributions()
    shown = rows(page)
    assert [row[0] for row in shown] == [
        "Peak 1", "Peak 2", "Elsewhere on the object", "Outside the object", "Bias", "Sum = margin (joint)",
    ]  # fmt: skip
    first, second = clients[0].inspection().warps.peaks
    page.state.set_parts((PartPlace(second.x, second.y, 2, "bill"),))  # an atlas of this model is opened
    assert [row[0] for row in rows(page)[:2]] == ["Peak 1", "Peak 2 · bill"]
    assert {mark.key: mark.part for mark in why_pane(page).view.marks.peaks} == {
        first.found_at: None,
        second.found_at: PartTag(name="bill", colour=part_colour(2, tokens())),
    }
    *parts, (_, total) = shown
    assert round(sum(number(text) for _, text in parts), 2) == number(total) == 3.0
    assert page.side.margin.isVisible()
    assert page.side.margin.toolTip().startswith(f"Joint margin {total}: Red bird over Blue bird")
    assert page.state.answer is not None
    logits = page.state.answer.scores.logits["joint"]
    assert number(total) == logits[0] - logits[1]
    pane = why_pane(page)
    ticks = pane.footer.bar.accessibleDescription().split(", ")
    assert (ticks[0], ticks[-1]) == ("−0.4", "0.4")
    assert "0" in ticks
    page.state.point_at((10.0, 10.0))
    assert pane.view.readout == "+0.32 logits / 1 %"  # 2 logits on 6.25 % of the area
    page.state.point_at((290.0, 190.0))
    assert pane.view.readout == "−0.08 logits / 1 %"
    assert np.array_equal(palette_colours(DIVERGING)[127], palette_colours(DIVERGING)[128])
    page.side.show_peaks()
    assert not page.side.margin.isVisible()


def test_where_nothing_is_shown_the_key_does_nothing(page: InspectPage, clients: list[FakeClient]) -> None:
    tab = page.side.tab
    page.side.scores.class_menu_requested.emit(1, QPoint())
    (menu,) = [menu for menu in page.findChildren(QMenu) if menu.isVisible()]
    page.state.say("bird 0.jpg cannot be read.")
    press(page)
    assert page.stage.is_empty
    assert page.side.tab == tab
    assert clients[0].why_asked == []
    for action in menu.actions():  # it was opened before
        action.trigger()
    menu.close()
    assert page.stage.is_empty


def test_another_rival_or_none_is_chosen(page: InspectPage, clients: list[FakeClient]) -> None:
    press(page)
    panel = page.side.why
    names = [panel.versus.itemText(at) for at in range(panel.versus.count())]
    assert names[0] == "Blue bird (strongest rival)"
    assert [name.split("  ")[0] for name in names[1:-1]] == ["Blue bird", "Green bird"]
    panel.versus.setCurrentIndex(2)
    panel.versus.activated.emit(2)
    assert clients[0].why_asked[-1][1:3] == (0, 2)
    clients[0].send_contributions()
    assert "Red bird over Green bird" in why_pane(page).title.toolTip()
    last = panel.versus.count() - 1
    panel.versus.setCurrentIndex(last)
    panel.versus.activated.emit(last)
    assert clients[0].why_asked[-1][1:3] == (0, None)
    clients[0].send_contributions()
    assert rows(page)[-1] == ("Sum = logit (joint)", "+2.00")
    panel.target.setCurrentIndex(2)
    panel.target.activated.emit(2)
    assert clients[0].why_asked[-1][1:3] == (1, None)


def test_the_box_of_the_rival_shows_the_class_that_is_subtracted(page: InspectPage, clients: list[FakeClient]) -> None:
    page.state.why.ask(WhyQuestion(versus=CLASSES[1]))
    press(page)
    panel = page.side.why
    assert panel.versus.currentText().startswith("Blue bird  ")
    clients[0].saying["bird 1.jpg"] = {"winner": 1}
    page.commands()["inspect-next"]()
    clients[0].answer()
    assert clients[0].why_asked[-1][1:3] == (1, 0)
    assert panel.versus.currentText() == "Red bird (strongest rival)"
    assert panel.versus.count() == 4  # the strongest, both other classes, none
    page.commands()["inspect-previous"]()
    clients[0].answer()
    assert clients[0].why_asked[-1][1:3] == (0, 1)
    assert panel.versus.currentText().startswith("Blue bird  ")


def test_the_class_of_the_scores_is_the_one_that_is_asked_about(
    page: InspectPage, clients: list[FakeClient], qtbot: QtBot
) -> None:
    page.side.scores.class_chosen.emit(2)
    press(page)
    assert clients[0].why_asked[-1][1:3] == (2, 0)  # its rival is the class with the largest logit
    page.side.scores.class_chosen.emit(2)  # again: the predicted class
    assert page.state.why.question == WhyQuestion()
    page.side.scores.class_menu_requested.emit(1, QPoint())
    (menu,) = [menu for menu in page.findChildren(QMenu) if menu.isVisible()]
    assert [action.text() for action in menu.actions()] == [
        "Show its class map",
        "Why this class?",
        "Why not this class?",
    ]
    menu.actions()[1].trigger()
    menu.close()
    assert clients[0].why_asked[-1][1:3] == (1, 0)
    scores = page.side.scores
    place = QPoint(20, scores.sizeHint().height() // 4)
    QTest.mouseMove(scores, place)
    QApplication.processEvents()
    with qtbot.assertNotEmitted(scores.class_chosen):
        QTest.mouseClick(scores, Qt.MouseButton.RightButton, pos=place)
    with qtbot.waitSignal(scores.class_menu_requested) as asked:
        event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, place, scores.mapToGlobal(place))
        QApplication.sendEvent(scores, event)
    assert asked.args[0] in (0, 1, 2)
    for one in page.findChildren(QMenu):
        one.close()


def test_what_it_relies_on_stands_there_only_after_places_were_hidden(
    page: InspectPage, clients: list[FakeClient]
) -> None:
    press(page)
    clients[0].send_contributions()
    panel = page.side.why
    assert len(rows(page)[0]) == 2
    assert "reli" not in words(page)
    panel.measure.click()
    subject, places, settings, box = clients[0].hidden[-1]
    assert page.state.evidence is not None
    assert list(places) == [(peak.x, peak.y) for peak in page.state.evidence.warps.peaks]
    assert (subject.settings, settings, box) == (InspectionSettings(), HidingSettings(), BOX)
    assert panel.running.stop.isVisible()
    clients[0].hiding_progressed.emit(9, 23)
    assert panel.running.bar.toolTip() == "9 of 23 images"
    clients[0].places_hidden.emit(tuple(hidden_place(place, settings) for place in places), subject)
    assert not panel.running.stop.isVisible()
    # Red loses 3; random places lower its margin by 0.5 on average.
    assert [row[2] for row in rows(page)] == ["+2.5", "+2.5", "–", "–", "–", ""]
    assert panel.sentence.text().startswith("The model relies on peak 1: hiding it lowers the margin by 2.5 more")
    assert "20 random places" in panel.hint.text()
    assert page.hiding.result is None  # the tab Hide keeps its own place
    panel.versus.setCurrentIndex(2)
    panel.versus.activated.emit(2)
    clients[0].send_contributions()
    assert len(rows(page)[0]) == 3, "the same measurement tells it for another rival"
    page.hiding.set_settings(HidingSettings(fill="blur"))
    assert len(rows(page)[0]) == 2, "measured in another way"


def test_a_measurement_can_be_stopped_and_refused(page: InspectPage, clients: list[FakeClient]) -> None:
    press(page)
    clients[0].send_contributions()
    panel = page.side.why
    panel.measure.click()
    panel.running.stop.click()
    assert panel.hint.text() == "Stopped before the result was complete."
    assert panel.measure.isEnabled()
    panel.measure.click()
    page.state.point_at((33.0, 44.0))
    page.commands()["inspect-hide"]()  # another test takes its place
    assert page.hiding.rows.steps is None
    assert page.hiding.steps == (0, 0)
    subject, places, settings, _ = clients[0].hidden[-1]
    clients[0].places_hidden.emit(tuple(hidden_place(place, settings) for place in places), subject)
    assert page.hiding.result is not None
    assert page.hiding.rows.results == ()


def test_a_row_lights_its_place_in_every_pane_and_back(page: InspectPage, clients: list[FakeClient]) -> None:
    press(page)
    clients[0].send_contributions()
    assert page.state.evidence is not None
    first, second = page.state.evidence.warps.peaks
    table = page.side.why.table
    table.selectRow(1)
    assert page.state.selected == second.found_at
    for pane in page.panes.panes:
        assert [mark.key for mark in pane.view.marks.peaks if mark.selected] == [second.found_at], pane.model.kind
    (owned,) = why_pane(page).view.marks.places
    assert owned.rect.width() == pytest.approx(2 * 0.1 * 300)
    page.state.select(first.found_at)
    assert table.currentIndex().row() == 0
    assert not table.model().flags(table.model().index(2, 0)) & Qt.ItemFlag.ItemIsSelectable
    page.state.select(None)
    assert not table.selectedIndexes()
    assert not table.currentIndex().isValid()


def test_the_keys_go_through_all_rows_of_the_ledger(page: InspectPage, clients: list[FakeClient]) -> None:
    press(page)
    clients[0].send_contributions()
    assert page.state.evidence is not None
    table, (_, second) = page.side.why.table, page.state.evidence.warps.peaks
    table.selectRow(1)
    last = table.model().rowCount() - 1
    for row in (*range(2, last + 1), last):
        QTest.keyClick(table, Qt.Key.Key_Down)
        assert (table.currentIndex().row(), page.state.selected) == (row, None)
    for _ in range(2, last + 1):
        QTest.keyClick(table, Qt.Key.Key_Up)
    assert page.state.selected == second.found_at


def test_after_an_edit_they_are_those_of_the_edited_pass(page: InspectPage, clients: list[FakeClient]) -> None:
    press(page)
    clients[0].send_contributions()
    assert page.state.evidence is not None
    page.editor.switch_peak(page.state.evidence.warps.peaks[0].found_at)
    assert page.state.why.is_stale
    assert not page.side.why.measure.isEnabled()
    clients[0].resample()
    assert len(clients[0].why_asked) == 1  # the scores of the edited pass are still to come
    clients[0].answer()
    assert len(clients[0].why_asked) == 2
    assert clients[0].why_asked[-1][0].settings.edits == page.state.edits
    clients[0].send_contributions()
    assert [row[0] for row in rows(page)][:2] == ["Peak 1", "Elsewhere on the object"]
    assert not page.state.why.is_stale


def test_another_image_asks_again_and_shows_nothing_of_the_last(page: InspectPage, clients: list[FakeClient]) -> None:
    press(page)
    first = clients[0].why_asked[-1]
    page.commands()["inspect-next"]()
    assert rows(page) == []
    clients[0].answer()
    assert clients[0].why_asked[-1][0].image != first[0].image
    late = clients[0].why_asked.pop()
    clients[0].why_asked.append(first)
    clients[0].send_contributions()  # of the last image
    assert page.state.why.view is None
    clients[0].why_asked.append(late)
    clients[0].send_contributions()
    assert rows(page)


def test_what_the_engine_cannot_give_is_said_in_the_pane_and_in_the_ledger(
    page: InspectPage, clients: list[FakeClient]
) -> None:
    press(page)
    sentence = "Contributions belong to one head in one view; choose joint or O."
    clients[0].contributions_failed.emit(NoSingleHead(sentence), clients[0].why_asked[-1][0])
    pane = why_pane(page)
    assert pane.note.text() == page.side.why.note.text() == sentence
    assert pane.note.width() <= pane.view.width()
    assert pane.footer.key.accessibleName() == ""
    assert page.stage.currentWidget() is page.panes
    assert page.state.message == ""
    assert len(clients[0].why_asked) == 1
    assert not page.side.why.measure.isEnabled()
    page.side.why.versus.setCurrentIndex(2)
    page.side.why.versus.activated.emit(2)
    assert len(clients[0].why_asked) == 2  # another question is asked again


def test_a_second_model_is_asked_the_same(page: InspectPage, clients: list[FakeClient], tmp_path: Path) -> None:
    page.stage.compare_with(tmp_path / "other.safetensors")
    clients[1].answer()
    press(page)
    page.state.why.ask(WhyQuestion(versus=CLASSES[2]))
    clients[0].send_contributions()
    assert clients[1].why_asked[-1][1:3] == (0, 2)
    clients[1].send_contributions()
    kinds = [pane.model.kind for pane in page.stage.shown_panes()]
    assert kinds.count("contributions") == 2
    panes = [pane for pane in page.stage.shown_panes() if pane.model.kind == "contributions"]
    assert all(pane.view.has_map for pane in panes)
    page.state.why.ask(WhyQuestion(versus=CLASSES[1]))
    assert "This model has no class Blue bird." in panes[1].note.text()
    assert clients[1].why_asked[-1][1:3] == (0, 2)


def test_it_is_kept_with_the_layout_fits_and_has_no_symbol(page: InspectPage, clients: list[FakeClient]) -> None:
    press(page)
    clients[0].send_contributions()
    for width, height in ((1208, 610), (884, 430), (1500, 1000)):
        page.resize(width, height)
        QApplication.processEvents()
        panel = page.side.why
        assert panel.isVisible()
        for widget in (panel.target, panel.versus, panel.measure, panel.show_pane, panel.table):
            assert widget.mapTo(page.side, QPoint(widget.width(), 0)).x() <= page.side.width()
        assert layout_faults(page.side) == []
    kept = page.save_state()
    assert kept["tab"] == 3
    assert "contributions" in [pane["kind"] for pane in kept["panes"]["panes"]]
    page.side.choose_tab(0)
    page.restore_state(kept)
    assert page.side.shows_why
    page.state.symbols.show_symbols(True)
    pane = why_pane(page)
    assert "()" not in pane.view.accessibleName()
    assert "()" not in pane.title.accessibleName()
    pane.head.show_options()
    options = pane.head.options
    assert options is not None
    assert not options.palette_picker.isEnabled()
    assert options.opacity.isEnabled()
    options.close()


def test_the_menu_of_a_row_asks_for_more_like_its_peak(
    page: InspectPage, clients: list[FakeClient], session: Session
) -> None:
    press(page)
    clients[0].send_contributions()
    QApplication.processEvents()
    table, asked = page.side.why.table, list[str]()
    session.page_requested.connect(asked.append)
    row = next(row for row in range(table.model().rowCount()) if table.model().index(row, 0).data().startswith("Peak"))
    table.customContextMenuRequested.emit(table.visualRect(table.model().index(row, 0)).center())
    peak = page.state.selected_peak
    assert peak is not None
    menu = page.findChild(PeakMenu)
    assert menu is not None
    next(action for action in menu.actions() if action.text() == "More like this in Parts").trigger()
    menu.close()
    assert asked == ["parts"]
    assert session.take_like() == LikeRequest(page.state.image, (peak.x, peak.y))
    rest = table.model().index(table.model().rowCount() - 1, 0)
    table.customContextMenuRequested.emit(table.visualRect(rest).center())  # the sum has no menu
    QApplication.processEvents()
    assert not any(one.isVisible() for one in page.findChildren(PeakMenu))
