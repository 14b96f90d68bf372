"""Starting the engine's command line as a process of its own, apart from the terminal that it was started in."""

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

# Of long jobs: a window and the inspection go first. Beside a training on both of two cores an inspection at 5 took ten
# times as long as at 0, because its threads wait for one another.
_NICENESS = 10


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
    """Start a process in a session of its own: Ctrl+C in the starter's terminal does not reach it, nor does a closed terminal.

    Args:
        command: Program and arguments.
        log: Where its output goes, as far as no pipe takes it.
        long_job: Whether it takes hours and must not be felt, or answers a waiting person.
        environment: Its environment variables; None: those of this process.
        stdin: As ``subprocess`` takes it.
        stdout: The same; None logs it.
        stderr: The same; None logs it.

    Returns:
        The running process.

    Raises:
        OutputError: It cannot be started.
    """
    options: dict[str, Any] = {}
    if sys.platform == "win32":
        priority = subprocess.BELOW_NORMAL_PRIORITY_CLASS if long_job else 0
        options["creationflags"] = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW | priority
    else:
        options["start_new_session"] = True
    variables = dict(os.environ if environment is None else environment, PYTHONUTF8="1", PYTHONUNBUFFERED="1")
    if long_job:
        # Threads that wait for one another sleep instead of spinning: beside other work on two cores a training step took
        # a tenth of the time, and the window's ticks came no later (benchmarks/wait_policy.py).
        variables.setdefault("OMP_WAIT_POLICY", "PASSIVE")
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
    """Lower the whole session that a process leads.

    Linux desktops share the processor among sessions first (autogroups), and a niceness counts only inside one: a training
    in a session of its own would take half of every core from the window, however nice it is.
    """
    with contextlib.suppress(OSError):  # no Linux, or one without autogroups, where the niceness is enough
        Path(f"/proc/{pid}/autogroup").write_text(str(_NICENESS), "ascii")


def _opened(log: Path) -> IO[bytes]:
    try:
        return log.open("ab")
    except OSError:  # a full disk or a missing folder is no reason not to work
        return open(os.devnull, "ab")
