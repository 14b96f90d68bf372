"""A file of JSON lines that a job keeps until its work is done, so that a killed one goes on where it was.

The first line is a header that says what the others belong to. A line counts when it is whole and its owner takes it; what
follows the first that does not is cut off. What was written outlives a killed process; a power failure costs at most a few
seconds. A second job cannot touch the file.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping
from io import FileIO
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
    """Return the place of the lines of a file that is not finished."""
    return out.with_name(out.name + PART_SUFFIX)


def json_line(fields: Mapping[str, Any]) -> bytes:
    """Return an object as one line."""
    # A lone surrogate, in a name that is no valid Unicode, becomes \udcXX: JSON's own escape for it.
    text = json.dumps(fields, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "backslashreplace") + b"\n"


class LineFile:
    """The lines of something that is being made; a context manager that holds it against a second job.

    Attributes:
        path: The file with the lines.
    """

    def __init__(
        self,
        out: Path,
        header: Mapping[str, Any],
        *,
        take: Callable[[Any], None],
        goes_on: Callable[[bytes], bool],
        restart: bool = False,
    ) -> None:
        """Open the lines of ``out``, made if they are missing, cut back to the last good one otherwise.

        Args:
            out: What they will become; its folder must exist.
            header: What they belong to; begins with the "format", by which a foreign file is known.
            take: Called with the value of each line that is there already, in order; a ``ValueError``, ``KeyError``,
                ``TypeError`` or ``AttributeError`` says that it is not good.
            goes_on: Says of a whole header that is another one whether its lines are to be taken all the same.
            restart: Throw away lines that are there already.

        Raises:
            OutputError: It cannot be written.
            OutputBusy: Another job is writing it.
            UnfinishedOutput: A file of another kind is in its place.
        """
        self.path = part_path(out)
        self._synced = time.monotonic()
        self._end = 0
        self._lock = _locked(out)
        try:
            # Unbuffered: what append() has written outlives a killed process.
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
        """Add lines, all of them or none.

        Raises:
            OutputError: The disk is full or gone; the lines before are kept, and a later job goes on after them.
        """
        try:
            self._write(b"".join(map(json_line, lines)))
            if time.monotonic() - self._synced >= _SYNC_SECONDS:
                os.fsync(self._file.fileno())
                self._synced = time.monotonic()
        except OSError as error:
            raise output_error(self.path, error) from error

    def close(self) -> None:
        """Let go of the file, which stays for a later job; may be called twice."""
        self._file.close()
        _let_go(self._lock)

    def remove(self) -> None:
        """Remove the file once all is done; may fail quietly, a later job would only find nothing left to do."""
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

    def _taken(self, header: bytes, take: Callable[[Any], None], goes_on: Callable[[bytes], bool]) -> int:
        """Let the owner take the lines that are there; return the offset behind the last good one, 0 where none can be used."""
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
                    take(json.loads(line))
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
            with contextlib.suppress(OSError):  # a torn last line is cut by the next job, too
                self._file.truncate(self._end)
                self._file.seek(self._end)
            raise
        self._end += len(data)


def _locked(out: Path) -> BaseFileLock | None:
    """Keep a second job from the same file; None where the file system has no locks."""
    from filelock import FileLock, Timeout  # imported late: it takes longer than all the rest here

    place = out.with_name(out.name + LOCK_SUFFIX)
    try:
        # The lock itself would wait for a folder that takes no files as if another held it.
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
    if os.name == "posix":  # removed while it is held, so that nobody's new lock is taken away
        path.unlink(missing_ok=True)
        lock.release()
    else:
        lock.release()
        with contextlib.suppress(OSError):  # refused on Windows while another job holds it, which is right
            path.unlink(missing_ok=True)
