"""Loads the code of the pages before they are asked for, so that a page's first showing does not stop the window."""

from __future__ import annotations

import importlib
import logging
import threading
from collections.abc import Sequence

_log = logging.getLogger(__name__)
_PAUSE_SECONDS = 0.05  # Between two pages: the window draws, the processor is not taken from what a person asks for.


class Preload:
    """A thread that imports modules, one after another; Python lets the window's thread in every few milliseconds.

    Args:
        modules: What to import.
    """

    def __init__(self, modules: Sequence[str]) -> None:
        self._modules = tuple(modules)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="preload")

    def begin(self) -> None:
        """Start, once; after ``close`` nothing is started."""
        if not self._ended.is_set() and self._thread.ident is None:
            self._thread.start()

    def close(self) -> None:
        """Stop after the module at hand and wait for that."""
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        for name in self._modules:
            if self._ended.is_set():
                return
            try:
                importlib.import_module(name)
            except Exception:  # The page says it when it is asked for.
                _log.exception("%s could not be loaded ahead", name)
            self._ended.wait(_PAUSE_SECONDS)
