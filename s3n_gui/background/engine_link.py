"""One engine process and the threads that communicate with it; each start of the engine has a new link."""

from __future__ import annotations

import contextlib
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from s3n_core.errors import S3NError
from s3n_core.server.codec import InspectionDecoder
from s3n_core.server.messages import Message, read_message, write_message
from s3n_core.server.requests import LatestRequests, Request
from s3n_core.system.engine_process import start_process
from s3n_gui.background.processes import engine_environment, how_it_ended, kill
from s3n_gui.background.worker_thread import Worker, WorkerThread


class EngineLink(QObject):
    """Starts the engine, sends it requests and receives its messages.

    Signals arrive in the thread that this object lives in; no method but `close` blocks it.
    """

    received = Signal(object)
    """A `Message`, or (Message, Inspection) if it contains an inspection."""
    ended = Signal(str)
    """Process and thread have ended: why, as a clause; empty if it was a normal exit."""

    def __init__(self, command: Sequence[str], log: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker = _Worker(command, log)
        self._worker.received.connect(self.received)  # signal to signal: safe
        self._worker.crashed.connect(self._on_crashed)
        self._thread = WorkerThread(self._worker)
        self._thread.finished.connect(self._on_finished)
        self._crash = ""

    def start(self) -> None:
        """Start the process; requests posted before are sent first."""
        self._thread.start()

    def post(self, request: Request) -> None:
        """Queue a request; a later request of the same kind replaces it while it waits. Thread-safe."""
        self._worker.requests.put(request)

    @property
    def pid(self) -> int | None:
        """The id of the process; None before it has started."""
        return None if self._worker.process is None else self._worker.process.pid

    def close(self) -> None:
        """Kill the process, which has no unsaved state, and wait for it and the thread."""
        self._worker.end()
        self._thread.wait()

    @Slot(str)
    def _on_crashed(self, what: str) -> None:
        self._crash = what

    @Slot()
    def _on_finished(self) -> None:
        self.ended.emit(self._crash or self._worker.why)


class _Worker(Worker):
    """The worker in the link's thread, which reads messages; a second thread writes requests."""

    received = Signal(object)

    def __init__(self, command: Sequence[str], log: Path) -> None:
        super().__init__()
        self.requests = LatestRequests()
        self.process: subprocess.Popen[bytes] | None = None
        self.why = ""
        self._command = command
        self._log = log
        self._ending = False
        self._lock = threading.Lock()

    def work(self) -> None:
        """Start the process and read until it ends."""
        with self._lock:
            if self._ending:
                return
            self.process = process = start_process(
                self._command,
                log=self._log,
                long_job=False,
                environment=engine_environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        writer = threading.Thread(target=self._write, args=(process,), name="inspection requests")
        writer.start()
        try:
            self._read(process)
        except S3NError as error:
            self.why = str(error)
        finally:
            asked_to = self._ending
            self.requests.close()
            kill(process)
            writer.join()
            for stream in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):
                    if stream is not None:
                        stream.close()
        code = process.returncode
        if not asked_to and not self.why and code != 0:
            self.why = "it could not be killed" if code is None else how_it_ended(code)

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        decoder = InspectionDecoder()
        while (message := read_message(process.stdout)) is not None:
            if message.kind in ("resampled", "answered"):
                self.received.emit((message, decoder.decode(message)))
            else:
                self.received.emit(message)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)  # its stdout is closed, so it is about to exit

    def _write(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        while (request := self.requests.take()) is not None:
            try:
                write_message(
                    process.stdin, Message(request.kind, {**request.fields, "generation": request.generation})
                )
            except (OSError, ValueError):
                return  # the reader sees and reports the end

    def end(self) -> None:
        """Kill the process. Thread-safe."""
        with self._lock:
            self._ending = True
            self.requests.close()
            if self.process is not None:
                kill(self.process)
