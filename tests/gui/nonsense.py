"""Errors that say nothing: what a program decides must not depend on how a sentence is worded."""

import os
from pathlib import Path

import pytest

from s3n_core.errors import S3NError

NONSENSE = "Quux."
_ENGINE = f"""
import s3n_core.errors

s3n_core.errors.S3NError.__str__ = lambda error: {NONSENSE!r}
"""


def talk_nonsense(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let every error of this process, and of the engine's processes that it starts, say the same nonsense.

    Args:
        monkeypatch: Undoes it.
        folder: An empty folder for what the engine's processes load when they start.
    """
    (folder / "sitecustomize.py").write_text(_ENGINE, "utf-8")
    checkout = str(Path(__file__).parents[2])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), checkout, os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setattr(S3NError, "__str__", lambda error: NONSENSE)
