"""Reads a table of predictions off the GUI thread: one of a hundred thousand images takes a second or two."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, QRunnable, QThreadPool, Signal, Slot

from s3n_core.analysis.prediction_tables import read_json_table


class TableReader(QObject):
    """Reads tables, the newest asked for wins.

    Signals:
        read: The rows, as a tuple.
        failed: A sentence.
    """

    read = Signal(object)
    failed = Signal(str)
    _done = Signal(int, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._generation = 0
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)
        self._done.connect(self._on_done)

    def start(self, path: Path) -> None:
        """Read a table."""
        self._generation += 1
        self._pool.clear()
        self._pool.start(_Reading(self._done, self._generation, path))

    def close(self) -> None:
        """Wait for a reading that is under way and drop it."""
        self._generation += 1
        self._pool.clear()
        self._pool.waitForDone()

    @Slot(int, object)
    def _on_done(self, generation: int, result: object) -> None:
        if generation != self._generation:
            return
        if isinstance(result, tuple):
            self.read.emit(result)
        else:
            self.failed.emit(str(result))


class _Reading(QRunnable):
    def __init__(self, done: object, generation: int, path: Path) -> None:
        super().__init__()
        self._done, self._generation, self._path = done, generation, path

    def run(self) -> None:
        result: object
        try:
            result = tuple(read_json_table(self._path)[1])
        except OSError as error:
            result = f"{self._path.name} cannot be read ({error.strerror or error}); choose another table."
        except (ValueError, KeyError, TypeError):
            result = f"{self._path.name} is no table of predictions; choose a .json that s3n predict wrote."
        self._done.emit(self._generation, result)  # type: ignore[attr-defined]
