"""Window, engine and training as separate processes: each is killed at a bad moment, and nothing is lost or hangs."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from random_model import SMALL_TRAINING, save_picture, save_random_model

from s3n_core.runs.run_directory import RunDirectory
from s3n_core.system.locks import is_live, read_owner
from s3n_gui.background.inspection_client import INSPECTION_SERVER

HERE = Path(__file__).parents[1]
PATIENCE = 300.0

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and process groups of POSIX")

SMALL = SMALL_TRAINING | {"epochs": 2000}


class Window:
    """The program in its own process group, as a terminal starts it."""

    def __init__(self, home: Path, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "driven_window.py"), *arguments],
            env={**os.environ, "S3N_HOME": str(home), "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        )
        self.state: dict[str, Any] = {}
        self.errors = ""
        self._threads = [threading.Thread(target=self._listen), threading.Thread(target=self._listen_to_errors)]
        for thread in self._threads:
            thread.start()

    def say(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def wait_for(self, what: Callable[[dict[str, Any]], bool], said: str) -> None:
        end = time.monotonic() + PATIENCE
        while not (self.state and what(self.state)):
            assert self.process.poll() is None, f"ended with {self.process.returncode} before {said}: {self.errors}"
            assert time.monotonic() < end, f"waited in vain for {said}; last: {self.state}"
            time.sleep(0.05)

    def wait_for_training(self, status: str) -> None:
        self.wait_for(lambda state: list(state["trainings"].values())[-1:] == [status], status)

    def engine(self) -> psutil.Process | None:
        with contextlib.suppress(psutil.Error):
            for child in psutil.Process(self.process.pid).children():
                if INSPECTION_SERVER in child.cmdline():
                    return child
        return None

    def signal(self, number: int) -> None:
        """Send a signal to the whole group, as a terminal does."""
        os.killpg(self.process.pid, number)

    def wait(self) -> int:
        code = self.process.wait(60)
        self.close()
        return code

    def close(self) -> None:
        if self.process.poll() is None:
            self.signal(signal.SIGKILL)
            self.process.wait(30)
        for thread in self._threads:
            thread.join(30)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.state = json.loads(line)

    def _listen_to_errors(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.errors += line


@pytest.fixture
def open_window(s3n_home: Path) -> Iterator[Callable[..., Window]]:
    opened: list[Window] = []

    def open_one(*arguments: str) -> Window:
        opened.append(Window(s3n_home, *arguments))
        return opened[-1]

    yield open_one
    for window in opened:
        window.close()
    for run in (s3n_home / "runs").glob("*/"):
        owner = read_owner(run)
        if owner is not None and owner.is_alive():  # the test failed half way
            psutil.Process(owner.pid).kill()


def test_a_training_and_its_windows(open_window: Callable[..., Window], tmp_path: Path, s3n_home: Path) -> None:
    data, root = tmp_path / "Vögel", s3n_home / "runs"
    for label in range(2):
        for number in range(6):
            save_picture(data / f"class {label}" / f"{number}.jpg", 10 * label + number, (80, 64))
    run = RunDirectory(root / "Lauf 1")
    fields = {"data": str(data), "root": str(root), "recipe": "quick", "name": "Lauf 1", "settings": SMALL}

    first = open_window()
    first.wait_for(lambda state: True, "its first word")
    first.say("start " + json.dumps({**fields, "device": "cpu"}))
    first.wait_for_training("running")
    owner = read_owner(run.path)
    assert owner is not None

    # Two windows on one run: both see it, either can control it, and there is still one training process.
    second = open_window()
    second.wait_for_training("running")
    first.say("pause")
    second.wait_for_training("paused")
    first.wait_for_training("paused")
    second.say("go on")
    first.wait_for_training("running")
    second.wait_for_training("running")
    assert read_owner(run.path) == owner

    # Ctrl+C in the terminal of one window closes it; the training and the other window are not affected.
    first.signal(signal.SIGINT)
    assert first.wait() == 0, first.errors
    assert first.errors == ""
    assert is_live(run.path)
    assert second.process.poll() is None

    # The other one is killed with its whole process group: the training continues, and the next start finds it.
    second.signal(signal.SIGKILL)
    assert second.wait() == -signal.SIGKILL
    assert is_live(run.path)
    third = open_window()
    third.wait_for_training("running")
    assert read_owner(run.path) == owner

    # The training itself is killed: the window reports it, and the run can be resumed from its last checkpoint.
    end = time.monotonic() + PATIENCE
    while run.read_pointer("last") is None:
        assert time.monotonic() < end
        time.sleep(0.05)
    os.kill(owner.pid, signal.SIGKILL)
    third.wait_for_training("interrupted")
    assert third.process.poll() is None
    third.say(f"resume {run.path}")
    third.wait_for_training("running")
    assert read_owner(run.path) not in (None, owner)
    third.say("stop")
    third.wait_for_training("stopped")
    assert not is_live(run.path)
    third.signal(signal.SIGINT)
    assert third.wait() == 0, third.errors
    log = (s3n_home / "logs" / "window.log").read_text(encoding="utf-8")
    assert "Traceback" not in log, log


def test_the_engine_is_killed_and_the_window_is_killed(open_window: Callable[..., Window], s3n_home: Path) -> None:
    window = open_window("--demo")
    end = time.monotonic() + PATIENCE
    while (engine := window.engine()) is None:
        assert time.monotonic() < end
        time.sleep(0.02)
    engine.kill()  # while it starts
    window.wait_for(lambda state: state["answered"] >= 1, "an answer in spite of it")
    engine = window.engine()
    assert engine is not None
    answered = window.state["answered"]
    window.say("next image")
    engine.kill()  # while it handles a request
    window.wait_for(lambda state: state["answered"] > answered, "another answer")
    assert window.state["said"] == []

    engine = window.engine()
    assert engine is not None
    window.signal(signal.SIGKILL)
    window.wait()
    engine.wait(30)  # the engine ends with its window
    assert "Traceback" not in (s3n_home / "logs" / "window.log").read_text(encoding="utf-8")


def test_a_prediction_ends_with_its_window_and_is_continued(
    open_window: Callable[..., Window], tmp_path: Path, s3n_home: Path
) -> None:
    model, count = save_random_model(tmp_path / "model.safetensors"), 400
    for number in range(count):
        save_picture(tmp_path / "photos" / f"{number:03}.jpg", number, (80, 64))
    table = tmp_path / "table.csv"
    line = "predict " + json.dumps([str(model), str(tmp_path / "photos"), "--out", str(table), "--device", "cpu"])

    first = open_window()
    first.wait_for(lambda state: True, "its first word")
    first.say(line)
    first.wait_for(lambda state: state.get("predicted", {}).get("done", 0) > 0, "the first rows")
    job = psutil.Process(first.state["pid"])
    first.signal(signal.SIGKILL)
    first.wait()
    job.wait(PATIENCE)  # its output is no longer read: it ends and keeps its rows
    assert not table.exists()
    assert table.with_name("table.csv.part").stat().st_size > 0

    second = open_window()
    second.wait_for(lambda state: True, "its first word")
    second.say(line)
    second.wait_for(lambda state: state.get("command") == "done", "the end of the table")
    assert 0 < second.state["predicted"]["resumed"] < count
    assert second.state["predicted"]["done"] == count
    assert len(table.read_text(encoding="utf-8").splitlines()) == count + 1
    assert not table.with_name("table.csv.part").exists()
    second.signal(signal.SIGINT)
    assert second.wait() == 0, second.errors
