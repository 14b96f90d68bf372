"""A worker in a thread of its own, in the one shape that has been found to survive PySide6: see the order of the steps."""

from __future__ import annotations

from PySide6.QtCore import QObject, QThread, Signal, Slot

_PATIENCE_MILLISECONDS = 15_000


class Worker(QObject):
    """What is done in a thread: `work`, once. Its signals arrive in the thread that their receivers live in.

    Subclasses override `work`, which returns when it is done or was told to end by a call from another thread.
    """

    finished = Signal()
    crashed = Signal(str)
    """`work` raised what it should not: "Type: text"."""

    def work(self) -> None:
        """Do it."""
        raise NotImplementedError

    @Slot()
    def run(self) -> None:
        """Do it, and let no exception into Qt."""
        try:
            self.work()
        except Exception as error:
            self.crashed.emit(f"{type(error).__name__}: {' '.join(str(error).split())}")
        finally:
            self.finished.emit()


_running: set[WorkerThread] = set()
"""A QThread that is deleted while it runs ends the program, so each is kept here, whatever becomes of who started it."""


class WorkerThread(QObject):
    """Runs one worker once. Keeps it until the thread has ended, and nobody else may own or delete it."""

    finished = Signal()
    """The thread has ended; sent in the thread that this object lives in, unless `wait` has seen it first."""

    def __init__(self, worker: Worker) -> None:
        super().__init__()
        self._worker: Worker | None = worker
        self._over = False
        self._thread = QThread(self)
        worker.moveToThread(self._thread)
        self._thread.started.connect(worker.run)
        worker.finished.connect(self._thread.quit)
        self._thread.finished.connect(self._on_finished)  # a method of an object of this thread: it runs here

    def start(self) -> None:
        """Start the thread."""
        _running.add(self)
        self._thread.start()

    def wait(self) -> None:
        """Wait for the end of a worker that has been told to end."""
        if not self._over:
            self._thread.quit()  # for a worker that never ran
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
