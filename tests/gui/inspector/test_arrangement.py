"""The arrangement of the panes: the shape of the image, the largest images, branches in rows; and the narrow page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from inspect_page import client, shown_page
from layout_faults import layout_faults
from made_inspection import FakeClient, data_set
from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QScrollArea

from s3n_gui.appearance import theme
from s3n_gui.inspector.panel import InspectPage
from s3n_gui.inspector.panes.arrangement import Frame, automatic, in_rows
from s3n_gui.inspector.panes.pane_grid import AUTOMATIC
from s3n_gui.state.session import Session
from s3n_gui.state.settings import Settings

FRAME = Frame(chrome=QSize(2, 60), least_width=96)
SHAPES = {"4:3": 4 / 3, "3:4": 3 / 4, "16:9": 16 / 9, "1:3": 1 / 3, "3:1": 3.0, "1:1": 1.0}
ROOMS = (QSize(690, 545), QSize(380, 430), QSize(1950, 1260), QSize(500, 900))


def image_of(place: QRect) -> QSize:
    return place.size() - FRAME.chrome


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("room", ROOMS)
def test_every_pane_has_the_shape_of_its_image_and_all_fit(shape: str, room: QSize) -> None:
    aspect = SHAPES[shape]
    places = automatic([aspect] * 6, room, FRAME)
    assert sorted(places) == list(range(6))
    for index, place in places.items():
        assert QRect(0, 0, room.width() + 1, room.height() + 1).contains(place), (index, place)
        image = image_of(place)
        wide = place.width() > FRAME.least_width
        assert not wide or image.width() / image.height() == pytest.approx(aspect, rel=0.05)
        assert all(not place.intersects(other) for key, other in places.items() if key != index)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("room", ROOMS)
def test_the_original_is_large_and_each_branch_has_a_row_from_map_to_image(shape: str, room: QSize) -> None:
    places = automatic([SHAPES[shape]] * 6, room, FRAME)
    assert image_of(places[0]).height() >= image_of(places[2]).height() - 1
    assert image_of(places[0]).height() == pytest.approx(image_of(places[1]).height(), abs=1)
    rows = in_rows(((0, 2, 3), (1, 4, 5)), [SHAPES[shape]] * 6, room, FRAME)
    even = max(image_of(rows[0]).height(), 1)
    assert image_of(places[0]).height() >= 0.99 * even  # never smaller than in two plain rows
    for map_pane, image_pane in ((2, 3), (4, 5)):
        one, two = places[map_pane], places[image_pane]
        assert two.left() > one.right()
        assert two.top() == one.top()
    assert places[4].top() > places[2].bottom()
    assert places[4].left() == places[2].left()
    if places[2].left() > places[0].right() and places[1].left() == places[0].left():
        assert (places[2].top(), places[4].top()) == (places[0].top(), places[1].top()), "two rows, as on a sheet"


def test_a_room_that_is_too_small_still_has_places() -> None:
    assert len(automatic([1.0] * 6, QSize(10, 10), FRAME)) == 6


@pytest.fixture
def page(themed: QApplication, session: Session, settings: Settings, tmp_path: Path) -> Iterator[InspectPage]:
    with shown_page(session, settings) as made:
        session.model = tmp_path / "model.safetensors"
        session.data_set = data_set(tmp_path)
        client(made).answer()
        QApplication.processEvents()
        yield made


def test_there_are_no_bars_beside_an_image(page: InspectPage, session: Session, tmp_path: Path) -> None:
    sizes = ((600, 450), (450, 600), (640, 360), (200, 600))
    for number, size in enumerate(sizes, 1):
        client(page).saying[f"bird {number}.jpg"] = {"size": size}
        session.image = tmp_path / f"bird {number}.jpg"
        client(page).answer()
        QApplication.processEvents()
        for pane in page.panes.panes:
            corners = pane.view.to_screen(np.array([(0, 0), size])).ravel().tolist()
            assert corners == pytest.approx([0, 0, pane.view.width(), pane.view.height()], abs=3)
    page.commands()["inspect-alone"]()
    QApplication.processEvents()
    alone = page.panes.alone
    assert alone is not None
    assert alone.view.width() / alone.view.height() == pytest.approx(1 / 3, rel=0.03)
    alone.view.zoom_by(2.0)  # a zoomed image uses the whole pane
    assert alone.view.width() == pytest.approx(alone.width(), abs=4)


def test_tab_goes_through_list_toolbar_panes_and_side(page: InspectPage) -> None:
    page.activateWindow()
    page.browser.search.setFocus()
    passed = []
    for _ in range(80):
        focused = QApplication.focusWidget()
        assert focused is not None
        passed.append(focused)
        QTest.keyClick(focused, Qt.Key.Key_Tab)
        if QApplication.focusWidget() is page.browser.search:
            break
    panes = page.panes.panes
    wanted = (page.browser.list, page.toolbar.symbols, panes[0].title, panes[0].view, panes[5].view, page.side.scores)
    places = [passed.index(widget) for widget in wanted]
    assert places == sorted(places)
    assert page.side.peaks in passed
    page.setFocus()  # the first step from the page itself does not skip the list
    QTest.keyClick(page, Qt.Key.Key_Tab)
    assert QApplication.focusWidget() is page.browser.search


def test_the_arrangement_of_an_older_version_becomes_the_new_one(page: InspectPage) -> None:
    kinds = ("peaks", "response", "map_d", "image_d", "image_c", "map_c")
    old = {"layout": "Two rows of three", "panes": [{"kind": kind} for kind in kinds], "sizes": ["AAAA"]}
    page.restore_state({"panes": old})
    assert page.panes.layout_name == AUTOMATIC
    assert [model.kind for model in page.panes.models] == ["peaks", "response", "map_d", "image_d", "map_c", "image_c"]
    own = {"layout": "Two rows of three", "panes": [{"kind": kind} for kind in reversed(kinds)]}
    page.restore_state({"panes": own})  # a choice of the user's own stays
    assert page.panes.layout_name == "Two rows of three"
    assert [model.kind for model in page.panes.models] == list(reversed(kinds))


def test_the_side_panel_goes_below_where_there_is_no_room_beside(page: InspectPage, themed: QApplication) -> None:
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QScrollArea.Shape.NoFrame)
    area.setWidget(page)
    area.show()
    for factor, room, narrow in (
        (1.0, (888, 430), False),
        (1.0, (728, 430), True),
        (1.4, (857, 390), True),
        (1.6, (842, 370), True),
        (1.0, (1208, 610), False),
    ):
        theme.apply(themed, "light", factor)
        area.resize(*room)
        page.show_for(area.maximumViewportSize())
        for _ in range(4):
            QApplication.processEvents()
        assert page.body.is_narrow == narrow, (factor, room)
        assert area.horizontalScrollBar().maximum() == 0
        top = page.side.mapTo(page, page.side.rect().topLeft()).y()
        assert (top >= page.stage.mapTo(page, page.stage.rect().bottomLeft()).y()) == narrow
        assert layout_faults(area) == []
    area.takeWidget()
    page.setParent(None)
    area.deleteLater()


@pytest.mark.parametrize("room", [(960, 540), (1208, 610)])
def test_the_width_of_the_list_that_was_chosen_comes_back(
    themed: QApplication, session: Session, settings: Settings, room: tuple[int, int]
) -> None:
    made = InspectPage(session, settings, FakeClient)
    made.restore_state({"columns": [190, room[0] - 220]})
    made.resize(*room)
    made.show()
    made.show_for(made.size())
    made.finish()
    QApplication.processEvents()
    assert made.save_state()["columns"][0] == pytest.approx(190, abs=3)
    made.show_for(QSize(1208 + 960 - room[0], 540))  # wide instead of compact, or compact instead of wide
    assert made.body.splitter.sizes()[0] < 170
    made.shut_down()
    made.close()
    made.deleteLater()


def test_a_window_that_gets_small_while_the_page_is_made_is_arranged_when_it_is_made(
    themed: QApplication, session: Session, settings: Settings
) -> None:
    theme.apply(themed, "light", 1.4)
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QScrollArea.Shape.NoFrame)
    made = InspectPage(session, settings, FakeClient)
    area.setWidget(made)
    area.resize(857, 390)
    area.show()
    made.show_for(area.maximumViewportSize())  # as the frame does; no part of the page exists yet
    made.finish()
    for _ in range(4):
        QApplication.processEvents()
    assert made.body.is_narrow
    assert area.horizontalScrollBar().maximum() == 0
    made.shut_down()
    area.close()
    area.deleteLater()
    theme.apply(themed, "light", 1.0)
