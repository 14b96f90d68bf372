"""The dialogs of the whole window: settings, help, shortcuts, about, and the question before it closes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QDialog, QMainWindow, QWidget

from s3n_gui.background.card_memory import CardMemory
from s3n_gui.background.device_probe import DeviceProbe
from s3n_gui.background.weight_catalogue import WeightCatalogue
from s3n_gui.frame.log import log_folder
from s3n_gui.state.session import Session
from s3n_gui.state.settings import Settings
from s3n_gui.widgets.question import Answer, Question


class ClosingDialog(Question):
    """Asks what to do with running trainings when the window closes: "stop", "leave" or "cancel"."""

    def __init__(self, titles: Sequence[str], parent: QWidget | None = None) -> None:
        """Create the dialog.

        Args:
            titles: Titles of the running trainings: "Training run-07".
            parent: The window that is about to close.
        """
        super().__init__(
            "A training is running" if len(titles) == 1 else f"{len(titles)} trainings are running",
            "\n".join(titles),
            "Training can continue in the background and will be here next time. Or stop after the current batch and "
            "keep the model.",
            (Answer("stop", "Stop and keep", "stop"), Answer("leave", "Leave running")),
            parent,
        )


class WindowDialogs(QObject):
    """Opens the dialogs, each at most once at a time and importing its code on first use."""

    def __init__(
        self,
        window: QMainWindow,
        session: Session,
        settings: Settings,
        probe: DeviceProbe,
        card: CardMemory,
        weights: WeightCatalogue,
    ) -> None:
        super().__init__(window)
        self._window, self._session, self._settings = window, session, settings
        self._probe, self._card, self._weights = probe, card, weights
        self._open: dict[str, QDialog] = {}

    def dialog(self, name: str) -> QDialog | None:
        """Return an open dialog, or None."""
        return self._open.get(name)

    def show_settings(self) -> None:
        """Show the settings."""
        from s3n_gui.frame.dialogs.settings_dialog import SettingsDialog

        def made() -> QDialog:
            dialog = SettingsDialog(self._settings, self._probe, self._card, self._window)
            dialog.precision_help_asked.connect(self._show_precision_help)
            return dialog

        self._show("settings", made)

    def show_weights(self) -> None:
        """Show all backbones and their pretrained weights."""
        self.show_backbone("", self._weights.input_size)

    def show_backbone(self, name: str, size: int) -> None:
        """Show all backbones, one of them selected.

        Args:
            name: The backbone; "" for none.
            size: Side of the network's input, in pixels, that a weight file is checked for.
        """
        from s3n_gui.frame.dialogs.backbones.dialog import BackbonesDialog

        catalogue = self._weights

        def made() -> QDialog:
            dialog = BackbonesDialog(catalogue, self._window)
            dialog.chosen.connect(self._session.choose_backbone)
            return dialog

        self._show("weights", made)
        dialog = self._open["weights"]
        assert isinstance(dialog, BackbonesDialog)
        dialog.show_backbone(name, size)
        catalogue.ask()

    def show_shortcuts(self) -> None:
        """Show all keyboard shortcuts."""
        from s3n_gui.frame.dialogs.shortcuts import ShortcutsDialog

        def made() -> QDialog:
            return ShortcutsDialog(self._window)

        self._show("shortcuts", made)

    def show_about(self) -> None:
        """Show versions, citation and licences."""
        from s3n_gui.frame.dialogs.about import AboutDialog

        def made() -> QDialog:
            dialog = AboutDialog(self._diagnostics(), self._window)
            dialog.copy_asked.connect(self.copy_diagnostics)
            dialog.logs_asked.connect(self.open_logs)
            return dialog

        self._show("about", made)

    def show_help(self, page: str, title: str) -> None:
        """Show the help of a page, or the symbols of the method if the page has none.

        Args:
            page: The page's name.
            title: Its title in the rail.
        """
        from s3n_gui.frame.dialogs.help import HelpDialog, has_help

        if not has_help(page):
            self.show_glossary()
            return

        def made() -> QDialog:
            return HelpDialog(page, f"Help: {title}", self._window)

        self._show(f"help-{page}", made)

    def _show_precision_help(self) -> None:
        self.show_help("precision", "Precision")

    def show_glossary(self) -> None:
        """Show the symbols of the method."""
        from s3n_gui.frame.dialogs.help import GLOSSARY, HelpDialog

        def made() -> QDialog:
            return HelpDialog(GLOSSARY, "Symbols of the method", self._window)

        self._show("glossary", made)

    def ask_about_trainings(self, titles: Sequence[str]) -> str:
        """Ask what to do with running trainings; return "stop", "leave" or "cancel"."""
        dialog = ClosingDialog(titles, self._window)
        answer = dialog.ask()
        dialog.deleteLater()
        return answer

    def copy_diagnostics(self) -> None:
        """Copy the diagnostics to the clipboard."""
        QGuiApplication.clipboard().setText(self._diagnostics())
        self._session.report_notice("Diagnostics copied to the clipboard.")

    def open_logs(self) -> None:
        """Open the log folder in the file manager."""
        folder = log_folder()
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))):
            self._session.report_notice(f"The logs are in {folder}.")

    def _diagnostics(self) -> str:
        from s3n_gui.frame.diagnostics import diagnostics

        return diagnostics(self._settings, self._probe.devices.name)

    def _show(self, name: str, made: Callable[[], QDialog]) -> None:
        dialog = self._open.get(name)
        if dialog is None:
            dialog = made()
            dialog.setObjectName(name)
            dialog.finished.connect(self._forget_closed)
            self._open[name] = dialog
        dialog.show()
        dialog.raise_()
        dialog.activateWindow()

    def _forget_closed(self) -> None:
        for name, dialog in list(self._open.items()):
            if not dialog.isVisible():
                del self._open[name]
                dialog.deleteLater()
        if not self._open:
            self._window.activateWindow()  # the focus returns to where the work was
