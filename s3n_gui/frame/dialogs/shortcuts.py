"""The list of all keyboard shortcuts, built from the table of actions."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QLineEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from s3n_gui.appearance.theme import font, number_font, px
from s3n_gui.appearance.tokens import INSIDE_GROUP, PAGE_MARGIN
from s3n_gui.frame.actions import ACTIONS, MENUS, Action, Menu, shortcut_text
from s3n_gui.frame.pages import PAGES
from s3n_gui.widgets.dialog_size import fit_in_window

_MENU_OF_KEYS: Menu = "View"
"""Where keys of the whole window are listed that are in no menu."""


class ShortcutsDialog(QDialog):
    """All shortcuts, by menu and by page, with a filter."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard shortcuts")
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("Filter by word or key")
        self.filter.setAccessibleName("Filter")
        self.filter.setClearButtonEnabled(True)
        self.filter.textChanged.connect(self._filter)
        self.tree = QTreeWidget()
        self.tree.setColumnCount(3)
        self.tree.setHeaderHidden(True)
        self.tree.setRootIsDecorated(False)
        self.tree.setIndentation(0)
        self.tree.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.tree.setSelectionMode(QTreeWidget.SelectionMode.NoSelection)
        self.tree.setAccessibleName("Shortcuts")
        for title, rows in _groups():
            group = QTreeWidgetItem(self.tree, [title])
            group.setFont(0, font("body", semibold=True))
            group.setFirstColumnSpanned(True)
            for row in rows:
                item = QTreeWidgetItem(group, [row.text.removesuffix("…"), shortcut_text(row), row.tip])
                item.setFont(1, number_font("body", semibold=True))
            group.setExpanded(True)
        header = self.tree.header()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Interactive)
        header.resizeSection(0, px(200))
        header.resizeSection(1, px(170))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(PAGE_MARGIN, PAGE_MARGIN, PAGE_MARGIN, PAGE_MARGIN)
        column.setSpacing(INSIDE_GROUP)
        column.addWidget(self.filter)
        column.addWidget(self.tree, 1)
        column.addWidget(buttons)
        fit_in_window(self, QSize(px(780), px(620)))

    def _filter(self, text: str) -> None:
        wanted = text.casefold().strip()
        for index in range(self.tree.topLevelItemCount()):
            group = self.tree.topLevelItem(index)
            if group is None:
                continue
            shown = 0
            for row in range(group.childCount()):
                item = group.child(row)
                match = not wanted or any(wanted in item.text(column).casefold() for column in range(3))
                item.setHidden(not match)
                shown += match
            group.setHidden(not shown)


def _groups() -> list[tuple[str, list[Action]]]:
    groups: list[tuple[str, list[Action]]] = []
    pages = [Action(f"page-{p.name}", "View", p.title, p.shortcut, tip=f"Go to the page {p.title}") for p in PAGES]
    for menu in MENUS:
        rows = [row for row in ACTIONS if (row.menu or _MENU_OF_KEYS) == menu and not row.page and row.shortcut]
        groups.append((menu, (pages if menu == "View" else []) + rows))
    for page in PAGES:
        groups.append((f"{page.title} page", [r for r in ACTIONS if r.page == page.name and r.shortcut]))
    return [(title, rows) for title, rows in groups if rows]
