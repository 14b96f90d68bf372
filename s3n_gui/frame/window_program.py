"""The program with a window: sets up Qt, log and theme, and runs the window."""

from __future__ import annotations

import logging
import signal
import sys
from pathlib import Path

from PySide6.QtCore import QLocale, QTimer
from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtWidgets import QApplication

from s3n_core.version import __version__
from s3n_gui.appearance import theme
from s3n_gui.appearance.icons import draw_icon
from s3n_gui.appearance.tokens import LIGHT
from s3n_gui.frame.log import Log
from s3n_gui.frame.main_window import MainWindow
from s3n_gui.state.settings import Settings

_log = logging.getLogger(__name__)


def make_application() -> QApplication:
    """Return the program's ``QApplication`` with its name and icon, and C-locale numbers."""
    # In seconds; shorter than Python's default, so that reading threads do not hold up the GUI thread.
    sys.setswitchinterval(0.001)
    app = QApplication.instance()
    if not isinstance(app, QApplication):
        app = QApplication(sys.argv[:1])
    QLocale.setDefault(QLocale.c())
    app.setApplicationName("s3n-studio")
    app.setApplicationDisplayName("S3N Studio")
    app.setApplicationVersion(__version__)
    app.setDesktopFileName("s3n-studio")
    app.setWindowIcon(_program_icon())
    return app


def run_window(path: Path | None, *, demo: bool) -> int:
    """Show the window and run it until it closes.

    Args:
        path: A path to open, or None.
        demo: Whether to show the demo content.

    Returns:
        The exit code.
    """
    log = Log()
    log.begin()
    try:
        app = make_application()
        settings = Settings()
        theme.apply(app, settings.theme, settings.font_factor)
        window = MainWindow(settings)
        log.failures.happened.connect(window.banner.show_error)
        window.show_page("start")
        if demo:
            window.commands.open_demo()
        elif path is not None:
            window.opener.open_path(path)
        window.show()
        window.begin()
        ticker = _let_ctrl_c_close(window)
        _log.info("The window is open.")
        code = app.exec()
        ticker.stop()
        window.deleteLater()
        return code
    finally:
        log.end()


def _let_ctrl_c_close(window: MainWindow) -> QTimer:
    """Let Ctrl+C in the terminal close the window. A timer runs Python code, without which it would not see signals."""

    def close(*_: object) -> None:
        QTimer.singleShot(0, window.close)  # closed before the event loop has begun, the window would not end it

    signal.signal(signal.SIGINT, close)
    ticker = QTimer(window)
    ticker.timeout.connect(_do_nothing)
    ticker.start(250)
    return ticker


def _do_nothing() -> None:
    """Run Python code, so that the interpreter handles pending signals."""


def _program_icon() -> QIcon:
    icon = QIcon()
    for side in (16, 32, 64, 128, 256):
        icon.addPixmap(QPixmap.fromImage(draw_icon("inspect", side, LIGHT.accent)))
    return icon
