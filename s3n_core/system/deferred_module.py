"""Importing a package without a heavy module that it takes one function from and seldom calls."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any


class _Deferred(ModuleType):
    """Stands for a module that is not loaded; the given functions load it when called, any other name at once."""

    def __init__(self, name: str, functions: tuple[str, ...]) -> None:
        super().__init__(name)
        for function in functions:
            setattr(self, function, self._calling(function))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # what the import system asks
            raise AttributeError(name)
        return getattr(self._load(), name)

    def _calling(self, function: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            return getattr(self._load(), function)(*args, **kwargs)

        return call

    def _load(self) -> ModuleType:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return importlib.import_module(self.__name__)


@contextmanager
def deferred_module(name: str, *functions: str) -> Iterator[None]:
    """Let what is imported in the block take functions from a module that is loaded when the first of them is called.

    Outside the block the module is imported as ever. If it is loaded already, nothing happens.

    Args:
        name: The module's full name.
        functions: What the imported package takes from it. If it takes anything else, the module is loaded at once.
    """
    if name in sys.modules:
        yield
        return
    stand_in = _Deferred(name, functions)
    sys.modules[name] = stand_in
    try:
        yield
    finally:
        if sys.modules.get(name) is stand_in:
            del sys.modules[name]
