"""Training runs as jobs of the window, with real training processes: started, found, stopped, killed, left running."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import fake_ssh
import psutil
import pytest
from pytestqt.qtbot import QtBot
from random_model import SMALL_TRAINING, save_picture

from s3n_core.errors import DataSetNotFound, S3NError
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.runs.run_state import RunState, RunStatus
from s3n_core.runs.trash import list_trash
from s3n_core.system.engine_process import engine_command
from s3n_core.system.locks import is_live, read_owner
from s3n_gui.background import run_watch, training_job
from s3n_gui.background.run_watch import Preparation
from s3n_gui.background.training_job import TrainingJob
from s3n_gui.background.training_request import TrainingRequest

PATIENCE = 400_000

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "Vögel"
    for label in range(2):
        for number in range(6):
            save_picture(folder / f"class {label}" / f"{number}.jpg", 10 * label + number, (80, 64))
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    root = tmp_path / "runs"
    yield root
    for run in root.glob("*") if root.is_dir() else ():
        owner = read_owner(run)
        if owner is not None and owner.is_alive():  # the test failed half way
            psutil.Process(owner.pid).kill()


def request(data: Path, root: Path, epochs: int, name: str = "Lauf 1") -> TrainingRequest:
    return TrainingRequest(
        data=data,
        recipe="quick",
        name=name,
        root=root,
        settings={**SMALL_TRAINING, "epochs": epochs},
        device="cpu",
    )


def wait_for_checkpoint(qtbot: QtBot, job: TrainingJob) -> None:
    run = RunDirectory(job.run_path)
    qtbot.waitUntil(
        lambda: job.run_status == "running" and run.checkpoints.is_dir() and run.read_pointer("last") is not None,
        timeout=PATIENCE,
    )


def end(job: TrainingJob, qtbot: QtBot) -> None:
    with qtbot.waitSignal(job.ended, timeout=PATIENCE):
        job.stop_now()


def test_trained_to_its_end(qtbot: QtBot, data: Path, root: Path) -> None:
    job = TrainingJob.start(request(data, root, 2))
    lines: list[dict[str, Any]] = []
    statuses: list[str] = []
    job.run_changed.connect(lambda change: lines.extend(change.metrics))
    job.run_status_changed.connect(statuses.append)
    assert (job.status, job.run_status, job.state) == ("running", "starting", None)
    qtbot.waitUntil(lambda: job.live, timeout=PATIENCE)
    owner = read_owner(job.run_path)
    assert owner is not None
    if sys.platform != "win32":
        assert os.getsid(owner.pid) != os.getsid(0)  # Ctrl+C in the window's terminal does not reach it
        assert psutil.Process(owner.pid).nice() == 10
    with qtbot.waitSignal(job.ended, timeout=PATIENCE):
        pass
    assert (job.status, job.run_status, job.fraction, job.live) == ("done", "finished", 1.0, False)
    assert statuses[-1] == "finished"
    assert [line["epoch"] for line in lines if line["kind"] == "epoch"] == [0, 1]
    assert "finished" in job.sentence


@posix
def test_trained_on_another_machine(qtbot: QtBot, data: Path, root: Path, box: Path) -> None:
    job = TrainingJob.start(replace(request(data, root, 2000, "afar"), prefix=("ssh", "gpu-box")))
    wait_for_checkpoint(qtbot, job)
    end(job, qtbot)
    assert job.run_status == "stopped"
    assert fake_ssh.hosts(box) == ["gpu-box"]


@pytest.mark.parametrize("changed_data", [False, True])
def test_a_resume_says_whether_changed_data_is_accepted(
    qtbot: QtBot, root: Path, monkeypatch: pytest.MonkeyPatch, changed_data: bool
) -> None:
    heard: list[tuple[str, ...]] = []

    def command(*arguments: str, prefix: object = ()) -> list[str]:
        heard.append(arguments)
        return [sys.executable, "-c", "pass"]

    monkeypatch.setattr(training_job, "engine_command", command)
    job = TrainingJob.resume(root / "Lauf 1", device="cpu", changed_data=changed_data)
    qtbot.waitUntil(lambda: not job.is_active, timeout=PATIENCE)
    assert heard[0][:3] == ("runs", "resume", "Lauf 1")
    assert ("--changed-data" in heard[0]) is changed_data


@pytest.mark.parametrize("status", ["finished", "failed", "stopped"])
@pytest.mark.parametrize("said", ["The checkpoint is missing.", ""])
def test_a_resume_that_cannot_begin_fails_whatever_the_run_was_before(
    qtbot: QtBot, root: Path, monkeypatch: pytest.MonkeyPatch, status: RunStatus, said: str
) -> None:
    run = RunDirectory.create(root / "Lauf 1", {})
    run.write_state(RunState(status=status, message="What happened before."))
    event = json.dumps(S3NError(said).to_dict() | {"event": "failed"})
    program = (f"print({event!r})\n" if said else "") + "raise SystemExit(3)\n"
    monkeypatch.setattr(training_job, "engine_command", lambda *arguments, prefix=(): [sys.executable, "-c", program])
    job = TrainingJob.resume(run.path, device="cpu")
    with qtbot.waitSignal(job.failed, timeout=PATIENCE) as failed:
        pass
    assert (said or "ended unexpectedly (exit code 3)") in str(failed.args[0])
    assert job.status == "failed"
    assert (said or "ended unexpectedly") in job.sentence
    assert job.run_status == status  # as in the folder


def test_killed_resumed_and_stopped(qtbot: QtBot, data: Path, root: Path) -> None:
    job = TrainingJob.start(request(data, root, 500))
    wait_for_checkpoint(qtbot, job)
    owner = read_owner(job.run_path)
    assert owner is not None
    with qtbot.waitSignal(job.failed, timeout=PATIENCE) as failed:
        os.kill(owner.pid, signal.SIGKILL)
    assert "killed by SIGKILL" in str(failed.args[0])
    assert "resume it" in str(failed.args[0]).lower()
    assert (job.status, job.run_status) == ("failed", "interrupted")

    again = TrainingJob.resume(job.run_path, device="cpu")
    restarted: list[bool] = []
    again.run_changed.connect(lambda change: restarted.append(change.restarted))
    assert again.run_status == "starting"
    qtbot.waitUntil(lambda: again.run_status == "running", timeout=PATIENCE)
    with qtbot.waitSignal(again.ended, timeout=PATIENCE):
        again.stop_and_keep()
        assert again.status == "stopping"
    assert (again.status, again.run_status) == ("cancelled", "stopped")
    assert re.fullmatch(r"Stopped in epoch \d+ of 500; it can be resumed\.", again.sentence)


@posix
def test_it_outlives_the_window_and_is_found_again(qtbot: QtBot, data: Path, root: Path) -> None:
    first = TrainingJob.start(request(data, root, 500))
    wait_for_checkpoint(qtbot, first)
    first.close()  # the window
    assert (first.status, first.is_active) == ("cancelled", False)
    owner = read_owner(first.run_path)
    assert owner is not None
    assert owner.is_alive()

    found = TrainingJob.follow(first.run_path)
    other_window = TrainingJob.follow(first.run_path)
    qtbot.waitUntil(lambda: found.run_status == other_window.run_status == "running", timeout=PATIENCE)
    found.pause()
    qtbot.waitUntil(lambda: other_window.run_status == "paused", timeout=PATIENCE)
    other_window.go_on()
    qtbot.waitUntil(lambda: found.run_status == "running", timeout=PATIENCE)
    with qtbot.waitSignals([found.ended, other_window.ended], timeout=PATIENCE):
        other_window.stop_and_keep()
    assert found.run_status == other_window.run_status == "stopped"
    assert not is_live(first.run_path)

    past = TrainingJob.follow(first.run_path)  # a run that is not training sends one update
    with qtbot.waitSignals([past.run_changed, past.ended], timeout=PATIENCE):
        pass
    assert past.run_status == "stopped"
    qtbot.waitUntil(lambda: not owner.is_alive(), timeout=PATIENCE)  # the process takes a while to exit


def test_a_run_of_the_command_line_is_followed_and_discarded(qtbot: QtBot, data: Path, root: Path) -> None:
    command = engine_command(*request(data, root, 500, "cli").arguments)
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        qtbot.waitUntil(lambda: is_live(root / "cli"), timeout=PATIENCE)
        job = TrainingJob.follow(root / "cli")
        qtbot.waitUntil(lambda: job.run_status == "running", timeout=PATIENCE)
        with qtbot.waitSignal(job.ended, timeout=PATIENCE):
            job.discard()
        assert (job.status, job.run_status) == ("cancelled", "discarded")
        process.wait(60)
    assert [entry.name for entry in list_trash(root)] == ["cli"]
    assert not (root / "cli").exists()


@posix
def test_one_that_does_not_follow_orders_is_ended(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, data: Path, root: Path
) -> None:
    monkeypatch.setattr(run_watch, "_TERMINATION_SECONDS", 0.5)
    job = TrainingJob.start(request(data, root, 500))
    wait_for_checkpoint(qtbot, job)
    owner = read_owner(job.run_path)
    assert owner is not None
    os.kill(owner.pid, signal.SIGSTOP)  # like a process that hangs in a driver
    with qtbot.waitSignal(job.ended, timeout=PATIENCE):
        job.stop_and_keep(grace_seconds=0.5)
    assert (job.status, job.run_status) == ("cancelled", "interrupted")
    assert "Resume it" in job.sentence


@pytest.mark.usefixtures("real_command")  # the process loads its libraries first
def test_stopped_before_it_is_a_run(qtbot: QtBot, data: Path, root: Path) -> None:
    job = TrainingJob.start(request(data, root, 500))
    with qtbot.waitSignal(job.ended, timeout=PATIENCE):
        job.discard(grace_seconds=20)
    assert job.status in ("cancelled", "failed")
    assert not is_live(job.run_path)


def test_one_that_cannot_begin_says_why(qtbot: QtBot, root: Path, tmp_path: Path) -> None:
    job = TrainingJob.start(request(tmp_path / "no such data", root, 2))
    with qtbot.waitSignal(job.failed, timeout=PATIENCE) as failed:
        pass
    assert isinstance(failed.args[0], DataSetNotFound)
    assert "no such data" in str(failed.args[0])
    assert "Error:" not in str(failed.args[0])
    assert (job.status, job.run_status) == ("failed", "failed")


@pytest.mark.usefixtures("real_command")  # the process loads its libraries first
def test_after_a_refused_order_the_training_can_be_stopped_again(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = [sys.executable, "-c", "import time; time.sleep(600)"]
    monkeypatch.setattr(training_job, "engine_command", lambda *arguments, prefix=(): waiting)
    job = TrainingJob.start(request(tmp_path, tmp_path / "runs", 1))
    error = S3NError("The disk is full.")
    with monkeypatch.context() as full:
        full.setattr(job._watch, "order", lambda order: job._watch.refused.emit(error))
        with qtbot.waitSignal(job.failed) as failed:
            job.stop_and_keep()
    assert failed.args[0] is error
    assert (job.status, job.text) == ("running", "starting")
    end(job, qtbot)


def test_orders_to_nobody_are_refused(qtbot: QtBot, data: Path, root: Path) -> None:
    job = TrainingJob.start(request(data, root, 500))
    with qtbot.waitSignal(job.failed, timeout=PATIENCE) as failed:
        job.pause()
    assert "is not being trained" in str(failed.args[0])
    assert job.is_active
    end(job, qtbot)


def test_an_order_just_before_the_window_is_closed_is_sent(
    root: Path, monkeypatch: pytest.MonkeyPatch, qapp: object
) -> None:
    sent = list[str]()
    monkeypatch.setattr(run_watch, "send_order", lambda _, order: sent.append(order))
    watch = run_watch.RunWatch(root / "birds-1", None, "jobs")
    watch.order(run_watch.RunOrder("stop-now"))
    watch.leave()  # before the watching thread has seen the order
    watch.work()
    assert sent == ["stop-now"]


def test_a_request_is_a_command_line() -> None:
    arguments = TrainingRequest(
        data=Path("birds"), recipe="quick", name="first", root=Path("runs"), settings={"floor": "none", "epochs": 3}
    ).arguments
    assert arguments[:2] == ("train", "birds")
    assert "--set=epochs=3" in arguments
    assert '--set=floor="none"' in arguments


_PREPARING = """
import json, time
progress = {"event": "progress", "what": "Finding the range of values", "total": 40, "seconds_left": 6.0}
for done in (3, 12):
    print(json.dumps({**progress, "done": done}), flush=True)
time.sleep(600)
"""


@posix
@pytest.mark.parametrize("order", ["stop_and_keep", "discard"])
def test_what_comes_before_the_run_folder_is_followed_and_can_be_stopped(
    qtbot: QtBot, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: str
) -> None:
    monkeypatch.setattr(
        training_job, "engine_command", lambda *arguments, prefix=(): [sys.executable, "-c", _PREPARING]
    )
    job = TrainingJob.start(request(tmp_path, root, 1))
    found: list[Preparation] = []
    failed: list[object] = []
    job.prepared.connect(lambda preparation, _: found.append(preparation))
    job.failed.connect(lambda error, _: failed.append(error))
    qtbot.waitUntil(lambda: bool(found) and found[-1].done == 12, timeout=PATIENCE)
    assert found[-1] == Preparation("Finding the range of values", 12, 40, 6.0)
    assert (job.text, job.fraction) == ("finding the range of values, 12 of 40", 0.3)
    with qtbot.waitSignal(job.ended, timeout=PATIENCE):
        getattr(job, order)()
    assert (job.status, job.run_status) == ("cancelled", "stopped")
    assert job.sentence == "Stopped before the training began; no run was made."
    assert not failed
    assert not job.run_path.exists()
