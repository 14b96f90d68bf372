"""Errors with meaningless messages: no decision of the program may depend on the wording of a message."""

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
    """Give every error of this process and of its engine processes the same meaningless message.

    Args:
        monkeypatch: Restores the messages.
        folder: An empty folder for code that the engine processes load at start-up.
    """
    (folder / "sitecustomize.py").write_text(_ENGINE, "utf-8")
    checkout = str(Path(__file__).parents[2])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), checkout, os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setattr(S3NError, "__str__", lambda error: NONSENSE)
