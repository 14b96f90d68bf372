"""The frame: page changes, the current choices at the top, error messages, and restored geometry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QUndoCommand, QUndoStack
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from s3n_core.datasets.records import DataSet, Problem
from s3n_core.runs.run_directory import RunDirectory
from s3n_gui.background.jobs import Job
from s3n_gui.frame.jobs_tray import JobsPanel
from s3n_gui.frame.main_window import MainWindow
from s3n_gui.frame.pages import PAGES, PageEntry
from s3n_gui.frame.window_dialogs import ClosingDialog
from s3n_gui.state.demo import demo_images, demo_is_installed, demo_model
from s3n_gui.state.settings import Settings
from s3n_gui.widgets.page import Page

CHECKOUT = Path(__file__).resolve().parents[3]


class Other(Page):
    """A page that records what the frame does with it."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = QUndoStack(self)
        self.state: dict[str, Any] = {"pane": 320}
        self.ended = False
        self.helped = 0

    def commands(self) -> Mapping[str, Callable[[], object]]:
        return {"page-help": self.count}

    def count(self) -> None:
        self.helped += 1

    def undo_stack(self) -> QUndoStack:
        return self.stack

    def save_state(self) -> dict[str, Any]:
        return self.state

    def restore_state(self, state: Mapping[str, Any]) -> None:
        self.state = dict(state)

    def shut_down(self) -> None:
        self.ended = True


@pytest.fixture
def two_pages(themed: QApplication, settings: Settings) -> tuple[PageEntry, ...]:
    return (PAGES[0], PageEntry("inspect", "Inspect", "inspect", "Ctrl+9", lambda studio: Other()))


def made(settings: Settings, pages: tuple[PageEntry, ...], qtbot: QtBot) -> MainWindow:
    window = MainWindow(settings, pages)
    qtbot.addWidget(window)
    window.show()
    return window


def images(folder: Path, classes: int = 2) -> Path:
    for number in range(classes):
        (folder / f"class {number}").mkdir(parents=True)
        Image.new("RGB", (8, 8)).save(folder / f"class {number}" / "ä.png")
    return folder


def test_a_page_is_made_when_it_is_shown_first(
    settings: Settings, two_pages: tuple[PageEntry, ...], qtbot: QtBot
) -> None:
    window = made(settings, two_pages, qtbot)
    window.show_page("start")
    assert window.pages.count() == 1
    window.rail.button("inspect").click()
    assert window.pages.current_name == "inspect"
    assert window.rail.button("inspect").isChecked()
    assert window.windowTitle() == "Inspect - S3N Studio"
    window.session.show_page("start")
    assert window.pages.current_name == "start"
    window.session.show_page("no-such-page")
    assert window.pages.current_name == "start"
    window.close()


def test_a_page_takes_over_actions_and_undo(settings: Settings, two_pages: tuple[PageEntry, ...], qtbot: QtBot) -> None:
    window = made(settings, two_pages, qtbot)
    window.show_page("inspect")
    page = window.pages.page("inspect")
    assert isinstance(page, Other)
    window.actions_by_id["page-help"].trigger()
    assert page.helped == 1
    assert not window.actions_by_id["undo"].isEnabled()
    page.stack.push(QUndoCommand("Move peak"))
    assert window.actions_by_id["undo"].isEnabled()
    assert window.actions_by_id["undo"].text() == "Undo Move peak"
    window.actions_by_id["undo"].trigger()
    assert page.stack.canRedo()
    window.show_page("start")
    assert not window.actions_by_id["redo"].isEnabled()
    window.close()
    assert page.ended


