"""What is chosen, and who is told."""

from __future__ import annotations

from pathlib import Path

from pytestqt.qtbot import QtBot

from s3n_gui.state.session import Session


def test_a_finished_table_is_told_once(qtbot: QtBot, session: Session) -> None:
    told: list[object] = []
    session.predictions_changed.connect(told.append)
    session.predictions = Path("table.json")
    session.predictions = Path("table.json")
    session.predictions = None
    assert told == [Path("table.json"), None]


def test_asking_for_predictions_shows_the_page_first(qtbot: QtBot, session: Session) -> None:
    order: list[str] = []
    session.page_requested.connect(order.append)
    session.predictions_asked.connect(lambda: order.append("asked"))
    session.ask_for_predictions()
    assert order == ["predict", "asked"]
