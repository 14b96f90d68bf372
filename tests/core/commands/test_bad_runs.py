"""Broken run folders, and runs that another process is training."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from command_line import Command
from small_training import TrainedRun, prepare_small_run

from s3n_core.runs import control, ending
from s3n_core.runs.run_directory import RunDirectory, is_live
from s3n_core.system.locks import RunLock

Damage = Callable[[RunDirectory], None]


def overwrite(path: Path, data: bytes) -> None:
    path.unlink(missing_ok=True)  # a model file may be hard-linked from another test's run
    path.write_bytes(data)


def tear_checkpoints(run: RunDirectory) -> None:
    for path in run.checkpoints.glob("*.safetensors"):
        overwrite(path, path.read_bytes()[:1000])


def break_pointers(run: RunDirectory) -> None:
    for name in ("last", "best"):
        overwrite(run.checkpoints / name, b"../x\n\n")


def lose_pointers(run: RunDirectory) -> None:
    for name in ("last", "best"):
        (run.checkpoints / name).unlink()


def remove_checkpoints(run: RunDirectory) -> None:
    for path in run.checkpoints.glob("step-*"):
        path.unlink()


DAMAGES: dict[str, Damage] = {
    "no run.json": lambda run: run.run_json.unlink(),
    "empty run.json": lambda run: overwrite(run.run_json, b""),
    "run.json of noise": lambda run: overwrite(run.run_json, b"\xff\xfe\x00"),
    "run.json of a list": lambda run: overwrite(run.run_json, b"[]"),
    "run.json of nothing": lambda run: overwrite(run.run_json, b'{"format": "s3n-run", "format_version": 1}'),
    "run.json of tomorrow": lambda run: overwrite(run.run_json, b'{"format": "s3n-run", "format_version": 99}'),
    "broken state.json": lambda run: overwrite(run.state_json, b'{"status": 7'),
    "broken pointers": break_pointers,
    "lost pointers": lose_pointers,
    "torn checkpoints": tear_checkpoints,
    "no checkpoints": remove_checkpoints,
    "broken metrics": lambda run: overwrite(
        run.metrics_jsonl, b'{"kind": "epoch", "loss": null}\nnoise\n{"kind": 3}\n'
    ),
    "no metrics": lambda run: run.metrics_jsonl.unlink(),
    "broken split": lambda run: overwrite(run.split_csv, b"noise"),
    "no split": lambda run: run.split_csv.unlink(),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_broken_run(s3n: Command, run: RunDirectory, trained_run: TrainedRun, tmp_path: Path, damage: str) -> None:
    DAMAGES[damage](run)
    files = sorted(path for path in run.path.rglob("*") if path.name != "lock")
    listed = s3n("runs", "list")
    assert listed.code == 0
    assert "birds-1" in listed.out
    assert s3n("runs", "list", "--json").code == 0
    assert s3n("runs", "show", "birds-1").code == 0
    assert s3n("runs", "show", "birds-1", "--json").code == 0
    predicted = s3n("predict", "birds-1", trained_run.data, "--split", "test", "--out", tmp_path / "table.csv")
    if predicted.code:
        assert str(run.path) in predicted.sentence
        assert not (tmp_path / "table.csv").exists()
    resumed = s3n("runs", "resume", "birds-1")
    if resumed.code:
        assert resumed.err.splitlines()[-1].startswith("Error: ")
    assert [path for path in files if not path.exists()] == []  # no file is lost
    assert s3n("runs", "trash", "birds-1").code == 0


def test_the_data_of_a_run_are_gone(s3n: Command, run: RunDirectory, tmp_path: Path) -> None:
    import json

    content = json.loads(run.run_json.read_bytes())
    content["data"]["root"] = str(tmp_path / "moved away")
    overwrite(run.run_json, json.dumps(content).encode())
    assert "is finished" in s3n("runs", "resume", "birds-1").sentence
    assert "moved away" in s3n("runs", "resume", "birds-1", "--epochs", 9).sentence


def test_a_run_that_is_live(
    s3n: Command, run: RunDirectory, trained_run: TrainedRun, tmp_path: Path, s3n_home: Path
) -> None:
    with RunLock(run.path):
        assert "being trained" in s3n("runs", "trash", "birds-1").sentence
        again = s3n("train", trained_run.data, "--name", "birds-1", "--set", "weights=none")
        assert again.code == 1
        assert "choose another name" in again.err
        assert "is active" in s3n("runs", "resume", "birds-1").err  # an order, not a second training
        assert s3n("predict", "birds-1", trained_run.data, "--split", "test", "--out", tmp_path / "t.csv").code == 0
        ((listed,),) = s3n("runs", "list", "--json").events
        assert listed["live"]
    assert (s3n_home / "runs" / "birds-1" / "run.json").is_file()


@pytest.fixture
def training(s3n_home: Path, drawn_birds: Path, tmp_path: Path) -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    """Start a training command that would take hours; stop it at the end of the test."""
    prepare_small_run(s3n_home / "runs" / "long", drawn_birds, epochs=9999, checkpoint_minutes=0.01)
    started: list[subprocess.Popen[bytes]] = []

    def start(log: str) -> subprocess.Popen[bytes]:
        with (tmp_path / log).open("wb") as file:
            command = [sys.executable, "-m", "s3n_core", "runs", "resume", "long", "--workers", "1"]
            started.append(subprocess.Popen(command, stdout=file, stderr=file))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def wait_for(what: Callable[[], bool], process: subprocess.Popen[bytes], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert process.poll() is None, "the training ended early"
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_live_run_is_steered(
    s3n: Command, training: Callable[[str], subprocess.Popen[bytes]], s3n_home: Path, tmp_path: Path
) -> None:
    run = RunDirectory(s3n_home / "runs" / "long")

    def has_status(status: str) -> Callable[[], bool]:
        return lambda: run.summary().status == status

    process = training("first.log")
    wait_for(has_status("running"), process)
    assert "s3n runs resume long" in s3n("runs", "pause", "long").err
    wait_for(has_status("paused"), process)
    assert "being trained" in s3n("runs", "trash", "long").sentence
    assert s3n("runs", "resume", "long").code == 0
    wait_for(has_status("running"), process)
    process.send_signal(signal.SIGINT)  # what Ctrl+C sends
    assert process.wait(120) == 130
    log = (tmp_path / "first.log").read_text(encoding="utf-8")
    assert "Stopping after this batch; everything is kept" in log
    assert "`s3n runs resume long` continues it." in log
    assert "Traceback" not in log
    assert run.summary().status == "stopped"
    assert run.read_pointer("last") is not None

    process = training("second.log")
    wait_for(has_status("running"), process)
    assert s3n("runs", "stop", "long").err.startswith("Stopping.\nStopped; everything is kept.")
    assert not is_live(run.path)
    assert process.wait(60) == 0
    log = (tmp_path / "second.log").read_text(encoding="utf-8")
    assert log.startswith("Resuming at epoch ")
    assert "Stopped in epoch" in log


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_run_that_does_not_follow_is_ended(s3n: Command, run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    deaf = """
import signal, sys
from pathlib import Path
from s3n_core.system.locks import RunLock
signal.signal(signal.SIGTERM, signal.SIG_IGN)
with RunLock(Path(sys.argv[1])):
    print("ready", flush=True)
    signal.pause()
