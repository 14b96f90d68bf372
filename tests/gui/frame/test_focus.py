"""The focus stays where the work is, and the menus open with F10 and Alt: with real key events."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QWidget
from pytestqt.qtbot import QtBot

from s3n_gui.dataset.panel import DataPage
from s3n_gui.frame.main_window import MainWindow

CONTROL = Qt.KeyboardModifier.ControlModifier


def press(window: QWidget, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    QTest.keyClick(window.windowHandle(), key, modifier)


@pytest.fixture
def data_page(window: MainWindow, qtbot: QtBot) -> DataPage:
    """The Data page with the demo, in the active window."""
    window.activateWindow()
    qtbot.waitActive(window)
    window.show_page("data")
    page = window.pages.page("data")
    assert isinstance(page, DataPage)
    page.show_demo()
    qtbot.waitUntil(page.is_ready, timeout=60_000)
    return page


def test_f10_opens_the_first_menu_and_escape_gives_the_focus_back(window: MainWindow, data_page: DataPage) -> None:
    data_page.grid.setFocus()
    press(window, Qt.Key.Key_F10)
    menu = QApplication.activePopupWidget()
    assert menu is window.menus.menus["File"]
    assert isinstance(menu, QMenu)
    QTest.keyClick(menu, Qt.Key.Key_Right)
    assert QApplication.activePopupWidget() is window.menus.menus["Edit"]
    QTest.keyClick(QApplication.activePopupWidget(), Qt.Key.Key_Escape)
    press(window, Qt.Key.Key_Escape)
    assert QApplication.activePopupWidget() is None
    assert QApplication.focusWidget() is data_page.grid


def test_alt_leads_to_the_menus_and_back(window: MainWindow, data_page: DataPage) -> None:
    data_page.grid.setFocus()
    handle = window.windowHandle()
    QTest.keyPress(handle, Qt.Key.Key_Alt)
    QTest.keyRelease(handle, Qt.Key.Key_Alt)
    assert window.menuBar().activeAction() is window.menus.menus["File"].menuAction()
    press(window, Qt.Key.Key_Down)
    assert QApplication.activePopupWidget() is window.menus.menus["File"]
    QTest.keyClick(QApplication.activePopupWidget(), Qt.Key.Key_Escape)
    press(window, Qt.Key.Key_Escape)
    assert QApplication.focusWidget() is data_page.grid
    for name, menu in window.menus.menus.items():
        press(window, getattr(Qt.Key, f"Key_{name[0]}"), Qt.KeyboardModifier.AltModifier)
        assert QApplication.activePopupWidget() is menu
        menu.close()


def test_every_enabled_action_is_in_a_menu_that_keys_reach(window: MainWindow) -> None:
    listed = {action for menu in window.menus.menus.values() for action in menu.actions()}
    assert [name for name, action in window.actions_by_id.items() if action not in listed] == []


def test_a_page_has_its_focus_back_after_another_one(window: MainWindow, data_page: DataPage) -> None:
    press(window, Qt.Key.Key_1, CONTROL)
    press(window, Qt.Key.Key_2, CONTROL)
    assert QApplication.focusWidget() is data_page.grid, "the first visit leads to the images"
    for widget in (data_page.filter_bar.search, data_page.class_list):
        widget.setFocus()
        press(window, Qt.Key.Key_1, CONTROL)
        assert window.pages.current_name == "start"
        press(window, Qt.Key.Key_2, CONTROL)
        assert QApplication.focusWidget() is widget


def test_the_focus_is_back_after_a_dialog(window: MainWindow, data_page: DataPage, qtbot: QtBot) -> None:
    data_page.class_list.setFocus()
    for name in ("settings", "shortcuts", "glossary", "about"):
        window.actions_by_id[name].trigger()
        dialog = window.dialogs.dialog(name)
        assert dialog is not None
        qtbot.waitActive(dialog)
        press(dialog, Qt.Key.Key_Escape)
        qtbot.waitUntil(lambda: QApplication.focusWidget() is data_page.class_list)


def test_a_closed_message_gives_the_focus_to_the_page(window: MainWindow, data_page: DataPage) -> None:
    data_page.grid.setFocus()
    window.session.report_error("Something went wrong with bird 3.png; choose another file.")
    window.banner.close_button.setFocus()
    press(window, Qt.Key.Key_Space)
    assert window.banner.messages() == ()
    assert QApplication.focusWidget() is data_page.grid
