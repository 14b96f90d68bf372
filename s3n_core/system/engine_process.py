"""Starting the engine's command line as a separate process, detached from the terminal."""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import IO, Any

import psutil

from s3n_core.errors import OutputError

# Of long jobs, so that windows and inspections have priority. With 5 instead, an inspection next to a training on two
# cores took ten times as long, because its threads wait for one another.
_NICENESS = 10


def engine_command(*arguments: str, prefix: Sequence[str] = ()) -> list[str]:
    """Return the command that runs the engine's command line in a separate process.

    Args:
        arguments: The arguments of ``s3n``, for example ``"predict", "model.safetensors", "photos"``.
        prefix: A command that runs its arguments elsewhere, for example ``("ssh", "gpu-box")``; the program ``s3n``
            must be installed there, and all paths refer to that machine.

    Returns:
        The program and its arguments, for ``subprocess``.
    """
    if prefix:
        # ssh passes a single line to the remote shell.
        remote = PurePath(prefix[0]).stem == "ssh"
        return [*prefix, "s3n", *(shlex.quote(argument) if remote else argument for argument in arguments)]
    if getattr(sys, "frozen", False):
        # A frozen build has no interpreter that could run a module: its engine is the program s3n next to the window's.
        program = Path(sys.executable)
        return [str(program.with_name("s3n" + program.suffix)), *arguments]
    return [sys.executable, "-m", "s3n_core", *arguments]


def start_process(
    command: Sequence[str],
    *,
    log: Path,
    long_job: bool,
    environment: Mapping[str, str] | None = None,
    stdin: int = subprocess.DEVNULL,
    stdout: int | None = None,
    stderr: int | None = None,
) -> subprocess.Popen[bytes]:
    """Start a process in a new session: neither Ctrl+C in the parent's terminal nor closing it reaches the process.

    Args:
        command: Program and arguments.
        log: File for its output, unless a pipe receives it.
        long_job: Whether it is a long background job, which gets low priority, or must respond to the user quickly.
        environment: Its environment variables; None: those of this process.
        stdin: As for ``subprocess``.
        stdout: As for ``subprocess``; None logs it.
        stderr: As for ``subprocess``; None logs it.

    Returns:
        The running process.

    Raises:
        OutputError: The process cannot be started.
    """
    options: dict[str, Any] = {}
    if sys.platform == "win32":
        priority = subprocess.BELOW_NORMAL_PRIORITY_CLASS if long_job else 0
        options["creationflags"] = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW | priority
    else:
        options["start_new_session"] = True
    variables = dict(os.environ if environment is None else environment, PYTHONUTF8="1", PYTHONUNBUFFERED="1")
    try:
        with _opened(log) as file:
            process = subprocess.Popen(
                list(command),
                stdin=stdin,
                stdout=file if stdout is None else stdout,
                stderr=file if stderr is None else stderr,
                env=variables,
                **options,
            )
    except (OSError, ValueError) as error:
        raise OutputError(f"The engine cannot be started ({command[0]}: {error}); check the installation.") from error
    if sys.platform != "win32" and long_job:
        with contextlib.suppress(psutil.Error, OSError):
            psutil.Process(process.pid).nice(_NICENESS)
        _lower_session(process.pid)
    return process


def _lower_session(pid: int) -> None:
    """Lower the priority of the whole session that a process leads.

    Linux desktops divide CPU time between sessions first (autogroups), and niceness applies only within a session: a
    training in its own session would take half of every core from the window, however high its niceness.
    """
    with contextlib.suppress(OSError):  # not Linux, or no autogroups: the process's niceness is enough
        Path(f"/proc/{pid}/autogroup").write_text(str(_NICENESS), "ascii")


def _opened(log: Path) -> IO[bytes]:
    try:
        return log.open("ab")
    except OSError:  # the job should run even if it cannot be logged
        return open(os.devnull, "ab")
