"""Reading of a prediction table in a worker thread, while it grows and when it is complete, without locking it."""

from __future__ import annotations

import json
import logging
import threading
import time
from pathlib import Path

from PySide6.QtCore import Signal

from s3n_core.prediction.rows import PredictionHeader
from s3n_core.prediction.tables import json_row_lines, read_json_head
from s3n_core.system.json_values import from_json
from s3n_core.system.line_files import part_path
from s3n_gui.background.worker_thread import Worker
from s3n_gui.prediction.table.prediction_columns import BlockReader

_POLL_SECONDS = 0.3
_LINES = 250
_BREATH_SECONDS = 0.002  # Pause between blocks, so that the GUI thread comes first.

_log = logging.getLogger(__name__)


class TableReader(Worker):
    """Follows one table: first the job's rows (``TABLE.part``), then the finished table; delivers each row once.

    Every signal carries the reader's number first, so that signals still queued after ``stop`` can be recognised.
    """

    began = Signal(int, object)
    """A table begins: its ``PredictionHeader``. Discard the rows read before."""
    read = Signal(int, object)
    """Rows: a ``Block``."""
    completed = Signal(int, object)
    """The table is complete; its ``PredictionHeader``, which now also holds what was found at the end."""
    ended = Signal(int, bool)
    """Everything has been read: whether the table is complete."""
    unreadable = Signal(int, str)
    """The table cannot be read: an error message."""

    def __init__(self, out: Path, *, growing: bool, restart: bool = False, number: int = 0) -> None:
        """Create a reader.

        Args:
            out: The table, ``.json``.
            growing: Whether a job is writing it; then call ``settle`` when the job has ended.
            restart: Whether that job discards the existing rows; they are read only if the job leaves them in place.
            number: The reader's number, sent with every signal.
        """
        super().__init__()
        self._out = out
        self._growing = growing
        self._number = number
        self._thrown_away = _state(part_path(out)) if restart else None
        self._settled = threading.Event()
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._rows = 0
        self._offset = 0
        self._header: PredictionHeader | None = None
        self._blocks: BlockReader | None = None

    def settle(self) -> None:
        """Read the remaining rows and end, because the job has ended. Thread-safe."""
        self._settled.set()
        self._wake.set()

    def stop(self) -> None:
        """End at once. Thread-safe."""
        self._stop.set()
        self._wake.set()

    def work(self) -> None:
        """Read the table; runs in the worker thread."""
        try:
            finished = self._follow()
        except (OSError, ValueError, LookupError, TypeError) as error:
            _log.warning("the table %s could not be read", self._out, exc_info=True)
            self.unreadable.emit(
                self._number, f"The predictions in {self._out} could not be read ({error}); run the predictions again."
            )
            finished = False
        if not self._stop.is_set():
            self.ended.emit(self._number, finished)

    def _follow(self) -> bool:
        part = part_path(self._out)
        while not self._stop.is_set():
            settled = self._settled.is_set() or not self._growing  # check before reading, so no row is missed
            if part.exists():
                if settled or _state(part) != self._thrown_away:
                    self._thrown_away = None
                    self._read_part(part)
                if settled:
                    return False
            elif settled:
                if not self._out.exists():
                    return False
                self._read_finished()
                return True
            self._wake.wait(_POLL_SECONDS)
            if not self._stop.is_set():
                self._wake.clear()
        return False

    def _read_part(self, part: Path) -> None:
        try:
            with open(part, "rb") as file:
                if file.seek(0, 2) < self._offset:  # the file was started over
                    self._offset = 0
                file.seek(self._offset)
                if self._offset == 0:
                    first = file.readline()
                    if not first.endswith(b"\n"):
                        return
                    self._begin(from_json(PredictionHeader, json.loads(first)))
                    self._offset = len(first)
                lines: list[bytes] = []
                for line in file:
                    if not line.endswith(b"\n"):
                        break  # an incomplete line
                    lines.append(line)
                    if len(lines) == _LINES:
                        self._tell(lines)
                        lines = []
                    if self._stop.is_set():
                        return
                self._tell(lines)
        except FileNotFoundError:
            return  # just renamed to the finished table

    def _read_finished(self) -> None:
        with open(self._out, "rb") as file:
            header = read_json_head(file)
            if header is None:
                raise ValueError("it is not a table of predictions")
            if self._header is None or header.difference(self._header):
                self._begin(header)
            known, lines = self._rows, []
            for number, line in enumerate(json_row_lines(file)):
                if number < known:
                    continue
                lines.append(line)
                if len(lines) == _LINES:
                    self._tell(lines)
                    lines = []
                if self._stop.is_set():
                    return
            self._tell(lines)
        self.completed.emit(self._number, header)
        if self._rows != header.count:
            raise ValueError(f"it holds {self._rows} rows of {header.count}")

    def _begin(self, header: PredictionHeader) -> None:
        self._header, self._blocks, self._rows = header, BlockReader(header), 0
        self.began.emit(self._number, header)

    def _tell(self, lines: list[bytes]) -> None:
        if not lines or self._blocks is None or self._stop.is_set():
            return
        block = self._blocks.read(lines)
        self._offset += sum(len(line) for line in lines)
        self._rows += len(lines)
        self.read.emit(self._number, block)
        time.sleep(_BREATH_SECONDS)


def _state(path: Path) -> tuple[int, int] | None:
    """Return a file's modification time and size, to detect changes; None if it does not exist."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
