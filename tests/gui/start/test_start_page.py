"""The Start page and its sources: recent items, the runs folder, live training runs, formatted numbers."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QScrollArea
from pytestqt.qtbot import QtBot

from s3n_core.evaluation.intervals import accuracy_share_text
from s3n_core.runs.metrics import MetricsWriter
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.runs.run_state import RunState
from s3n_core.system.locks import RunLock
from s3n_core.system.resources import resource
from s3n_gui.appearance import wording
from s3n_gui.background.thumbnails import ThumbnailLoader
from s3n_gui.frame.main_window import MainWindow
from s3n_gui.start.continue_card import ContinueCard
from s3n_gui.start.start_page import StartPage
from s3n_gui.start.training_card import TrainingCard
from s3n_gui.state.last_place import LastPlace, LastPlaces
from s3n_gui.state.recent import RecentList
from s3n_gui.state.runs_watch import RunsSeen, RunsWatch, thinned
from s3n_gui.state.session import Session
from s3n_gui.state.settings import Settings
from s3n_gui.state.window_layout import WindowLayout

STATE = RunState(status="running", epoch=1, epochs=4, batch=5, batches=10, images_per_second=31.42, seconds_left=5000)


def draw(path: Path, shade: int) -> None:
    """Write a small image of one colour."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (40, 30), (20 * shade, 90, 120)).save(path)


def start_page(window: MainWindow) -> StartPage:
    page = window.pages.page("start")
    assert isinstance(page, StartPage)
    return page


def test_recent_things_come_back_newest_first(qapp: QApplication, tmp_path: Path) -> None:
    recent = RecentList(tmp_path / "new" / "recent.json")
    for number in range(20):
        recent.add("data", tmp_path / f"ü{number}", f"{number} images")
    recent.add("model", tmp_path / "m.safetensors")
    recent.add("data", tmp_path / "ü15", "15 images")
    again = RecentList(recent.path)
    assert [item.path.name for item in again.items("data")][:3] == ["ü15", "ü19", "ü18"]
    assert len(again.items("data")) == 12
    assert len(again.items("model")) == 1
    again.remove("model", tmp_path / "m.safetensors")
    assert RecentList(recent.path).items("model") == ()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"items": [{"kind": "data"}]}', '{"items": 3}'])
def test_a_broken_recent_list_is_an_empty_one(qapp: QApplication, tmp_path: Path, content: str) -> None:
    (tmp_path / "recent.json").write_text(content)
    recent = RecentList(tmp_path / "recent.json")
    assert recent.items("data") == ()
    recent.add("data", tmp_path)
    assert len(RecentList(recent.path).items("data")) == 1


def test_a_live_run_is_seen_with_its_loss(qtbot: QtBot, tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path / "runs" / "vögel-1", {"recipe": {"name": "quick"}})
    run.write_state(STATE)
    writer = MetricsWriter(run.metrics_jsonl, None)
    writer.write_step({"epoch": 0, "batch": 1, "step": 1, "loss": 2.5})
    assert writer.offset  # flushed to the disk
    watch = RunsWatch(tmp_path / "runs")
    with RunLock(run.path), qtbot.waitSignal(watch.changed, timeout=5000):
        watch.look()
    assert [r.name for r in watch.seen.live()] == ["vögel-1"]
    assert watch.seen.losses == ((run.path, (2.5,)),)
    with qtbot.waitSignal(watch.changed, timeout=5000):
        watch.look()
    assert watch.seen.live() == ()
    assert watch.seen.losses == ()
    writer.close()
    watch.close()


