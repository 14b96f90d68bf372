"""Writes what the table shows as CSV or JSON, in a thread, with the engine's own writer."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from s3n_core.errors import S3NError
from s3n_core.prediction.tables import write_table
from s3n_gui.background.worker_thread import Worker, WorkerThread
from s3n_gui.prediction.table.prediction_columns import PredictionColumns

_log = logging.getLogger(__name__)


def ask_for_place(parent: QWidget, images: Path | None) -> Path | None:
    """Let the person say where a table of these images is saved; None where they change their mind."""
    name = f"{images.name}-predictions.csv" if images is not None else "predictions.csv"
    chosen, kind = QFileDialog.getSaveFileName(parent, "Save predictions", name, "Table (*.csv);;JSON (*.json)")
    if not chosen:
        return None
    path = Path(chosen)
    if path.suffix.lower() not in (".csv", ".json"):
        path = path.with_name(path.name + (".json" if "json" in kind else ".csv"))
    return path


class TableSaver(Worker):
    """Writes rows once."""

    saved = Signal(object, int)
    """It is written: the ``Path`` and the number of rows."""
    failed = Signal(str)
    """It is not: a sentence that says why."""

    def __init__(self, path: Path, predictions: PredictionColumns, rows: NDArray[Any]) -> None:
        """Prepare to write.

        Args:
            path: The file, ``.csv`` or ``.json``; replaced whole.
            predictions: The table.
            rows: The rows to write, in order.
        """
        super().__init__()
        self._path, self._answers, self._rows = path, predictions, np.array(rows)

    def work(self) -> None:
        """Write."""
        predictions, count = self._answers, len(self._rows)
        header = predictions.header if count == predictions.header.count else replace(predictions.header, count=count)
        try:
            write_table(self._path, header, (predictions.row(row) for row in self._rows.tolist()))
        except S3NError as error:
            self.failed.emit(str(error))
        except Exception as error:
            _log.exception("the table %s could not be written", self._path)
            self.failed.emit(f"{self._path} could not be written ({type(error).__name__}); the log has the details.")
        else:
            self.saved.emit(self._path, count)


class TableSaving(QObject):
    """Saves one table at a time.

    Signals:
        saved: The ``Path`` and the number of rows.
        failed: A sentence.
    """

    saved = Signal(object, int)
    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thread: WorkerThread | None = None

    @property
    def busy(self) -> bool:
        """Whether a table is being written."""
        return self._thread is not None

    def save(self, path: Path, predictions: PredictionColumns, rows: NDArray[Any]) -> None:
        """Write rows of a table in this order; nothing while another is being written."""
        if self._thread is not None:
            return
        saver = TableSaver(path, predictions, rows)
        saver.saved.connect(self.saved)
        saver.failed.connect(self.failed)
        self._thread = WorkerThread(saver)
        self._thread.finished.connect(self._on_finished)
        self._thread.start()

    def wait(self) -> None:
        """Wait for the end."""
        if self._thread is not None:
            self._thread.wait()

    def _on_finished(self) -> None:
        self._thread = None
