"""Reading a metrics file while it is being written.

A reader may poll at any time: it returns only complete lines, and detects if the file was truncated (by a resume) or
replaced. Lines of earlier versions are converted to this one.
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

# Bytes kept from before the read position: if they have changed, the file was truncated and has grown past it again.
_TAIL_BYTES = 512
_ROWS_AT_ONCE = 256

_LEAST_SAMPLED_BYTES = 4 << 20
_SAMPLED_LINES, _STRETCH_BYTES = 1000, 1 << 20
_EPOCH = b'{"kind":"epoch"'

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MetricsChange:
    """The result of polling a metrics file.

    Attributes:
        lines: The new lines, oldest first; all lines of the file if ``restarted``.
        restarted: The file was truncated or replaced since the last poll: discard all earlier lines.
        more: Whether there is more to read, beyond the limit of one poll.
    """

    lines: list[dict[str, Any]]
    restarted: bool
    more: bool = False


def read_epochs(path: Path) -> list[dict[str, Any]]:
    """Return the epoch lines of a metrics file; empty if it does not exist."""
    return [line for line in MetricsReader(path).poll().lines if line.get("kind") == "epoch"]


def sample_lines(path: Path) -> list[dict[str, Any]] | None:
    """Return about a thousand evenly spaced step lines of a long file, and all epoch lines; None for a short file.

    They give a preview while the whole file is being read.
    """
    try:
        if path.stat().st_size < _LEAST_SAMPLED_BYTES:
            return None
        data = path.read_bytes()
    except OSError:
        return None
    starts = {data.find(b"\n", index * len(data) // _SAMPLED_LINES) + 1 for index in range(_SAMPLED_LINES)} - {0}
    for begin in range(0, len(data), _STRETCH_BYTES):  # in pieces, so that other threads can run
        place = data.find(_EPOCH, begin, begin + _STRETCH_BYTES + len(_EPOCH))
        while place >= 0:
            starts.add(place)
            place = data.find(_EPOCH, place + 1, begin + _STRETCH_BYTES + len(_EPOCH))
    values = map(_value, (data[start : data.find(b"\n", start)] for start in sorted(starts)))
    upgrade = MetricsUpgrade()
    return [upgrade.upgraded(value) for value in values if isinstance(value, dict)]


class MetricsReader:
    """Reads a metrics file from its start as it grows; never raises, even if the file is missing or damaged."""

    def __init__(self, path: Path) -> None:
        """Read ``path``, which need not exist yet."""
        self._path = path
        self._offset = 0
        self._tail = b""
        self._signature: tuple[int, int, int] | None = None
        self._upgrade = MetricsUpgrade()

    def poll(self, most_bytes: int | None = None) -> MetricsChange:
        """Return the complete lines added since the last call; costs one ``stat`` if there are none.

        Lines that are not JSON objects (after a power failure) are skipped and logged.

        Args:
            most_bytes: Approximate limit on the bytes to read, at least one line; None: no limit.
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
            return MetricsChange([], False)  # temporarily unreadable: the next call tries again
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
    """Parse rows of JSON, None for each invalid one.

    Parsing many rows per call is twice as fast, but not all are parsed at once, so that other threads can run.
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
