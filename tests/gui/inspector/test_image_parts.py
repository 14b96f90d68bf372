"""Peaks of any image carry their part's name: of other folders than the atlas's, and after they were moved."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from inspect_page import shown_page
from made_inspection import CLASSES, FakeClient, made_inspection
from made_up_atlas import write_atlas
from PySide6.QtCore import QRect, Qt
from PySide6.QtWidgets import QApplication, QStyledItemDelegate, QStyleOptionViewItem
from pytestqt.qtbot import QtBot

from s3n_core.errors import S3NError
from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.atlas.atlas_files import PEAKS
from s3n_core.parts.atlas.part_place import NO_PART
from s3n_gui.appearance.theme import tokens
from s3n_gui.inspector.panel import InspectPage
from s3n_gui.inspector.peaks.peak_table import PeakTable, PeakTableModel
from s3n_gui.state.session import LikeRequest, Session
from s3n_gui.state.settings import Settings
from s3n_gui.widgets.part_swatch import place_colour

FIRST, THIRD, NOWHERE = (1.0,), (0.0, 0.0, 1.0), (0.0, 0.0, 0.0, 1.0)
"""What looks like the first part, the background part, and like none."""


@pytest.fixture
def client() -> FakeClient:
    return FakeClient()


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """The one image of the atlas."""
    return tmp_path / "birds" / CLASSES[0] / "0.jpg"


@pytest.fixture
def atlas(own: Path, tmp_path: Path) -> Atlas:
    """An atlas of one image, whose two peaks are of the first two parts."""
    file = own.relative_to(tmp_path / "birds").as_posix()
    write_atlas(tmp_path / "atlas", tmp_path / "birds", [file], classes=CLASSES, model=tmp_path / "m")
    places = np.load(tmp_path / "atlas" / PEAKS)
    for row, peak in enumerate(made_inspection().warps.peaks):
        places["x"][row], places["y"][row] = peak.x, peak.y
    np.save(tmp_path / "atlas" / PEAKS, places)
    made = Atlas(tmp_path / "atlas")
    made.rename(0, "bill")
    made.rename(1, "tail")
    return made


@pytest.fixture
def page(
    themed: QApplication, session: Session, settings: Settings, tmp_path: Path, client: FakeClient
) -> Iterator[InspectPage]:
    with shown_page(session, settings, lambda: client, height=700) as made:
        session.model = tmp_path / "m"
        yield made


def names(page: InspectPage) -> list[str | None]:
    assert page.state.answer is not None
    found = [page.state.part_of(peak) for peak in page.state.answer.warps.peaks]
    return [None if part is None else part.name for part in found]


def inspect(session: Session, client: FakeClient, image: Path) -> None:
    session.image = image
    client.answer()


def test_where_a_part_and_its_place_do_not_fit_the_part_stands_alone(
    page: InspectPage, session: Session, client: FakeClient, atlas: Atlas, tmp_path: Path, qtbot: QtBot
) -> None:
    inspect(session, client, tmp_path / "elsewhere.jpg")
    session.model_atlas = atlas.path
    qtbot.waitUntil(lambda: len(client.described) == 1)
    client.send_descriptors(FIRST, NOWHERE)
    table = page.findChild(PeakTable)
    place = table.model().index(0, 1)

    def shown(width: int) -> str:
        option = QStyleOptionViewItem()
        option.initFrom(table)
        option.widget, option.rect = table, QRect(0, 0, width, 26)  # type: ignore[attr-defined]
        delegate = table.itemDelegateForColumn(1)
        assert isinstance(delegate, QStyledItemDelegate)
        delegate.initStyleOption(option, place)
        return str(option.text)  # type: ignore[attr-defined]

    assert shown(400) == place.data()
    assert place.data().startswith("bill · ")
    assert shown(70) == "bill"


def test_an_image_from_elsewhere_is_asked_about_once_there_is_an_atlas_and_edits_of_it_apply(
    page: InspectPage, session: Session, client: FakeClient, atlas: Atlas, tmp_path: Path, qtbot: QtBot
) -> None:
    inspect(session, client, tmp_path / "elsewhere.jpg")
    assert client.described == []  # no atlas
    session.model_atlas = atlas.path
    qtbot.waitUntil(lambda: len(client.described) == 1)
    assert client.described == client.asked[-1:]
    assert names(page) == [None, None]
    client.send_descriptors(FIRST, NOWHERE)
    assert names(page) == ["bill", NO_PART]
    table = PeakTableModel(page.state)
    assert table.index(1, 1).data().startswith("no part · ")
    assert "looks like no part of the atlas" in table.index(1, 1).data(Qt.ItemDataRole.ToolTipRole)
    part = page.state.part_of(page.state.answer.warps.peaks[1])  # type: ignore[union-attr]
    assert part is not None
    assert place_colour(part) == tokens().quiet
    atlas.rename(0, "beak")
    session.report_atlas_edit()
    qtbot.waitUntil(lambda: names(page) == ["beak", NO_PART])
    atlas.hide(0)
    session.report_atlas_edit()
    qtbot.waitUntil(lambda: names(page) == [None, NO_PART])
    client.send_descriptors(THIRD, FIRST)
    assert names(page) == ["part 3", None]
    assert len(client.described) == 1
    session.model_atlas = None
    qtbot.waitUntil(lambda: names(page) == [None, None])


def test_the_atlas_knows_its_own_images_until_a_peak_is_moved(
    page: InspectPage, session: Session, client: FakeClient, atlas: Atlas, own: Path, qtbot: QtBot
) -> None:
    session.model_atlas = atlas.path
    inspect(session, client, own)
    qtbot.waitUntil(lambda: names(page) == ["bill", "tail"])
    assert client.described == []
    first, _ = made_inspection().warps.peaks
    page.editor.drag_peak(first.found_at, (150.0, 150.0))
    assert client.described == []  # not before the scores are there
    client.answer()
    assert client.described == client.asked[-1:]
    assert names(page) == [None, "tail"]
    client.send_descriptors(THIRD, FIRST)
    assert names(page) == ["part 3", "tail"]  # an edit of the atlas may have moved the other peak: its own part holds
    page.editor.undo_stack.undo()
    client.answer()
    assert names(page) == ["bill", "tail"]
    assert len(client.described) == 1


def test_late_replies_and_those_of_a_changed_model_name_nothing(
    page: InspectPage, session: Session, client: FakeClient, atlas: Atlas, tmp_path: Path, qtbot: QtBot
) -> None:
    session.model_atlas = atlas.path
    inspect(session, client, tmp_path / "one.jpg")
    qtbot.waitUntil(lambda: len(client.described) == 1)
    inspect(session, client, tmp_path / "two.jpg")
    late = client.described.pop(0)
    client.described.append(late)
    client.send_descriptors(FIRST, FIRST)
    assert names(page) == [None, None]
    client.described.reverse()
    client.send_descriptors(FIRST, FIRST, model="f" * 16)
    assert names(page) == [None, None]
    client.send_descriptors(FIRST, FIRST)
    assert names(page) == ["bill", "bill"]
    session.image = tmp_path / "three.jpg"
    assert page.state.descriptors is None


def test_more_like_a_peak_of_any_image_carries_what_it_looks_like_or_waits_for_it(
    page: InspectPage, session: Session, client: FakeClient, atlas: Atlas, tmp_path: Path, qtbot: QtBot
) -> None:
    image = tmp_path / "elsewhere.jpg"
    inspect(session, client, image)
    peak = made_inspection().warps.peaks[0]
    page.state.select(peak.found_at)
    page.inspect_actions.show_like()
    assert session.like == LikeRequest(image, (peak.x, peak.y))
    session.model_atlas = atlas.path  # the Parts page opens one
    qtbot.waitUntil(lambda: len(client.described) == 1)
    with qtbot.waitSignal(session.like_asked):
        found = client.send_descriptors(FIRST, NOWHERE)
    assert session.take_like() == LikeRequest(image, (peak.x, peak.y), found)
    client.send_descriptors(FIRST, NOWHERE)
    assert session.like is None
    page.inspect_actions.show_like()
    assert session.take_like() == LikeRequest(image, (peak.x, peak.y), page.state.descriptors)


def test_a_failure_is_said_and_nobody_waits_for_it(
    page: InspectPage, session: Session, client: FakeClient, atlas: Atlas, tmp_path: Path, qtbot: QtBot
) -> None:
    image = tmp_path / "elsewhere.jpg"
    session.model_atlas = atlas.path
    inspect(session, client, image)
    qtbot.waitUntil(lambda: len(client.described) == 1)
    session.ask_like(image, (1.0, 1.0))
    with qtbot.waitSignal(session.error_reported) as said:
        client.descriptors_failed.emit(S3NError("The memory is full."), client.described[0])
    assert said.args == ["The memory is full."]
    assert session.like is None
