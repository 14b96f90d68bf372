"""Paths as people type them."""

from __future__ import annotations

import os
from os import PathLike
from pathlib import Path


def typed_path(path: str | PathLike[str]) -> Path:
    """Return the path with a leading ~ or ~name replaced by that home folder; of a user who does not exist it stays.

    `Path.expanduser` fails for such a user instead, as while "~name" is being typed.
    """
    return Path(os.path.expanduser(path))
