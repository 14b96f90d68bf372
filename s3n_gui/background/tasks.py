"""Short pieces of work off the window's thread, by name; only the newest of each name is heard of."""

from __future__ import annotations

import logging
from collections.abc import Callable

from PySide6.QtCore import QObject, QRunnable, QThreadPool, Signal, Slot

from s3n_core.errors import S3NError

_log = logging.getLogger(__name__)


class Tasks(QObject):
    """Runs functions one after the other in one thread. Whoever has short work for a thread owns one.

    Work that reads until it is told to stop has a thread of its own (`worker_thread`).

    Signals:
        done: The name of a task and what its function returned.
        failed: The name of a task and the exception that its function raised; all but ``S3NError`` are logged.
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
        """Run a function that touches no Qt object with a thread of its own; an earlier one of this name is forgotten."""
        number = self._newest.get(name, 0) + 1
        self._newest[name] = number
        self._open.add(name)
        self._pool.start(_Task(self, name, number, function))

    def forget(self, name: str) -> None:
        """Hear no more of a task; one that has not begun is not run."""
        self._newest[name] = self._newest.get(name, 0) + 1
        self._open.discard(name)

    def is_open(self, name: str) -> bool:
        """Return whether a task's answer is still to come."""
        return name in self._open

    def is_newest(self, name: str, number: int) -> bool:
        """Return whether a task's answer is still wanted. From any thread."""
        return self._newest.get(name) == number

    def close(self) -> None:
        """Wait for what runs and drop all answers."""
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
    """The signals belong to the `Tasks`, which waits for the pool before it goes."""

    def __init__(self, tasks: Tasks, name: str, number: int, function: Callable[[], object]) -> None:
        super().__init__()
        self._tasks, self._name, self._number, self._function = tasks, name, number, function

    def run(self) -> None:
        """Do it, unless nobody wants it any more."""
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
