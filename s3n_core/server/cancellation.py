"""Passes of a network that stop as soon as nobody waits for them any more. Loads torch only when one is run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


class Cancelled(Exception):
    """A pass was given up."""


@contextmanager
def given_up_when(overtaken: Callable[[], bool]) -> Iterator[None]:
    """Look before every layer that runs inside whether its pass is still wanted.

    A dragged peak asks for the next warp every few milliseconds, and the scores of the one before, two passes of the network,
    would hold it up for a hundred times as long.

    Args:
        overtaken: Whether something newer was asked for; quick, for it is called some hundred times a pass.

    Yields:
        Nothing; run the network in it.

    Raises:
        Cancelled: It was.
    """
    from torch.nn.modules.module import register_module_forward_pre_hook

    def look(module: nn.Module, arguments: object) -> None:
        if overtaken():
            raise Cancelled

    handle = register_module_forward_pre_hook(look)
    try:
        yield
    finally:
        handle.remove()
