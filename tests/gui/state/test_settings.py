"""Settings and layout persist, only changed settings are written, and broken files are not fatal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PySide6.QtCore import QRect
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QMainWindow

from s3n_gui.state.settings import SETTINGS, Settings, forget_all, settings_path
from s3n_gui.state.window_layout import WindowLayout, keep_geometry, restore_geometry


def test_only_what_was_chosen_is_written(settings: Settings) -> None:
    heard: list[str] = []
    settings.changed.connect(heard.append)
    settings.set("theme", "dark")
    settings.set("theme", "dark")
    settings.set("font_factor", 1.25)
    assert heard == ["theme", "font_factor"]
    assert json.loads(settings.path.read_text()) == {"version": 1, "values": {"theme": "dark", "font_factor": 1.25}}
    again = Settings()
    assert (again.theme, again.font_factor, again.device) == ("dark", 1.25, "auto")
    settings.set("theme", "system")
    assert json.loads(settings.path.read_text())["values"] == {"font_factor": 1.25}


def test_reset(settings: Settings) -> None:
    settings.set("theme", "light")
    heard: list[str] = []
    settings.changed.connect(heard.append)
    settings.reset()
    assert heard == ["theme"]
    assert settings.theme == "system"


@pytest.mark.parametrize(
    ("name", "value"),
    [("theme", "pink"), ("font_factor", 3.0), ("thumbnail_cache_mb", True), ("device", 1), ("idle_minutes", 2.5)],
)
def test_what_is_not_allowed_is_refused(settings: Settings, name: str, value: object) -> None:
    with pytest.raises(ValueError, match=name):
        settings.set(name, value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", '{"version": 1}', '{"version": "x", "values": {}}', "\x00\xff"]
)
def test_a_broken_file_is_put_aside(s3n_home: Path, content: str) -> None:
    path = settings_path()
    path.parent.mkdir(parents=True)
    path.write_bytes(content.encode("latin-1"))
    settings = Settings()
    assert settings.theme == "system"
    assert "settings.broken.json" in settings.notice
    assert path.with_name("settings.broken.json").read_bytes() == content.encode("latin-1")
    settings.set("theme", "dark")
    assert Settings().theme == "dark"


def test_single_wrong_values_are_dropped(s3n_home: Path) -> None:
    path = settings_path()
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"version": 1, "values": {"theme": "pink", "font_factor": 1.4, "gone": 1}}))
    settings = Settings()
    assert (settings.theme, settings.font_factor, settings.notice) == ("system", 1.4, "")


def test_a_newer_version_gets_its_settings_back(s3n_home: Path) -> None:
    path = settings_path()
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"version": 2, "values": {"theme": "dark", "from_the_future": 7}}))
    settings = Settings()
    settings.set("font_factor", 1.1)
    assert json.loads(path.read_text()) == {
        "version": 2,
        "values": {"from_the_future": 7, "theme": "dark", "font_factor": 1.1},
    }


def test_a_place_that_cannot_be_written_is_said_once_and_survived(s3n_home: Path) -> None:
    s3n_home.joinpath("window").write_text("a file in the way")
    settings = Settings()
    heard: list[str] = []
    settings.failed.connect(heard.append)
    settings.set("theme", "dark")
    assert settings.theme == "dark"
    assert len(heard) == 1


def test_where_runs_live(settings: Settings, s3n_home: Path, tmp_path: Path) -> None:
    assert settings.runs_root == s3n_home / "runs"
    settings.set("runs_folder", str(tmp_path / "há"))
    assert Settings().runs_root == tmp_path / "há"


def test_every_default_is_allowed() -> None:
    for setting in SETTINGS.values():
        assert setting.accepts(setting.default), setting.name


def test_forgetting_all(settings: Settings) -> None:
    settings.set("theme", "dark")
    WindowLayout().write()
    forget_all()
    assert list(settings.path.parent.iterdir()) == []
    forget_all()


def test_geometry_comes_back(qapp: QApplication, s3n_home: Path) -> None:
    window, layout = QMainWindow(), WindowLayout()
    window.setGeometry(40, 60, 500, 400)
    keep_geometry(window, layout)
    layout.write()
    other = QMainWindow()
    restore_geometry(other, WindowLayout(), 1280, 800)
    assert other.geometry() == QRect(40, 60, 500, 400)
    for made in (window, other):
        made.deleteLater()


@pytest.mark.parametrize("content", ["{", "[]", '{"geometry": 7}', '{"geometry": "????"}', '{"geometry": "AAAA"}'])
def test_broken_places_count_as_none(qapp: QApplication, s3n_home: Path, content: str) -> None:
    path = settings_path().with_name("places.json")
    path.parent.mkdir(parents=True)
    path.write_text(content)
    window = QMainWindow()
    restore_geometry(window, WindowLayout(), 700, 500)
    screen = QGuiApplication.primaryScreen().availableGeometry()
    assert screen.contains(window.geometry())
    assert window.size().width() == 700
    window.deleteLater()


def test_a_window_that_stood_on_a_screen_that_is_gone(qapp: QApplication, s3n_home: Path) -> None:
    window, layout = QMainWindow(), WindowLayout()
    window.setGeometry(9000, 9000, 500, 400)
    keep_geometry(window, layout)
    other = QMainWindow()
    restore_geometry(other, layout, 700, 500)
    assert QGuiApplication.primaryScreen().availableGeometry().intersects(other.geometry())
    for made in (window, other):
        made.deleteLater()
