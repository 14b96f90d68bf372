"""Reading of prediction tables in a worker thread, because a table of 100,000 rows takes several seconds."""

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
    """The contents of a prediction table that the page needs.

    Attributes:
        path: The table's file.
        model: The digest of the model that made it.
        files: The names of all images that have a row.
        verdicts: One verdict per image, by image name; images with an error are missing.
    """

    path: Path
    model: str
    files: frozenset[str]
    verdicts: Mapping[str, Verdict]


class TableReader(QObject):
    """Reads tables; only the most recent request is delivered.

    Signals:
        read: The `KnownTable`.
        failed: An error message.
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
        """Cancel the current request."""
        self._unwanted.set()
        self._tasks.forget("table")

    def close(self) -> None:
        """Cancel the current request and wait for the thread to end."""
        self.forget()
        self._tasks.close()

    @Slot(str, object)
    def _on_done(self, _: str, table: KnownTable) -> None:
        self.read.emit(table)

    @Slot(str, object)
    def _on_failed(self, _: str, error: Exception) -> None:
        self.failed.emit(str(error))


def _read_table(path: Path, unwanted: Event) -> KnownTable | None:
    """Return a table's contents, or None if the request was cancelled.

    Raises:
        S3NError: The table cannot be read.
    """
    model, files, verdicts = "", set[str](), dict[str, Verdict]()
    try:
        for row in low_priority(_rows(path)):
            if unwanted.is_set():
                return None
            model = row.model
            files.add(row.file)
            if not row.error and row.class_name is not None:
                verdicts[row.file] = Verdict.of_row(row)
    except OSError as error:
        reason = error.strerror or error
        raise S3NError(f"{path.name} cannot be read ({reason}); choose another table.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise S3NError(
            f"{path.name} is not a table of predictions; choose a .json file written by s3n predict."
        ) from error
    return KnownTable(path, model, frozenset(files), verdicts)


def _rows(path: Path) -> Iterator[Prediction]:
    """Read this program's tables line by line: one JSON call for a whole table would block the window, too."""
    with path.open("rb") as file:
        header = read_json_head(file)
        if header is None:
            yield from read_json_table(path)[1]  # formatted by another program
            return
        for line in json_row_lines(file):
            yield Prediction.from_dict(json.loads(line), header)
