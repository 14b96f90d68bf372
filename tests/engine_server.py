"""A process that has the engine and torch loaded, and forks the tests' engine processes (`engine_popen`). Linux only.

It is run as a program with the file descriptor of its end of a socket pair. A request is a JSON message with three file
descriptors, the standard streams; the reply is a process id. The calling process becomes the parent of the new one.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import io
import json
import os
import pkgutil
import random
import runpy
import signal
import socket
import sys
from typing import Any

import engine_popen

MOST_BYTES = 1 << 18  # limit of a request, which contains an environment


def load_all() -> None:
    """Import all modules of the engine, and with them torch, to share them with all forks."""
    package = importlib.import_module("s3n_core")
    for module in pkgutil.walk_packages(package.__path__, "s3n_core."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    importlib.import_module(engine_popen.TORCHRUN)
    gc.collect()
    gc.freeze()


def serve(channel: socket.socket) -> list[str]:
    """Fork a process for every request until the channel is closed, then exit.

    Returns:
        In each forked process, after its session, folder and streams are set up: the module and its arguments.
    """
    while True:
        data, streams, _, _ = socket.recv_fds(channel, MOST_BYTES, 3)
        if not data:
            os._exit(0)
        told, telling = os.pipe()
        # Fork twice: an orphaned process becomes a child of the calling one (`engine_popen`).
        between = os.fork()
        if between == 0:
            if os.fork():
                os._exit(0)
            channel.close()
            os.close(told)
            request = json.loads(data)
            settle(request, streams)
            os.write(telling, str(os.getpid()).encode())
            os.close(telling)
            return list(request["command"])
        os.close(telling)
        os.waitpid(between, 0)
        answer = os.read(told, 32)
        for descriptor in (told, *streams):
            os.close(descriptor)
        channel.send(answer or b"0")


def settle(request: dict[str, Any], streams: list[int]) -> None:
    """Set up the requested session, folder, environment, signals and streams."""
    if request["new_session"]:
        os.setsid()
    elif request["process_group"] is not None:
        os.setpgid(0, request["process_group"])
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        if number in request["ignored_signals"]:
            signal.signal(number, signal.SIG_IGN)
        elif signal.getsignal(number) is not None:
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    if signal.SIGINT not in request["ignored_signals"]:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    for stream in streams:
        os.close(stream)
    unbuffered = bool(os.environ.get("PYTHONUNBUFFERED"))
    files = [os.fdopen(number, mode, closefd=False) for number, mode in enumerate(("rb", "wb", "wb"))]
    sys.stdin = sys.__stdin__ = io.TextIOWrapper(files[0], "utf-8")
    sys.stdout = sys.__stdout__ = io.TextIOWrapper(files[1], "utf-8", write_through=unbuffered)
    sys.stderr = sys.__stderr__ = io.TextIOWrapper(
        files[2], "utf-8", "backslashreplace", line_buffering=True, write_through=unbuffered
    )


def become(module: str, *arguments: str) -> None:
    """Run a module as ``python -m`` does."""
    random.seed()
    atexit.register(gc.unfreeze)
    sys.path[0] = os.getcwd()
    sys.argv[:] = ["-m", *arguments]
    if module == engine_popen.TORCHRUN:
        start_from_a_copy()
    if module != "s3n_core":
        del sys.modules[module]  # so that it runs again from its first line, as __main__
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def start_from_a_copy() -> None:
    """Fork a copy of this process that forks its engine processes from now on, and ends with it."""
    from torch.distributed.elastic.multiprocessing.subprocess_handler import subprocess_handler

    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if os.fork() == 0:
        ours.close()
        become(*serve(theirs))
        sys.exit()
    theirs.close()
    engine_popen.SERVER.use(ours)
    subprocess_handler.Popen = engine_popen.EnginePopen  # type: ignore[misc]


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C ends the tests, which end this process
    load_all()
    become(*serve(socket.socket(fileno=int(sys.argv[1]))))
