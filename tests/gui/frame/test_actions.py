"""The table of actions: complete, without conflicts, and every row does something."""

from __future__ import annotations

from collections import Counter

from PySide6.QtGui import QKeySequence

from s3n_gui.appearance.icons import icon_names
from s3n_gui.frame.actions import ACTIONS, MENUS, shortcut_text
from s3n_gui.frame.dialogs.shortcuts import ShortcutsDialog
from s3n_gui.frame.main_window import MainWindow
from s3n_gui.frame.pages import PAGES


def test_rows_are_whole() -> None:
    assert len({row.id for row in ACTIONS}) == len(ACTIONS)
    for row in ACTIONS:
        assert row.menu in ("", *MENUS)
        assert row.tip, row.id
        assert not row.icon or row.icon in icon_names(), row.id
        assert row.menu or row.shortcut, f"{row.id} can be reached neither by menu nor by key"
        assert not row.page or row.page in {page.name for page in PAGES}, row.id


def test_pages_are_whole() -> None:
    assert len({page.name for page in PAGES}) == len(PAGES)
    for page in PAGES:
        assert page.icon in icon_names()


def test_no_two_rows_share_keys() -> None:
    general = [keys for row in ACTIONS if row.menu and not row.page for keys in row.shortcut.split("; ") if keys]
    general += [page.shortcut for page in PAGES]
    for page in PAGES:
        own = [
            keys for row in ACTIONS if row.menu and row.page == page.name for keys in row.shortcut.split("; ") if keys
        ]
        counted = Counter(QKeySequence(keys).toString() for keys in general + own)
        assert [keys for keys, number in counted.items() if number > 1] == [], page.name


def test_every_row_of_the_window_does_something(window: MainWindow) -> None:
    commands = window.commands.table()
    for row in ACTIONS:
        if row.menu and not row.page:
            assert row.id in commands, row.id
    assert set(commands) <= {row.id for row in ACTIONS}


def test_every_row_stands_in_its_menu(window: MainWindow) -> None:
    shown = {action.objectName() for menu in window.menus.menus.values() for action in menu.actions()}
    assert {row.id for row in ACTIONS if row.menu} <= shown


def test_the_dialog_lists_and_filters(window: MainWindow) -> None:
    dialog = ShortcutsDialog(window)
    listed = {
        group.child(row).text(1)
        for group in (dialog.tree.topLevelItem(i) for i in range(dialog.tree.topLevelItemCount()))
        for row in range(group.childCount())
    }
    assert {shortcut_text(row) for row in ACTIONS if row.shortcut} <= listed
    dialog.filter.setText("glossary-nothing")
    assert all(dialog.tree.topLevelItem(i).isHidden() for i in range(dialog.tree.topLevelItemCount()))
    dialog.filter.setText("undo")
    assert not all(dialog.tree.topLevelItem(i).isHidden() for i in range(dialog.tree.topLevelItemCount()))
