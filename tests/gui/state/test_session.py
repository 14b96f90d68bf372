"""The session's choices and its signals."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pytestqt.qtbot import QtBot

from s3n_core.datasets.records import DataSet
from s3n_gui.state.session import Session


def test_a_finished_table_is_said_once(qtbot: QtBot, session: Session) -> None:
    heard: list[object] = []
    session.predictions_changed.connect(heard.append)
    session.predictions = Path("table.json")
    session.predictions = Path("table.json")
    session.predictions = None
    assert heard == [Path("table.json"), None]


def test_asking_for_predictions_shows_the_page_first(qtbot: QtBot, session: Session) -> None:
    order: list[str] = []
    session.page_requested.connect(order.append)
    session.predictions_asked.connect(lambda: order.append("asked"))
    session.ask_for_predictions()
    assert order == ["predict", "asked"]


def test_a_sought_row_is_forgotten_with_the_data_set(qtbot: QtBot, session: Session, tmp_path: Path) -> None:
    birds = DataSet(root=tmp_path / "birds", format="flat", classes=(), records=())
    session.data_set = birds
    session.seek_row(tmp_path / "birds" / "a.jpg")
    session.data_set = replace(birds, format="class-folders")  # the same folder, read again
    assert session.take_sought() == tmp_path / "birds" / "a.jpg"
    session.seek_row(tmp_path / "birds" / "a.jpg")
    session.data_set = replace(birds, root=tmp_path / "wings")
    assert session.take_sought() is None
