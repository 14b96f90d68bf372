"""Processes: identified by id and creation time, robust to reused ids and clock changes; and the cores of this one."""

from __future__ import annotations

import contextlib
import os
import sys

import psutil

# In seconds: the resolution of the systems, and rounding when floats are written.
_TOLERANCE = 0.05


def process_created(pid: int | None = None) -> float:
    """Return the creation time of a process of this machine, in seconds; None: of the calling process.

    On Linux, seconds since boot: Unix time is derived there from a clock that may be set while a training runs.
    Elsewhere Unix time, which the system records when the process starts.

    Raises:
        psutil.Error: There is no such process, or access is denied.
    """
    pid = os.getpid() if pid is None else pid
    if sys.platform != "linux":
        return float(psutil.Process(pid).create_time())
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The name, in parentheses, may contain spaces and parentheses; the 20th field after it is the start time.
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        raise psutil.NoSuchProcess(pid) from None
    return int(fields[19]) / os.sysconf("SC_CLK_TCK")


def process_is_alive(pid: int, created: float) -> bool:
    """Return whether process ``pid`` of this machine, created at ``created`` (`process_created`), is still running."""
    try:
        # A zombie has ended; its parent has just not read its exit status yet.
        return (
            abs(process_created(pid) - created) <= _TOLERANCE and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
        )
    except psutil.AccessDenied:
        return True  # the process exists and belongs to another user
    except (psutil.Error, ValueError, OverflowError):
        return False


def usable_cores() -> int:
    """Return the number of processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # Linux: a scheduler or container may restrict the process to some cores
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def lower_own_priority() -> None:
    """Give this process the priority of long jobs, so that windows and other work go first."""
    with contextlib.suppress(psutil.Error, OSError):
        psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS if sys.platform == "win32" else 10)
