import os
import sys
import time
from collections.abc import Callable
from typing import Any

import psutil
import pytest

from s3n_core.errors import RunError
from s3n_core.runs.ending import end_process, end_run
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.system.locks import is_live
from s3n_core.system.processes import process_created, process_is_alive

WAIT = "print('ready', flush=True); input()"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);" + WAIT
HOLD = """
import sys
from pathlib import Path
from s3n_core.system.locks import RunLock
with RunLock(Path(sys.argv[1])):
    print("ready", flush=True)
    sys.stdin.readline()
"""

needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="on Windows a process is not asked but ended")


def test_a_willing_process_is_asked(start: Callable[..., Any]) -> None:
    process = start(WAIT)
    created = process_created(process.pid)
    assert end_process(process.pid, created, 5.0) == "terminated"
    assert process.wait(5) != 0  # its parent still gets its exit code
    assert end_process(process.pid, created, 5.0) == "gone"


@needs_signals
def test_a_stubborn_process_is_killed_after_the_grace(start: Callable[..., Any]) -> None:
    process = start(STUBBORN)
    created = process_created(process.pid)
    begin = time.monotonic()
    assert end_process(process.pid, created, 0.2) == "killed"
    assert time.monotonic() - begin >= 0.2
    assert process.wait(5) == -9


def test_another_process_of_that_id_is_left_alone(start: Callable[..., Any]) -> None:
    process = start(WAIT)
    created = process_created(process.pid)
    assert end_process(process.pid, created - 3600, 0.1) == "gone"
    assert process.poll() is None


def test_children_end_with_it(start: Callable[..., Any]) -> None:
    code = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print("ready", flush=True)
input()
"""
    process = start(code)
    (child,) = psutil.Process(process.pid).children()
    created = process_created(child.pid)
    end_process(process.pid, process_created(process.pid), 5.0)
    deadline = time.monotonic() + 5
    while process_is_alive(child.pid, created) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not process_is_alive(child.pid, created)


def test_a_run_is_ended_by_what_its_lock_names(run: RunDirectory, start: Callable[..., Any]) -> None:
    assert end_run(run.path) == "gone"
    process = start(HOLD, run.path)
    assert is_live(run.path)
    assert end_run(run.path, 5.0) == "terminated"
    assert not is_live(run.path)
    process.wait(5)
    assert end_run(run.path) == "gone"


def test_a_run_of_another_machine_is_not_ended_here(run: RunDirectory) -> None:
    (run.path / "owner.json").write_text(
        f'{{"session": "s", "pid": {os.getpid()}, "process_created": 1, "host": "gpu-box"}}', encoding="utf-8"
    )
    with pytest.raises(RunError, match="trained on gpu-box"):
        end_run(run.path)
