"""The lock of a run: only one process trains a run, and the system releases its lock when the process dies.

Only the lock determines whether a run is live; process ids, time stamps and state files are not trusted, because they
survive a kill. Next to it, ``owner.json`` identifies the process, for ending it and for addressing commands to it.
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

# Checking whether a run is live takes the lock for some microseconds. On failure it is retried for a short time, unless
# the owner is known to be alive: two programs that check at once must not mistake each other for a training.
_PROBES = 5
_PROBE_PAUSE = 0.01
_ACQUIRE_PATIENCE = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The process that holds, or last held, a run's lock.

    Attributes:
        session: Unique for each acquisition of the lock; commands are addressed to it.
        pid: Process id.
        process_created: Creation time of the process (`processes.process_created`); distinguishes it from a later
            process with the same id.
        host: Name of the machine that it runs on.
        packs: Whether it packs the run for another machine instead of training it; it obeys no orders.
    """

    session: str
    pid: int
    process_created: float
    host: str
    packs: bool = False

    @classmethod
    def this_process(cls, *, packs: bool = False) -> Owner:
        """Describe the calling process, with a new session."""
        return cls(
            session=secrets.token_hex(8),
            pid=os.getpid(),
            process_created=process_created(),
            host=platform.node(),
            packs=packs,
        )

    def is_here(self) -> bool:
        """Return whether the process belongs to this machine."""
        return self.host == platform.node()

    def is_alive(self) -> bool:
        """Return whether this very process runs on this machine; False if it belongs to another machine."""
        return self.is_here() and process_is_alive(self.pid, self.process_created)


class RunLock:
    """Locks a run for the lifetime of its training process, or while it is packed.

    A context manager. It may be acquired in one thread and released in another, and is not re-entrant. A child process
    created by a bare ``fork`` would keep the lock after the parent's death; processes started in other ways do not.
    """

    def __init__(self, run_path: Path, *, packs: bool = False) -> None:
        """Create the lock of the run in folder ``run_path`` without acquiring it; ``packs`` as of `Owner`."""
        self._run_path = run_path
        self._packs = packs
        self._lock: BaseFileLock | None = None
        self.owner: Owner | None = None

    def acquire(self) -> None:
        """Acquire the lock.

        Raises:
            RunBusy: Another process is training this run; the message names it.
            RunNotFound: The folder is missing.
            OutputError: The folder cannot be written to.
        """
        from filelock import Timeout  # imported late: half of this package's import time

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
            owner = Owner.this_process(packs=self._packs)
            write_json(self._run_path / OWNER_NAME, asdict(owner), durable=False)
        except BaseException:
            lock.release()
            raise
        self._lock, self.owner = lock, owner

    def release(self) -> None:
        """Release the lock; does nothing if it is not held."""
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
    """Return whether a process works on this run, that is, whether its lock is held: to train the run or to pack it.

    Takes some ten microseconds and leaves no files behind; False for a missing folder.
    """
    return _held(run_path)[0]


def is_training(run_path: Path) -> bool:
    """Return whether a process is training this run: its lock is held, and not to pack it. Costs as much as `is_live`."""
    held, owner = _held(run_path)
    return held and not _packs(owner)


def require_not_packed(run_path: Path) -> None:
    """Refuse to touch a run that is being packed.

    Raises:
        RunBusy: A process packs it; the message names it.
    """
    held, owner = _held(run_path)
    if held and _packs(owner):
        raise RunBusy(_busy(run_path, owner), path=run_path)


def _packs(owner: Owner | None) -> bool:
    """Return whether a held lock is a packing process's; one of this machine that is dead has left its record behind."""
    return owner is not None and owner.packs and (owner.is_alive() or not owner.is_here())


def _held(run_path: Path) -> tuple[bool, Owner | None]:
    """Return whether a run's lock is held, and who was recorded as its owner then."""
    from filelock import Timeout

    if not (run_path / LOCK_NAME).exists():
        return False, None
    owner = None
    for attempt in range(_PROBES):
        lock = _file_lock(run_path)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            owner = read_owner(run_path)
            if owner is not None and owner.is_alive():
                return True, owner
            if attempt + 1 < _PROBES:
                time.sleep(_PROBE_PAUSE)
        except OSError:
            # The folder is read-only (another user's, a copy): only the owner file can tell.
            owner = read_owner(run_path)
            return owner is not None and owner.is_alive(), owner
        else:
            lock.release()
            return False, None
    return True, owner


def read_owner(run_path: Path) -> Owner | None:
    """Return who holds or last held the lock; None if unknown (never held, released, unreadable)."""
    try:
        value = json.loads(read_bytes(run_path / OWNER_NAME))
        return Owner(
            session=str(value["session"]),
            pid=int(value["pid"]),
            process_created=float(value["process_created"]),
            host=str(value["host"]),
            packs=bool(value.get("packs", False)),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _file_lock(run_path: Path) -> BaseFileLock:
    from filelock import FileLock

    # thread_local=False: a trainer may be closed by a thread other than the one that started it.
    return FileLock(run_path / LOCK_NAME, thread_local=False)


def _busy(run_path: Path, owner: Owner | None) -> str:
    if owner is None:
        return f"The run {run_path} is in use by another process; wait for it or stop it first."
    where = "" if owner.is_here() else f" on {owner.host}"
    if owner.packs:
        return f"The run {run_path} is being packed by process {owner.pid}{where}; wait for its end."
    return f"The run {run_path} is already being trained by process {owner.pid}{where}; follow it, or stop it first."
