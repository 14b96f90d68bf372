"""Reads what a table of predictions knows of its images, off the window's thread: one of 100,000 rows takes some seconds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event

from PySide6.QtCore import QObject, Signal, Slot

from s3n_core.errors import S3NError
from s3n_core.prediction.rows import Prediction
from s3n_core.prediction.tables import json_row_lines, read_json_head, read_json_table
from s3n_gui.background.low_priority import low_priority
from s3n_gui.background.tasks import Tasks
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

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._path = Path()
        self._unwanted = Event()
        self._tasks = Tasks(self)
        self._tasks.done.connect(self._on_done)
        self._tasks.failed.connect(self._on_failed)

    def start(self, path: Path) -> None:
        """Read a table."""
        self.forget()
        self._path, self._unwanted = path, Event()
        self._tasks.run("table", partial(_read_table, path, self._unwanted))

    def forget(self) -> None:
        """Drop what is being read."""
        self._unwanted.set()
        self._tasks.forget("table")

    def close(self) -> None:
        """Drop what is being read, and wait until that has noticed."""
        self.forget()
        self._tasks.close()

    @Slot(str, object)
    def _on_done(self, _: str, table: KnownTable) -> None:
        self.read.emit(table)

    @Slot(str, object)
    def _on_failed(self, _: str, error: Exception) -> None:
        self.failed.emit(str(error))


def _read_table(path: Path, unwanted: Event) -> KnownTable | None:
    """Return a table in short; None where it is not wanted any more.

    Raises:
        S3NError: It cannot be read.
    """
    model, verdicts = "", {}
    try:
        for row in low_priority(_rows(path)):
            if unwanted.is_set():
                return None
            model = row.model
            if not row.error and row.class_name is not None:
                verdicts[row.file] = Verdict.of_row(row)
    except OSError as error:
        reason = error.strerror or error
        raise S3NError(f"{path.name} cannot be read ({reason}); choose another table.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise S3NError(
            f"{path.name} is not a table of predictions; choose a .json file written by s3n predict."
        ) from error
    return KnownTable(path, model, verdicts)


def _rows(path: Path) -> Iterator[Prediction]:
    """Read line by line what this program wrote: one call for the whole table would stop the window's thread as well."""
    with path.open("rb") as file:
        header = read_json_head(file)
        if header is None:
            yield from read_json_table(path)[1]  # laid out by another program
            return
        for line in json_row_lines(file):
            yield Prediction.from_dict(json.loads(line), header)