def test_places_come_back(settings: Settings, two_pages: tuple[PageEntry, ...], qtbot: QtBot) -> None:
    window = made(settings, two_pages, qtbot)
    window.show_page("inspect")
    page = window.pages.page("inspect")
    assert isinstance(page, Other)
    page.state = {"pane": 444}
    window.setGeometry(10, 20, 900, 603)
    window.close()
    again = made(settings, two_pages, qtbot)
    assert again.height() == 603  # the offscreen screen is narrower than the window
    other = again.pages.page("inspect")
    assert isinstance(other, Other)
    assert other.state == {"pane": 444}
    again.close()


def test_a_data_set_is_opened_and_named_at_the_top(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    with qtbot.waitSignal(window.session.data_set_changed, timeout=5000):
        window.opener.open_path(images(tmp_path / "mäuse"))
    assert window.strip.data_button.text() == "mäuse · 2 images · 2 classes"
    assert [item.detail for item in window.recent.items("data")] == ["2 images · 2 classes"]


def test_recent_data_sets_have_the_names_of_the_strip_and_their_paths_as_tips(
    window: MainWindow, tmp_path: Path
) -> None:
    places = [images(tmp_path / name) for name in ("one/birds", "two/birds", "demo/images")]
    for place in places:
        window.recent.add("data", place)
    (menu,) = (menu for menu in window.findChildren(QMenu) if menu.title() == "Open recent")
    menu.aboutToShow.emit()
    shown = {action.data(): action for action in menu.actions() if action.data() is not None}
    assert [shown[place].text() for place in places] == ["birds", "birds", "demo birds"]
    assert [shown[place].toolTip() for place in places] == [str(place) for place in places]
    assert menu.toolTipsVisible()


@pytest.mark.parametrize(("count", "words"), [(1, "1 problem found"), (2, "2 problems found")])
def test_the_strip_counts_problems(window: MainWindow, tmp_path: Path, count: int, words: str) -> None:
    problems = tuple(Problem(tmp_path / f"{number}.png", "the file is empty") for number in range(count))
    window.session.data_set = DataSet(root=tmp_path, format="class-folders", classes=(), records=(), problems=problems)
    assert words in window.strip.data_button.toolTip()


def test_the_last_data_set_asked_for_wins(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    first, second = images(tmp_path / "one", 3), images(tmp_path / "two", 2)
    with qtbot.waitSignal(window.opener.busy_changed, check_params_cb=lambda busy: not busy, timeout=5000):
        window.opener.open_path(first)
        window.opener.open_path(second)
    assert window.session.data_set is not None
    assert window.session.data_set.root == second


def test_a_run_brings_its_images_where_nothing_else_is_open(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    birds, other = images(tmp_path / "birds"), images(tmp_path / "other", 3)
    run = RunDirectory.create(tmp_path / "run", {"data": {"root": str(birds), "format": "class-folders"}}).path
    shown: list[str] = []
    window.opener.opened.connect(lambda kind, _: shown.append(kind))
    with qtbot.waitSignal(window.session.data_set_changed, timeout=5000):
        window.opener.open_path(run)
    assert window.session.data_set is not None
    assert window.session.data_set.root == birds
    assert shown == ["run"]  # the page that shows the run is kept
    with qtbot.waitSignal(window.session.data_set_changed, timeout=5000):
        window.opener.open_path(other)
    window.opener.open_path(run)
    assert window.session.data_set.root == other


def test_a_run_whose_images_are_gone_is_opened_all_the_same(window: MainWindow, tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path / "run", {"data": {"root": str(tmp_path / "gone"), "format": "images"}}).path
    window.opener.open_path(run)
    assert window.session.run == run
    assert window.session.data_set is None
    assert not window.banner.messages()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("gone", "no longer exists"),
        ("notes.txt", "cannot be opened: it is not a folder of images"),
        ("old.pth", "is not an S3N model"),
        ("empty", "is empty"),
    ],
)
def test_what_cannot_be_opened_is_said(window: MainWindow, qtbot: QtBot, tmp_path: Path, name: str, said: str) -> None:
    if name == "empty":
        (tmp_path / name).mkdir()
    elif name != "gone":
        (tmp_path / name).write_text("x")
    window.opener.open_path(tmp_path / name)
    qtbot.waitUntil(lambda: bool(window.banner.messages()), timeout=5000)
    assert said in window.banner.messages()[-1].sentence
    assert window.banner.isVisible()
    window.banner.close_message()
    assert not window.banner.isVisible()


def test_a_model_stands_at_the_top(window: MainWindow, tmp_path: Path) -> None:
    path = tmp_path / "run-07" / "checkpoints" / "step-12.safetensors"
    path.parent.mkdir(parents=True)
    path.touch()
    window.opener.open_path(path)
    assert window.session.model == path
    assert window.strip.model_button.text() == "Model: run-07 step-12"
    menu = window.strip.model_button.menu()
    menu.aboutToShow.emit()
    assert menu.actions()[0].isChecked()
    menu.aboutToHide.emit()


@pytest.mark.skipif(not demo_is_installed(), reason="the demo is not in this checkout")
def test_the_atlas_of_what_is_opened_is_known_before_any_page_needs_it(window: MainWindow, qtbot: QtBot) -> None:
    session = window.session
    with qtbot.waitSignal(session.model_atlas_changed):
        window.opener.open_path(demo_model())
        window.opener.open_path(demo_images())
    assert session.model_atlas is not None
    assert session.model_atlas.is_dir()
    assert session.atlas is None


def test_dropping_a_folder_opens_it(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(images(tmp_path / "birds")))])
    keys, buttons, copy = Qt.KeyboardModifier.NoModifier, Qt.MouseButton.LeftButton, Qt.DropAction.CopyAction
    enter = QDragEnterEvent(QPoint(5, 5), copy, data, buttons, keys)
    QApplication.sendEvent(window, enter)
    assert enter.isAccepted()
    with qtbot.waitSignal(window.session.data_set_changed, timeout=5000):
        QApplication.sendEvent(window, QDropEvent(QPointF(5, 5), copy, data, buttons, keys))


