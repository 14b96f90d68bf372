"""Short named tasks in a background thread; only the newest task of each name reports its result."""

from __future__ import annotations

import logging
from collections.abc import Callable

from PySide6.QtCore import QObject, QRunnable, QThreadPool, Signal, Slot

from s3n_core.errors import S3NError

_log = logging.getLogger(__name__)


class Tasks(QObject):
    """Runs functions one after another in one thread. Each object with short background work owns an instance.

    Work that runs until it is stopped has its own thread (`worker_thread`).

    Signals:
        done: The name of a task and its function's result.
        failed: The name of a task and the exception of its function; exceptions other than ``S3NError`` are logged.
    """

    done = Signal(str, object)
    failed = Signal(str, object)
    _ended = Signal(str, int, object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)
        self._newest: dict[str, int] = {}
        self._open: set[str] = set()
        self._ended.connect(self._on_ended)

    def run(self, name: str, function: Callable[[], object]) -> None:
        """Run a function, which must not use QObjects; an earlier task of this name is forgotten."""
        number = self._newest.get(name, 0) + 1
        self._newest[name] = number
        self._open.add(name)
        self._pool.start(_Task(self, name, number, function))

    def forget(self, name: str) -> None:
        """Ignore the result of a task; one that has not started does not run."""
        self._newest[name] = self._newest.get(name, 0) + 1
        self._open.discard(name)

    def is_open(self, name: str) -> bool:
        """Return whether a task is pending or running."""
        return name in self._open

    def is_newest(self, name: str, number: int) -> bool:
        """Return whether a task's result is still wanted. Thread-safe."""
        return self._newest.get(name) == number

    def wait(self) -> None:
        """Wait for all tasks, also those that have not started. Thread-safe."""
        self._pool.waitForDone()

    def close(self) -> None:
        """Wait for the running task and drop all results."""
        for name in list(self._newest):
            self.forget(name)
        self._pool.clear()
        self._pool.waitForDone()

    @Slot(str, int, object, object)
    def _on_ended(self, name: str, number: int, result: object, error: Exception | None) -> None:
        if not self.is_newest(name, number):
            return
        self._open.discard(name)
        if error is not None:
            self.failed.emit(name, error)
        else:
            self.done.emit(name, result)


class _Task(QRunnable):
    """Runs one function; the `Tasks` object, whose signal it emits, waits for the pool in `close`."""

    def __init__(self, tasks: Tasks, name: str, number: int, function: Callable[[], object]) -> None:
        super().__init__()
        self._tasks, self._name, self._number, self._function = tasks, name, number, function

    def run(self) -> None:
        """Run the function, unless its result is no longer wanted."""
        if not self._tasks.is_newest(self._name, self._number):
            return
        result, problem = None, None
        try:
            result = self._function()
        except Exception as error:
            problem = error
            if not isinstance(error, S3NError):
                _log.exception("the task %s failed", self._name)
        self._tasks._ended.emit(self._name, self._number, result, problem)
