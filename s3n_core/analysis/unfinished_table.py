"""``TABLE.part``: rows as they are predicted, so that an interrupted job goes on where it stopped.

The first line is the header, each further line one row, in the order of the images. A line counts when it is whole and
belongs to the image of its place; what follows the first line that does not is cut off and predicted again.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import time
from collections.abc import Iterator, Sequence
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from s3n_core.analysis.prediction_rows import PredictionHeader, PredictionRow
from s3n_core.analysis.prediction_tables import FORMAT, VERSION
from s3n_core.atomic_files import output_error
from s3n_core.errors import OutputError

if TYPE_CHECKING:
    from filelock import BaseFileLock

PART_SUFFIX = ".part"
LOCK_SUFFIX = ".part.lock"

# A killed process loses nothing that was written; a power failure costs at most the rows of this many seconds.
_SYNC_SECONDS = 5.0

_log = logging.getLogger(__name__)


def part_path(out: Path) -> Path:
    """Return the place of the rows of a table that is not finished."""
    return out.with_name(out.name + PART_SUFFIX)


class UnfinishedTable:
    """The rows of a table that is being made; a context manager that holds it against a second job.

    Attributes:
        path: The file with the rows.
        done: Rows in it.
        unreadable: How many of them have no answer.
    """

    def __init__(self, out: Path, header: PredictionHeader, names: Sequence[str], *, restart: bool = False) -> None:
        """Open the rows of ``out``, made if they are missing, cut back to the last good one otherwise.

        Args:
            out: The table that they will become.
            header: What the rows share.
            names: The images' names, in order.
            restart: Throw away rows that are there already.

        Raises:
            OutputError: It cannot be written, another job is writing it, or it belongs to another job.
        """
        self.path = part_path(out)
        self.done = 0
        self.unreadable = 0
        self._out = out
        self._header = header
        self._lock = _locked(out)
        self._synced = time.monotonic()
        try:
            # Unbuffered: what append() has written outlives a killed process.
            self._file: FileIO = open(self.path, "r+b" if self.path.exists() else "x+b", buffering=0)  # noqa: SIM115
        except OSError as error:
            _let_go(self._lock)
            raise output_error(self.path, error) from error
        try:
            self._end = 0 if restart else self._continued(names)
            self._file.truncate(self._end)
            self._file.seek(self._end)
            if self._end == 0:
                self._write(_line({"format": FORMAT, "version": VERSION, **header.to_dict()}))
        except OSError as error:
            self.close()
            raise output_error(self.path, error) from error
        except BaseException:
            self.close()
            raise

    def append(self, rows: Sequence[PredictionRow]) -> None:
        """Add rows.

        Raises:
            OutputError: The disk is full or gone; the rows before are kept, and a later job goes on after them.
        """
        try:
            self._write(b"".join(_line(row.to_dict()) for row in rows))
            if time.monotonic() - self._synced >= _SYNC_SECONDS:
                os.fsync(self._file.fileno())
                self._synced = time.monotonic()
        except OSError as error:
            raise output_error(self.path, error) from error
        self.done += len(rows)
        self.unreadable += sum(bool(row.error) for row in rows)

    def rows(self) -> Iterator[PredictionRow]:
        """Read all rows again, one by one."""
        with open(self.path, "rb") as file:
            file.readline()
            for line in file:
                yield PredictionRow.from_dict(json.loads(line), self._header)

    def close(self) -> None:
        """Let go of the file, which stays for a later job; may be called twice."""
        self._file.close()
        _let_go(self._lock)

    def remove(self) -> None:
        """Remove the file once its table is finished; may fail quietly, a later job would only finish it again."""
        self._file.close()
        try:
            self.path.unlink(missing_ok=True)
        except OSError:
            _log.warning("could not remove %s, which is no longer needed", self.path, exc_info=True)
        _let_go(self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _continued(self, names: Sequence[str]) -> int:
        """Return the offset behind the last row that can be kept, 0 if there is not even a header; count the rows."""
        with open(self.path, "rb") as file:
            first = file.readline()
            if not first.endswith(b"\n"):
                # Torn while it was first written, if it is the beginning of a header; another's file is left alone.
                start = _line({"format": FORMAT})[:-2]
                if first[: len(start)] != start[: len(first)]:
                    raise OutputError(self._foreign())
                return 0
            difference = self._header.difference(self._header_of(first))
            if difference:
                raise OutputError(
                    f"{self.path} holds unfinished predictions of {difference}; start over with --restart, "
                    "finish that job first, or choose another name."
                )
            end = file.tell()
            for name, line in zip(names, file, strict=False):
                try:
                    fields = json.loads(line)
                    good = line.endswith(b"\n") and fields["file"] == name
                    if good:
                        PredictionRow.from_dict(fields, self._header)
                except (ValueError, KeyError, TypeError, AttributeError):
                    good = False
                if not good:
                    break
                end += len(line)
                self.done += 1
                self.unreadable += bool(fields.get("error"))
            return end

    def _header_of(self, line: bytes) -> PredictionHeader:
        try:
            fields = json.loads(line)
            if fields["format"] != FORMAT or fields["version"] != VERSION:
                raise ValueError
            return PredictionHeader.from_dict(fields)
        except (ValueError, KeyError, TypeError) as error:
            raise OutputError(self._foreign()) from error

    def _foreign(self) -> str:
        return (
            f"{self.path} is in the way: it holds no unfinished predictions of this version; move it away, "
            "start over with --restart, or choose another name."
        )

    def _write(self, data: bytes) -> None:
        written = 0
        try:
            while written < len(data):
                written += self._file.write(data[written:]) or 0
        except OSError:
            with contextlib.suppress(OSError):  # a torn last line is cut by the next job, too
                self._file.truncate(self._end)
                self._file.seek(self._end)
            raise
        self._end += len(data)


def _line(fields: dict[str, Any]) -> bytes:
    # A lone surrogate, in a name that is no valid Unicode, becomes \udcXX: JSON's own escape for it.
    text = json.dumps(fields, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "backslashreplace") + b"\n"


def _locked(out: Path) -> BaseFileLock | None:
    """Keep a second job from the same table; None where the file system has no locks."""
    from filelock import FileLock, Timeout  # imported late: it takes longer than all the rest here

    lock = FileLock(out.with_name(out.name + LOCK_SUFFIX), is_singleton=False, thread_local=False)
    try:
        lock.acquire(blocking=False)
    except Timeout as error:
        raise OutputError(
            f"Another job is writing {out} at this moment; wait until it ends, or choose another name."
        ) from error
    except NotImplementedError:
        return None
    except OSError as error:
        raise output_error(out, error) from error
    return lock


def _let_go(lock: BaseFileLock | None) -> None:
    if lock is None or not lock.is_locked:
        return
    path = Path(lock.lock_file)
    if os.name == "posix":  # removed while it is held, so that nobody's new lock is taken away
        path.unlink(missing_ok=True)
        lock.release()
    else:
        lock.release()
        with contextlib.suppress(OSError):  # refused on Windows while another job holds it, which is right
            path.unlink(missing_ok=True)
