"""How the window starts the engine: the one place that knows the interpreter, frozen builds and other machines."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path, PurePath

INSPECTION_SERVER = "inspection-server"
"""The command that serves inspections on its standard streams."""


def engine_command(*arguments: str, prefix: Sequence[str] = ()) -> list[str]:
    """Return the command that runs the engine's command line in a process of its own.

    Args:
        arguments: What follows ``s3n``, for example ``"predict", "model.safetensors", "photos"``.
        prefix: What brings a command to another place, for example ``("ssh", "gpu-box")``; there the program ``s3n`` must be
            found, and every path is one of that place.

    Returns:
        A program and its arguments, ready for ``subprocess``.
    """
    if prefix:
        # ssh hands the other machine's shell one line of text.
        remote = PurePath(prefix[0]).stem == "ssh"
        return [*prefix, "s3n", *(shlex.quote(argument) if remote else argument for argument in arguments)]
    if getattr(sys, "frozen", False):
        # A frozen build has no interpreter to hand a module to: its engine is the program s3n beside the window's.
        program = Path(sys.executable)
        return [str(program.with_name("s3n" + program.suffix)), *arguments]
    return [sys.executable, "-m", "s3n_core", *arguments]