"""
    monkeypatch.setattr(ending, "STOP_NOW_SECONDS", 0.2)
    monkeypatch.setattr(ending, "end_run", partial(ending.end_run, grace_seconds=0.2))
    process = subprocess.Popen([sys.executable, "-c", deaf, str(run.path)], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        outcome = s3n("runs", "stop", run.path.name, "--now")
        assert process.wait(30) == -signal.SIGKILL
    finally:
        process.kill()
        process.communicate()
    assert outcome.code == 0
    assert "its process was terminated; its last checkpoint is kept" in outcome.err
    assert not is_live(run.path)


def test_a_run_that_somebody_resumes_at_once_is_left_alone(
    s3n: Command, run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session that was asked to stop has ended; a loop around `s3n runs resume` has begun the next one."""
    monkeypatch.setattr(ending, "STOP_SECONDS", 5)
    ended: list[Path] = []
    monkeypatch.setattr(ending, "end_run", ended.append)
    first, second = RunLock(run.path), RunLock(run.path)

    def follow(path: Path, order: str) -> None:
        first.__exit__(None, None, None)
        second.__enter__()

    monkeypatch.setattr(control, "send_order", follow)
    with first:
        try:
            outcome = s3n("runs", "stop", run.path.name)
        finally:
            second.__exit__(None, None, None)
    assert outcome.err.startswith("Stopping.\nStopped; everything is kept.")
    assert ended == []


def test_quitting_at_once(training: Callable[[str], subprocess.Popen[bytes]], s3n_home: Path, tmp_path: Path) -> None:
    """A second Ctrl+C ends the process without losing saved data."""
    run = RunDirectory(s3n_home / "runs" / "long")
    process = training("quit.log")
    wait_for(lambda: run.read_pointer("last") is not None, process)
    for _ in range(2):
        process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    assert "Traceback" not in (tmp_path / "quit.log").read_text(encoding="utf-8")
    assert run.summary().status == "stopped"
