"""The log contains failures of every thread; the user gets one sentence."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import qWarning
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from s3n_gui.frame.diagnostics import diagnostics
from s3n_gui.frame.log import Log
from s3n_gui.state.messages import Message
from s3n_gui.state.settings import Settings
from s3n_gui.widgets.banner import Banner


@pytest.fixture
def log(qapp: QApplication, tmp_path: Path) -> Iterator[Log]:
    log = Log(tmp_path / "lögs")
    before = sys.excepthook, threading.excepthook, logging.getLogger().level
    log.begin()
    yield log
    log.end()
    sys.excepthook, threading.excepthook = before[:2]
    logging.getLogger().setLevel(before[2])
    logging.raiseExceptions = True


def test_exceptions_of_the_main_thread(log: Log, qtbot: QtBot) -> None:
    with qtbot.waitSignal(log.failures.happened) as heard:
        try:
            raise ValueError("three is not a crowd")
        except ValueError as error:
            sys.excepthook(ValueError, error, error.__traceback__)
    (sentence,) = heard.args
    assert "ValueError" in sentence
    assert "three" not in sentence
    text = log.file.read_text(encoding="utf-8")
    assert "three is not a crowd" in text
    assert "Traceback" in text


def test_exceptions_of_other_threads(log: Log, qtbot: QtBot) -> None:
    def fail() -> None:
        raise LookupError("lost in a thread")

    with qtbot.waitSignal(log.failures.happened):
        thread = threading.Thread(target=fail, name="reader")
        thread.start()
        thread.join()
    assert "lost in a thread" in log.file.read_text(encoding="utf-8")


@pytest.mark.qt_no_exception_capture
def test_messages_of_qt(log: Log) -> None:
    qWarning("a word from Qt")
    assert "a word from Qt" in log.file.read_text(encoding="utf-8")


def test_a_folder_that_cannot_be_written_is_no_reason_to_stop(
    qapp: QApplication, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    log = Log(tmp_path / "file" / "logs")
    log.begin()
    logging.getLogger("s3n_gui").warning("nobody hears this")
    log.end()
    logging.raiseExceptions = True
    assert "The log cannot be written" in capsys.readouterr().err


def test_diagnostics_name_versions_and_no_data(settings: Settings, qapp: QApplication) -> None:
    settings.set("theme", "dark")
    text = diagnostics(settings, "CPU, 2 cores")
    for word in ("S3N Studio", "Python 3", "torch ", "PySide6-Essentials ", "CPU, 2 cores", "'theme': 'dark'"):
        assert word in text


def test_the_banner_keeps_errors_and_lets_notices_go(qtbot: QtBot, themed: QApplication) -> None:
    banner = Banner()
    qtbot.addWidget(banner)
    banner.show_error("The disk is full.")
    banner.show_message(Message("notice", "Copied."))
    banner.show_error("The disk is full.")
    assert [message.sentence for message in banner.messages()] == ["Copied.", "The disk is full."]
    banner.close_message()
    assert banner._timer.isActive()
    banner._timer.timeout.emit()
    assert banner.messages() == ()
    assert not banner._timer.isActive()
