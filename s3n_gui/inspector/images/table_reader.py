"""Reads what a table of predictions knows of its images, off the window's thread: one of 100,000 rows takes some seconds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, QRunnable, QThreadPool, Signal, Slot

from s3n_core.prediction.rows import PredictionRow
from s3n_core.prediction.tables import json_row_lines, read_json_head, read_json_table
from s3n_gui.background.low_priority import gently
from s3n_gui.inspector.images.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class KnownTable:
    """A table in short.

    Attributes:
        path: Its file.
        model: The digest of the model that made it.
        verdicts: What it says of each image, by name; images with an error are missing.
    """

    path: Path
    model: str
    verdicts: Mapping[str, Verdict]


class TableReader(QObject):
    """Reads tables, the newest asked for wins.

    Signals:
        read: The `KnownTable`.
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
        self.forget()
        self._pool.start(_Reading(self, self._generation, path))

    def forget(self) -> None:
        """Drop what is being read."""
        self._generation += 1
        self._pool.clear()

    def close(self) -> None:
        """Drop what is being read, and wait until that has noticed."""
        self.forget()
        self._pool.waitForDone()

    @property
    def generation(self) -> int:
        """The number of the newest order; from any thread."""
        return self._generation

    @Slot(int, object)
    def _on_done(self, generation: int, result: object) -> None:
        if generation != self._generation:
            return
        if isinstance(result, KnownTable):
            self.read.emit(result)
        else:
            self.failed.emit(str(result))


class _Reading(QRunnable):
    def __init__(self, reader: TableReader, generation: int, path: Path) -> None:
        super().__init__()
        self._reader, self._generation, self._path = reader, generation, path

    def run(self) -> None:
        result: object
        try:
            model, verdicts = "", {}
            for row in gently(_rows(self._path)):
                if self._reader.generation != self._generation:
                    return
                model = row.model
                if not row.error and row.class_name is not None:
                    verdicts[row.file] = Verdict.of_row(row)
            result = KnownTable(self._path, model, verdicts)
        except OSError as error:
            result = f"{self._path.name} cannot be read ({error.strerror or error}); choose another table."
        except (ValueError, KeyError, TypeError):
            result = f"{self._path.name} is no table of predictions; choose a .json that s3n predict wrote."
        self._reader._done.emit(self._generation, result)


def _rows(path: Path) -> Iterator[PredictionRow]:
    """Read line by line what this program wrote: one call for the whole table would stop the window's thread as well."""
    with path.open("rb") as file:
        header = read_json_head(file)
        if header is None:
            yield from read_json_table(path)[1]  # laid out by another program
            return
        for line in json_row_lines(file):
            yield PredictionRow.from_dict(json.loads(line), header)
