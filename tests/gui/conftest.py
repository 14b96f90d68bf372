"""Shared by the window's tests: a fresh session and window, and checks that no test leaves anything behind."""

from __future__ import annotations

import gc
import itertools
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import engine_popen
import psutil
import pytest

try:
    from PySide6.QtCore import QCoreApplication, QEvent, QThread, QTimer
    from PySide6.QtWidgets import QApplication
    from shiboken6 import isValid
except ImportError:  # tests/conftest.py skips the tests that need Qt, and says why
    HAS_QT = False
else:
    HAS_QT = True


def settled(what: Callable[[], list[str]], seconds: float = 2.0) -> list[str]:
    """Return what is left after threads and deleted objects have had time to go.

    Qt's deferred deletions are cheap and remove most of it. Python's collector runs only for the rest, because it
    visits every object.
    """
    end = time.monotonic() + seconds
    collect = False
    while (left := what()) and time.monotonic() < end:
        if HAS_QT and QApplication.instance() is not None:
            QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
            QCoreApplication.processEvents()
        if collect:
            gc.collect()
            time.sleep(0.02)
        collect = True
    return left


@pytest.fixture(scope="session", autouse=True)
def _light_collections() -> Iterator[None]:
    """Exclude the objects of imports from later garbage collections: modules, classes and functions stay alive."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()  # otherwise libraries complain at exit about objects that were not freed


_tests = itertools.count(1)


@pytest.fixture(autouse=True)
def _collected_between_tests() -> Iterator[None]:
    """Collect garbage between tests only, every few of them.

    Amid a call into Qt the collector may destroy objects that need a lock which that call holds, and wait for it forever.
    """
    gc.disable()
    yield
    if next(_tests) % 8 == 0:
        gc.collect()


@pytest.fixture(autouse=True)
def no_processes_left() -> Iterator[None]:
    """Fail a test that leaves a process running."""
    before = {child.pid for child in psutil.Process().children(recursive=True)}

    def left() -> list[str]:
        found = []
        for child in psutil.Process().children(recursive=True):
            if (
                child.pid not in before
                and not engine_popen.is_server(child.pid)
                and child.is_running()
                and child.status() != psutil.STATUS_ZOMBIE
            ):
                found.append(f"{child.pid} {' '.join(child.cmdline()[:5])}")
        return found

    yield
    assert settled(left) == [], "processes were left running"


@pytest.fixture(autouse=True)
def no_threads_left() -> Iterator[None]:
    """Fail a test that leaves a Python thread running."""
    before = set(threading.enumerate())

    def left() -> list[str]:
        # Threads of Qt's pools that have run Python code appear as dummies until Qt ends them at some point.
        others = [thread for thread in threading.enumerate() if thread not in before]
        return [thread.name for thread in others if not isinstance(thread, threading._DummyThread)]

    yield
    assert settled(left) == [], "threads were left running"


@pytest.fixture(autouse=True)
def no_qt_objects_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail a test that leaves a running QThread, an active QTimer or a top-level widget."""
    if not HAS_QT:
        yield
        return
    started: list[weakref.ref[Any]] = []

    def remembered(original: Callable[..., Any]) -> Callable[..., Any]:
        def start(self: Any, *arguments: Any) -> Any:
            started.append(weakref.ref(self))
            return original(self, *arguments)

        return start

    monkeypatch.setattr(QThread, "start", remembered(QThread.start))
    monkeypatch.setattr(QTimer, "start", remembered(QTimer.start))
    shown = set(QApplication.topLevelWidgets()) if QApplication.instance() is not None else set()

    def left() -> list[str]:
        found = []
        for reference in started:
            thing = reference()
            if thing is None or not isValid(thing):
                continue
            if (isinstance(thing, QThread) and thing.isRunning()) or (isinstance(thing, QTimer) and thing.isActive()):
                found.append(f"{type(thing).__name__} of {thing.parent()!r}")
        if QApplication.instance() is not None:
            found += [repr(widget) for widget in QApplication.topLevelWidgets() if widget not in shown]
        return found

    yield
    assert settled(left) == [], "Qt objects were left behind"


if HAS_QT:
    from s3n_gui.appearance import theme
    from s3n_gui.background import command_job
    from s3n_gui.background.jobs import JobList
    from s3n_gui.frame.main_window import MainWindow
    from s3n_gui.frame.window_dialogs import ClosingDialog
    from s3n_gui.state.session import Session
    from s3n_gui.state.settings import Settings

    @pytest.fixture
    def settings(s3n_home: object) -> Settings:
        """Default settings in the test's own home."""
        return Settings()

    @pytest.fixture
    def session(qapp: QApplication) -> Session:
        """An empty session."""
        return Session()

    @pytest.fixture
    def jobs(qapp: QApplication) -> Iterator[JobList]:
        """An empty job list; jobs added to it are closed at the end."""
        jobs = JobList()
        yield jobs
        jobs.close()

    @pytest.fixture
    def commanded(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[list[str]]]:
        """Return a function that makes jobs run Python programs instead of ``s3n``, and returns the arguments they get.

        The first job runs the first program, and so on; the last one is for all that follow.
        """

        def replace(*programs: str) -> list[list[str]]:
            asked = list[list[str]]()

            def command(*arguments: str, prefix: object = ()) -> list[str]:
                asked.append(list(arguments))
                return [sys.executable, "-c", programs[min(len(asked), len(programs)) - 1]]

            monkeypatch.setattr(command_job, "engine_command", command)
            return asked

        return replace

    @pytest.fixture
    def themed(qapp: QApplication) -> Iterator[QApplication]:
        """The application with its light theme."""
        theme.apply(qapp, "light", 1.0)
        yield qapp
        theme.apply(qapp, "light", 1.0)

    @pytest.fixture
    def window(themed: QApplication, settings: Settings) -> Iterator[MainWindow]:
        """The whole window, shown, on its Start page; it does not search for devices or live runs by itself."""
        window = MainWindow(settings)
        window.show_page("start")
        window.show()
        yield window
        with pytest.MonkeyPatch.context() as patch:
            # A test that failed while a training seemed to run must not leave a question that nobody answers.
            patch.setattr(ClosingDialog, "ask", lambda _: "leave")
            window.close()
        window.deleteLater()
