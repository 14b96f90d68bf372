"""A run has one status, read alike on Start, on Train, in every list and on the command line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from s3n_core.commands.run_tables import COLUMNS, row_of
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.runs.run_state import STATUS_TEXTS, RunState, ShownStatus
from s3n_gui.frame.main_window import MainWindow
from s3n_gui.start.start_page import StartPage
from s3n_gui.start.training_card import TrainingCard
from s3n_gui.state.clock import clock
from s3n_gui.state.runs_watch import RunsSeen
from s3n_gui.training.runs.run_bar import RunBar
from s3n_gui.training.runs.run_machine import RunMachine
from s3n_gui.training.runs.runs_model import RunsModel


@pytest.mark.parametrize("status", get_args(ShownStatus))
def test_every_place_says_the_same_word(window: MainWindow, tmp_path: Path, status: ShownStatus) -> None:
    live = status in ("starting", "running", "pausing", "paused", "stopping")
    state = RunState(status="running", epoch=1, epochs=4)
    run = replace(RunDirectory.create(tmp_path / "run", {}).summary(), status=status, live=live, state=state)
    word = STATUS_TEXTS[status]
    assert row_of(run)[COLUMNS.index("status")] == word.lower()
    model = RunsModel()
    model.show_runs([run])
    assert word in str(model.index(0).data())
    bar = RunBar()
    bar.show_run("run", RunMachine(), state, status, None, None)
    assert bar.title.text() == f"run · {word.lower()}"
    start = window.pages.page("start")
    assert isinstance(start, StartPage)
    window.trainings.watch.seen = RunsSeen((run,))
    window.trainings.watch.changed.emit(window.trainings.watch.seen)
    cards = [card.accessibleName() for card in start.findChildren(TrainingCard)]
    rows = [button.accessibleName() for button in start.run_card.row_buttons()]
    assert any(word.lower() in text.lower() for text in (cards if live else rows))
    bar.deleteLater()


def test_times_are_renewed_while_they_are_shown(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    start = window.pages.page("start")
    assert isinstance(start, StartPage)
    window.recent.add("data", Path("birds"), "12 images")
    assert "just now" in start.data_card.row_buttons()[0].accessibleName()
    now = window.recent.items("data")[0].opened + 300
    monkeypatch.setattr("s3n_gui.appearance.wording.time.time", lambda: now)
    clock().ticked.emit()
    assert "5 min ago" in start.data_card.row_buttons()[0].accessibleName()


def test_the_clock_stops_with_the_window(window: MainWindow) -> None:
    window.begin()
    assert clock().runs
    window.close()
    assert not clock().runs
