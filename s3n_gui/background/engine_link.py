"""One engine process and the thread that talks to it: from its start to its end. A new one is made for each start."""

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
    """Starts the engine and passes requests to it and its messages back.

    Signals arrive in the thread that this object lives in; nothing here blocks it.
    """

    received = Signal(object)
    """A `Message`; those that hold an inspection come as (Message, Inspection)."""
    ended = Signal(str)
    """The process is gone and the thread done: why, as a clause; empty where it ended as it was told to."""

    def __init__(self, command: Sequence[str], log: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker = _Worker(command, log)
        self._worker.received.connect(self.received)  # signal to signal: safe
        self._worker.crashed.connect(self._on_crashed)
        self._thread = WorkerThread(self._worker)
        self._thread.finished.connect(self._on_finished)
        self._crash = ""

    def start(self) -> None:
        """Start the process; what was posted before is sent first."""
        self._thread.start()

    def post(self, request: Request) -> None:
        """Send a request as soon as the process takes it; a later one of its kind overtakes it. From any thread."""
        self._worker.requests.put(request)

    @property
    def pid(self) -> int | None:
        """The process's id, as soon as there is one."""
        return None if self._worker.process is None else self._worker.process.pid

    def close(self) -> None:
        """End the process and the thread and wait for both: the engine holds nothing that could be lost."""
        self._worker.end()
        self._thread.wait()

    @Slot(str)
    def _on_crashed(self, what: str) -> None:
        self._crash = what

    @Slot()
    def _on_finished(self) -> None:
        self.ended.emit(self._crash or self._worker.why)


class _Worker(Worker):
    """Lives in the link's thread: reads; a second thread, a plain one, writes."""

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
            process.wait(5)  # its output has ended, so it is about to

    def _write(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        while (request := self.requests.take()) is not None:
            try:
                write_message(
                    process.stdin, Message(request.kind, {**request.fields, "generation": request.generation})
                )
            except (OSError, ValueError):
                return  # the reader sees the end and says it

    def end(self) -> None:
        """Let the process end now. From any thread."""
        with self._lock:
            self._ending = True
            self.requests.close()
            if self.process is not None:
                kill(self.process)
