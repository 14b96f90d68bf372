"""How many processor cores this process may use."""

from __future__ import annotations

import os


def usable_cores() -> int:
    """Count the processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # Linux: a scheduler or a container may have given us a few of many
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1
