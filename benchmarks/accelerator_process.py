"""The process in which `accelerator.py` measures: it is ended, with all that it has started, when a stage takes too long."""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

WORK = Path(__file__).with_name("accelerator_work.py")


@dataclass(frozen=True)
class Finding:
    """One row of the table.

    Attributes:
        what: What was measured.
        measured: The result, in words and numbers.
        target: What it should be; empty if there is no goal.
        met: Whether it is; None if there is no goal, or nothing could be measured.
    """

    what: str
    measured: str
    target: str = ""
    met: bool | None = None


class TookTooLong(Exception):
    """A piece of work did not end in its time, and was stopped."""


class WorkFailed(Exception):
    """A piece of work ended with an error, or its process with it."""


class MeasuringProcess:
    """Does one piece of work after the other in another process, which is started when one is needed.

    Args:
        folder: Where the process keeps what it makes, and what it says.
        options: Its options.
    """

    def __init__(self, folder: Path, *options: str) -> None:
        self._command = [sys.executable, str(WORK), str(folder), *options]
        self._said = folder / "said.txt"
        self._process: subprocess.Popen[str] | None = None
        self._answers: queue.Queue[str] = queue.Queue()

    def do(self, work: Mapping[str, Any], seconds: float) -> Any:
        """Let the process do something, and return its answer.

        Args:
            work: What to do, for `accelerator_work.py`.
            seconds: How long it may take.

        Raises:
            TookTooLong: It took longer; the process has been ended.
            WorkFailed: It failed; the message says why.
        """
        process = self._started()
        assert process.stdin is not None
        with contextlib.suppress(OSError):  # the process has ended: there will be no answer
            process.stdin.write(f"{json.dumps(work)}\n")
            process.stdin.flush()
        try:
            answer = self._answers.get(timeout=seconds)
        except queue.Empty:
            self.end()
            raise TookTooLong from None
        if not answer:
            code = process.wait()
            self.end()
            raise WorkFailed(f"its process ended with {code}: {last_line(self._said.read_text(errors='replace'))}")
        found = json.loads(answer)
        if "failed" in found:
            raise WorkFailed(found["failed"])
        return found["done"]

    def end(self) -> None:
        """End the process and all that it has started: torchrun gives each of its own a session, so a group is not enough."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(psutil.NoSuchProcess):
            for child in psutil.Process(process.pid).children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.kill()
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None:
            with self._said.open("a") as said:
                self._process = subprocess.Popen(
                    self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True
                )
            self._answers = queue.Queue()
            threading.Thread(target=_read, args=(self._process, self._answers), daemon=True).start()
        return self._process


def _read(process: subprocess.Popen[str], answers: queue.Queue[str]) -> None:
    assert process.stdout is not None
    with contextlib.suppress(ValueError, OSError):  # closed, as the process was ended
        for line in process.stdout:
            answers.put(line)
    answers.put("")


def last_line(text: str) -> str:
    """Return the last line of what a process said."""
    return next((line for line in reversed(text.splitlines()) if line.strip()), "it said nothing")
