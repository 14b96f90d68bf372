"""Commands as jobs of the window: with small programs in place of the engine, and with the engine itself."""

import csv
import os
import shutil
import signal
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import fake_ssh
import psutil
import pytest
from pytestqt.qtbot import QtBot

from s3n_core.errors import ModelNotFound
from s3n_gui.background import command_job
from s3n_gui.background.command_job import CommandJob
from s3n_gui.background.jobs import Job, JobList

PATIENCE = 300_000

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


def program(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    command = [sys.executable, "-c", textwrap.dedent(text)]
    monkeypatch.setattr(command_job, "engine_command", lambda *_, **__: command)


def test_what_it_prints_becomes_signals(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    program(
        monkeypatch,
        """
        import json, sys
        print("Taken as images without labels.", file=sys.stderr, flush=True)
        print("no JSON")
        for done in range(3):
            print(json.dumps({"event": "progress", "done": done, "total": 2, "resumed": 0, "seconds": 4.0 * done}), flush=True)
        """,
    )
    job = CommandJob("Predicting", ["predict"])
    printed: list[Any] = []
    progress: list[Any] = []
    said: list[str] = []
    job.printed.connect(printed.append)
    job.said.connect(said.append)
    job.changed.connect(lambda: progress.append((job.status, job.fraction, job.seconds_left, job.text)))
    assert job.status == "waiting"
    with qtbot.waitSignals([job.succeeded, job.ended], timeout=PATIENCE):
        job.start()
        job.start()  # a second call has no effect
    assert [value["done"] for value in printed] == [0, 1, 2]
    assert said == ["Taken as images without labels."]
    assert ("running", 0.5, 4.0, "1 of 2") in progress
    assert (job.status, job.fraction, job.is_active) == ("done", 1.0, False)
    assert (Path(os.environ["S3N_HOME"]) / "logs" / "jobs.log").read_text() == "Taken as images without labels.\n"


def test_an_error_is_its_sentence(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    program(
        monkeypatch,
        """
        import sys
        print("Error: a warning of a library, not of ours", file=sys.stderr)
        print('{"event": "failed", "code": "model.not_found", "message": "There is no model file x.", "path": "x"}')
        sys.exit(1)
        """,
    )
    job = CommandJob("Predicting", ["predict"])
    with qtbot.waitSignal(job.failed, timeout=PATIENCE) as failed:
        job.start()
    error, failed_job = failed.args
    assert failed_job is job
    assert isinstance(error, ModelNotFound)
    assert error.path == Path("x")
    assert (job.status, job.sentence) == ("failed", "There is no model file x.")


@posix
def test_killed_by_somebody(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    program(monkeypatch, "import time; print('{}', flush=True); time.sleep(600)")
    job = CommandJob("Exporting", ["export"])
    with qtbot.waitSignal(job.printed, timeout=PATIENCE):
        job.start()
    assert job.pid is not None
    assert os.getsid(job.pid) == job.pid  # Ctrl+C in the window's terminal does not reach it
    assert psutil.Process(job.pid).nice() == 10
    group = Path(f"/proc/{job.pid}/autogroup")  # with autogroups, a process's niceness only applies within its session
    if group.exists() and group.read_text("ascii"):
        assert group.read_text("ascii").endswith("nice 10\n")
    with qtbot.waitSignal(job.failed, timeout=PATIENCE) as failed:
        os.kill(job.pid, signal.SIGKILL)
    assert "killed by SIGKILL" in str(failed.args[0])


def test_cancelled_it_keeps_what_it_has(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    program(
        monkeypatch,
        """
        import sys, time
        try:
            print('{"done": 12, "total": 100}', flush=True)
            time.sleep(600)
        except KeyboardInterrupt:
            print("Stopped after 12 of 100 images; run the same command to resume.", file=sys.stderr)
            sys.exit(130)
        """,
    )
    job = CommandJob("Predicting", ["predict"])
    with qtbot.waitSignal(job.printed, timeout=PATIENCE):
        job.start()
    with qtbot.waitSignal(job.ended, timeout=PATIENCE):
        job.cancel()
        assert job.status == "stopping"
        job.cancel()  # a second call has no effect
    assert job.status == "cancelled"
    assert job.sentence == "Stopped after 12 of 100 images; run the same command to resume."


STUBBORN = """
    import signal, subprocess, sys, time
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    print('{"child": %d}' % child.pid, flush=True)
    time.sleep(600)
"""


@posix
@pytest.mark.parametrize("way", ["cancel", "close"])
def test_a_stubborn_one_is_killed_with_its_children(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    program(monkeypatch, STUBBORN)
    monkeypatch.setattr(command_job, "_CLOSING_SECONDS", 0.3)
    job = CommandJob("Predicting", ["predict"], grace_seconds=0.3)
    with qtbot.waitSignal(job.printed, timeout=PATIENCE) as printed:
        job.start()
    child = psutil.Process(printed.args[0]["child"])
    if way == "close":
        began = time.perf_counter()
        job.close()
        assert time.perf_counter() - began < 3
    else:
        with qtbot.waitSignal(job.ended, timeout=PATIENCE):
            job.cancel()
    assert job.status == "cancelled"
    qtbot.waitUntil(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def test_cancelled_before_it_began(qtbot: QtBot) -> None:
    job = CommandJob("Predicting", ["predict"])
    with qtbot.waitSignal(job.ended):
        job.cancel()
    assert job.status == "cancelled"
    job.start()
    assert job.pid is None
    job.close()


def test_closed_while_it_starts(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    program(monkeypatch, "import time; time.sleep(600)")
    job = CommandJob("Predicting", ["predict"])
    job.start()
    job.close()
    assert job.status == "cancelled"


def test_a_program_that_is_not_there(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_job, "engine_command", lambda *_, **__: ["/no/such/program"])
    job = CommandJob("Predicting", ["predict"])
    with qtbot.waitSignal(job.failed, timeout=PATIENCE) as failed:
        job.start()
    assert "/no/such/program" in str(failed.args[0])


def test_a_real_prediction(qtbot: QtBot, model_file: Path, pictures: tuple[Path, ...], tmp_path: Path) -> None:
    out = tmp_path / "predictions.csv"
    job = CommandJob("Predicting", ["predict", str(model_file), str(pictures[0].parent), "--out", str(out)])
    with qtbot.waitSignal(job.succeeded, timeout=PATIENCE) as succeeded:
        job.start()
    assert succeeded.args[0]["done"] == succeeded.args[0]["total"] == len(pictures)
    with out.open(encoding="utf-8") as file:
        assert len(list(csv.DictReader(line for line in file if not line.startswith("#")))) == len(pictures)


def test_on_another_machine(qtbot: QtBot, pictures: tuple[Path, ...], tmp_path: Path, box: Path) -> None:
    folder = tmp_path / "photos with 'quotes' & $signs"
    shutil.copytree(pictures[0].parent, folder)
    job = CommandJob("Checking", ["audit", str(folder), "--format=images"], prefix=("ssh", "gpu-box"))
    with qtbot.waitSignal(job.succeeded, timeout=PATIENCE) as succeeded:
        job.start()
    assert succeeded.args[0]["root"] == str(folder)
    assert succeeded.args[0]["images"] == len(pictures)
    assert job.fraction == 1.0
    assert fake_ssh.hosts(box) == ["gpu-box"]


def test_cancelled_on_another_machine(qtbot: QtBot, tmp_path: Path, box: Path) -> None:
    (box / "s3n").write_text('#!/bin/sh\necho \'{"done": 1, "total": 2}\'; sleep 600; echo late', encoding="utf-8")
    job = CommandJob("Checking", ["audit", str(tmp_path)], prefix=("ssh", "gpu-box"), grace_seconds=0.5)
    with qtbot.waitSignal(job.printed, timeout=PATIENCE):
        job.start()
    with qtbot.waitSignal(job.ended, timeout=PATIENCE) as ended:
        job.cancel()
    assert ended.args == ["cancelled", job]


def test_the_list_of_jobs(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    program(monkeypatch, "print('{}')")
    jobs = JobList()
    happened: list[tuple[str, Job]] = []
    for name in ("added", "removed", "changed"):
        getattr(jobs, name).connect(lambda job, name=name: happened.append((name, job)))
    job = CommandJob("Predicting", ["predict"])
    jobs.add(job)
    jobs.add(job)  # a second call has no effect
    assert (jobs.jobs(), jobs.active()) == ((job,), (job,))
    with pytest.raises(ValueError, match="still waiting"):
        jobs.remove(job)
    with qtbot.waitSignal(job.ended, timeout=PATIENCE):
        job.start()
    assert jobs.active() == ()
    jobs.clear_ended()
    assert jobs.jobs() == ()
    assert [name for name, _ in happened] == ["added", "changed", "changed", "removed"]
    jobs.close()
