"""Engine processes of tests are forked from one that has torch loaded, in milliseconds instead of five seconds.

On Linux tests/conftest.py replaces `subprocess.Popen` with `EnginePopen`. It passes ``python -m s3n_core ...`` to a
forking server (`engine_server`), one per test process; the fork becomes a child of the calling process, with the
requested arguments, environment, folder, streams and signals. The same applies to torchrun and its workers. All other
commands start as usual, as do engine commands in tests with the fixture `real_command`, and all commands elsewhere.
"""

from __future__ import annotations

import atexit
import ctypes
import inspect
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[1]
TORCHRUN = "torch.distributed.run"
ENGINE_MODULES = ("s3n_core", "s3n_core.server.process", TORCHRUN)
_SET_CHILD_SUBREAPER = 36  # a prctl option
_ARGUMENTS = inspect.signature(subprocess.Popen._execute_child)  # type: ignore[attr-defined]


class EngineServer:
    """The forking process, started on first use."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None
        self._lock = threading.Lock()

    def start(self, request: dict[str, Any], streams: list[int]) -> int:
        """Return the id of a new engine process, a child of this one."""
        with self._lock:
            channel = self._channel or self._begin()
            _adopt(True)
            try:
                socket.send_fds(channel, [json.dumps(request).encode()], streams)
                answer = channel.recv(32)
            finally:
                _adopt(False)
        pid = int(answer or 0)
        if not pid:
            raise OSError("the engine's process cannot be started, or the server of such processes has ended")
        return pid

    def use(self, channel: socket.socket) -> None:
        """Use a server that is already running."""
        self._channel = channel

    def _begin(self) -> socket.socket:
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        program = [sys.executable, str(Path(__file__).with_name("engine_server.py")), str(theirs.fileno())]
        search = os.pathsep.join([str(CHECKOUT), _PYTHONPATH])
        self.process = UsualPopen(
            program, pass_fds=[theirs.fileno()], env={**os.environ, "PYTHONPATH": search}, stdin=subprocess.DEVNULL
        )
        theirs.close()
        atexit.register(self._end)
        return self._channel

    def _end(self) -> None:
        assert self._channel is not None
        assert self.process is not None
        self._channel.close()
        self.process.wait()


def _adopt(yes: bool) -> None:
    """Set whether orphaned descendants become children of this process."""
    ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, int(yes), 0, 0, 0)


def _looks_alike(environment: dict[str, str]) -> bool:
    """Return whether an interpreter would start as the server's did: with the same code and the same text encoding."""
    places = set(environment.get("PYTHONPATH", "").split(os.pathsep)) - {"", str(CHECKOUT)}
    own = set(_PYTHONPATH.split(os.pathsep)) - {"", str(CHECKOUT)}
    encoding = {name: environment.get(name) for name in _ENCODING if environment.get(name) != _ENCODING[name]}
    return places == own and encoding in ({}, {"PYTHONUTF8": "1"})


_PYTHONPATH = os.environ.get("PYTHONPATH", "")
_ENCODING = {name: os.environ.get(name) for name in ("PYTHONIOENCODING", "PYTHONUTF8", "LC_ALL", "LC_CTYPE", "LANG")}
SERVER = EngineServer()
UsualPopen = subprocess.Popen


class EnginePopen(subprocess.Popen):  # type: ignore[type-arg]
    """`subprocess.Popen`, except for engine commands."""

    def _execute_child(self, *values: Any) -> None:
        given = _ARGUMENTS.bind(self, *values).arguments
        environment = dict(os.environ if given["env"] is None else given["env"])
        command = (
            [] if isinstance(given["args"], str | bytes | os.PathLike) else [os.fspath(part) for part in given["args"]]
        )
        if command[1:2] == ["-u"]:
            environment["PYTHONUNBUFFERED"] = command.pop(1)
        ours = command[:2] == [sys.executable, "-m"] and command[2] in ENGINE_MODULES
        if not ours or not _looks_alike(environment):
            super()._execute_child(*values)  # type: ignore[misc]
            return
        request = {
            "command": command[2:],
            "environment": environment,
            "folder": os.fspath(given["cwd"] or os.getcwd()),
            "new_session": given["start_new_session"],
            "process_group": None if given["process_group"] < 0 else given["process_group"],
            "ignored_signals": [
                number for number in signal.valid_signals() if signal.getsignal(number) == signal.SIG_IGN
            ],
        }
        ends = (given["p2cread"], given["c2pwrite"], given["errwrite"])
        streams = [number if end == -1 else int(end) for number, end in enumerate(ends)]
        self.pid = SERVER.start(request, streams)
        self._child_created = True
        pipes = ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")
        self._close_pipe_fds(*(given[name] for name in pipes))  # type: ignore[attr-defined]


def is_server(pid: int) -> bool:
    """Return whether this is the forking process, which lives as long as the tests."""
    return SERVER.process is not None and SERVER.process.pid == pid
