"""``metrics.jsonl``: what a training measured, one JSON object a line, appended by one process and followed by many.

A reader may look at any moment: it takes whole lines only, leaves a torn last one for later, and notices when the file
was cut back, which a resume does (to the place that its checkpoint remembers).
"""

from __future__ import annotations

import json
import logging
import math
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from s3n_core.atomic_files import output_error

# At most five step lines a second: curves are drawn at that rate, and a night of training stays a few megabytes.
STEP_INTERVAL_SECONDS = 0.2

# A reader remembers the bytes before its place. Where they have changed, the file was cut and has grown past it since.
_TAIL_BYTES = 512
_BLOCK_BYTES = 1 << 16
_ROWS_AT_ONCE = 256

_log = logging.getLogger(__name__)


class MetricsWriter:
    """Appends lines to a metrics file; a context manager.

    A line is written whole or, where the disk is full, taken back, so that the file stays readable and the writer can
    go on once there is space. NaN and infinities, which JSON does not have, are written as ``null``.
    """

    def __init__(self, path: Path, offset: int | None = None) -> None:
        """Open the file, made if it is missing.

        Args:
            path: The file.
            offset: Bytes to keep, as a checkpoint remembers them; ``None`` keeps every whole line.

        Raises:
            OutputError: It cannot be opened for writing.
        """
        self._path = path
        self._last_step = -math.inf
        try:
            self._file = open(path, "r+b" if path.exists() else "x+b", buffering=0)  # noqa: SIM115
        except OSError as error:
            raise output_error(path, error) from error
        try:
            size = self._file.seek(0, os.SEEK_END)
            wanted = size if offset is None else offset
            if wanted > size:
                _log.warning("%s has %d bytes where the checkpoint counted %d: some lines are lost", path, size, wanted)
            self._end = _end_of_last_line(self._file, min(wanted, size))
            self._file.truncate(self._end)
            self._file.seek(self._end)
        except OSError as error:
            self._file.close()
            raise output_error(path, error) from error

    @property
    def offset(self) -> int:
        """Bytes in the file, all of them on the disk when this returns: what a checkpoint remembers.

        Raises:
            OutputError: The disk did not take them.
        """
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise output_error(self._path, error) from error
        return self._end

    def write_step(self, values: Mapping[str, Any]) -> bool:
        """Append a line of kind ``step`` unless one was written within the last 0.2 s.

        Args:
            values: Names and numbers (also NumPy scalars), strings, lists or mappings of them.

        Returns:
            Whether the line was written.

        Raises:
            OutputError: The disk is full or gone; the file ends with the line before.
        """
        now = time.monotonic()
        if now - self._last_step < STEP_INTERVAL_SECONDS:
            return False
        self._last_step = now
        self._append({"kind": "step", **values})
        return True

    def write_epoch(self, values: Mapping[str, Any]) -> None:
        """Append a line of kind ``epoch``, always, and wait until the disk has it; see ``write_step``."""
        self._append({"kind": "epoch", **values})
        _ = self.offset

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _append(self, values: Mapping[str, Any]) -> None:
        line = json.dumps(_plain(values), separators=(",", ":"), allow_nan=False).encode("ascii") + b"\n"
        try:
            written = 0
            while written < len(line):
                written += self._file.write(line[written:]) or 0
        except OSError as error:
            self._take_back()
            raise output_error(self._path, error) from error
        self._end += len(line)

    def _take_back(self) -> None:
        try:
            self._file.truncate(self._end)
            self._file.seek(self._end)
        except OSError:
            _log.warning("could not remove half a line from the end of %s", self._path, exc_info=True)


@dataclass(frozen=True, slots=True)
class MetricsChange:
    """What a look at a metrics file found.

    Attributes:
        lines: The new lines, oldest first; all lines of the file where ``restarted``.
        restarted: The file was cut or replaced since the last look: forget what was read before.
        more: There is more to read than this look was to take.
    """

    lines: list[dict[str, Any]]
    restarted: bool
    more: bool = False


class MetricsReader:
    """Follows a metrics file from its beginning; never fails, whatever is or is not there."""

    def __init__(self, path: Path) -> None:
        """Follow ``path``, which need not exist yet."""
        self._path = path
        self._offset = 0
        self._tail = b""
        self._signature: tuple[int, int, int] | None = None

    def poll(self, most_bytes: int | None = None) -> MetricsChange:
        """Return the whole lines that came since the last call; one ``stat`` where nothing did.

        Lines that are not JSON objects (a disk that lost power) are left out and logged.

        Args:
            most_bytes: How much to read at once, about; a line that is longer is still read. None reads all.
        """
        try:
            status = os.stat(self._path)
        except OSError:
            restarted = self._offset > 0
            self._reset()
            return MetricsChange([], restarted)
        signature = (status.st_size, status.st_mtime_ns, status.st_ino)
        if signature == self._signature:
            return MetricsChange([], False)
        try:
            with open(self._path, "rb") as file:
                restarted = not self._is_continued(file, status.st_size)
                if restarted:
                    self._reset()
                file.seek(self._offset)
                data = file.read(-1 if most_bytes is None else most_bytes)
                while b"\n" not in data and (further := file.read(most_bytes or -1)):
                    data += further
                more = file.tell() < status.st_size
        except OSError:
            return MetricsChange([], False)  # as unreadable as a file can be for a moment: the next call tries again
        self._signature = None if more else signature
        whole = data[: data.rfind(b"\n") + 1]
        self._offset += len(whole)
        self._tail = (self._tail + whole[-_TAIL_BYTES:])[-_TAIL_BYTES:]
        return MetricsChange(self._parsed(whole), restarted, more)

    def _reset(self) -> None:
        self._offset = 0
        self._tail = b""
        self._signature = None

    def _is_continued(self, file: BinaryIO, size: int) -> bool:
        if size < self._offset:
            return False
        file.seek(self._offset - len(self._tail))
        return file.read(len(self._tail)) == self._tail

    def _parsed(self, data: bytes) -> list[dict[str, Any]]:
        lines: list[dict[str, Any]] = []
        broken = 0
        rows = data.split(b"\n")
        if not rows[-1]:
            rows.pop()
        for row, value in zip(rows, _values(rows), strict=True):
            if isinstance(value, dict):
                lines.append(value)
            elif row.strip():
                broken += 1
        if broken:
            _log.warning("left out %d broken lines of %s", broken, self._path)
        return lines


def _values(rows: list[bytes]) -> Iterator[Any]:
    """Read rows of JSON, None for each that is broken: many at once, which is twice as fast, but not all at once.

    Between calls other threads (a window's) get their turn.
    """
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        part = rows[start : start + _ROWS_AT_ONCE]
        try:
            values = json.loads(b"[" + b",".join(part) + b"]")
        except (ValueError, RecursionError):
            values = []
        yield from values if len(values) == len(part) else map(_value, part)


def _value(row: bytes) -> Any:
    try:
        return json.loads(row)
    except (ValueError, RecursionError):
        return None


def _end_of_last_line(file: BinaryIO | FileIO, limit: int) -> int:
    """Return the largest offset up to ``limit`` bytes that is the beginning of the file or follows a line end."""
    end = limit
    while end > 0:
        start = max(0, end - _BLOCK_BYTES)
        file.seek(start)
        found = file.read(end - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


def _plain(value: Any) -> Any:
    """Turn NumPy scalars into Python's numbers, and numbers that JSON does not have into ``None``."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):  # a NumPy scalar or array
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
