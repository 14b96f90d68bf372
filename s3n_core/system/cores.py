"""The number of processor cores that this process may use."""

from __future__ import annotations

import os


def usable_cores() -> int:
    """Return the number of processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # Linux: a scheduler or container may restrict the process to some cores
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1
