"""Ending a process that does not follow orders any more, and never one that merely inherited its id."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Literal

import psutil

from s3n_core.errors import RunError
from s3n_core.system.locks import read_owner
from s3n_core.system.processes import process_is_alive

Ending = Literal["gone", "terminated", "killed"]

STOP_SECONDS = 180.0
"""How long a batch and the writing of its checkpoint may take after "stop and keep" before the process is ended."""
STOP_NOW_SECONDS = 30.0
"""The same for a stop that does not wait for the batch."""

_POLL_SECONDS = 0.02
_KILL_SECONDS = 5.0


def end_process(pid: int, created: float, grace_seconds: float = 5.0) -> Ending:
    """End a process of this machine and its children: ask first, then kill.

    The soft way is an order to the run (``control.send_order``); this is for when that has no effect. Checkpoints are
    written whole or not at all, so what was saved stays.

    Args:
        pid: The process's id.
        created: Its creation time (`processes.process_created`); another process with that id is left alone.
        grace_seconds: How long it may take after being asked (on Windows there is no asking: it ends at once).

    Returns:
        ``gone``: there was no such process any more. ``terminated``: it ended when asked. ``killed``: it had to be.

    Raises:
        RunError: It may not be ended by this user, or does not die.
    """
    if not process_is_alive(pid, created):
        return "gone"
    try:
        process = psutil.Process(pid)
        children = process.children(recursive=True)
        process.terminate()
        ending: Ending = "terminated"
        if not _ended(pid, created, grace_seconds):
            ending = "killed"
            process.kill()
            if not _ended(pid, created, _KILL_SECONDS):
                raise RunError(f"Process {pid} cannot be killed; restart the computer to end it.")
    except psutil.NoSuchProcess:
        return "terminated"
    except psutil.AccessDenied:
        raise RunError(f"Process {pid} belongs to another user and was not ended; ask that user.") from None
    for child in children:
        with contextlib.suppress(psutil.Error):  # psutil itself checks that the id was not given to another process
            child.kill()
    return ending


def end_run(run_path: Path, grace_seconds: float = 5.0) -> Ending:
    """End the process that trains a run, as the run's lock names it; see ``end_process``.

    Raises:
        RunError: It runs on another machine, may not be ended, or does not die.
    """
    owner = read_owner(run_path)
    if owner is None:
        return "gone"
    if not owner.is_here():
        raise RunError(f"The run {run_path} is being trained on {owner.host}; end process {owner.pid} there.")
    return end_process(owner.pid, owner.process_created, grace_seconds)


def _ended(pid: int, created: float, seconds: float) -> bool:
    # By looking, not by psutil's wait(): that would take a child's exit status away from who started it.
    deadline = time.monotonic() + seconds
    while process_is_alive(pid, created):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True
