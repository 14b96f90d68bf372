"""Telling a process from a later one that was given the same id, also after the clock has been set."""

from __future__ import annotations

import os
import sys

import psutil

# As exact as the systems say it, with room for how floats are written.
_TOLERANCE = 0.05


def process_created(pid: int | None = None) -> float:
    """Return when a process of this machine was created; None asks for the calling one.

    On Linux in seconds since the machine was started: Unix seconds are derived there from a clock that people, and the network,
    set while trainings run. Elsewhere the system keeps what its clock said when the process began.

    Raises:
        psutil.Error: There is no such process, or it may not be asked.
    """
    pid = os.getpid() if pid is None else pid
    if sys.platform != "linux":
        return float(psutil.Process(pid).create_time())
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The name, in parentheses, may hold spaces and parentheses; of what follows it the 20th is the start.
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        raise psutil.NoSuchProcess(pid) from None
    return int(fields[19]) / os.sysconf("SC_CLK_TCK")


def process_is_alive(pid: int, created: float) -> bool:
    """Say whether process ``pid`` of this machine, created at ``created`` (`process_created`), still runs."""
    try:
        # A zombie has ended; only its parent has not asked for its exit status yet.
        return (
            abs(process_created(pid) - created) <= _TOLERANCE and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
        )
    except psutil.AccessDenied:
        return True  # there is such a process, of another user
    except (psutil.Error, ValueError, OverflowError):
        return False
