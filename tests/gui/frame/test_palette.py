"""The command palette: what it finds, in which order, and its use with real keys."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot
from shiboken6 import delete

from s3n_core.datasets.records import DataSet, ImageRecord
from s3n_gui.frame.main_window import MainWindow
from s3n_gui.frame.palette.name_index import NameIndex
from s3n_gui.frame.palette.palette import Palette
from s3n_gui.frame.window_commands import WindowCommands
from s3n_gui.state.settings import Settings

CONTROL = Qt.KeyboardModifier.ControlModifier
NAMES = [
    "train/01.Aster/bird 12.jpg",
    "train/01.Aster/bird 1.jpg",
    "train/02.Gull/gull_bird_1.jpg",
    "test/02.Gull/IMG-0001.jpg",
    "ünüsual 空\nname.png",
]


def found(query: str, most: int = 10) -> list[str]:
    return [NAMES[match.row] for match in NameIndex(NAMES).search(query, most)]


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("bird 1", "train/01.Aster/bird 1.jpg"),
        ("BIRD 12", "train/01.Aster/bird 12.jpg"),
        ("0001", "test/02.Gull/IMG-0001.jpg"),
        ("gull 1 bird", "train/02.Gull/gull_bird_1.jpg"),
        ("gbj", "train/02.Gull/gull_bird_1.jpg"),
        ("空 NAME", "ünüsual 空\nname.png"),
    ],
)
def test_the_best_name_comes_first(query: str, first: str) -> None:
    assert found(query)[0] == first


def test_a_query_that_nothing_matches_finds_nothing() -> None:
    assert found("zebra") == []
    assert found("drib") == []
    assert NameIndex([]).search("a", 5) == []


def test_an_empty_query_finds_the_first_names() -> None:
    assert found("", 2) == NAMES[:2]
    assert found("   ", 2) == NAMES[:2]


def test_a_whole_name_is_found_behind_thousands_that_begin_with_it() -> None:
    names = [f"a/bird_1{number:04}.jpg" for number in range(5000)] + ["b/bird_1.jpg"]
    index = NameIndex(names)
    assert index.search("bird_1", 3)[0].row == 5000
    assert len(index.search("bird_1", 3)) == 3


@pytest.fixture
def opened(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> MainWindow:
    """The window, active, with a data set of files that do not exist."""
    records = tuple(
        ImageRecord(path=tmp_path / name, name=name, label=number % 2)
        for number, name in enumerate(("a/robin & co 1.png", "b/robin 2.png", "a/wren <3>.png"))
    )
    window.session.data_set = DataSet(
        root=tmp_path, format="class-folders", classes=("Grey_heron", "Tufted_duck"), records=records
    )
    window.activateWindow()
    qtbot.waitActive(window)
    return window


def press(window: MainWindow, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    QTest.keyClick(window.windowHandle(), key, modifier)


def palette(window: MainWindow) -> Palette:
    (found,) = window.findChildren(Palette)
    return found


def type_text(window: MainWindow, text: str) -> None:
    for letter in text:
        QTest.keyClick(QApplication.focusWidget(), letter)


def current(window: MainWindow) -> str:
    return str(palette(window).list.currentIndex().data())


def rows(window: MainWindow) -> list[str]:
    results = palette(window).results
    return [str(results.index(row).data()) for row in range(results.rowCount())]


def test_a_page_is_shown_with_the_keyboard_alone(opened: MainWindow) -> None:
    press(opened, Qt.Key.Key_P, CONTROL)
    assert palette(opened).isVisible()
    type_text(opened, "expo")
    assert current(opened) == "Export"
    press(opened, Qt.Key.Key_Return)
    assert not palette(opened).isVisible()
    assert opened.pages.current_name == "export"


def test_escape_and_a_second_press_give_the_focus_back(opened: MainWindow) -> None:
    before = opened.rail.button("data")
    before.setFocus()
    for key, modifier in ((Qt.Key.Key_Escape, Qt.KeyboardModifier.NoModifier), (Qt.Key.Key_P, CONTROL)):
        press(opened, Qt.Key.Key_P, CONTROL)
        assert QApplication.focusWidget() is palette(opened).field
        press(opened, key, modifier)
        assert not palette(opened).isVisible()
        assert QApplication.focusWidget() is before


def test_an_entry_is_opened_though_what_had_the_focus_is_gone(opened: MainWindow) -> None:
    before = QPushButton("Stop", opened)
    before.show()
    before.setFocus()
    press(opened, Qt.Key.Key_P, CONTROL)
    delete(before)
    type_text(opened, "expo")
    press(opened, Qt.Key.Key_Return)
    assert not palette(opened).isVisible()
    assert opened.pages.current_name == "export"


def test_arrow_keys_pass_headings_and_go_around(opened: MainWindow) -> None:
    press(opened, Qt.Key.Key_P, CONTROL)
    assert rows(opened)[0] == "Pages"
    assert current(opened) == "Start"
    press(opened, Qt.Key.Key_Down)
    assert current(opened) == "Data"
    press(opened, Qt.Key.Key_Up)
    press(opened, Qt.Key.Key_Up)
    assert current(opened) == rows(opened)[-1]
    press(opened, Qt.Key.Key_Down)
    assert current(opened) == "Start"


def test_an_image_of_the_data_set_is_selected_and_inspected(opened: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    press(opened, Qt.Key.Key_P, CONTROL)
    type_text(opened, "robin &")
    qtbot.waitUntil(lambda: "robin & co 1.png" in rows(opened))
    assert current(opened) == "robin & co 1.png"
    opened_paths: list[Path] = []
    opened.session.image_changed.connect(opened_paths.append)
    opened.pages.show_page("start")
    press(opened, Qt.Key.Key_Return)
    assert opened_paths == [tmp_path / "a/robin & co 1.png"]
    assert opened.pages.current_name == "inspect"


def test_a_class_is_listed_on_the_data_page(opened: MainWindow, qtbot: QtBot) -> None:
    press(opened, Qt.Key.Key_P, CONTROL)
    type_text(opened, "tuft")
    assert current(opened) == "Tufted duck"
    press(opened, Qt.Key.Key_Return)
    assert opened.pages.current_name == "data"
    controller = opened.pages.page("data").controller  # type: ignore[attr-defined]
    qtbot.waitUntil(lambda: [int(image) for image in controller.listed] == [1])


def test_an_action_runs_as_its_menu_item_does(opened: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[QAction] = []
    opened.actions_by_id["full-screen"].triggered.connect(lambda: asked.append(opened.actions_by_id["full-screen"]))
    monkeypatch.setattr(WindowCommands, "full_screen", lambda self: None)
    press(opened, Qt.Key.Key_P, CONTROL)
    type_text(opened, "full scr")
    assert current(opened) == "Full screen"
    press(opened, Qt.Key.Key_Return)
    assert asked == [opened.actions_by_id["full-screen"]]


def test_an_action_of_another_page_shows_the_page_first(opened: MainWindow) -> None:
    press(opened, Qt.Key.Key_P, CONTROL)
    type_text(opened, "find in the table")
    assert current(opened) == "Find in the table"
    press(opened, Qt.Key.Key_Return)
    assert opened.pages.current_name == "predict"


def test_a_recent_choice_comes_first_and_survives_a_restart(opened: MainWindow, settings: Settings) -> None:
    press(opened, Qt.Key.Key_P, CONTROL)
    type_text(opened, "larger text")
    press(opened, Qt.Key.Key_Return)
    press(opened, Qt.Key.Key_P, CONTROL)
    assert rows(opened)[:2] == ["Recent choices", "Larger text"]
    type_text(opened, "text")
    assert current(opened) == "Larger text"
    press(opened, Qt.Key.Key_Escape)
    opened.close()
    again = MainWindow(settings)
    again.show_page("start")
    again.show()
    again.actions_by_id["palette"].trigger()
    assert rows(again)[:2] == ["Recent choices", "Larger text"]
    again.close()
    again.deleteLater()


def test_every_action_of_the_menus_can_be_found(opened: MainWindow) -> None:
    opened.actions_by_id["palette"].trigger()
    for name, action in opened.actions_by_id.items():
        if not action.isEnabled() or name == "palette":
            continue
        title = action.text().replace("&", "")
        palette(opened).field.setText(title)
        assert title in rows(opened), name


def test_what_is_under_the_palette_hears_no_key_of_it(opened: MainWindow) -> None:
    opened.show_page("inspect")
    told: list[str] = []
    for name in ("inspect-next", "inspect-mistake", "inspect-peaks"):
        opened.actions_by_id[name].triggered.connect(lambda _=False, name=name: told.append(name))
    press(opened, Qt.Key.Key_P, CONTROL)
    press(opened, Qt.Key.Key_PageDown)
    type_text(opened, "mp")
    assert palette(opened).field.text() == "mp"
    assert told == []


def test_a_recent_image_is_offered_and_one_that_passed_by_is_not(opened: MainWindow, tmp_path: Path) -> None:
    opened.session.image = tmp_path / "a/passed.png"
    opened.session.image = tmp_path / "a/wren <3>.png"
    opened.opener.open_image(tmp_path / "b/robin 2.png")
    assert [item.path.name for item in opened.recent.items("image")] == ["robin 2.png"]
    assert opened.recent.items("image")[0].detail == f"Tufted duck · {tmp_path.name}"
    press(opened, Qt.Key.Key_P, CONTROL)
    type_text(opened, "robin")
    assert rows(opened)[:2] == ["Recent images", "robin 2.png"]


def test_a_run_that_was_renamed_is_not_offered_under_its_old_name(opened: MainWindow, tmp_path: Path) -> None:
    (tmp_path / "kittiwake").mkdir()
    for name in ("kittiwake", "kittiwake before"):
        opened.recent.add("run", tmp_path / name)
    press(opened, Qt.Key.Key_P, CONTROL)
    type_text(opened, "kittiwake")
    assert rows(opened)[:2] == ["Runs", "kittiwake"]
    assert "kittiwake before" not in rows(opened)


def test_the_current_result_is_told_to_screen_readers(opened: MainWindow) -> None:
    press(opened, Qt.Key.Key_P, CONTROL)
    type_text(opened, "settings")
    assert palette(opened).field.accessibleDescription().startswith("Settings…, ")
    type_text(opened, "zzz")
    assert palette(opened).field.accessibleDescription() == "Nothing matches"
    assert palette(opened).nothing.isVisible()


def test_a_click_outside_closes_it(opened: MainWindow) -> None:
    press(opened, Qt.Key.Key_P, CONTROL)
    QTest.mouseClick(palette(opened), Qt.MouseButton.LeftButton, pos=palette(opened).rect().bottomLeft())
    assert not palette(opened).isVisible()
