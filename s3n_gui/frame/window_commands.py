"""The commands of the whole window: opening, theme and text size, dialogs and jobs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication, QFileDialog, QMainWindow

from s3n_core.errors import S3NError
from s3n_gui.appearance import theme
from s3n_gui.appearance.tokens import LARGEST_FACTOR, SMALLEST_FACTOR
from s3n_gui.frame.jobs_tray import JobsTray
from s3n_gui.frame.page_stack import PageStack
from s3n_gui.frame.pages import Studio
from s3n_gui.frame.palette.palette import Palette
from s3n_gui.frame.window_dialogs import WindowDialogs
from s3n_gui.state.demo import demo_is_installed

_TEXT_STEP = 0.1


class WindowCommands(QObject):
    """Runs the window's own actions."""

    def __init__(
        self,
        window: QMainWindow,
        studio: Studio,
        pages: PageStack,
        dialogs: WindowDialogs,
        tray: JobsTray,
        palette: Palette,
        actions: Mapping[str, QAction],
    ) -> None:
        super().__init__(window)
        self._window, self._studio, self._pages = window, studio, pages
        self._dialogs, self._tray, self._palette, self._actions = dialogs, tray, palette, actions
        studio.settings.changed.connect(self._on_setting)
        self._tick_theme()

    def table(self) -> dict[str, Callable[[], object]]:
        """Return the commands of the window's actions, by id."""
        undo, dialogs = self._pages.undo_group, self._dialogs
        return {
            "open-data": self.open_data,
            "open-model": self.open_model,
            "open-run": self.open_run,
            "open-demo": self.open_demo,
            "weights": dialogs.show_weights,
            "settings": dialogs.show_settings,
            "quit": self._window.close,
            "undo": undo.undo,
            "redo": undo.redo,
            "palette": self._palette.open,
            "theme-system": self.theme_system,
            "theme-light": self.theme_light,
            "theme-dark": self.theme_dark,
            "text-larger": self.text_larger,
            "text-smaller": self.text_smaller,
            "text-normal": self.text_normal,
            "full-screen": self.full_screen,
            "jobs": self._tray.show_jobs,
            "page-help": self.show_page_help,
            "glossary": dialogs.show_glossary,
            "shortcuts": dialogs.show_shortcuts,
            "copy-diagnostics": dialogs.copy_diagnostics,
            "open-logs": dialogs.open_logs,
            "about": dialogs.show_about,
        }

    # -- opening ---------------------------------------------------------------------------------------------------------

    def ask_to_open(self, kind: str) -> None:
        """Ask what to open: "data", "model" or "run"."""
        {"data": self.open_data, "model": self.open_model, "run": self.open_run}[kind]()

    def open_data(self) -> None:
        """Ask for a folder of images and open it."""
        recent = self._studio.recent.items("data")
        begin = str(recent[0].path.parent) if recent else ""
        folder = QFileDialog.getExistingDirectory(self._window, "Open data set", begin)
        if folder:
            self._studio.opener.open_path(Path(folder))

    def open_model(self) -> None:
        """Ask for a model file and open it."""
        recent = self._studio.recent.items("model")
        begin = str(recent[0].path.parent if recent else self._studio.settings.runs_root)
        name, _ = QFileDialog.getOpenFileName(self._window, "Open model", begin, "Models (*.safetensors)")
        if name:
            self._studio.opener.open_path(Path(name))

    def open_run(self) -> None:
        """Ask for a run folder and open it."""
        begin = str(self._studio.settings.runs_root)
        folder = QFileDialog.getExistingDirectory(self._window, "Open run", begin)
        if folder:
            self._studio.opener.open_path(Path(folder))

    def open_demo(self) -> None:
        """Show the demo content on the Inspect page."""
        session = self._studio.session
        if "inspect" not in self._pages.names or not demo_is_installed():
            session.report_error(
                "The demo files are missing from this installation of S3N Studio; install it again, or open your own "
                "images.",
                cause="open",
            )
            return
        try:
            session.show_page("inspect")
            self._pages.page("inspect").show_demo()
        except S3NError as error:
            session.report_error(str(error), cause="open")

    # -- appearance ------------------------------------------------------------------------------------------------------

    def theme_system(self) -> None:
        """Use the system's theme."""
        self._choose_theme("system")

    def theme_light(self) -> None:
        """Use the light theme."""
        self._choose_theme("light")

    def theme_dark(self) -> None:
        """Use the dark theme."""
        self._choose_theme("dark")

    def text_larger(self) -> None:
        """Make all text one step larger."""
        self._choose_text(self._studio.settings.font_factor + _TEXT_STEP)

    def text_smaller(self) -> None:
        """Make all text one step smaller."""
        self._choose_text(self._studio.settings.font_factor - _TEXT_STEP)

    def text_normal(self) -> None:
        """Reset the text size."""
        self._choose_text(1.0)

    def full_screen(self) -> None:
        """Toggle full screen."""
        window = self._window
        window.setWindowState(window.windowState() ^ Qt.WindowState.WindowFullScreen)
        self._actions["full-screen"].setChecked(window.isFullScreen())

    def show_page_help(self) -> None:
        """Show the help of the visible page."""
        name = self._pages.current_name
        self._dialogs.show_help(name, self._pages.title(name))

    def _choose_theme(self, mode: str) -> None:
        self._studio.settings.set("theme", mode)
        self._tick_theme()

    def _choose_text(self, factor: float) -> None:
        self._studio.settings.set("font_factor", round(min(max(factor, SMALLEST_FACTOR), LARGEST_FACTOR), 2))

    def _on_setting(self, name: str) -> None:
        app, settings = QApplication.instance(), self._studio.settings
        if name in {"theme", "font_factor"} and isinstance(app, QApplication):
            theme.apply(app, settings.theme, settings.font_factor)
            self._tick_theme()

    def _tick_theme(self) -> None:
        for mode in ("system", "light", "dark"):
            self._actions[f"theme-{mode}"].setChecked(self._studio.settings.theme == mode)
