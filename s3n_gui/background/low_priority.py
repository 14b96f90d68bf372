"""Pauses for long loops in background threads, so that the window stays responsive.

Python runs one thread at a time. The GUI thread releases the GIL in nearly every call into Qt and gets it back only
when the other thread's switch interval is over: next to a loop without pauses, one repaint takes a tenth of a second.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

_WORK_SECONDS, _REST_SECONDS = 0.004, 0.001

_Item = TypeVar("_Item")


class Rests:
    """Pauses the thread at intervals."""

    def __init__(self) -> None:
        self._begin = time.monotonic()

    def rest(self) -> None:
        """Sleep briefly if the last pause was too long ago."""
        if time.monotonic() - self._begin > _WORK_SECONDS:
            time.sleep(_REST_SECONDS)
            self._begin = time.monotonic()


def low_priority(items: Iterable[_Item], *, at_once: int = 100) -> Iterator[_Item]:
    """Yield items, with short pauses between them.

    Args:
        items: The items.
        at_once: Number of items between two checks of the clock.
    """
    rests = Rests()
    for number, item in enumerate(items, 1):
        yield item
        if number % at_once == 0:
            rests.rest()
