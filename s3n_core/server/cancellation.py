"""Cancelling forward passes whose result is no longer needed. Imports torch only on use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


class Cancelled(Exception):
    """A forward pass was cancelled."""


@contextmanager
def given_up_when(overtaken: Callable[[], bool]) -> Iterator[None]:
    """Check before every layer that runs in this context whether the forward pass is still needed.

    While a peak is dragged, a new warp is requested every few milliseconds; computing the scores of the previous one,
    two forward passes, would delay it a hundred times as long.

    Args:
        overtaken: Returns whether there is a newer request; must be fast: it is called some hundred times per pass.

    Yields:
        Nothing; run the network in the context.

    Raises:
        Cancelled: There is a newer request.
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
