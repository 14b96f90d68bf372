"""Reads a table of predictions while it grows and after it is finished, in a thread, without ever locking it."""

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
_BREATH_SECONDS = 0.002  # Between blocks, so that the window's own thread comes first.

_log = logging.getLogger(__name__)


class TableReader(Worker):
    """Follows one table: first the rows of the job (``TABLE.part``), at last the finished table, each row once.

    Every signal begins with the reader's number, so that what is still on its way after ``stop`` can be told apart.
    """

    began = Signal(int, object)
    """A table begins: its ``PredictionHeader``. What was read before does not count any more."""
    read = Signal(int, object)
    """Rows: a ``Block``."""
    ended = Signal(int, bool)
    """All that is there has been read: whether the table is finished."""
    unreadable = Signal(int, str)
    """The table cannot be read: a sentence."""

    def __init__(self, out: Path, *, growing: bool, anew: bool = False, number: int = 0) -> None:
        """Prepare to read.

        Args:
            out: The table, ``.json``.
            growing: Whether a job works on it; then ``settle`` must be called when that has ended.
            anew: Whether that job throws away the rows that are there now: they are read only if it has left them.
            number: The reader's number, sent with every signal.
        """
        super().__init__()
        self._out = out
        self._growing = growing
        self._number = number
        self._thrown_away = _state(part_path(out)) if anew else None
        self._settled = threading.Event()
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._rows = 0
        self._offset = 0
        self._header: PredictionHeader | None = None
        self._blocks: BlockReader | None = None

    def settle(self) -> None:
        """The job has ended: read what is left and end. From any thread."""
        self._settled.set()
        self._wake.set()

    def stop(self) -> None:
        """End at once. From any thread."""
        self._stop.set()
        self._wake.set()

    def work(self) -> None:
        """Read."""
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
            settled = self._settled.is_set() or not self._growing  # asked first: what is written by then is read below
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
                if file.seek(0, 2) < self._offset:  # begun anew
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
                        break  # it is being written
                    lines.append(line)
                    if len(lines) == _LINES:
                        self._tell(lines)
                        lines = []
                    if self._stop.is_set():
                        return
                self._tell(lines)
        except FileNotFoundError:
            return  # it has just become the table

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
    """Return what changes when a file is written to: time and length; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
