"""Keyboard use of the window: a key for every page, Tab cycles through each page, and every widget has a name."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from s3n_gui.dataset.audit.pairs_dialog import PairsDialog
from s3n_gui.dataset.findings import Finding, Pair
from s3n_gui.frame.main_window import MainWindow
from s3n_gui.frame.pages import PAGES

MOST_STEPS = 150


def name_of(widget: QWidget) -> str:
    text = widget.text() if isinstance(widget, QAbstractButton | QLineEdit) else ""
    return widget.accessibleName() or text or widget.toolTip()


def walk(window: QWidget) -> list[QWidget]:
    """Press Tab until the focus is back at its start; return the widgets focused on the way."""
    met: list[QWidget] = []
    QTest.keyClick(window.windowHandle(), Qt.Key.Key_Tab)
    while (focused := QApplication.focusWidget()) not in met:
        assert focused is not None, f"Tab lost the focus after {met[-1:]}"
        assert focused.isVisible()
        met.append(focused)
        assert len(met) < MOST_STEPS
        QTest.keyClick(window.windowHandle(), Qt.Key.Key_Tab)
    assert focused is met[0], f"Tab does not get away from {met[-1]!r}"
    return met


def test_no_page_shows_a_window_of_its_own_while_it_is_made(window: MainWindow) -> None:
    strangers: list[str] = []

    class Watch(QObject):
        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            if event.type() == QEvent.Type.Show and isinstance(watched, QWidget) and watched.isWindow():
                strangers.append(repr(watched))
            return False

    watch = Watch()
    app = QApplication.instance()
    assert app is not None
    app.installEventFilter(watch)
    for name in window.pages.names:
        window.show_page(name)
    app.removeEventFilter(watch)
    assert strangers == []


@pytest.mark.parametrize("name", [page.name for page in PAGES])
def test_tab_goes_around_each_page(window: MainWindow, qtbot: QtBot, name: str) -> None:
    window.activateWindow()
    qtbot.waitActive(window)
    entry = next(page for page in PAGES if page.name == name)
    window.show_page("predict" if name == "start" else "start")
    QTest.keyClick(
        window.windowHandle(), getattr(Qt.Key, f"Key_{entry.shortcut[-1]}"), Qt.KeyboardModifier.ControlModifier
    )
    assert window.pages.current_name == name
    if name in ("start", "data"):
        window.pages.page(name).show_demo()
        qtbot.waitUntil(window.pages.page(name).is_ready, timeout=60_000)
    assert QApplication.focusWidget() is not None
    page = window.pages.page(name)
    # A page that has just been made shows its widgets in the next rounds of events.
    qtbot.waitUntil(lambda: any(child.isVisible() for child in page.findChildren(QAbstractButton)))
    met = walk(window)
    assert any(page.isAncestorOf(widget) for widget in met), "Tab does not reach the page"
    assert [repr(widget) for widget in met if not name_of(widget) and widget is not page] == []
    reachable = [
        button
        for button in page.findChildren(QAbstractButton)
        if button.isVisible() and button.isEnabled() and button.focusPolicy() & Qt.FocusPolicy.TabFocus
    ]
    assert [name_of(button) for button in reachable if button not in met] == []


@pytest.mark.parametrize("name", ["settings", "shortcuts", "glossary", "about"])
def test_tab_goes_around_each_dialog_and_escape_closes_it(window: MainWindow, qtbot: QtBot, name: str) -> None:
    {
        "settings": window.dialogs.show_settings,
        "shortcuts": window.dialogs.show_shortcuts,
        "glossary": window.dialogs.show_glossary,
        "about": window.dialogs.show_about,
    }[name]()
    dialog = window.dialogs.dialog(name)
    assert dialog is not None
    dialog.activateWindow()
    qtbot.waitActive(dialog)
    met = walk(dialog)
    assert [repr(widget) for widget in met if not name_of(widget)] == []
    reachable = [
        widget
        for widget in dialog.findChildren(QWidget)
        if widget.isVisible() and widget.isEnabled() and widget.focusPolicy() & Qt.FocusPolicy.TabFocus
    ]
    # In an exclusive button group, Tab reaches only the checked button; arrow keys move within the group.
    groups = {button.group() for button in met if isinstance(button, QAbstractButton) and button.group() is not None}
    assert [
        repr(widget)
        for widget in reachable
        if widget not in met
        and widget.focusProxy() is None
        and not (isinstance(widget, QAbstractButton) and widget.group() in groups)
    ] == []
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert window.dialogs.dialog(name) is None


def test_two_images_are_compared_without_a_mouse(window: MainWindow, qtbot: QtBot) -> None:
    window.show_page("data")
    page = window.pages.page("data")
    page.show_demo()
    qtbot.waitUntil(page.is_ready, timeout=60_000)
    pairs = tuple(Pair(one=0, other=other, remark="they were drawn alike") for other in (1, 2))
    dialog = PairsDialog(page.controller, Finding(kind="near-duplicate", title="2 pictures", pairs=pairs), window)  # type: ignore[attr-defined]
    dialog.show()
    dialog.activateWindow()
    qtbot.waitActive(dialog)
    met = walk(dialog)
    assert [repr(widget) for widget in met if not name_of(widget)] == []
    assert {side.picture for side in dialog.sides} <= set(met)
    assert {side.button for side in dialog.sides} <= set(met)
    dialog.next.setFocus()
    QTest.keyClick(dialog.windowHandle(), Qt.Key.Key_Right)  # to the button, as from the keyboard
    assert dialog.pair is pairs[1]
    dialog.previous.setFocus()
    QTest.keyClick(dialog.windowHandle(), Qt.Key.Key_Left)
    assert dialog.pair is pairs[0]
    QTest.keyClick(dialog, Qt.Key.Key_PageDown)
    assert dialog.pair is pairs[1]
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()
    dialog.deleteLater()
