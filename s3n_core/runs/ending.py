"""Ending a process that no longer obeys orders, but never another process that has since been given its id."""

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
"""Time for the batch and its checkpoint after the order "stop", before the process is ended."""
STOP_NOW_SECONDS = 30.0
"""The same for "stop-now", which does not wait for the batch."""

_POLL_SECONDS = 0.02
_KILL_SECONDS = 5.0


def end_process(pid: int, created: float, grace_seconds: float = 5.0) -> Ending:
    """End a process on this machine and its children: terminate it first, then kill it.

    Use it only if an order to the run (``control.send_order``) has no effect. Checkpoints are written completely or not
    at all, so saved ones stay intact.

    Args:
        pid: The process id.
        created: Its creation time (`processes.process_created`); another process with this id is not touched.
        grace_seconds: Time between terminating and killing (on Windows, terminating already kills).

    Returns:
        ``gone``: the process no longer existed. ``terminated``: it terminated. ``killed``: it had to be killed.

    Raises:
        RunError: The user may not end the process, or it cannot be killed.
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
        with contextlib.suppress(psutil.Error):  # psutil itself checks that the id was not reused
            child.kill()
    return ending


def end_run(run_path: Path, grace_seconds: float = 5.0) -> Ending:
    """End the process that trains a run, according to the run's lock; see ``end_process``.

    Raises:
        RunError: The process runs on another machine, the user may not end it, or it cannot be killed.
    """
    owner = read_owner(run_path)
    if owner is None:
        return "gone"
    if not owner.is_here():
        raise RunError(f"The run {run_path} is being trained on {owner.host}; end process {owner.pid} there.")
    return end_process(owner.pid, owner.process_created, grace_seconds)


def _ended(pid: int, created: float, seconds: float) -> bool:
    # Polls instead of psutil's wait(), which would consume a child's exit status before its parent reads it.
    deadline = time.monotonic() + seconds
    while process_is_alive(pid, created):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True
