"""How the window starts the engine: the one place that knows the interpreter and frozen builds."""

from __future__ import annotations

import sys
from pathlib import Path


def engine_command(*arguments: str) -> list[str]:
    """Return the command that runs the engine's command line in a process of its own.

    Args:
        arguments: What follows ``s3n``, for example ``"predict", "model.safetensors", "photos"``.

    Returns:
        A program and its arguments, ready for ``subprocess``.
    """
    if getattr(sys, "frozen", False):
        # A frozen build has no interpreter to hand a module to: its engine is the program s3n beside the window's.
        program = Path(sys.executable)
        return [str(program.with_name("s3n" + program.suffix)), *arguments]
    return [sys.executable, "-m", "s3n_core", *arguments]
