"""The place of the user is on the disk soon after each change: a window that is killed loses nothing of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from s3n_core.datasets.records import DataSet
from s3n_gui.frame.main_window import MainWindow
from s3n_gui.state.settings import Settings, settings_path
from s3n_gui.training.panel import TrainPage

SOON = 10_000


def on_disk() -> dict[str, Any]:
    path = settings_path().with_name("places.json")
    content = json.loads(path.read_text()) if path.exists() else {}
    return content if isinstance(content, dict) else {}


def place() -> dict[str, Any]:
    found: dict[str, Any] = on_disk().get("last-place", {})
    return found


def train_state() -> dict[str, Any]:
    found: dict[str, Any] = on_disk().get("page-train", {})
    return found


def test_a_killed_window_keeps_its_place(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    image = tmp_path / "one.jpg"
    image.touch()
    assert place() == {}
    window.session.data_set = DataSet(root=tmp_path, format="images", classes=(), records=())
    qtbot.waitUntil(lambda: place().get("data") == str(tmp_path), timeout=SOON)
    window.session.image = image
    window.show_page("train")
    qtbot.waitUntil(lambda: (place().get("image"), place().get("page")) == (str(image), "train"), timeout=SOON)
    window.session.model = tmp_path
    qtbot.waitUntil(lambda: place().get("model") == str(tmp_path), timeout=SOON)


def test_a_killed_window_keeps_the_form(
    window: MainWindow, settings: Settings, themed: QApplication, qtbot: QtBot
) -> None:
    window.show_page("train")
    page = window.pages.page("train")
    assert isinstance(page, TrainPage)
    page.form.finish()
    page.form.rows["epochs"].control.setValue(7)  # type: ignore[attr-defined]
    page.toolbar.details.click()
    qtbot.waitUntil(lambda: train_state().get("details") is True, timeout=SOON)
    assert train_state()["form"]["last"]["settings"] == {"epochs": 7}
    second = MainWindow(settings)
    second.show_page("train")
    again = second.pages.page("train")
    assert isinstance(again, TrainPage)
    assert again.form.choice.settings == {"epochs": 7}
    assert again.toolbar.details.isChecked()
    second.close()
    second.deleteLater()
