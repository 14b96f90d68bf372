"""Following a metrics file while it is written.

A reader may look at any moment: it takes whole lines only, leaves a torn last one for later, and notices when the file
was cut back, which a resume does, or replaced. The lines of earlier versions come as this one writes them.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from s3n_core.runs.earlier_versions import MetricsUpgrade

# The bytes before the reader's place are remembered. Where they have changed, the file was cut and has grown past it since.
_TAIL_BYTES = 512
_ROWS_AT_ONCE = 256

_LEAST_SAMPLED_BYTES = 4 << 20
_SAMPLED_LINES, _STRETCH_BYTES = 1000, 1 << 20
_EPOCH = b'{"kind":"epoch"'

_log = logging.getLogger(__name__)


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


def read_epochs(path: Path) -> list[dict[str, Any]]:
    """Return the lines of the finished epochs of a metrics file; none where there is no such file."""
    return [line for line in MetricsReader(path).poll().lines if line.get("kind") == "epoch"]


def sample_lines(path: Path) -> list[dict[str, Any]] | None:
    """Return about a thousand step lines of a long file, evenly spread, and all epoch lines; None where it is not that long.

    There is something to see while a reader takes all of it.
    """
    try:
        if path.stat().st_size < _LEAST_SAMPLED_BYTES:
            return None
        data = path.read_bytes()
    except OSError:
        return None
    starts = {data.find(b"\n", index * len(data) // _SAMPLED_LINES) + 1 for index in range(_SAMPLED_LINES)} - {0}
    for begin in range(0, len(data), _STRETCH_BYTES):  # between two stretches other threads get their turn
        place = data.find(_EPOCH, begin, begin + _STRETCH_BYTES + len(_EPOCH))
        while place >= 0:
            starts.add(place)
            place = data.find(_EPOCH, place + 1, begin + _STRETCH_BYTES + len(_EPOCH))
    values = map(_value, (data[start : data.find(b"\n", start)] for start in sorted(starts)))
    upgrade = MetricsUpgrade()
    return [upgrade.upgraded(value) for value in values if isinstance(value, dict)]


class MetricsReader:
    """Follows a metrics file from its beginning; never fails, whatever is or is not there."""

    def __init__(self, path: Path) -> None:
        """Follow ``path``, which need not exist yet."""
        self._path = path
        self._offset = 0
        self._tail = b""
        self._signature: tuple[int, int, int] | None = None
        self._upgrade = MetricsUpgrade()

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
        self._upgrade = MetricsUpgrade()

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
                lines.append(self._upgrade.upgraded(value))
            elif row.strip():
                broken += 1
        if broken:
            _log.warning("skipped %d broken lines of %s", broken, self._path)
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
