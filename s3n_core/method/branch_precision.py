"""Branches whose layers stay in float32 while autocast runs the others in a faster precision."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar

import torch

_float32: ContextVar[frozenset[str]] = ContextVar("float32_branches", default=frozenset())


@contextmanager
def in_float32(*branches: str) -> Iterator[None]:
    """Keep the layers of branches ("O", "D", "C") in float32, in this thread, while the block runs."""
    token = _float32.set(frozenset(branches))
    try:
        yield
    finally:
        _float32.reset(token)


def precision_of(branch: str, device: str) -> AbstractContextManager[object]:
    """Return the context of a branch's layers on a device: autocast as the caller has set it, or off (`in_float32`)."""
    return torch.autocast(device, enabled=False) if branch in _float32.get() else nullcontext()
