"""``--screenshot DIR``: screenshots of every page with demo content, for the user guide and for development."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from s3n_core.system.atomic_files import output_error
from s3n_core.system.output_marker import mark_output

SIZES = ((1280, 720), (1920, 1080))
_LONGEST_WAIT = 300.0  # on a machine that is busy with other work; an idle one needs seconds


def take_screenshots(folder: Path) -> int:
    """Write screenshots ``PAGE-THEME-WIDTHxHEIGHT.png`` of every page and ``dialog-NAME-THEME.png`` of the dialogs.

    The user's own settings, recent lists and runs are neither shown nor changed.

    Args:
        folder: The output folder; created if it is missing.

    Returns:
        0.

    Raises:
        s3n_core.errors.OutputError: The folder or a file cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        mark_output(folder)
    except OSError as error:
        raise output_error(folder, error) from error
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    with tempfile.TemporaryDirectory(prefix="s3n-screenshots-") as home:
        os.environ["S3N_HOME"] = home
        _draw_all(folder)
    return 0


def _draw_all(folder: Path) -> None:
    from PySide6.QtCore import qInstallMessageHandler
    from PySide6.QtWidgets import QApplication

    from s3n_gui.appearance import theme
    from s3n_gui.frame.main_window import MainWindow
    from s3n_gui.frame.window_program import make_application
    from s3n_gui.state.settings import Settings

    qInstallMessageHandler(_only_errors)
    app = make_application()
    theme.apply(app, "light")
    window = MainWindow(Settings())
    window.show()
    window.probe.ask()
    wait_until(app, lambda: bool(window.probe.devices.name))
    for name in window.pages.names:
        window.show_page(name)
        window.pages.page(name).show_demo()
        wait_until(app, window.pages.page(name).is_ready)
        for width, height in SIZES:
            window.resize(width, height)
            for mode in ("light", "dark"):
                theme.apply(app, "light" if mode == "light" else "dark")
                wait_until(app, window.pages.page(name).is_ready)
                _save(window, folder / f"{name}-{mode}-{width}x{height}.png")
    window.resize(*SIZES[0])
    _draw_dialogs(app, window, folder)
    window.close()
    window.deleteLater()
    QApplication.processEvents()
    qInstallMessageHandler(None)


def _draw_dialogs(app: object, window: object, folder: Path) -> None:
    from PySide6.QtWidgets import QApplication

    from s3n_gui.appearance import theme
    from s3n_gui.frame.main_window import MainWindow

    assert isinstance(window, MainWindow)
    assert isinstance(app, QApplication)
    dialogs = window.dialogs
    for name, show in (
        ("settings", dialogs.show_settings),
        ("shortcuts", dialogs.show_shortcuts),
        ("glossary", dialogs.show_glossary),
        ("about", dialogs.show_about),
    ):
        show()
        dialog = dialogs.dialog(name)
        assert dialog is not None
        for mode in ("light", "dark"):
            theme.apply(app, "light" if mode == "light" else "dark")
            wait_until(app, lambda: True)
            _save(dialog, folder / f"dialog-{name}-{mode}.png")
        dialog.close()


def wait_until(app: object, ready: object) -> None:
    """Process events until ``ready()`` has been true six times in a row, or too long has passed."""
    from PySide6.QtCore import QEventLoop
    from PySide6.QtWidgets import QApplication

    assert isinstance(app, QApplication)
    assert callable(ready)
    end, quiet = time.monotonic() + _LONGEST_WAIT, 0
    while quiet < 6 and time.monotonic() < end:
        app.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 20)
        time.sleep(0.02)
        quiet = quiet + 1 if ready() else 0


def _save(widget: object, path: Path) -> None:
    from PySide6.QtWidgets import QWidget

    assert isinstance(widget, QWidget)
    if not widget.grab().save(str(path)):
        raise output_error(path, OSError("the screenshot could not be written"))
    print(path, flush=True)


def _only_errors(kind: object, context: object, text: str) -> None:
    """Print Qt's messages, except that the offscreen platform has no window manager."""
    if "This plugin does not support" not in text:
        print(f"Qt: {text}", flush=True)
