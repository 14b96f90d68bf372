"""The window's log: log messages, Qt's messages, and all uncaught exceptions. Users never see a traceback."""

from __future__ import annotations

import faulthandler
import logging
import sys
import threading
from contextlib import suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import IO

from PySide6.QtCore import QMessageLogContext, QObject, QtMsgType, Signal, qInstallMessageHandler

from s3n_core.runs.locations import home

_log = logging.getLogger("s3n_gui")
_MOST_BYTES = 1_000_000
_KEPT_FILES = 3
_QT_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


class Failures(QObject):
    """Reports uncaught exceptions of all threads to the window.

    Signals:
        happened: A sentence for the banner.
    """

    happened = Signal(str)


class Log:
    """The log of one run of the window. ``begin`` installs its handlers and hooks, ``end`` removes them.

    Attributes:
        folder: The folder of the log files.
        file: The current file.
        failures: Signals uncaught exceptions.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder if folder is not None else log_folder()
        self.file = self.folder / "window.log"
        self.failures = Failures()
        self._handler: logging.Handler = logging.NullHandler()
        self._faults: IO[str] | None = None

    def begin(self) -> None:
        """Start logging; if the folder is not writable, only a message is printed."""
        logging.raiseExceptions = False  # A full disk must not print tracebacks.
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._handler = RotatingFileHandler(
                self.file, maxBytes=_MOST_BYTES, backupCount=_KEPT_FILES, encoding="utf-8", errors="backslashreplace"
            )
            self._faults = open(self.folder / "crash.log", "a", encoding="utf-8")  # noqa: SIM115 - open as long as the log
            faulthandler.enable(self._faults)
        except OSError as error:
            print(f"The log cannot be written: {error}", file=sys.stderr)
        self._handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(threadName)s %(name)s: %(message)s"))
        root = logging.getLogger()
        root.addHandler(self._handler)
        root.setLevel(logging.INFO)
        logging.captureWarnings(True)
        qInstallMessageHandler(_on_qt_message)
        sys.excepthook = self._on_exception
        threading.excepthook = self._on_thread_exception
        sys.unraisablehook = self._on_unraisable

    def end(self) -> None:
        """Stop logging and restore the hooks."""
        qInstallMessageHandler(None)
        sys.excepthook = sys.__excepthook__
        threading.excepthook = threading.__excepthook__
        sys.unraisablehook = sys.__unraisablehook__
        logging.captureWarnings(False)
        logging.getLogger().removeHandler(self._handler)
        self._handler.close()
        if self._faults is not None:
            faulthandler.disable()
            self._faults.close()
            self._faults = None

    def _on_exception(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        _log.critical("uncaught exception", exc_info=(kind, error, trace))
        with suppress(RuntimeError):  # The window may already be destroyed.
            self.failures.happened.emit(
                f"Something went wrong in the program ({kind.__name__}). You can continue working; for details see "
                "Help > Open log folder."
            )

    def _on_thread_exception(self, arguments: threading.ExceptHookArgs) -> None:
        if arguments.exc_value is not None and not issubclass(arguments.exc_type, SystemExit):
            self._on_exception(arguments.exc_type, arguments.exc_value, arguments.exc_traceback)

    def _on_unraisable(self, arguments: sys.UnraisableHookArgs) -> None:
        _log.error("unraisable exception in %r", arguments.object, exc_info=arguments.exc_value)


def log_folder() -> Path:
    """Return the folder of the log files."""
    return home() / "logs"


def _on_qt_message(kind: QtMsgType, context: QMessageLogContext, text: str) -> None:
    logging.getLogger(f"qt.{context.category or 'default'}").log(_QT_LEVELS.get(kind, logging.WARNING), "%s", text)
