"""What the actions of the whole window do: opening, settings, theme and text size, help."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog

from s3n_core.errors import S3NError
from s3n_gui.appearance import theme
from s3n_gui.appearance.tokens import LARGEST_FACTOR, SMALLEST_FACTOR
from s3n_gui.frame.log import log_folder
from s3n_gui.state.demo import demo_is_installed

if TYPE_CHECKING:
    from s3n_gui.frame.main_window import MainWindow

_TEXT_STEP = 0.1


class WindowCommands(QObject):
    """Does what menus and keys ask of the window."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._dialogs: dict[str, QDialog] = {}
        window.settings.changed.connect(self._on_setting)
        self._tick_theme()

    def table(self) -> dict[str, Callable[[], object]]:
        """Return what each action of the window does, by its id."""
        return {
            "open-data": self.open_data,
            "open-model": self.open_model,
            "open-run": self.open_run,
            "open-demo": self.open_demo,
            "settings": self.show_settings,
            "quit": self._window.close,
            "undo": self.undo,
            "redo": self.redo,
            "theme-system": self.theme_system,
            "theme-light": self.theme_light,
            "theme-dark": self.theme_dark,
            "text-larger": self.text_larger,
            "text-smaller": self.text_smaller,
            "text-normal": self.text_normal,
            "full-screen": self.full_screen,
            "jobs": self.show_jobs,
            "page-help": self.show_page_help,
            "glossary": self.show_glossary,
            "shortcuts": self.show_shortcuts,
            "copy-diagnostics": self.copy_diagnostics,
            "open-logs": self.open_logs,
            "about": self.show_about,
        }

    # -- opening ---------------------------------------------------------------------------------------------------------

    def ask_to_open(self, kind: str) -> None:
        """Let the person choose something: "data", "model" or "run"."""
        {"data": self.open_data, "model": self.open_model, "run": self.open_run}[kind]()

    def open_data(self) -> None:
        """Choose a folder of images."""
        recent = self._window.recent.items("data")
        begin = str(recent[0].path.parent) if recent else ""
        folder = QFileDialog.getExistingDirectory(self._window, "Open data set", begin)
        if folder:
            self._window.opener.open_path(Path(folder))

    def open_model(self) -> None:
        """Choose a model file."""
        recent = self._window.recent.items("model")
        begin = str(recent[0].path.parent if recent else self._window.settings.runs_root)
        name, _ = QFileDialog.getOpenFileName(self._window, "Open model", begin, "Models (*.safetensors)")
        if name:
            self._window.opener.open_path(Path(name))

    def open_run(self) -> None:
        """Choose the folder of a run."""
        folder = QFileDialog.getExistingDirectory(self._window, "Open run", str(self._window.settings.runs_root))
        if folder:
            self._window.opener.open_path(Path(folder))

    def open_demo(self) -> None:
        """Show the demo content on the page Inspect."""
        if "inspect" not in self._window.page_names or not demo_is_installed():
            self._window.session.report_error(
                "The demo files are missing from this copy of S3N Studio; install it again, or open your own images."
            )
            return
        try:
            self._window.show_page("inspect")
            self._window.page("inspect").show_demo()
        except S3NError as error:
            self._window.session.report_error(str(error))

    # -- look ------------------------------------------------------------------------------------------------------------

    def theme_system(self) -> None:
        """Follow the desktop."""
        self._choose_theme("system")

    def theme_light(self) -> None:
        """Take the light theme."""
        self._choose_theme("light")

    def theme_dark(self) -> None:
        """Take the dark theme."""
        self._choose_theme("dark")

    def text_larger(self) -> None:
        """Make all text a step larger."""
        self._choose_text(self._window.settings.font_factor + _TEXT_STEP)

    def text_smaller(self) -> None:
        """Make all text a step smaller."""
        self._choose_text(self._window.settings.font_factor - _TEXT_STEP)

    def text_normal(self) -> None:
        """Bring all text to its normal size."""
        self._choose_text(1.0)

    def full_screen(self) -> None:
        """Fill the screen, or leave it."""
        window = self._window
        window.setWindowState(window.windowState() ^ Qt.WindowState.WindowFullScreen)
        window.actions_by_id["full-screen"].setChecked(window.isFullScreen())

    def undo(self) -> None:
        """Take back the last change on the page."""
        self._window.undo_group.undo()

    def redo(self) -> None:
        """Make it again."""
        self._window.undo_group.redo()

    def show_jobs(self) -> None:
        """Open or close the list of jobs."""
        self._window.tray.show_jobs()

    # -- dialogs ---------------------------------------------------------------------------------------------------------

    def show_settings(self) -> None:
        """Show the settings."""
        from s3n_gui.frame.dialogs.settings_dialog import SettingsDialog

        self._show(
            "settings",
            lambda: SettingsDialog(self._window.settings, self._window.probe, self._window.card, self._window),
        )

    def show_shortcuts(self) -> None:
        """Show all keys."""
        from s3n_gui.frame.dialogs.shortcuts import ShortcutsDialog

        self._show("shortcuts", lambda: ShortcutsDialog(self._window))

    def show_about(self) -> None:
        """Show versions, citation and licences."""
        from s3n_gui.frame.dialogs.about import AboutDialog

        def made() -> QDialog:
            dialog = AboutDialog(self._diagnostics(), self._window)
            dialog.copy_asked.connect(self.copy_diagnostics)
            dialog.logs_asked.connect(self.open_logs)
            return dialog

        self._show("about", made)

    def show_page_help(self) -> None:
        """Show the help of the page at hand."""
        from s3n_gui.frame.dialogs.help import HelpDialog, has_help

        name = self._window.current_page
        if not has_help(name):
            self.show_glossary()
            return
        title = f"Help: {self._window.page_title(name)}"
        self._show(f"help-{name}", lambda: HelpDialog(name, title, self._window))

    def show_glossary(self) -> None:
        """Show the symbols of the method."""
        from s3n_gui.frame.dialogs.help import GLOSSARY, HelpDialog

        self._show("glossary", lambda: HelpDialog(GLOSSARY, "Symbols of the method", self._window))

    def copy_diagnostics(self) -> None:
        """Put versions and machine into the clipboard."""
        QGuiApplication.clipboard().setText(self._diagnostics())
        self._window.session.report_notice("The diagnostics are in the clipboard.")

    def open_logs(self) -> None:
        """Show the folder of the logs in the desktop's file manager."""
        folder = log_folder()
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))):
            self._window.session.report_notice(f"The logs are in {folder}.")

    def dialog(self, name: str) -> QDialog | None:
        """Return a dialog that is open."""
        return self._dialogs.get(name)

    def _show(self, name: str, factory: Callable[[], QDialog]) -> None:
        dialog = self._dialogs.get(name)
        if dialog is None:
            dialog = factory()
            dialog.setObjectName(name)
            dialog.finished.connect(self._on_finished)
            self._dialogs[name] = dialog
            dialog.resize(dialog.size().boundedTo(self._window.size()))  # large text, small screen
        dialog.show()
        dialog.raise_()
        dialog.activateWindow()

    def _on_finished(self) -> None:
        dialog = self.sender()
        if isinstance(dialog, QDialog) and self._dialogs.pop(dialog.objectName(), None) is not None:
            dialog.deleteLater()

    def _diagnostics(self) -> str:
        from s3n_gui.frame.diagnostics import diagnostics

        return diagnostics(self._window.settings, self._window.probe.devices.name)

    def _choose_theme(self, mode: str) -> None:
        self._window.settings.set("theme", mode)
        self._tick_theme()

    def _choose_text(self, factor: float) -> None:
        self._window.settings.set("font_factor", round(min(max(factor, SMALLEST_FACTOR), LARGEST_FACTOR), 2))

    def _on_setting(self, name: str) -> None:
        app = QApplication.instance()
        if name in {"theme", "font_factor"} and isinstance(app, QApplication):
            theme.apply(app, self._window.settings.theme, self._window.settings.font_factor)
            self._tick_theme()

    def _tick_theme(self) -> None:
        for mode in ("system", "light", "dark"):
            self._window.actions_by_id[f"theme-{mode}"].setChecked(self._window.settings.theme == mode)
