"""Orders to a live run: one small file that any program may replace and that the training checks between batches.

An order is addressed to one session of the run (see ``locks.Owner``) and has its own id. So it is obeyed once, by the
process that it was meant for, and never by one that resumes the run later.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import time
from pathlib import Path
from typing import Any, Literal, cast, get_args

from s3n_core.errors import RunBusy, RunError
from s3n_core.system.atomic_files import output_error, read_bytes, write_json
from s3n_core.system.locks import Owner, is_live, read_owner

CONTROL_NAME = "control.json"
CONTROL_LOCK_NAME = "control.lock"

Order = Literal["pause", "resume", "stop", "stop-now", "discard"]

# A less final order must not follow a more final one in the same session: if two windows show one run, a pause in one
# must not undo a stop in the other.
_FINALITY: dict[Order, int] = {"pause": 0, "resume": 0, "stop": 1, "stop-now": 2, "discard": 3}
_DOING = {1: "stopping", 2: "stopping at once", 3: "being discarded"}

_OWNER_PATIENCE = 1.0
_WRITER_PATIENCE = 5.0

_log = logging.getLogger(__name__)


def send_order(run_path: Path, order: Order) -> str:
    """Send an order to the process that trains the run.

    Args:
        run_path: The run's folder.
        order: ``pause``, ``resume``, ``stop`` (after the current batch, saving everything), ``stop-now`` (without
            waiting for the batch) or ``discard`` (stop without saving).

    Returns:
        The order's id.

    Raises:
        RunError: No process trains this run, or a more final order was sent before.
        RunBusy: The run is being packed, which obeys no orders.
        OutputError: The order cannot be written.
    """
    from filelock import FileLock, Timeout

    if order not in _FINALITY:
        raise RunError(f"There is no command {order!r}; choose one of {', '.join(get_args(Order))}.")
    owner = _live_owner(run_path)
    if owner.packs:
        raise RunBusy(f"The run {run_path} is being packed by process {owner.pid}; wait for its end.", path=run_path)
    path = run_path / CONTROL_NAME
    try:
        with FileLock(run_path / CONTROL_LOCK_NAME, timeout=_WRITER_PATIENCE, thread_local=False):
            present = _addressed_to(_read_quietly(path), owner.session)
            if present is not None and _FINALITY[present] > _FINALITY[order]:
                raise RunError(
                    f"The run {run_path} is already {_DOING[_FINALITY[present]]}; {order!r} is no longer possible."
                )
            identity = secrets.token_hex(8)
            write_json(path, {"id": identity, "order": order, "session": owner.session, "sent": round(time.time(), 3)})
            return identity
    except Timeout:
        raise RunError(f"Another program keeps writing {path}; close it and try again.") from None
    except OSError as error:
        raise output_error(path, error) from error


class OrderReader:
    """Reads the orders to this process; create it after acquiring the run's lock.

    If the lock file names no owner (the run is not locked), it accepts every order sent after its own creation.
    """

    def __init__(self, run_path: Path) -> None:
        """Read the orders to the run in folder ``run_path``."""
        self._path = run_path / CONTROL_NAME
        owner = read_owner(run_path)
        self._session = None if owner is None else owner.session
        self._signature: tuple[int, int, int] | None = None
        self._last_id: str | None = None
        if self._session is None:
            self.poll()

    def poll(self) -> Order | None:
        """Return the order sent since the last call, or None; costs one ``stat`` if nothing has changed.

        Of several orders between two calls, the last one counts. A missing or damaged file, or an order to another
        session, counts as none.
        """
        try:
            status = os.stat(self._path)
            signature = (status.st_mtime_ns, status.st_size, status.st_ino)
            if signature == self._signature:
                return None
            data = read_bytes(self._path)
        except OSError:
            return None  # missing or being replaced: the next call reads it
        self._signature = signature
        try:
            value = json.loads(data)
            identity, order, session = str(value["id"]), value["order"], value["session"]
        except (ValueError, KeyError, TypeError, RecursionError):
            _log.warning("ignored %s: it is not a command", self._path)
            return None
        if not _is_order(order) or (self._session is not None and session != self._session):
            _log.warning("ignored the command %r in %s: unknown, or meant for an earlier session", order, self._path)
            return None
        if identity == self._last_id:
            return None
        self._last_id = identity
        return cast("Order", order)


def _live_owner(run_path: Path) -> Owner:
    """Return the owner of a live run, waiting if it holds the lock but has not written the owner record yet."""
    deadline = time.monotonic() + _OWNER_PATIENCE
    while is_live(run_path):
        owner = read_owner(run_path)
        # If the lock is held, a dead owner is the previous one, whose record is about to be replaced.
        if owner is not None and (owner.is_alive() or not owner.is_here()):
            return owner
        if time.monotonic() > deadline:
            raise RunError(f"It is not known yet which process trains {run_path}; try again in a moment.")
        time.sleep(0.02)
    raise RunError(f"The run {run_path} is not being trained, so it cannot be controlled now.")


def _is_order(value: object) -> bool:
    return isinstance(value, str) and value in _FINALITY


def _read_quietly(path: Path) -> Any:
    try:
        return json.loads(read_bytes(path))
    except (OSError, ValueError, RecursionError):
        return None


def _addressed_to(value: Any, session: str) -> Order | None:
    if isinstance(value, dict) and value.get("session") == session and _is_order(value.get("order")):
        return cast("Order", value["order"])
    return None
