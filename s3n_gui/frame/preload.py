"""Preloading of the pages' modules, so that showing a page for the first time does not block the window."""

from __future__ import annotations

import importlib
import logging
import pkgutil
from collections.abc import Sequence
from functools import partial

from s3n_gui.background.incremental import IncrementalWork

_log = logging.getLogger(__name__)


def preload(work: IncrementalWork, libraries: Sequence[str], packages: Sequence[str]) -> None:
    """Add the import of every module as a piece of incremental work.

    All of it is done in the GUI thread: PySide crashes when another thread defines a class of QObjects while the GUI thread runs
    its event loop. A module at a time keeps each piece short.

    Args:
        work: Imports one module per event loop iteration.
        libraries: Names of modules that are slow to import, each therefore a piece of its own; imported first.
        packages: Names of packages, whose modules are all imported.
    """
    for name in libraries:
        work.add(partial(_preload, name))
    for package in packages:
        work.add(partial(_preload_package, work, package))


def _preload_package(work: IncrementalWork, name: str) -> None:
    for module in pkgutil.walk_packages(importlib.import_module(name).__path__, f"{name}."):
        work.add(partial(_preload, module.name))


def _preload(name: str) -> None:
    try:
        _import(name)
    except Exception:  # The error is shown when the page is opened.
        _log.exception("%s could not be preloaded", name)


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
