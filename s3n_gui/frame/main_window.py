"""The window: rail, strip, banner, pages and jobs tray, and how they hang together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QCloseEvent, QUndoGroup
from PySide6.QtWidgets import QHBoxLayout, QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from s3n_gui.background.card_memory import CardMemory
from s3n_gui.background.device_probe import DeviceProbe, Devices
from s3n_gui.background.jobs import JobList
from s3n_gui.frame.actions import CommandTable, make_actions
from s3n_gui.frame.dropping import Dropping
from s3n_gui.frame.jobs_tray import JobsTray
from s3n_gui.frame.menus import Menus
from s3n_gui.frame.pages import MODULES, PAGES, PageEntry, Studio
from s3n_gui.frame.preload import Preload
from s3n_gui.frame.rail import Rail
from s3n_gui.frame.strip import STEPS, Strip
from s3n_gui.frame.window_commands import WindowCommands
from s3n_gui.state.live_runs import LiveRuns
from s3n_gui.state.opening import Opener
from s3n_gui.state.recent import RecentList
from s3n_gui.state.session import Session
from s3n_gui.state.settings import Settings
from s3n_gui.state.window_layout import Places, keep_geometry, restore_geometry
from s3n_gui.widgets.banner import Banner
from s3n_gui.widgets.page import Page

WIDTH, HEIGHT = 1280, 800
LEAST_WIDTH, LEAST_HEIGHT = 900, 560


class MainWindow(QMainWindow):
    """The program's one window.

    Attributes:
        session: What is chosen.
        settings: The person's settings.
        jobs: All jobs.
        banner: Where errors and notices are said.
    """

    def __init__(self, settings: Settings, pages: Sequence[PageEntry] = PAGES, places: Places | None = None) -> None:
        super().__init__()
        self.setWindowTitle("S3N Studio")
        self.setMinimumSize(LEAST_WIDTH, LEAST_HEIGHT)
        self.settings = settings
        self.session = Session(self)
        self.jobs = JobList(self)
        self.recent = RecentList(parent=self)
        self.opener = Opener(self.session, self.recent, self)
        self._dropping = Dropping(self, self.session, self.opener)
        self.probe = DeviceProbe(self)
        self.card = CardMemory(self)
        self.trainings = LiveRuns(settings, self.jobs, self)
        self._warming = Preload(MODULES)
        self._places = places if places is not None else Places()
        self._entries = {entry.name: entry for entry in pages}
        self._pages: dict[str, Page] = {}
        self._current = ""
        self._undo = QUndoGroup(self)
        self._build(pages)
        self._connect()
        restore_geometry(self, self._places, WIDTH, HEIGHT)
        if settings.notice:
            self.session.report_notice(settings.notice)

    # -- making it -----------------------------------------------------------------------------------------------------

    def _build(self, pages: Sequence[PageEntry]) -> None:
        self.actions_by_id = make_actions(self)
        self.commands = WindowCommands(self)
        self._table = CommandTable(self.actions_by_id, self.commands.table())
        self.menus = Menus(self, self.actions_by_id, pages, self.recent, self.opener)
        self.rail = Rail([(p.name, p.title, p.icon, p.shortcut) for p in pages])
        steps = [(name, self._entries[name].title) for name in STEPS if name in self._entries]
        steps = steps if len(steps) > 1 else []  # One step is no way.
        self.strip = Strip(steps, self.session, self.recent, self.opener)
        self.banner = Banner()
        self.tray = JobsTray(self.jobs)
        self._stack = QStackedWidget()
        self._stack.setObjectName("pageArea")
        right = QVBoxLayout()
        right.setContentsMargins(0, 0, 0, 0)
        right.setSpacing(0)
        right.addWidget(self.strip)
        right.addWidget(self.banner)
        right.addWidget(self._stack, 1)
        right.addWidget(self.tray)
        whole = QHBoxLayout()
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.rail)
        whole.addLayout(right, 1)
        centre = QWidget()
        centre.setLayout(whole)
        self.setCentralWidget(centre)

    def _connect(self) -> None:
        for action in self.actions_by_id.values():
            action.triggered.connect(self._on_action)
        self.menus.page_chosen.connect(self.show_page)
        self.rail.page_chosen.connect(self.show_page)
        self.rail.settings_asked.connect(self.commands.show_settings)
        self.strip.page_chosen.connect(self.show_page)
        self.strip.open_asked.connect(self.commands.ask_to_open)
        session = self.session
        session.page_requested.connect(self.show_page)
        session.path_offered.connect(self.opener.open_path)
        session.open_asked.connect(self.commands.ask_to_open)
        session.demo_asked.connect(self.commands.open_demo)
        session.error_reported.connect(self.banner.show_error)
        session.notice_reported.connect(self.banner.show_notice)
        self.opener.opened.connect(self._on_opened)
        self.settings.failed.connect(self.banner.show_error)
        self.trainings.failed.connect(self.banner.show_error)
        self.probe.answered.connect(self._on_devices)
        self.card.changed.connect(self._show_device)
        self._undo.canUndoChanged.connect(self._show_undo)
        self._undo.canRedoChanged.connect(self._show_undo)
        self._undo.undoTextChanged.connect(self._show_undo)
        self._undo.redoTextChanged.connect(self._show_undo)

    def begin(self) -> None:
        """Start what may take a while, after the window is usable: the device, trainings that run already."""
        QTimer.singleShot(300, self._warming.begin)
        QTimer.singleShot(700, self.trainings.begin)
        QTimer.singleShot(1500, self.probe.ask)

    # -- pages ---------------------------------------------------------------------------------------------------------

    @property
    def page_names(self) -> tuple[str, ...]:
        """The names of all pages, in the order of the rail."""
        return tuple(self._entries)

    @property
    def current_page(self) -> str:
        """The name of the page that is shown."""
        return self._current

    def page(self, name: str) -> Page:
        """Return a page; it is made when it is asked for first."""
        if name not in self._pages:
            studio = Studio(
                session=self.session,
                settings=self.settings,
                jobs=self.jobs,
                recent=self.recent,
                opener=self.opener,
                trainings=self.trainings,
            )
            page = self._entries[name].factory(studio)
            kept = self._places.get(f"page-{name}")
            if isinstance(kept, dict):
                page.restore_state(kept)
            self._pages[name] = page
            page.commands_changed.connect(self._on_commands)
            self._stack.addWidget(page)
            stack = page.undo_stack()
            if stack is not None:
                self._undo.addStack(stack)
        return self._pages[name]

    def show_page(self, name: str) -> None:
        """Show a page; a name that is not (yet) a page changes nothing."""
        if name not in self._entries or name == self._current:
            self.rail.show_current(self._current)
            self.strip.show_current(self._current)
            return
        page = self.page(name)
        self._stack.setCurrentWidget(page)
        self._current = name
        for part in (self.rail, self.strip, self.menus):
            part.show_current(name)
        self._undo.setActiveStack(page.undo_stack())  # type: ignore[arg-type]  # None is allowed
        self._table.show_page(page.commands())
        self._show_undo()
        self.setWindowTitle(f"{self._entries[name].title} - S3N Studio")
        page.setFocus(Qt.FocusReason.OtherFocusReason)

    def page_title(self, name: str) -> str:
        """Return the word of a page."""
        return self._entries[name].title

    @property
    def undo_group(self) -> QUndoGroup:
        """What Edit > Undo works on."""
        return self._undo

    def _show_undo(self) -> None:
        for name, can, text in (
            ("undo", self._undo.canUndo(), self._undo.undoText()),
            ("redo", self._undo.canRedo(), self._undo.redoText()),
        ):
            self.actions_by_id[name].setEnabled(can)
            self.actions_by_id[name].setText(f"{name.capitalize()} {text}".strip())

    def _on_action(self) -> None:
        self._table.trigger(self.sender().objectName())

    def _on_commands(self) -> None:
        if self.sender() is self._pages.get(self._current):
            self._table.show_page(self._pages[self._current].commands())

    def _on_opened(self, kind: str, path: Path) -> None:
        target = {"data": ("data", "inspect"), "run": ("train", "inspect")}.get(kind, ("inspect",))
        for name in target:
            if name in self._entries:
                self.show_page(name)
                return

    def _on_devices(self, devices: Devices) -> None:
        if "cuda" in devices.usable:
            self.card.begin()
        self._show_device()

    def _show_device(self) -> None:
        devices = self.probe.devices
        free = self.card.text if devices.chosen == "cuda" else ""
        self.tray.show_device(" · ".join(part for part in (devices.name, free) if part), devices.reason)

    # -- closing ---------------------------------------------------------------------------------------------------------

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask what becomes of trainings, keep the places, and end all that the window started."""
        if not self.trainings.settle(self):
            event.ignore()
            return
        keep_geometry(self, self._places)
        for name, page in self._pages.items():
            self._places.keep(f"page-{name}", page.save_state())
        self._places.keep("page", self._current)
        self._places.write()
        for page in self._pages.values():
            page.shut_down()
        self._warming.close()
        self.trainings.close()
        self.opener.close()
        self.probe.close()
        self.card.close()
        self.jobs.close()
        event.accept()
