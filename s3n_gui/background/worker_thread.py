"""A worker object in its own QThread, with an order of setup and teardown steps that is safe in PySide6."""

from __future__ import annotations

from PySide6.QtCore import QObject, QThread, Signal, Slot

_PATIENCE_MILLISECONDS = 15_000


class Worker(QObject):
    """An object whose `work` runs once in a thread. Its signals arrive in the threads of their receivers.

    Subclasses override `work`, which returns when it is done or when a call from another thread asks it to end.
    """

    finished = Signal()
    crashed = Signal(str)
    """`work` raised an exception: "Type: text"."""

    def work(self) -> None:
        """Do the work."""
        raise NotImplementedError

    @Slot()
    def run(self) -> None:
        """Call `work`, and let no exception propagate into Qt."""
        try:
            self.work()
        except Exception as error:
            self.crashed.emit(f"{type(error).__name__}: {' '.join(str(error).split())}")
        finally:
            self.finished.emit()


_running: set[WorkerThread] = set()
"""Running threads. Deleting a running QThread aborts the program, so each is kept here even if its owner is deleted."""


class WorkerThread(QObject):
    """Runs one worker once. It owns the worker until the thread has ended; nothing else may own or delete it."""

    finished = Signal()
    """The thread has ended; emitted in this object's thread, unless `wait` has returned first."""

    def __init__(self, worker: Worker) -> None:
        super().__init__()
        self._worker: Worker | None = worker
        self._over = False
        self._thread = QThread(self)
        worker.moveToThread(self._thread)
        self._thread.started.connect(worker.run)
        worker.finished.connect(self._thread.quit)
        self._thread.finished.connect(self._on_finished)  # a bound method of this QObject, so it runs in this thread

    def start(self) -> None:
        """Start the thread."""
        _running.add(self)
        self._thread.start()

    def wait(self) -> None:
        """Wait for a worker that has been asked to end, up to 15 seconds."""
        if not self._over:
            self._thread.quit()  # for a worker that has never run
            if self._thread.wait(_PATIENCE_MILLISECONDS):
                self._forget()

    @Slot()
    def _on_finished(self) -> None:
        if not self._over:
            self._thread.wait()
            self._forget()
            self.finished.emit()

    def _forget(self) -> None:
        self._over, self._worker = True, None
        _running.discard(self)
