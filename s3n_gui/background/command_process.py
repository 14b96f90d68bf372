"""An engine command as a process, and the threads that read its output."""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Signal

from s3n_core.errors import OutputError
from s3n_core.system.engine_process import start_process
from s3n_gui.background.processes import engine_environment, interrupt, kill
from s3n_gui.background.worker_thread import Worker


class CommandProcess(Worker):
    """The worker in the job's thread: starts the process and reads its stdout; a second thread reads its stderr."""

    printed = Signal(object)
    """A line of JSON on stdout, as a dict."""
    said = Signal(str)
    """A line on stderr."""

    def __init__(self, command: Sequence[str], log: Path, *, long_job: bool = True) -> None:
        super().__init__()
        self.process: subprocess.Popen[bytes] | None = None
        self.code: int | None = None
        self.problem: OutputError | None = None
        self._command = command
        self._log = log
        self._long_job = long_job
        self._stopped = False
        self._lock = threading.Lock()
        self._over = threading.Event()

    def work(self) -> None:
        """Run the command until it ends."""
        with self._lock:
            if self._stopped:
                self.code = 130
                return
            try:
                self.process = process = start_process(
                    self._command,
                    log=self._log,
                    long_job=self._long_job,
                    environment=engine_environment(),
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                )
            except OutputError as error:
                self.problem = error
                return
        words = threading.Thread(target=self._read_words, args=(process,), name="words of a job")
        words.start()
        try:
            self._read_output(process)
            process.wait()
        finally:
            kill(process)  # for when reading failed; does nothing to an ended process
            self._over.set()
            words.join()
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()
            self.code = process.returncode

    def _read_output(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            try:
                value = json.loads(line)
            except ValueError:  # other output, for example of a library
                continue
            if isinstance(value, dict):
                self.printed.emit(value)

    def _read_words(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stderr is not None
        with contextlib.ExitStack() as stack:
            log = None
            with contextlib.suppress(OSError):
                log = stack.enter_context(self._log.open("ab"))
            for line in process.stderr:
                if log is not None:
                    with contextlib.suppress(OSError):
                        log.write(line)
                        log.flush()
                text = line.decode("utf-8", "replace").strip()
                if text:
                    self.said.emit(text)

    def stop(self) -> None:
        """Ask the process to stop. Thread-safe."""
        with self._lock:
            self._stopped = True
            if self.process is not None:
                interrupt(self.process)

    def end(self, after_seconds: float = 0.0) -> None:
        """Wait up to ``after_seconds`` for the process to end, then kill it. Thread-safe."""
        with self._lock:
            self._stopped = True
        if self.process is not None and not self._over.wait(after_seconds):
            kill(self.process)
