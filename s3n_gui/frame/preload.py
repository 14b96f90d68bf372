"""Preloading of the pages' modules, so that showing a page for the first time does not block the window."""

from __future__ import annotations

import importlib
import logging
import threading
from collections.abc import Sequence

_log = logging.getLogger(__name__)
_PAUSE_SECONDS = 0.05  # pause between two imports, in which the window redraws and other work runs


class Preload:
    """A thread that imports modules one after another; meanwhile the GUI thread gets its turn every few milliseconds.

    Args:
        modules: Names of the modules.
    """

    def __init__(self, modules: Sequence[str]) -> None:
        self._modules = tuple(modules)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="preload")

    def begin(self) -> None:
        """Start the thread; does nothing the second time or after ``close``."""
        if not self._ended.is_set() and self._thread.ident is None:
            self._thread.start()

    def close(self) -> None:
        """Stop after the current module, and wait for it."""
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        for name in self._modules:
            if self._ended.is_set():
                return
            try:
                _import(name)
            except Exception:  # The error is shown when the page is opened.
                _log.exception("%s could not be preloaded", name)
            self._ended.wait(_PAUSE_SECONDS)


def _import(name: str) -> None:
    """Import a module; a second time if it fails.

    PySide's import hook asks each module that is loaded for its source, and pydantic's lazy attributes then import others of its
    modules while these are half loaded. The second time they are there.
    """
    try:
        importlib.import_module(name)
    except ImportError:
        _log.info("%s is imported again", name)
        importlib.import_module(name)
