"""Saving of the shown rows as CSV or JSON, in a worker thread, with the engine's own writer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QWidget

from s3n_core.errors import S3NError
from s3n_core.prediction.tables import write_table
from s3n_gui.background.tasks import Tasks
from s3n_gui.prediction.table.prediction_columns import PredictionColumns
from s3n_gui.widgets.saving_place import EXCEL_TABLE, TABLES, ask_where_to_save

_KINDS = {**TABLES, "JSON (*.json)": ".json"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where to save a table.

    Attributes:
        path: The file, ``.csv`` or ``.json``; replaced atomically.
        excel: Whether the CSV is for Excel (`csv_tables`).
    """

    path: Path
    excel: bool = False


def ask_for_place(parent: QWidget, images: Path | None) -> Place | None:
    """Let the user choose where to save a table of these images; None if cancelled."""
    name = f"{images.name}-predictions.csv" if images is not None else "predictions.csv"
    path, kind = ask_where_to_save(parent, "Save predictions", name, _KINDS)
    return None if path is None else Place(path, excel=kind == EXCEL_TABLE)


def save_rows(place: Place, predictions: PredictionColumns, rows: NDArray[np.intp]) -> int:
    """Write rows of a table and return their number.

    Args:
        place: Where.
        predictions: The table.
        rows: The rows to write, in order.

    Raises:
        OutputError: The file cannot be written.
    """
    count = len(rows)
    header = predictions.header if count == predictions.header.count else replace(predictions.header, count=count)
    write_table(place.path, header, (predictions.row(row) for row in rows.tolist()), excel=place.excel)
    return count


class TableSaving(QObject):
    """Saves one table at a time.

    Signals:
        saved: The ``Path`` and the number of rows.
        failed: An error message.
    """

    saved = Signal(object, int)
    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._path = Path()
        self._tasks = Tasks(self)
        self._tasks.done.connect(self._on_saved)
        self._tasks.failed.connect(self._on_failed)

    @property
    def busy(self) -> bool:
        """Whether a table is being written."""
        return self._tasks.is_open("save")

    def save(self, place: Place, predictions: PredictionColumns, rows: NDArray[Any]) -> None:
        """Write rows of a table in the given order; ignored while another table is being written."""
        if not self.busy:
            self._path = place.path
            self._tasks.run("save", partial(save_rows, place, predictions, np.array(rows)))

    def close(self) -> None:
        """Wait until the writing has finished."""
        self._tasks.close()

    @Slot(str, object)
    def _on_saved(self, _: str, count: int) -> None:
        self.saved.emit(self._path, count)

    @Slot(str, object)
    def _on_failed(self, _: str, error: Exception) -> None:
        if isinstance(error, S3NError):
            self.failed.emit(str(error))
        else:
            self.failed.emit(f"{self._path} could not be written ({type(error).__name__}); see the log for details.")
