"""Environment, logs, interruption and termination of engine processes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil

from s3n_core.runs.locations import home
from s3n_gui.background.blas_threads import lift_limit

MOST_LOG_BYTES = 1_000_000


def log_file(name: str) -> Path:
    """Return the log file of the process ``name``; a large existing log is renamed to ``NAME.1.log``."""
    path = home() / "logs" / f"{name}.log"
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.stat().st_size > MOST_LOG_BYTES:
            path.replace(path.with_suffix(".1.log"))
    return path


def engine_environment() -> dict[str, str]:
    """Return the environment of an engine process: that of this process without the window's own limit on threads."""
    environment = dict(os.environ)
    lift_limit(environment)
    return environment


def interrupt(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to stop and save its results, as Ctrl+C does."""
    if process.poll() is not None:
        return
    with contextlib.suppress(OSError, ValueError):
        if sys.platform == "win32":
            process.send_signal(signal.CTRL_BREAK_EVENT)
        else:
            os.killpg(process.pid, signal.SIGINT)


def kill(process: subprocess.Popen[bytes], seconds: float = 5.0) -> None:
    """Kill a process and its children, and wait up to ``seconds`` for its exit code."""
    if sys.platform == "win32":
        with contextlib.suppress(psutil.Error):
            for child in psutil.Process(process.pid).children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    child.kill()
        process.kill()
    elif process.poll() is None:  # otherwise another process may have its id
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)


_left: list[subprocess.Popen[bytes]] = []


def leave(process: subprocess.Popen[bytes]) -> None:
    """Let a process continue without an owner; ended ones are reaped, so that none remains a zombie."""
    _left[:] = [other for other in _left if other.poll() is None]
    if process.poll() is None:
        _left.append(process)


def how_it_ended(code: int) -> str:
    """Return an exit code as a clause: "it was killed by SIGKILL", "exit code 3"."""
    if code < 0:
        try:
            return f"it was killed by {signal.Signals(-code).name}"
        except ValueError:
            return f"it was killed by signal {-code}"
    return f"exit code {code}"