def test_a_runs_folder_that_is_a_file_is_said(qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("")
    watch = RunsWatch(tmp_path / "runs")
    with qtbot.waitSignal(watch.changed, timeout=5000):
        watch.look()
    assert str(tmp_path / "runs") in watch.seen.problem
    watch.close()


def test_loss_is_thinned_to_means() -> None:
    assert thinned([1.0, 2.0], 5) == (1.0, 2.0)
    assert thinned([1.0, 3.0, 5.0, 7.0], 2) == (2.0, 6.0)
    assert len(thinned([float(n) for n in range(100_001)], 240)) == 240


def test_a_live_run_gets_a_card(window: MainWindow, tmp_path: Path) -> None:
    page = start_page(window)
    run = RunDirectory.create(tmp_path / "run-07", {}).summary()
    live = replace(run, live=True, status="running", state=STATE)
    page._show_runs(RunsSeen((live,), ((run.path, (2.0, 1.0)),)))
    (card,) = page.findChildren(TrainingCard)
    assert card._title.text() == "run-07 · running"
    assert card._facts.text() == "Epoch 2 of 4 · 31.4 images/s"
    assert card._left.text() == "83 min left"
    assert card._bar.value() == 375
    page._show_runs(RunsSeen((run,), ()))
    assert page._cards == {}
    assert page.run_card.row_buttons()[0].accessibleName().startswith("run-07")


def test_stop_and_keep_reaches_the_job(window: MainWindow, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[tuple[str, Path]] = []

    class Job:
        def __init__(self, run: Path) -> None:
            self.run = run

        def stop_and_keep(self) -> None:
            asked.append(("stop", self.run))

        def pause(self) -> None:
            asked.append(("pause", self.run))

        def go_on(self) -> None:
            asked.append(("go on", self.run))

    monkeypatch.setattr(window.trainings, "job_of", Job)
    page = start_page(window)
    run = RunDirectory.create(tmp_path / "run-07", {}).summary()
    page._show_runs(RunsSeen((replace(run, live=True, status="running", state=STATE),), ()))
    (card,) = page.findChildren(TrainingCard)
    card._pause.click()
    assert card._title.text() == "run-07 · pausing"
    page._show_runs(RunsSeen((replace(run, live=True, status="paused", state=STATE),), ()))
    assert card._pause.text() == "Resume"
    card._pause.click()
    card._stop.click()
    assert asked == [("pause", run.path), ("go on", run.path), ("stop", run.path)]


def test_a_row_opens_by_key_and_leaves_the_list(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    model = tmp_path / "birds.safetensors"
    model.touch()
    window.recent.add("model", model)
    (button,) = start_page(window).model_card.row_buttons()
    button.setFocus()
    qtbot.keyClick(button, Qt.Key.Key_Space)
    assert window.session.model == model
    start_page(window).model_card.remove_asked.emit(model)
    assert window.recent.items("model") == ()


def test_another_run_leaves_the_list_by_hand_or_with_its_folder(window: MainWindow, tmp_path: Path) -> None:
    here, renamed = tmp_path / "elsewhere" / "here", tmp_path / "elsewhere" / "renamed"
    here.mkdir(parents=True)
    renamed.mkdir()
    for run in (here, renamed):
        window.recent.add("run", run)
    card = start_page(window).run_card
    assert [button.accessibleName().split(",")[0] for button in card.row_buttons()] == ["renamed", "here"]
    renamed.rename(tmp_path / "elsewhere" / "another name")
    start_page(window)._show_recent()
    assert [button.accessibleName().split(",")[0] for button in card.row_buttons()] == ["here"]
    card.remove_asked.emit(here)
    assert card.row_buttons() == []


def test_the_demo_content_is_there_at_once(window: MainWindow) -> None:
    page = start_page(window)
    page.show_demo()
    page.show_demo()
    state = RunDirectory(resource("demo/runs/demo")).read_state()
    assert state is not None
    assert state.best_accuracy is not None
    (birds,), (run,), (model,) = (c.row_buttons() for c in (page.data_card, page.run_card, page.model_card))
    assert "42 images · 24 classes" in birds.accessibleName()
    assert f"best {accuracy_share_text(state.best_accuracy, 240)}" in run.accessibleName()
    assert "demo model" in model.accessibleName()
    assert not page.findChildren(TrainingCard), "nothing is trained that is not trained"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "a moment"), (40, "40 s"), (720, "12 min"), (7560, "2.1 h"), (302400, "3.5 days")],
)
def test_lengths_of_time(seconds: float, text: str) -> None:
    assert wording.duration_text(seconds) == text


def test_moments() -> None:
    now = time.mktime((2026, 6, 15, 15, 0, 0, 0, 0, -1))
    assert wording.ago_text(now - 10, now) == "just now"
    assert wording.ago_text(now - 300, now) == "5 min ago"
    assert wording.ago_text(now - 4 * 3600, now) == "today 11:00"
    assert wording.ago_text(now - 24 * 3600, now) == "yesterday"
    assert wording.ago_text(now - 95 * 86400, now) == "12 Mar 2026"


def test_counts_and_places() -> None:
    assert wording.count_text(1, "class", "classes") == "1 class"
    assert wording.count_text(100_000, "image") == "100,000 images"
    assert wording.percent_text(0.8734) == "87.3 %"
    assert wording.left_text(None) == ""
    assert wording.place_text(Path.home() / "x") == str(Path("~") / "x")
    assert len(wording.place_text(Path("/" + "long/" * 40))) == 48


def test_rows_keep_room_for_two_lines_also_when_they_come_later(window: MainWindow, qtbot: QtBot) -> None:
    page = window.pages.page("start")
    page.show_demo()
    assert isinstance(page, StartPage)
    qtbot.waitUntil(lambda: {button.height() for button in page.model_card.row_buttons()} == {46})
    assert {button.height() for button in page.data_card.row_buttons()} == {58}  # with pictures


