"""The menu bar, built from the table of actions and the list of pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction, QActionGroup, QKeySequence, QShortcut
from PySide6.QtWidgets import QMainWindow, QMenu

from s3n_gui.appearance.theme import set_icon
from s3n_gui.appearance.wording import label_text, tip_text
from s3n_gui.frame.actions import ACTIONS, MENUS
from s3n_gui.frame.pages import PageEntry
from s3n_gui.state.opening import Opener, data_set_title, model_title
from s3n_gui.state.recent import RecentList

_ROLES = {
    "about": QAction.MenuRole.AboutRole,
    "settings": QAction.MenuRole.PreferencesRole,
    "quit": QAction.MenuRole.QuitRole,
}


class Menus(QObject):
    """Fills a window's menu bar.

    Signals:
        page_chosen: The name of a page that was chosen in the View menu or by its shortcut.
    """

    page_chosen = Signal(str)

    def __init__(
        self,
        window: QMainWindow,
        actions: Mapping[str, QAction],
        pages: Sequence[PageEntry],
        recent: RecentList,
        opener: Opener,
    ) -> None:
        super().__init__(window)
        self._window, self._recent, self._opener = window, recent, opener
        self._pages: dict[str, QAction] = {}
        self.menus: dict[str, QMenu] = {}  # Python deletes menus without a reference.
        self._recent_menu = QMenu("Open recent", window)
        set_icon(self._recent_menu.menuAction(), "clock")
        self._recent_menu.setToolTipsVisible(True)  # the paths: folders of equal names look alike
        self._recent_menu.aboutToShow.connect(self._fill_recent)
        self._recent_menu.triggered.connect(self._on_recent)
        bar = window.menuBar()
        for name in MENUS:
            menu = self.menus[name] = bar.addMenu(f"&{name}")
            if name == "View":
                self._add_pages(menu, window, pages)
            for row in ACTIONS:
                if row.menu != name:
                    continue
                if row.separated:
                    menu.addSeparator()
                action = actions[row.id]
                action.setMenuRole(_ROLES.get(row.id, QAction.MenuRole.NoRole))
                menu.addAction(action)
                if row.id == "open-run":
                    menu.addMenu(self._recent_menu)
            if name == "Help":
                menu.addSeparator()
                menu.addAction(actions["palette"])
        self._keys = QShortcut(QKeySequence("F10"), window)
        self._keys.activated.connect(self.open_first)

    def show_current(self, name: str) -> None:
        """Check the visible page."""
        if name in self._pages:
            self._pages[name].setChecked(True)

    def open_first(self) -> None:
        """Open the first menu; arrow keys reach the others."""
        bar = self.menus[MENUS[0]].menuAction()
        self._window.menuBar().setActiveAction(bar)

    def _add_pages(self, menu: QMenu, window: QMainWindow, pages: Sequence[PageEntry]) -> None:
        group = QActionGroup(self)
        for page in pages:
            action = QAction(page.title, window)
            action.setShortcut(QKeySequence(page.shortcut))
            action.setCheckable(True)
            action.setData(page.name)
            group.addAction(action)
            menu.addAction(action)
            self._pages[page.name] = action
        group.triggered.connect(self._on_page)

    def _fill_recent(self) -> None:
        menu = self._recent_menu
        menu.clear()
        kinds = (("data", "Data sets", "folder"), ("run", "Runs", "run"), ("model", "Models", "model"))
        titles = {"data": data_set_title, "run": lambda path: path.name, "model": model_title}
        for kind, title, icon in kinds:
            items = [item for item in self._recent.items(kind) if item.exists][:6]  # type: ignore[arg-type]
            if items:
                menu.addSection(title)
            for item in items:
                action = menu.addAction(label_text(titles[kind](item.path)))
                action.setToolTip(tip_text(str(item.path)))
                action.setData(item.path)
                set_icon(action, icon)
        if menu.isEmpty():
            menu.addAction("No recent items").setEnabled(False)

    def _on_page(self, action: QAction) -> None:
        self.page_chosen.emit(action.data())

    def _on_recent(self, action: QAction) -> None:
        if action.data() is not None:
            self._opener.open_path(action.data())
