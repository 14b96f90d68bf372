"""Who trains a run: one process at a time, known by a lock that the system takes back when the process dies.

The lock alone says whether a run is live; no process id, time stamp or state file is believed for that, because those
survive a kill. Beside it, ``owner.json`` names the process, to end it and to address orders to it.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import secrets
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from s3n_core.errors import RunBusy, RunNotFound
from s3n_core.system.atomic_files import output_error, read_bytes, write_json
from s3n_core.system.processes import process_created, process_is_alive

if TYPE_CHECKING:
    from filelock import BaseFileLock

LOCK_NAME = "lock"
OWNER_NAME = "owner.json"

# Looking whether a run is live takes the lock for some microseconds. Who fails to get it asks again for a little
# while, unless the owner is seen to be alive: two programs that look at once must not take each other for a training.
_PROBES = 5
_PROBE_PAUSE = 0.01
_ACQUIRE_PATIENCE = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The process that holds, or last held, a run's lock.

    Attributes:
        session: Unique for each time the lock is taken; orders are addressed to it.
        pid: Process id.
        process_created: When that process was created (`processes.process_created`); tells it from a later one with the same id.
        host: Name of the machine that it runs on.
    """

    session: str
    pid: int
    process_created: float
    host: str

    @classmethod
    def this_process(cls) -> Owner:
        """Describe the calling process, with a new session."""
        return cls(
            session=secrets.token_hex(8),
            pid=os.getpid(),
            process_created=process_created(),
            host=platform.node(),
        )

    def is_here(self) -> bool:
        """Say whether the process belongs to this machine."""
        return self.host == platform.node()

    def is_alive(self) -> bool:
        """Say whether that very process runs on this machine; False for another machine, whose processes are unseen."""
        return self.is_here() and process_is_alive(self.pid, self.process_created)


class RunLock:
    """Holds a run for the life of its training process.

    A context manager. It may be taken in one thread and released in another, and is not re-entrant. A child process
    made by a bare ``fork`` would keep it after the parent's death; processes started any other way do not.
    """

    def __init__(self, run_path: Path) -> None:
        """Prepare the lock of the run in folder ``run_path`` without taking it."""
        self._run_path = run_path
        self._lock: BaseFileLock | None = None
        self.owner: Owner | None = None

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            RunBusy: Another process trains this run (named).
            RunNotFound: The folder is missing.
            OutputError: The folder cannot be written to.
        """
        from filelock import Timeout  # imported late: half of the time that this package takes to import

        if self._lock is not None:
            raise RuntimeError(f"the lock of {self._run_path} is already held by this object")
        if not self._run_path.is_dir():
            raise RunNotFound(f"The run folder {self._run_path} does not exist; check the name, or list the runs.")
        lock = _file_lock(self._run_path)
        deadline = time.monotonic() + _ACQUIRE_PATIENCE
        while True:
            try:
                lock.acquire(blocking=False)
            except Timeout:
                owner = read_owner(self._run_path)
                if (owner is not None and owner.is_alive()) or time.monotonic() > deadline:
                    raise RunBusy(_busy(self._run_path, owner), path=self._run_path) from None
                time.sleep(_PROBE_PAUSE)
            except OSError as error:
                raise output_error(self._run_path / LOCK_NAME, error) from error
            else:
                break
        try:
            owner = Owner.this_process()
            write_json(self._run_path / OWNER_NAME, asdict(owner), durable=False)
        except BaseException:
            lock.release()
            raise
        self._lock, self.owner = lock, owner

    def release(self) -> None:
        """Let go of the run; does nothing where the lock is not held."""
        if self._lock is None:
            return
        with contextlib.suppress(OSError):
            (self._run_path / OWNER_NAME).unlink(missing_ok=True)
        self._lock.release()
        self._lock = self.owner = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def is_live(run_path: Path) -> bool:
    """Say whether a process trains this run now: whether its lock is held.

    Takes some ten microseconds and leaves nothing behind; a missing folder is not live.
    """
    from filelock import Timeout

    if not (run_path / LOCK_NAME).exists():
        return False
    for attempt in range(_PROBES):
        lock = _file_lock(run_path)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            owner = read_owner(run_path)
            if owner is not None and owner.is_alive():
                return True
            if attempt + 1 < _PROBES:
                time.sleep(_PROBE_PAUSE)
        except OSError:
            # The folder may be read but not written (another user's, a read-only copy): only the owner can be asked.
            owner = read_owner(run_path)
            return owner is not None and owner.is_alive()
        else:
            lock.release()
            return False
    return True


def read_owner(run_path: Path) -> Owner | None:
    """Return who holds or last held the lock; None where that is unknown (never held, released, unreadable)."""
    try:
        value = json.loads(read_bytes(run_path / OWNER_NAME))
        return Owner(
            session=str(value["session"]),
            pid=int(value["pid"]),
            process_created=float(value["process_created"]),
            host=str(value["host"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _file_lock(run_path: Path) -> BaseFileLock:
    from filelock import FileLock

    # thread_local=False: a trainer may be closed by another thread than the one that started it.
    return FileLock(run_path / LOCK_NAME, thread_local=False)


def _busy(run_path: Path, owner: Owner | None) -> str:
    if owner is None:
        return f"The run {run_path} is in use by another process; wait for it or stop it first."
    where = "" if owner.is_here() else f" on {owner.host}"
    return f"The run {run_path} is already being trained by process {owner.pid}{where}; follow it, or stop it first."
