"""Short tasks in worker threads: only the newest of each name is delivered, in the GUI thread; errors are unchanged."""

from __future__ import annotations

import ast
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from s3n_core.errors import DataSetError
from s3n_gui.background.tasks import Tasks

PACKAGE = Path(__file__).resolve().parents[3] / "s3n_gui"


class Listener(QObject):
    """Receives signals of tasks; a QObject, so that its methods are called in the thread it lives in."""

    def __init__(self, tasks: Tasks) -> None:
        super().__init__()
        self.done: list[tuple[str, Any]] = []
        self.failed: list[tuple[str, Exception]] = []
        self.threads: set[int] = set()
        tasks.done.connect(self.on_done)
        tasks.failed.connect(self.on_failed)

    def on_done(self, name: str, result: object) -> None:
        self.done.append((name, result))
        self.threads.add(threading.get_ident())

    def on_failed(self, name: str, error: Exception) -> None:
        self.failed.append((name, error))
        self.threads.add(threading.get_ident())


@pytest.fixture
def tasks(qtbot: QtBot) -> Iterator[Tasks]:
    tasks = Tasks()
    yield tasks
    tasks.close()


def test_the_answer_comes_in_the_window_s_thread(tasks: Tasks, qtbot: QtBot) -> None:
    heard = Listener(tasks)
    tasks.run("thread", threading.get_ident)
    assert tasks.is_open("thread")
    qtbot.waitUntil(lambda: bool(heard.done))
    assert not tasks.is_open("thread")
    assert heard.threads == {threading.get_ident()}
    assert heard.done[0][1] != threading.get_ident()


def test_only_the_newest_of_a_name_is_heard_of(tasks: Tasks, qtbot: QtBot) -> None:
    heard, gate = Listener(tasks), threading.Event()
    tasks.run("one", gate.wait)
    tasks.run("two", lambda: "overtaken before it began")
    tasks.run("two", lambda: "forgotten")
    tasks.forget("two")
    tasks.run("one", lambda: "newest")
    assert not tasks.is_open("two")
    gate.set()
    qtbot.waitUntil(lambda: bool(heard.done))
    tasks.run("last", lambda: None)
    qtbot.waitUntil(lambda: len(heard.done) == 2)
    assert heard.done == [("one", "newest"), ("last", None)]


def test_an_error_comes_as_it_is_and_what_nobody_expects_is_logged(
    tasks: Tasks, qtbot: QtBot, caplog: pytest.LogCaptureFixture
) -> None:
    heard = Listener(tasks)
    expected, defect = DataSetError("birds is empty; choose another folder."), ZeroDivisionError("a defect")

    def fail(error: Exception) -> None:
        raise error

    with caplog.at_level(logging.ERROR):
        tasks.run("expected", lambda: fail(expected))
        tasks.run("defect", lambda: fail(defect))
        qtbot.waitUntil(lambda: len(heard.failed) == 2)
    assert heard.failed == [("expected", expected), ("defect", defect)]
    assert "the task defect failed" in caplog.text
    assert "the task expected failed" not in caplog.text


def test_closing_waits_for_what_runs_and_drops_the_rest(qtbot: QtBot) -> None:
    tasks = Tasks()
    heard, begun, gate, ran = Listener(tasks), threading.Event(), threading.Event(), []

    def first() -> None:
        begun.set()
        gate.wait(5)
        ran.append("first")

    tasks.run("first", first)
    tasks.run("second", lambda: ran.append("second"))
    begun.wait(5)
    threading.Timer(0.05, gate.set).start()
    tasks.close()
    assert ran == ["first"]
    qtbot.wait(20)
    assert heard.done == []


def test_nobody_else_makes_a_pool_of_threads() -> None:
    """Thumbnails use several threads that serve the newest request first; all other short work is a task."""
    makers = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "QThreadPool"
    }
    assert makers == {"background/tasks.py", "background/thumbnails.py"}


def test_no_slot_asks_who_sent_a_signal() -> None:
    """Signals carry what receivers need, because ``sender()`` is wrong for queued or relayed signals."""
    asking = [
        f"{path.relative_to(PACKAGE).as_posix()}:{node.lineno}"
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "sender"
    ]
    assert asking == []
