"""Processes that work for this one, and end with it. Apart from `processes`, which every start of the program loads."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from multiprocessing.connection import Connection


@contextlib.contextmanager
def worker_pool(processes: int) -> Iterator[ProcessPoolExecutor]:
    """Start processes for a block; they end with it, at once where it is left early, and with this process.

    Each uses one core and leaves Ctrl+C to this process. Functions and values that they are given must be picklable.

    Args:
        processes: Their number.
    """
    context = get_context("spawn")
    alive, held = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(processes, mp_context=context, initializer=_prepare_worker, initargs=(alive,))
    try:
        yield pool
    except BaseException:  # nobody waits for what they are doing
        held.close()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
        held.close()
        alive.close()


def _prepare_worker(alive: Connection) -> None:
    """Prepare a process of a pool. Must run before NumPy is imported, so this module does not import it.

    Args:
        alive: The reading end of a pipe whose other end only the parent holds. As soon as that is closed, the process ends,
            whatever it does; so it never outlives its parent, even if that is killed.
    """
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
        os.environ[name] = "1"
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(alive,), name="parent", daemon=True).start()


def _end_with(alive: Connection) -> None:
    with contextlib.suppress(EOFError, OSError):
        alive.recv_bytes()
    os._exit(1)
