"""Folders that this program wrote: known by the marker or the files in them, never by their names."""

from __future__ import annotations

import os
from collections.abc import Container
from pathlib import Path
from typing import Literal

from s3n_core.runs.run_directory import FORMAT as RUN_FORMAT
from s3n_core.system.output_marker import MARKER

OwnKind = Literal["run", "export", "demo data", "output"]

# What versions before the marker left: the first columns of an export's table, and the two tables of the synthetic birds.
_EXPORT_TABLE = b"file,label,class,probability,correct,entropy,rule,peaks,sheet,folder,arrays,error"
_EXPORT_ROWS = b'"s3n-export"'
_DEMO_TABLES = ("species.json", "distinguishing_parts.json")
_HEADER = 4096  # bytes

_RUN, _TABLE, _ROWS = "run.json", "index.csv", "index.csv.part"
OWN_NAMES = frozenset({_RUN, _TABLE, _ROWS, MARKER, *_DEMO_TABLES})
"""Names of the files by which such folders are known."""


def own_kind(folder: str | Path, names: Container[str] | None = None) -> OwnKind | None:
    """Return what this program wrote into a folder: a run, an export, the demo data or another output; else None.

    Args:
        folder: The folder.
        names: Which of `OWN_NAMES` lie in it, where that is known already; no other file is looked at then.
    """
    present = _present(folder) if names is None else names
    if _RUN in present and f'"{RUN_FORMAT}"'.encode() in _content(folder, _RUN):
        return "run"
    if _TABLE in present and _content(folder, _TABLE, _HEADER).replace(b'"', b"").startswith(_EXPORT_TABLE):
        return "export"
    if _ROWS in present and _EXPORT_ROWS in _content(folder, _ROWS, _HEADER):
        return "export"
    if all(name in present for name in _DEMO_TABLES):
        return "demo data"
    return "output" if MARKER in present else None


def _present(folder: str | Path) -> frozenset[str]:
    return frozenset(name for name in OWN_NAMES if os.path.isfile(os.path.join(folder, name)))


def _content(folder: str | Path, name: str, most: int = -1) -> bytes:
    try:
        with open(os.path.join(folder, name), "rb") as file:
            return file.read(most).removeprefix(b"\xef\xbb\xbf")
    except OSError:
        return b""
