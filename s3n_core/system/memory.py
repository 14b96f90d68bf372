"""Memory that is asked for again in a moment stays with the process (networks on a processor)."""

from __future__ import annotations

import ctypes
import functools

_TRIM_THRESHOLD, _MOST_MAPPINGS = -1, -4  # M_TRIM_THRESHOLD and M_MMAP_MAX in glibc's malloc.h


@functools.cache
def keep_freed_memory() -> bool:
    """Tell the C library to keep freed memory for the next tensor, once a process; it is free for others when the process ends.

    glibc gives every block above 32 MB, and whatever is free at the end of its heap, back to the system. The next layer's result
    is then new memory, which the system hands out page by page, each filled with zeros first: up to a quarter of the time of a
    forward pass, and a twentieth to a tenth of a training step (docs/performance.md).

    Returns:
        Whether the C library knows the request; others than glibc keep what they keep.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # musl and macOS have no such function, Windows no such library
        return False
    mallopt.argtypes, mallopt.restype = (ctypes.c_int, ctypes.c_int), ctypes.c_int
    return bool(mallopt(_TRIM_THRESHOLD, -1) and mallopt(_MOST_MAPPINGS, 0))
