"""Writer of ``metrics.jsonl``: one JSON object per line, appended by one process and read by any number.

A resume truncates it to the offset stored in the checkpoint. `metrics_reading` reads it.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from s3n_core.runs.earlier_versions import METRICS_VERSION
from s3n_core.system.atomic_files import output_error
from s3n_core.system.json_values import to_json

_BLOCK_BYTES = 1 << 16

_log = logging.getLogger(__name__)


class MetricsWriter:
    """Appends lines to a metrics file; a context manager.

    If the disk is full, an incomplete line is removed, so the file stays readable and the writer can continue once
    there is space. NaN and infinities, which JSON does not have, are written as ``null``.
    """

    def __init__(self, path: Path, offset: int | None = None) -> None:
        """Open the file, or create it if it does not exist.

        Args:
            path: The file.
            offset: Bytes to keep, from a checkpoint; None: keep all complete lines.

        Raises:
            OutputError: The file cannot be opened for writing.
        """
        self._path = path
        try:
            self._file = open(path, "r+b" if path.exists() else "x+b", buffering=0)  # noqa: SIM115
        except OSError as error:
            raise output_error(path, error) from error
        try:
            size = self._file.seek(0, os.SEEK_END)
            wanted = size if offset is None else offset
            if wanted > size:
                _log.warning(
                    "%s has %d bytes, but %d when the checkpoint was written: some lines are lost", path, size, wanted
                )
            self._end = _end_of_last_line(self._file, min(wanted, size))
            self._file.truncate(self._end)
            self._file.seek(self._end)
        except OSError as error:
            self._file.close()
            raise output_error(path, error) from error

    @property
    def offset(self) -> int:
        """Number of bytes in the file, to store in a checkpoint; flushes them to the disk first.

        Raises:
            OutputError: They cannot be written.
        """
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise output_error(self._path, error) from error
        return self._end

    def write_step(self, values: Mapping[str, Any]) -> None:
        """Append a line of kind ``step``; the training decides how often (`training.loop.REPORT_SECONDS`).

        Args:
            values: Values by name: numbers (including NumPy scalars), strings, lists or mappings.

        Raises:
            OutputError: The line cannot be written; the file then ends with the previous line.
        """
        self._append("step", values)

    def write_epoch(self, values: Mapping[str, Any]) -> None:
        """Append a line of kind ``epoch`` and flush it to the disk; see ``write_step``."""
        self._append("epoch", values)
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

    def _append(self, kind: str, values: Mapping[str, Any]) -> None:
        fields = {"kind": kind, "version": METRICS_VERSION, **values}
        line = json.dumps(to_json(fields), separators=(",", ":"), allow_nan=False).encode("ascii") + b"\n"
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
            _log.warning("could not remove an incomplete line from the end of %s", self._path, exc_info=True)


def _end_of_last_line(file: BinaryIO | FileIO, limit: int) -> int:
    """Return the largest offset up to ``limit`` that is the start of the file or follows a line break."""
    end = limit
    while end > 0:
        start = max(0, end - _BLOCK_BYTES)
        file.seek(start)
        found = file.read(end - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0
