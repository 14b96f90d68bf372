import os
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from s3n_core.runs import following
from s3n_core.runs.following import RunFollower
from s3n_core.runs.metrics import MetricsWriter
from s3n_core.runs.run_directory import RunDirectory, RunState
from s3n_core.runs.trash import move_to_trash
from s3n_core.system.locks import RunLock


def test_a_run_is_followed_in_a_loop_until_it_is_closed(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "POLL_SECONDS", 600.0)  # woken by another thread, not by the timeout
    with MetricsWriter(run.metrics_jsonl) as metrics:
        for number in range(20):
            metrics.write_epoch({"epoch": number})
        follower, seen = RunFollower(run.path, most_bytes=100), list[int]()
        for change in follower:
            seen += [line["epoch"] for line in change.metrics]
            if len(seen) == 20 and not change.more:
                metrics.write_epoch({"epoch": 20})
                threading.Timer(0.05, follower.wake).start()
            if len(seen) == 21:
                threading.Timer(0.05, follower.close).start()
    assert seen == list(range(21))


def test_a_run_is_followed_from_its_beginning_to_its_end(run: RunDirectory) -> None:
    follower = RunFollower(run.path)
    first = follower.poll()
    assert (first.status, first.changed, first.metrics, first.state) == ("interrupted", True, [], None)
    assert not follower.poll().changed

    with RunLock(run.path), MetricsWriter(run.metrics_jsonl) as metrics:
        assert follower.poll().status == "starting"
        run.write_state(RunState(status="running", epoch=0))
        metrics.write_epoch({"epoch": 0})
        (run.snapshots / "epoch-000").mkdir()
        change = follower.poll()
        assert (change.status, change.live, change.changed) == ("running", True, True)
        assert [line["epoch"] for line in change.metrics] == [0]
        assert change.snapshots == ("epoch-000",)
        assert change.state is not None

        still = follower.poll()
        assert not still.changed
        assert still.state == change.state
        (run.snapshots / "epoch-001").mkdir()
        assert follower.poll().snapshots == ("epoch-001",)
        run.write_state(RunState(status="finished"))
    assert follower.poll().status == "finished"
    assert not follower.poll().changed


@pytest.mark.parametrize(
    ("state", "status"),
    [(None, "interrupted"), (RunState(status="running"), "interrupted"), (RunState(status="finished"), "finished")],
)
def test_a_run_that_is_packed_is_not_trained(run: RunDirectory, state: RunState | None, status: str) -> None:
    if state is not None:
        run.write_state(state)
    follower = RunFollower(run.path)
    follower.poll()
    with RunLock(run.path, packs=True):
        change = follower.poll()
        assert (change.status, change.live, change.changed) == (status, False, False)


def test_a_finished_run_is_told_at_once_in_whole(run: RunDirectory) -> None:
    with MetricsWriter(run.metrics_jsonl) as metrics:
        metrics.write_epoch({"epoch": 0})
    run.write_state(RunState(status="stopped"))
    change = RunFollower(run.path).poll()
    assert (change.status, len(change.metrics), change.restarted) == ("stopped", 1, False)


def test_a_killed_training_is_interrupted_and_a_resume_restarts(run: RunDirectory, start: Callable[..., Any]) -> None:
    code = """
import sys
from pathlib import Path
from s3n_core.system.locks import RunLock
from s3n_core.runs.metrics import MetricsWriter
from s3n_core.runs.run_directory import RunDirectory, RunState
run = RunDirectory(Path(sys.argv[1]))
with RunLock(run.path), MetricsWriter(run.metrics_jsonl) as metrics:
    run.write_state(RunState(status="running"))
    for epoch in range(3):
        metrics.write_epoch({"epoch": epoch})
    print("ready", flush=True)
    sys.stdin.readline()
"""
    follower = RunFollower(run.path)
    process = start(code, run.path)
    change = follower.poll()
    assert (change.status, len(change.metrics)) == ("running", 3)
    process.kill()
    process.wait()
    assert follower.poll().status == "interrupted"

    with RunLock(run.path), MetricsWriter(run.metrics_jsonl, offset=39) as metrics:
        metrics.write_epoch({"epoch": 1, "again": True})
        change = follower.poll()
        assert change.restarted
        assert [line["epoch"] for line in change.metrics] == [0, 1]
        assert change.status == "running"


def test_a_broken_state_is_said_and_the_last_good_one_stays(run: RunDirectory) -> None:
    follower = RunFollower(run.path)
    with RunLock(run.path):
        run.write_state(RunState(status="running", epoch=3))
        follower.poll()
        run.state_json.write_bytes(b"\0\0\0")
        change = follower.poll()
        assert "state.json" in change.problem
        assert change.status == "running"
        assert change.state is not None
        assert change.state.epoch == 3
        assert not follower.poll().changed
        run.write_state(RunState(status="running", epoch=4))
        assert follower.poll().problem == ""


def test_a_deleted_run_is_gone_and_may_return(root: Path, run: RunDirectory) -> None:
    run.write_state(RunState(status="finished"))
    follower = RunFollower(run.path)
    assert not follower.poll().gone
    entry = move_to_trash(run.path, root)
    change = follower.poll()
    assert (change.gone, change.changed, change.state) == (True, True, None)
    assert not follower.poll().changed
    shutil.move(entry.path, run.path)
    assert follower.poll().status == "finished"
    assert RunFollower(root / "never").poll().gone


def test_a_look_at_an_old_run_reads_nothing_again(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    with MetricsWriter(run.metrics_jsonl) as metrics:
        for epoch in range(100):
            metrics.write_epoch({"epoch": epoch})
    with RunLock(run.path):
        run.write_state(RunState(status="running"))
        for epoch in range(500):
            (run.snapshots / f"{epoch}").touch()
        os.utime(run.snapshots, (time.time() - 100,) * 2)
        follower = RunFollower(run.path)
        follower.poll()
        read: list[object] = []
        monkeypatch.setattr(os, "listdir", read.append)
        monkeypatch.setattr(RunDirectory, "read_state", lambda _: read.append("state"))
        for _ in range(3):
            assert not follower.poll().changed
        assert read == []


def test_following_never_fails(run: RunDirectory, tmp_path: Path) -> None:
    for path in (tmp_path / "file", tmp_path / "x" / "y", run.path):
        if path.name == "file":
            path.touch()
        follower = RunFollower(path)
        follower.poll()
    run.metrics_jsonl.mkdir()
    shutil.rmtree(run.snapshots)
    run.snapshots.touch()
    run.state_json.mkdir()
    run.lock.mkdir()
    change = follower.poll()
    assert change.problem
    assert not change.live


@pytest.mark.parametrize("name", ["鳥", "a b", "é" * 60])
def test_any_folder_name_will_do(root: Path, name: str) -> None:
    run = RunDirectory.create(root / name, {})
    with RunLock(run.path):
        assert RunFollower(run.path).poll().live
