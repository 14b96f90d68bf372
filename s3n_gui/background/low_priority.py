"""Long loops in a thread beside the window's: they rest now and then.

Python runs one thread at a time. The window's thread gives its turn away at nearly every call into Qt, and gets it back only
when the other thread's turn is over: a loop that never rests makes one repainting take a tenth of a second.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

_WORK_SECONDS, _REST_SECONDS = 0.004, 0.001

_Item = TypeVar("_Item")


class Rests:
    """Counts the time since the last rest."""

    def __init__(self) -> None:
        self._begin = time.monotonic()

    def rest(self) -> None:
        """Sleep a moment if it is time to."""
        if time.monotonic() - self._begin > _WORK_SECONDS:
            time.sleep(_REST_SECONDS)
            self._begin = time.monotonic()


def low_priority(items: Iterable[_Item], *, at_once: int = 100) -> Iterator[_Item]:
    """Yield items, resting between them.

    Args:
        items: Anything.
        at_once: How many are handled before the clock is looked at.
    """
    rests = Rests()
    for number, item in enumerate(items, 1):
        yield item
        if number % at_once == 0:
            rests.rest()