def test_the_next_start_continues_with_everything(
    window: MainWindow, qtbot: QtBot, settings: Settings, tmp_path: Path
) -> None:
    for name in ("ant", "bee"):
        for number in range(3):
            draw(tmp_path / "insects" / name / f"{name} {number}.png", number)
    image = tmp_path / "insects/bee/bee 1.png"
    model = tmp_path / "model & co.safetensors"
    model.touch()
    assert start_page(window).continue_card is None
    window.opener.open_data_set(tmp_path / "insects", "class-folders")
    qtbot.waitUntil(lambda: window.session.data_set is not None)
    window.session.model = model
    window.session.image = image
    window.show_page("inspect")
    window.show_page("start")
    window.close()

    again = MainWindow(settings)
    again.show_page("data")  # its own choice of a first image must not win
    again.show_page("start")
    again.show()
    card = start_page(again).continue_card
    assert card is not None
    assert card.button.accessibleName() == ("Continue where you left off: insects, model & co, bee 1.png, page Inspect")
    QTest.keyClick(card.button, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: again.session.data_set is not None)
    data_page = again.pages.page("data")
    qtbot.waitUntil(data_page.is_ready, timeout=10_000)
    assert again.session.data_set is not None
    assert again.session.data_set.root == tmp_path / "insects"
    assert (again.session.model, again.session.image) == (model, image)
    assert again.pages.current_name == "inspect"
    again.close()
    again.deleteLater()


@pytest.mark.parametrize("kept", [None, 3, {}, {"data": 7, "page": []}, {"data": "/not/there", "page": "inspect"}])
def test_a_place_that_is_gone_or_damaged_is_not_offered(session: Session, tmp_path: Path, kept: object) -> None:
    layout = WindowLayout(tmp_path / "places.json")
    layout.keep("last-place", kept)
    assert LastPlaces(session, layout).before is None


@pytest.mark.parametrize(("model", "lines"), [(None, "first"), ("first", "first best"), ("m.safetensors", "first, m")])
def test_the_run_of_the_last_session_is_named(
    themed: QApplication, qtbot: QtBot, tmp_path: Path, model: str | None, lines: str
) -> None:
    kept = None if model is None else tmp_path / model
    place = LastPlace(page="train", moment=5.0, run=tmp_path / "first", model=kept)
    loader = ThumbnailLoader(64)
    card = ContinueCard(place, "Train", loader)
    qtbot.addWidget(card)
    loader.close()
    assert card.button.accessibleName() == f"Continue where you left off: {lines}, page Train"


def test_a_session_with_nothing_open_keeps_the_place_of_the_one_before(session: Session, tmp_path: Path) -> None:
    layout = WindowLayout(tmp_path / "places.json")
    layout.keep("last-place", {"data": str(tmp_path), "page": "train", "moment": 5.0})
    LastPlaces(session, layout).keep()
    place = LastPlaces(session, layout).before
    assert place is not None
    assert (place.data, place.page, place.moment, place.image) == (tmp_path, "train", 5.0, None)


def test_recent_data_sets_show_four_images_from_all_over(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    for name in ("ant", "bee", "cricket", "dragonfly"):
        for number in range(2):
            draw(tmp_path / "insects" / name / f"{number}.png", number)
    window.opener.open_data_set(tmp_path / "insects", "class-folders")
    qtbot.waitUntil(lambda: window.session.data_set is not None)
    (item,) = RecentList(window.recent.path).items("data")
    assert [path.parent.name for path in item.examples] == ["ant", "bee", "cricket", "dragonfly"]
    page = start_page(window)
    window.show_page("start")
    (button,) = page.data_card.row_buttons()
    button.grab()
    read = [path for path in item.examples if page.thumbnails.image(path) is not None]
    qtbot.waitUntil(lambda: [p for p in item.examples if page.thumbnails.image(p) is not None] == list(item.examples))
    assert len(read) <= len(item.examples)


def test_recent_images_are_shown_as_far_as_they_exist(window: MainWindow, tmp_path: Path) -> None:
    for number in range(3):
        draw(tmp_path / f"bird {number}.png", number)
        window.recent.add("image", tmp_path / f"bird {number}.png", "birds")
    window.recent.add("image", tmp_path / "gone.png", "birds")
    page = start_page(window)
    assert [button.accessibleName() for button in page.images.buttons] == [
        "bird 2.png, birds", "bird 1.png, birds", "bird 0.png, birds"
    ]  # fmt: skip
    QTest.keyClick(page.images.buttons[1], Qt.Key.Key_Space)
    assert window.session.image == tmp_path / "bird 1.png"
    assert window.pages.current_name == "inspect"


def test_a_list_without_examples_is_read(qapp: QApplication, tmp_path: Path) -> None:
    entry = {"kind": "data", "path": str(tmp_path), "detail": "3 images", "opened": 1.0}
    (tmp_path / "recent.json").write_text(json.dumps({"version": 1, "items": [entry]}))
    (item,) = RecentList(tmp_path / "recent.json").items("data")
    assert item.examples == ()


@pytest.mark.parametrize("width", [960, 1280, 2560])
def test_nothing_is_cut_at_any_width(window: MainWindow, qtbot: QtBot, width: int) -> None:
    page = start_page(window)
    page.show_demo()
    window.resize(width, 540)
    (area,) = (child for child in page.findChildren(QScrollArea) if child.parent() is page)
    qtbot.waitUntil(lambda: window.width() == width and area.widget().width() <= area.viewport().width())
    assert area.horizontalScrollBar().maximum() == 0
