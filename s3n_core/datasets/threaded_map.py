"""A bounded map over a few threads: results come in order, and only a fixed number of them is in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from s3n_core.system.processes import usable_cores

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
_MOST_WORKERS = 16


def worker_count(cores: int | None = None) -> int:
    """Return the number of threads that decode images.

    One per core up to four cores, then three for every four: 2 on 2 cores, 12 on 16, never more than 16.

    Args:
        cores: Number of usable cores; None: this machine's.
    """
    usable = usable_cores() if cores is None else cores
    return max(1, min(_MOST_WORKERS, usable if usable <= 4 else usable - usable // 4))


def threaded_map(
    function: Callable[[_Item], _Result], items: Iterable[_Item], *, workers: int | None = None, ahead: int = 32
) -> Generator[_Result, None, None]:
    """Apply ``function`` to every item in a pool of threads.

    Close the generator (``contextlib.closing``) to stop early: it waits for the calls in progress, drops the rest, and
    ends all its threads.

    Args:
        function: Called from several threads at once.
        items: The items, consumed only as they are needed.
        workers: Threads; None: ``worker_count()``; 0: call in the calling thread.
        ahead: Largest number of calls started or finished beyond the one that the caller waits for.

    Yields:
        The results in the order of the items.

    Raises:
        Exception: Whatever ``function`` raises, at the item that it belongs to; the generator then ends.
    """
    if workers == 0:
        yield from map(function, items)
        return
    executor = ThreadPoolExecutor(worker_count() if workers is None else workers, thread_name_prefix="s3n-decode")
    pending: deque[Future[_Result]] = deque()
    remaining = iter(items)
    try:
        while True:
            pending.extend(executor.submit(function, item) for item in islice(remaining, 1 + ahead - len(pending)))
            if not pending:
                return
            yield pending.popleft().result()
    finally:
        executor.shutdown(wait=True, cancel_futures=True)
