"""Measuring gaps between ticks of the window's event loop, for the window benchmarks."""

import collections
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Qt, QTimer

TICK_MS = 5


class Clock(QObject):
    """Ticks every 5 ms and records the time between ticks, and the CPU time of the window's thread in it.

    On a machine with other load, the latter shows which part of a gap the window causes.
    """

    def __init__(self) -> None:
        super().__init__()
        self.gaps: list[float] = []
        self.works: list[float] = []
        self.last, self.worked = time.perf_counter(), time.thread_time()
        self.timer = QTimer(self)
        self.timer.setTimerType(Qt.TimerType.PreciseTimer)
        self.timer.timeout.connect(self._tick)
        self.timer.start(TICK_MS)

    def restart(self) -> None:
        """Discard the gaps so far."""
        self.gaps.clear()
        self.works.clear()
        self.last, self.worked = time.perf_counter(), time.thread_time()

    def text(self) -> str:
        """Return the 99th percentile and maximum of the gaps, and of the thread's CPU time, as text."""
        gaps, works = 1000 * np.array(self.gaps or [0.0]), 1000 * np.array(self.works or [0.0])
        own = f"own work p99 {np.percentile(works, 99):5.1f} max {works.max():5.1f} ms"
        return f"p99 {np.percentile(gaps, 99):6.1f} ms  max {gaps.max():6.1f} ms ({own}, {len(gaps)} ticks)"

    def _tick(self) -> None:
        now, worked = time.perf_counter(), time.thread_time()
        self.gaps.append(now - self.last)
        self.works.append(worked - self.worked)
        self.last, self.worked = now, worked


class Watcher(threading.Thread):
    """Samples the stack of the window's thread while a tick is overdue.

    Args:
        overdue: Returns whether a tick is overdue.

    Attributes:
        seen: Number of samples by stack, innermost call first.
    """

    def __init__(self, overdue: Callable[[], bool]) -> None:
        super().__init__(daemon=True)
        self._overdue, self._main = overdue, threading.main_thread().ident
        self.seen: collections.Counter[str] = collections.Counter()

    def run(self) -> None:
        """Sample the stack until the process ends."""
        while True:
            time.sleep(0.01)
            frame = sys._current_frames().get(self._main or 0)
            if self._overdue() and frame is not None:
                stack = traceback.extract_stack(frame)[-5:]
                self.seen[" < ".join(f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in reversed(stack))] += 1


def burn(cores: int) -> list[subprocess.Popen[bytes]]:
    """Keep cores busy at the low priority of this program's trainings; end the processes with ``kill``."""
    code = "import os\nif hasattr(os, 'nice'): os.nice(10)\nwhile True: pass"
    return [subprocess.Popen([sys.executable, "-c", code]) for _ in range(cores)]
