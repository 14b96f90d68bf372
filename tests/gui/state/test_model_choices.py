"""One list of models behind every menu of models; a trained one is a click away."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

from s3n_core.datasets.records import ImageRecord
from s3n_core.datasets.splits import write_split
from s3n_core.evaluation.intervals import accuracy_text
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.runs.run_state import RunState
from s3n_core.runs.run_summary import RunSummary
from s3n_gui.frame.main_window import MainWindow
from s3n_gui.state.demo import demo_model
from s3n_gui.state.model_choices import ModelChoices
from s3n_gui.state.recent import RecentList
from s3n_gui.state.runs_watch import RunsSeen, RunsWatch
from s3n_gui.state.session import Session
from s3n_gui.state.settings import Settings
from s3n_gui.widgets.model_menu import ModelMenu


def trained(
    root: Path, name: str, *, accuracy: float | None = 16 / 30, images: int = 30, updated: float | None = None
) -> Path:
    """A finished run with a model of ``images`` validation images, last trained now or at a time in Unix seconds."""
    recipe = {"name": "quick", "network": {"input_size": 224}}
    run = RunDirectory.create(root / name, {"recipe": recipe})
    state = RunState(status="finished", epoch=4, epochs=4, best_epoch=2, best_accuracy=accuracy)
    run.write_state(state)
    if updated is not None:
        written = json.loads(run.state_json.read_text(encoding="utf-8"))
        run.state_json.write_text(json.dumps({**written, "updated": updated}), encoding="utf-8")
    run.write_pointer("best", "step-12")
    records = [ImageRecord(path=root / f"{n}.png", name=f"{n}.png", label=0) for n in range(images)]
    write_split(run.split_csv, train=records[:1], validation=records, test=(), classes=("a",))
    return run.path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
def choices(qtbot: QtBot, session: Session, tmp_path: Path, root: Path) -> ModelChoices:
    trained(root, "first & <b>", updated=1.0)
    trained(root, "second", accuracy=None, updated=2.0)
    RunDirectory.create(root / "without-model", {})
    recent = RecentList(tmp_path / "recent.json")
    (tmp_path / "kept.safetensors").touch()
    recent.add("model", tmp_path / "kept.safetensors", "12 classes")
    recent.add("model", tmp_path / "gone.safetensors")
    watch = RunsWatch(root)
    made = ModelChoices(session, recent, watch)
    with qtbot.waitSignal(watch.changed, timeout=5000):
        watch.look()
    watch.close()
    return made


def test_all_runs_with_a_model_and_recent_files_are_offered(choices: ModelChoices, root: Path, tmp_path: Path) -> None:
    *entries, demo = choices.entries()
    assert [entry.path for entry in entries] == [root / "second", root / "first & <b>", tmp_path / "kept.safetensors"]
    assert (demo.path, demo.title) == (demo_model(), "demo model")
    assert entries[1].detail == "quick · 224 px · 53 % of 30 (36 to 70)"
    assert entries[0].detail == "quick · 224 px"
    assert entries[2].detail == "12 classes"
    assert choices.entries(without=root / "second")[0].path == root / "first & <b>"


def test_the_menu_shows_names_as_they_are_and_chooses(
    choices: ModelChoices, session: Session, root: Path, qtbot: QtBot, themed: QApplication
) -> None:
    button = QPushButton()
    qtbot.addWidget(button)
    menu = ModelMenu(choices, button)
    menu.chosen.connect(choices.use)
    session.model = root / "second"
    menu.fill()
    assert [action.isChecked() for action in menu.actions()[:2]] == [True, False]
    assert menu.actions()[1].text().split("\t")[0] == "first && <b>"
    menu.actions()[1].trigger()
    assert session.model == root / "first & <b>"
    other = ModelMenu(choices, button, compares=True)
    other.fill()
    assert [action.data() for action in other.actions() if action.data()] == [
        str(root / "second"), *(str(e.path) for e in choices.entries()[2:]), "file", "folder",
    ]  # fmt: skip


def test_a_trained_model_is_one_click_away(window: MainWindow, root: Path, qtbot: QtBot) -> None:
    path = trained(root, "run-07")
    summary = RunDirectory(path).summary()
    say(window, replace(summary, live=True, status="running"))
    assert window.banner.messages() == ()
    page = window.pages.current_name
    say(window, summary)
    (message,) = window.banner.messages()
    assert message.sentence == "run-07 has finished. Validation accuracy: 53 % of 30 (36 to 70)."
    qtbot.mouseClick(window.banner.action, Qt.MouseButton.LeftButton)
    assert window.session.model == path
    assert window.banner.messages() == ()
    assert window.pages.current_name == page
    assert window.models.entries()[0].path == path


def test_a_run_that_ended_while_the_window_was_closed_is_offered_at_the_next_start(
    settings: Settings, themed: QApplication, root: Path, qtbot: QtBot
) -> None:
    path = trained(root, "run-07")
    summary = RunDirectory(path).summary()
    first = MainWindow(settings)
    say(first, replace(summary, live=True, status="running"))
    first.trainings.leave_all()  # it is not closed: nothing else is kept
    second = MainWindow(settings)
    say(second, summary)
    (message,) = second.banner.messages()
    assert message.sentence.startswith("run-07 has finished.")
    assert message.act is not None
    message.act()
    assert second.session.model == path
    third = MainWindow(settings)
    say(third, summary)
    assert third.banner.messages() == ()  # it is offered once
    for made in (first, second, third):
        made.close()
        made.deleteLater()


def test_the_offer_goes_when_another_model_is_chosen(window: MainWindow, root: Path, tmp_path: Path) -> None:
    summary = RunDirectory(trained(root, "run-07")).summary()
    say(window, replace(summary, live=True, status="running"))
    say(window, replace(summary, status="stopped"))
    assert len(window.banner.messages()) == 1
    window.session.model = tmp_path / "other.safetensors"
    assert window.banner.messages() == ()


def test_every_page_offers_the_same_models(window: MainWindow, root: Path) -> None:
    say(window, RunDirectory(trained(root, "run-07")).summary())
    texts = []
    for name in ("predict", "export", "inspect"):
        window.show_page(name)
        page = window.pages.page(name)
        if hasattr(page, "finish"):
            page.finish()
        (menu,) = [menu for menu in page.findChildren(ModelMenu) if menu.objectName() != "compare"]
        menu.fill()
        texts.append([action.text() for action in menu.actions()])
    strip = window.strip.findChild(ModelMenu)
    assert strip is not None
    strip.fill()
    assert all(found == [action.text() for action in strip.actions()] for found in texts)
    assert texts[0][0] == "run-07\tquick · 224 px · 53 % of 30 (36 to 70)"


def test_an_accuracy_carries_its_interval() -> None:
    assert accuracy_text(16, 30) == "53 % of 30 (36 to 70)"
    assert accuracy_text(3, 4) == "30 to 95 % (3 of 4)"
    assert accuracy_text(0, 0) == "–"


def say(window: MainWindow, run: RunSummary) -> None:
    """Let the watch report this run alone."""
    watch = window.trainings.watch
    models = ((run.path, 30),)
    watch.seen = RunsSeen((run,), (), models=models)
    watch.changed.emit(watch.seen)
