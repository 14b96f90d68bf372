"""A JSON Lines file of a job's intermediate results, so that a killed job can resume.

The first line is a header that identifies the job. A line is valid if it is complete and its owner accepts it; the file
is truncated at the first invalid line. Written lines survive a kill of the process; a power failure loses at most a few
seconds of work. The file is locked against a second job.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from io import BufferedReader, FileIO
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from s3n_core.errors import OutputBusy, OutputError, UnfinishedOutput
from s3n_core.system.atomic_files import output_error

if TYPE_CHECKING:
    from filelock import BaseFileLock

PART_SUFFIX = ".part"
LOCK_SUFFIX = ".part.lock"

_SYNC_SECONDS = 5.0

_log = logging.getLogger(__name__)


def part_path(out: Path) -> Path:
    """Return the path of the lines of an unfinished file."""
    return out.with_name(out.name + PART_SUFFIX)


def json_line(fields: Mapping[str, Any]) -> bytes:
    """Return an object as one line of JSON."""
    # A lone surrogate, from a name that is not valid Unicode, becomes \udcXX, JSON's escape for it.
    text = json.dumps(fields, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "backslashreplace") + b"\n"


class LineFile:
    """The lines of an unfinished output; a context manager that locks it against a second job.

    Attributes:
        path: The file with the lines.
    """

    def __init__(
        self,
        out: Path,
        header: Mapping[str, Any],
        *,
        take: Callable[[Any, int], None],
        goes_on: Callable[[bytes], bool],
        restart: bool = False,
    ) -> None:
        """Open the lines of ``out``: create the file, or truncate an existing one after its last valid line.

        Args:
            out: The final output; its folder must exist.
            header: Identifies the job; starts with "format", which identifies the kind of file.
            take: Called with the value of each existing line and its offset in the file, in order; rejects it with a
                ``ValueError``, ``KeyError``, ``TypeError`` or ``AttributeError``.
            goes_on: Called with a complete header that differs; returns whether to accept its lines nevertheless.
            restart: Discard existing lines.

        Raises:
            OutputError: The file cannot be written.
            OutputBusy: Another job is writing it.
            UnfinishedOutput: The existing file is of another kind.
        """
        self.path = part_path(out)
        self._synced = time.monotonic()
        self._end = 0
        self._reader: BufferedReader | None = None
        self._lock = _locked(out)
        try:
            # Unbuffered, so that what append() has written survives a kill of the process.
            self._file: FileIO = open(self.path, "r+b" if self.path.exists() else "x+b", buffering=0)  # noqa: SIM115
        except OSError as error:
            _let_go(self._lock)
            raise output_error(self.path, error) from error
        try:
            self._end = 0 if restart else self._taken(json_line(header), take, goes_on)
            self._file.truncate(self._end)
            self._file.seek(self._end)
            if self._end == 0:
                self.append([header])
        except OSError as error:
            self.close()
            raise output_error(self.path, error) from error
        except BaseException:
            self.close()
            raise

    def append(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Append lines, all or none.

        Raises:
            OutputError: The disk is full or unavailable; earlier lines are kept, and a later job resumes after them.
        """
        try:
            self._write(b"".join(map(json_line, lines)))
            if time.monotonic() - self._synced >= _SYNC_SECONDS:
                os.fsync(self._file.fileno())
                self._synced = time.monotonic()
        except OSError as error:
            raise output_error(self.path, error) from error

    @property
    def end(self) -> int:
        """Offset after the last line, where the next one will begin, in bytes."""
        return self._end

    def read(self, offset: int) -> Any:
        """Return the value of the line that begins at an offset; reading in ascending order is the quickest.

        Raises:
            OutputError: The disk is unavailable.
        """
        try:
            if self._reader is None:
                self._reader = open(self.path, "rb")  # noqa: SIM115
            self._reader.seek(offset)
            return json.loads(self._reader.readline())
        except OSError as error:
            raise output_error(self.path, error) from error

    def close(self) -> None:
        """Close and unlock the file, which remains for a later job; may be called twice."""
        self._close_files()
        _let_go(self._lock)

    def remove(self) -> None:
        """Remove the file once the output is finished. Failure is only logged: a later job would find nothing to do."""
        self._close_files()
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

    def _close_files(self) -> None:
        self._file.close()
        if self._reader is not None:
            self._reader.close()

    def _taken(self, header: bytes, take: Callable[[Any, int], None], goes_on: Callable[[bytes], bool]) -> int:
        """Pass the existing lines to the owner; return the offset after the last valid one, 0 if there is none."""
        with open(self.path, "rb") as file:
            first = file.readline()
            start = header[: header.index(b",")]
            if first[: len(start)] != start[: len(first)]:
                raise UnfinishedOutput(
                    f"{self.path} is in the way: this job cannot continue from it. Move it away, start over with "
                    "--restart, or choose another name.",
                    path=self.path,
                    content="something else",
                )
            if not first.endswith(b"\n") or (first != header and not goes_on(first)):
                return 0
            end = file.tell()
            for line in file:
                if not line.endswith(b"\n"):
                    break
                try:
                    take(json.loads(line), end)
                except (ValueError, KeyError, TypeError, AttributeError):
                    break
                end += len(line)
            return end

    def _write(self, data: bytes) -> None:
        written = 0
        try:
            while written < len(data):
                written += self._file.write(data[written:]) or 0
        except OSError:
            with contextlib.suppress(OSError):  # if this fails, the next job cuts off the torn last line
                self._file.truncate(self._end)
                self._file.seek(self._end)
            raise
        self._end += len(data)


@contextlib.contextmanager
def only_writer(out: Path) -> Iterator[None]:
    """Keep a second job from writing ``out`` while the block runs.

    Raises:
        OutputError: The folder cannot be written to.
        OutputBusy: Another job is writing it.
    """
    lock = _locked(out)
    try:
        yield
    finally:
        _let_go(lock)


def _locked(out: Path) -> BaseFileLock | None:
    """Lock the file against a second job; None if the file system does not support locks."""
    from filelock import FileLock, Timeout  # imported late: it takes longer than all the rest here

    place = out.with_name(out.name + LOCK_SUFFIX)
    try:
        # Where files cannot be created, FileLock would wait as if another process held the lock.
        os.close(os.open(place, os.O_RDWR | os.O_CREAT, 0o666))
    except FileNotFoundError as error:
        if not out.parent.is_dir():
            raise output_error(out, error) from error
        raise OutputError(
            f"{out} could not be written: {out.parent} cannot contain files; choose another location."
        ) from error
    except OSError as error:
        raise output_error(out, error) from error
    lock = FileLock(place, is_singleton=False, thread_local=False)
    try:
        lock.acquire(blocking=False)
    except Timeout as error:
        raise OutputBusy(
            f"Another job is writing {out}; wait until it ends, or choose another name.", path=out
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
    if os.name == "posix":  # removed while it is held, so as not to delete another process's new lock
        path.unlink(missing_ok=True)
        lock.release()
    else:
        lock.release()
        with contextlib.suppress(OSError):  # Windows rightly refuses while another job holds it
            path.unlink(missing_ok=True)
