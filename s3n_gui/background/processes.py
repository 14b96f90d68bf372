"""Starting and ending the engine's processes: apart from the window's terminal, politely, without a console, with a log."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import psutil

from s3n_core.errors import OutputError
from s3n_core.runs.locations import home
from s3n_gui.background.blas_threads import lift_limit

MOST_LOG_BYTES = 1_000_000

# Of long jobs: the window and the inspection go first. Beside a training on both of two cores an inspection at 5 took ten
# times as long as at 0, because its threads wait for one another.
_NICENESS = 10


def log_file(name: str) -> Path:
    """Return where the process called ``name`` logs; a log that has grown is set aside as ``NAME.1.log``."""
    path = home() / "logs" / f"{name}.log"
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.stat().st_size > MOST_LOG_BYTES:
            path.replace(path.with_suffix(".1.log"))
    return path


def start_process(
    command: Sequence[str],
    *,
    log: Path,
    long_job: bool,
    stdin: int = subprocess.DEVNULL,
    stdout: int | None = None,
    stderr: int | None = None,
) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own: Ctrl+C in the window's terminal does not reach it, nor does a closed terminal.

    Args:
        command: Program and arguments.
        log: Where its output goes, as far as no pipe takes it.
        long_job: Whether it takes hours and must not be felt, or answers a waiting person.
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
    environment = dict(os.environ, PYTHONUTF8="1", PYTHONUNBUFFERED="1")
    if long_job:
        # Threads that wait for one another sleep instead of spinning: beside other work on two cores a training step took
        # a tenth of the time, and the window's ticks came no later (benchmarks/wait_policy.py).
        environment.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    lift_limit(environment)
    try:
        with _opened(log) as file:
            process = subprocess.Popen(
                list(command),
                stdin=stdin,
                stdout=file if stdout is None else stdout,
                stderr=file if stderr is None else stderr,
                env=environment,
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


def interrupt(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to stop and keep what it has, as Ctrl+C does."""
    if process.poll() is not None:
        return
    with contextlib.suppress(OSError, ValueError):
        if sys.platform == "win32":
            process.send_signal(signal.CTRL_BREAK_EVENT)
        else:
            os.killpg(process.pid, signal.SIGINT)


def kill(process: subprocess.Popen[bytes], seconds: float = 5.0) -> None:
    """End a process and all that it started, at once, and take its exit code."""
    if sys.platform == "win32":
        with contextlib.suppress(psutil.Error):
            for child in psutil.Process(process.pid).children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    child.kill()
        process.kill()
    elif process.poll() is None:  # else its id may be another's by now
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)


_left: list[subprocess.Popen[bytes]] = []


def leave(process: subprocess.Popen[bytes]) -> None:
    """Let a process live on after its starter has lost interest, without a zombie while the window is open."""
    _left[:] = [other for other in _left if other.poll() is None]
    if process.poll() is None:
        _left.append(process)


def how_it_ended(code: int) -> str:
    """Say an exit code as a clause: "it was killed by SIGKILL", "exit code 3"."""
    if code < 0:
        try:
            return f"it was killed by {signal.Signals(-code).name}"
        except ValueError:
            return f"it was killed by signal {-code}"
    return f"exit code {code}"


def _opened(log: Path) -> IO[bytes]:
    try:
        return log.open("ab")
    except OSError:  # a full disk or a missing folder is no reason not to work
        return open(os.devnull, "ab")
