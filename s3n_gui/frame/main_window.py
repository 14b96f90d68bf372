"""The main window: rail, strip, banner, pages and jobs tray, and their connections."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtGui import QAction, QActionGroup, QCloseEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QMainWindow, QVBoxLayout, QWidget

from s3n_gui.appearance.wording import label_text
from s3n_gui.background.card_memory import CardMemory
from s3n_gui.background.device_probe import DeviceProbe, Devices
from s3n_gui.background.incremental import IncrementalWork
from s3n_gui.background.jobs import JobList
from s3n_gui.background.weight_catalogue import WeightCatalogue
from s3n_gui.frame.actions import CommandTable, make_actions
from s3n_gui.frame.dropping import Dropping
from s3n_gui.frame.jobs_tray import JobsTray
from s3n_gui.frame.menus import Menus
from s3n_gui.frame.page_stack import PageStack
from s3n_gui.frame.pages import LIBRARIES, PACKAGES, PAGES, PageEntry, Studio
from s3n_gui.frame.palette.palette import Palette
from s3n_gui.frame.palette.sources import PaletteSources
from s3n_gui.frame.place_keeping import PlaceKeeping
from s3n_gui.frame.preload import preload
from s3n_gui.frame.rail import Rail
from s3n_gui.frame.strip import Strip
from s3n_gui.frame.window_commands import WindowCommands
from s3n_gui.frame.window_dialogs import WindowDialogs
from s3n_gui.state.atlas_finder import AtlasFinder
from s3n_gui.state.clock import clock
from s3n_gui.state.last_place import LastPlaces
from s3n_gui.state.live_runs import LiveRuns
from s3n_gui.state.model_choices import ModelChoices
from s3n_gui.state.model_ranges import ModelRanges
from s3n_gui.state.opening import Opener
from s3n_gui.state.recent import RecentList
from s3n_gui.state.recent_images import RecentImages
from s3n_gui.state.session import Session
from s3n_gui.state.settings import Settings
from s3n_gui.state.window_layout import WindowLayout, keep_geometry, restore_geometry
from s3n_gui.widgets.banner import Banner

WIDTH, HEIGHT = 1280, 800
LEAST_WIDTH, LEAST_HEIGHT = 800, 480  # with its title bar it fits on a screen of 960 x 540


class MainWindow(QMainWindow):
    """The program's only window.

    Attributes:
        session: The current data set, model and image.
        settings: The user's settings.
        jobs: All jobs.
        pages: The pages, one of which is visible.
        banner: Shows errors and notices.
    """

    def __init__(
        self, settings: Settings, pages: Sequence[PageEntry] = PAGES, layout: WindowLayout | None = None
    ) -> None:
        super().__init__()
        self.setWindowTitle("S3N Studio")
        self.setMinimumSize(LEAST_WIDTH, LEAST_HEIGHT)
        self.settings = settings
        self.session = Session(self)
        self.jobs = JobList(self)
        self.recent = RecentList(parent=self)
        self.opener = Opener(self.session, self.recent, self)
        self._recent_images = RecentImages(self.session, self.recent, self)
        self._dropping = Dropping(self, self.session, self.opener)
        self.probe = DeviceProbe(self)
        self.card = CardMemory(self)
        self.weights = WeightCatalogue(self.jobs, self)
        self.trainings = LiveRuns(settings, self.jobs, self)
        self._layout = layout if layout is not None else WindowLayout()
        self.models = ModelChoices(self.session, self.recent, self.trainings.watch, self._layout, self)
        self._ranges = ModelRanges(self.session, self)
        self._atlas = AtlasFinder(self.session, settings, self.recent, self)
        self._preloading = IncrementalWork(self)
        self._beginning: list[QTimer] = []
        for wait, work in ((300, self._preload), (700, self.trainings.begin), (1500, self.probe.ask)):
            timer = QTimer(self, singleShot=True, interval=wait)
            timer.timeout.connect(work)
            self._beginning.append(timer)
        self._places = LastPlaces(self.session, self._layout)
        self._build(pages)
        self._connect()
        restore_geometry(self, self._layout, WIDTH, HEIGHT)
        if settings.notice:
            self.session.report_notice(settings.notice)

    # -- building ------------------------------------------------------------------------------------------------------

    def _build(self, pages: Sequence[PageEntry]) -> None:
        studio = Studio(
            session=self.session,
            settings=self.settings,
            jobs=self.jobs,
            recent=self.recent,
            opener=self.opener,
            trainings=self.trainings,
            places=self._places,
            models=self.models,
            probe=self.probe,
            weights=self.weights,
        )
        self.pages = PageStack(pages, studio, self._layout)
        self._keeping = PlaceKeeping(self.session, self.pages, self._places, self._layout, self)
        self.actions_by_id = make_actions(self)
        self.dialogs = WindowDialogs(self, self.session, self.settings, self.probe, self.card, self.weights)
        self.tray = JobsTray(self.jobs)
        self.sources = PaletteSources(studio, pages, self.actions_by_id, self.show_page, self._layout, self)
        self.palette_box = Palette(self.sources, self)
        self.commands = WindowCommands(
            self, studio, self.pages, self.dialogs, self.tray, self.palette_box, self.actions_by_id
        )
        self._table = CommandTable(self.actions_by_id, self.commands.table())
        self.menus = Menus(self, self.actions_by_id, pages, self.recent, self.opener)
        self.rail = Rail([(p.name, p.title, p.icon, p.shortcut) for p in pages])
        self.strip = Strip(self.session, self.recent, self.opener, self.models)
        self.banner = Banner()
        right = QVBoxLayout()
        right.setContentsMargins(0, 0, 0, 0)
        right.setSpacing(0)
        right.addWidget(self.strip)
        right.addWidget(self.banner)
        right.addWidget(self.pages, 1)
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
        actions = QActionGroup(self)
        actions.setExclusionPolicy(QActionGroup.ExclusionPolicy.None_)
        for action in self.actions_by_id.values():
            actions.addAction(action)
        actions.triggered.connect(self._on_action)
        self.pages.page_shown.connect(self._on_page_shown)
        self.pages.commands_changed.connect(self._show_commands)
        self.menus.page_chosen.connect(self.show_page)
        self.rail.page_chosen.connect(self.show_page)
        self.rail.settings_asked.connect(self.dialogs.show_settings)
        self.strip.palette_asked.connect(self.palette_box.open)
        self.strip.open_asked.connect(self.commands.ask_to_open)
        session = self.session
        session.page_requested.connect(self.show_page)
        session.path_offered.connect(self.opener.open_path)
        session.open_asked.connect(self.commands.ask_to_open)
        session.backbone_asked.connect(self.dialogs.show_backbone)
        session.demo_asked.connect(self.commands.open_demo)
        session.run_data_asked.connect(self.opener.open_data_of)
        session.message_reported.connect(self.banner.show_message)
        session.cause_ended.connect(self.banner.end)
        self.opener.opened.connect(self._on_opened)
        self.opener.opened.connect(self._recent_images.on_opened)
        self.banner.focus_left.connect(self.pages.focus_current)
        self.settings.failed.connect(self._on_settings_failed)
        self.settings.saved.connect(self._on_settings_saved)
        self.trainings.failed.connect(self._on_runs_failed)
        self.trainings.readable.connect(self._on_runs_readable)
        self.probe.answered.connect(self._on_devices)
        self.card.changed.connect(self._show_device)
        undo = self.pages.undo_group
        for changed in (undo.canUndoChanged, undo.canRedoChanged, undo.undoTextChanged, undo.redoTextChanged):
            changed.connect(self._show_undo)

    def begin(self) -> None:
        """Start slow work once the window is usable: imports, the search for running trainings, the device probe."""
        clock().begin()
        for timer in self._beginning:
            timer.start()

    def _preload(self) -> None:
        preload(self._preloading, LIBRARIES, PACKAGES)

    # -- pages ---------------------------------------------------------------------------------------------------------

    def show_page(self, name: str) -> None:
        """Show a page; an unknown name is ignored."""
        self.pages.show_page(name)
        self.rail.show_current(self.pages.current_name)  # marks the visible page, whichever button was pressed

    def _on_page_shown(self, name: str) -> None:
        self.menus.show_current(name)
        self._places.show_page(name)
        self._show_commands()
        self._show_undo()
        self.setWindowTitle(f"{self.pages.title(name)} - S3N Studio")
        self.pages.focus_current()

    def _show_commands(self) -> None:
        if self.pages.current_name:
            self._table.show_page(self.pages.page(self.pages.current_name).commands())

    def _show_undo(self) -> None:
        undo = self.pages.undo_group
        for name, can, text in (
            ("undo", undo.canUndo(), undo.undoText()),
            ("redo", undo.canRedo(), undo.redoText()),
        ):
            self.actions_by_id[name].setEnabled(can)
            self.actions_by_id[name].setText(label_text(f"{name.capitalize()} {text}".strip()))

    def _on_action(self, action: QAction) -> None:
        self._table.trigger(action.objectName())

    def _on_opened(self, kind: str, path: Path) -> None:
        target = {"data": ("data", "inspect"), "run": ("train", "inspect"), "atlas": ("parts",)}.get(kind, ("inspect",))
        for name in target:
            if name in self.pages.names:
                self.show_page(name)
                return

    def _on_settings_failed(self, sentence: str) -> None:
        self.session.report_error(sentence, cause="settings")

    def _on_settings_saved(self) -> None:
        self.session.end_cause("settings")

    def _on_runs_failed(self, sentence: str) -> None:
        self.session.report_error(sentence, cause="runs")

    def _on_runs_readable(self) -> None:
        self.session.end_cause("runs")

    def _on_devices(self, devices: Devices) -> None:
        if "cuda" in devices.usable:
            self.card.begin()
        self._show_device()

    def _show_device(self) -> None:
        devices = self.probe.devices
        free = self.card.text if devices.chosen == "cuda" else ""
        self.tray.show_device(" · ".join(part for part in (devices.name, free) if part), devices.reason)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the palette over the whole window."""
        super().resizeEvent(event)
        self.palette_box.fit()

    # -- closing ---------------------------------------------------------------------------------------------------------

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask about running trainings, save the layout, and end everything that the window started."""
        trainings = self.trainings.active()
        answer = self.dialogs.ask_about_trainings([job.title for job in trainings]) if trainings else "leave"
        if answer == "cancel":
            event.ignore()
            return
        if answer == "stop":
            self.trainings.stop_all()
        else:
            self.trainings.leave_all()
        keep_geometry(self, self._layout)
        self.pages.keep_state()
        self._keeping.close()
        self.pages.shut_down()
        clock().close()
        for timer in self._beginning:
            timer.stop()
        self._preloading.clear()
        self.trainings.close()
        self.opener.close()
        self.sources.close()
        self._recent_images.close()
        self._ranges.close()
        self._atlas.close()
        self.weights.close()
        self.probe.close()
        self.card.close()
        self.jobs.close()
        event.accept()