def test_text_size_and_theme_by_menu(window: MainWindow, settings: Settings) -> None:
    window.actions_by_id["text-larger"].trigger()
    assert settings.font_factor == 1.1
    for _ in range(20):
        window.actions_by_id["text-smaller"].trigger()
    assert settings.font_factor == 0.8
    window.actions_by_id["text-normal"].trigger()
    window.actions_by_id["theme-dark"].trigger()
    assert settings.theme == "dark"
    assert window.actions_by_id["theme-dark"].isChecked()
    assert not window.actions_by_id["theme-light"].isChecked()


@pytest.mark.parametrize("name", ["settings", "shortcuts", "glossary", "page-help", "about"])
def test_dialogs_open_once_and_close(window: MainWindow, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(window.probe, "ask", lambda: None)
    monkeypatch.setattr(QApplication, "activeWindow", lambda: window)
    window.actions_by_id[name].trigger()
    window.actions_by_id[name].trigger()
    key = {"page-help": "help-start"}.get(name, name)
    dialog = window.dialogs.dialog(key)
    assert dialog is not None
    assert dialog.isVisible()
    dialog.close()
    assert window.dialogs.dialog(key) is None


class Slow(Job):
    """A job controlled by the test."""

    def report(self, fraction: float | None, left: float | None) -> None:
        self._report(status="running", text="3 of 10", fraction=fraction, seconds_left=left)

    def end(self) -> None:
        self._end("done", "All 10 images are predicted.")

    def cancel(self) -> None:
        self._end("cancelled", "Stopped by you.")


def test_the_tray_follows_jobs(window: MainWindow) -> None:
    first, second = Slow("Predicting photos"), Slow("Exporting")
    for job in (first, second):
        window.jobs.add(job)
        job.report(0.3, 4000)
    assert window.tray._row is not None
    assert window.tray._row.job is second
    assert window.tray._row._left.text() == "67 min left"
    assert window.tray._more.text() == "1 more"
    window.actions_by_id["jobs"].trigger()
    window.tray._row._end.click()
    assert second.status == "cancelled"
    assert window.tray._row.job is first
    first.end()
    assert window.tray._row is None
    assert window.tray._idle.isVisible()
    assert window.tray._more.text() == "2 finished"
    window.jobs.clear_ended()
    assert not window.tray._more.isVisible()
    window.actions_by_id["jobs"].trigger()


def test_the_list_of_many_jobs_fits_above_the_tray(window: MainWindow, themed: QApplication) -> None:
    window.resize(960, 540)
    window.show()
    jobs = [Slow(f"Exporting {number} images") for number in range(25)]
    for job in jobs[:3]:
        window.jobs.add(job)
    window.actions_by_id["jobs"].trigger()
    panel = window.findChild(JobsPanel)
    assert panel is not None
    bar = panel._area.verticalScrollBar()
    assert bar.maximum() == 0
    for job in jobs[3:]:
        window.jobs.add(job)
    for job in jobs[1:]:
        job.end()
    themed.processEvents()
    window.actions_by_id["jobs"].trigger()
    window.actions_by_id["jobs"].trigger()
    running = panel._shown[24]
    assert running.job is jobs[0]
    assert not running._end.visibleRegion().isEmpty(), "the running job is in sight"
    for size in ((960, 540), (1280, 720), (960, 540)):
        window.resize(*size)
        themed.processEvents()
        top = panel.mapTo(window, QPoint(0, 0)).y()
        assert top >= window.menuBar().height()
        assert top + panel.height() <= window.tray.mapTo(window, QPoint(0, 0)).y()
        assert bar.maximum() > 0
        assert panel._clear.isVisible()
    panel._clear.click()
    themed.processEvents()
    assert bar.maximum() == 0


class Training:
    """A fake training job."""

    title = "Training run-07"

    def __init__(self) -> None:
        self.done = ""

    def stop_and_keep(self) -> None:
        self.done = "stopped"

    def leave(self) -> None:
        self.done = "left"


@pytest.mark.parametrize(
    ("choice", "closes", "done"), [("cancel", False, ""), ("leave", True, "left"), ("stop", True, "stopped")]
)
def test_closing_while_a_training_runs(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch, choice: str, closes: bool, done: str
) -> None:
    training = Training()
    monkeypatch.setattr(window.trainings, "active", lambda: (training,))
    monkeypatch.setattr(ClosingDialog, "ask", lambda self: choice)
    event = QCloseEvent()
    window.closeEvent(event)
    assert event.isAccepted() is closes
    assert training.done == done
    monkeypatch.setattr(window.trainings, "active", lambda: ())


@pytest.mark.parametrize("button", ["leave", "stop", "cancel"])
def test_the_closing_dialog_says_what_was_chosen(window: MainWindow, button: str) -> None:
    dialog = ClosingDialog(["Training run-07"], window)
    dialog.show()
    dialog.buttons[button].click()
    assert dialog.choice == button
    assert not dialog.isVisible()


def test_what_begins_a_moment_later_does_not_begin_in_a_closed_window(
    settings: Settings, two_pages: tuple[PageEntry, ...], qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []
    monkeypatch.setattr("s3n_gui.frame.main_window.preload", lambda *_: begun.append("modules"))
    monkeypatch.setattr("s3n_gui.frame.main_window.DeviceProbe.ask", lambda _: begun.append("devices"))
    monkeypatch.setattr("s3n_gui.frame.main_window.LiveRuns.begin", lambda _: begun.append("trainings"))
    closed = made(settings, two_pages, qtbot)
    closed.begin()
    closed.close()
    qtbot.wait(1700)
    assert not begun
    kept = made(settings, two_pages, qtbot)
    kept.begin()
    qtbot.waitUntil(lambda: begun == ["modules", "trainings", "devices"])
    kept.close()
