"""Keeping freed memory in the process, which speeds up networks on a CPU."""

from __future__ import annotations

import contextlib
import ctypes
import functools

_TRIM_THRESHOLD, _MOST_MAPPINGS = -1, -4  # M_TRIM_THRESHOLD and M_MMAP_MAX in glibc's malloc.h


@functools.cache
def keep_freed_memory() -> bool:
    """Tell the C library, once per process, to keep freed memory for the next tensor until the process ends.

    By default glibc returns every block above 32 MB, and free memory at the end of its heap, to the system. The next
    layer's result then needs new memory, which the system zeroes page by page: up to a quarter of the time of a forward
    pass, and a twentieth to a tenth of a training step (docs/performance.md).

    Returns:
        Whether the C library supports the request; only glibc does.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # musl and macOS lack the function, Windows the library
        return False
    mallopt.argtypes, mallopt.restype = (ctypes.c_int, ctypes.c_int), ctypes.c_int
    return bool(mallopt(_TRIM_THRESHOLD, -1) and mallopt(_MOST_MAPPINGS, 0))


def return_freed_memory() -> None:
    """Return what this process has freed and kept to the system, because after memory has run out other blocks are needed.

    Only glibc can; elsewhere nothing happens.
    """
    with contextlib.suppress(AttributeError, OSError, TypeError):
        trim = ctypes.CDLL(None).malloc_trim
        trim.argtypes, trim.restype = (ctypes.c_size_t,), ctypes.c_int
        trim(0)
