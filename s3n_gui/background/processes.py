"""Starting and ending the engine's processes: apart from the window's terminal, politely, without a console, with a log."""

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
    """Return where the process called ``name`` logs; a log that has grown is set aside as ``NAME.1.log``."""
    path = home() / "logs" / f"{name}.log"
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.stat().st_size > MOST_LOG_BYTES:
            path.replace(path.with_suffix(".1.log"))
    return path


def engine_environment() -> dict[str, str]:
    """Return the environment variables of an engine process: this one's, without the window's own limit on threads."""
    environment = dict(os.environ)
    lift_limit(environment)
    return environment


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
