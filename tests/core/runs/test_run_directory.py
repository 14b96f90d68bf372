import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from s3n_core.errors import OutputError, RunError
from s3n_core.runs.run_directory import FORMAT_VERSION, RunDirectory, RunState, is_run
from s3n_core.runs.run_list import list_runs
from s3n_core.system.json_values import to_json
from s3n_core.system.locks import RunLock

JUNK = [b"", b"{", b"[]", b"null", b"\xff\xfe\x00", b'{"status": "running"', b"[" * 100_000]


def test_a_new_run_has_its_layout(run: RunDirectory) -> None:
    assert sorted(path.name for path in run.path.iterdir()) == ["checkpoints", "run.json", "snapshots"]
    read = run.read_run()
    assert read["recipe"] == "quick"
    assert read["format"] == "s3n-run"
    assert abs(read["created"] - time.time()) < 60
    assert run.read_state() is None
    assert run.read_pointer("last") is None


def test_an_empty_folder_may_become_a_run_and_a_full_one_not(root: Path) -> None:
    (root / "empty").mkdir()
    RunDirectory.create(root / "empty", {})
    with pytest.raises(
        RunError, match=r"There is already a run with this name, .*empty; resume it, move it to the trash"
    ):
        RunDirectory.create(root / "empty", {})
    (root / "letters").mkdir()
    (root / "letters" / "a.txt").touch()
    with pytest.raises(RunError, match="is not empty; choose another name"):
        RunDirectory.create(root / "letters", {})
    (root / "file").touch()
    with pytest.raises(OutputError, match="a file has the name of one of its folders"):
        RunDirectory.create(root / "file", {})


def test_a_folder_without_run_json_is_made_whole_last(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(self: RunDirectory, run: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(RunDirectory, "write_run", killed)
    with pytest.raises(KeyboardInterrupt):
        RunDirectory.create(root / "half", {})
    assert list_runs(root) == []
    assert not (root / "half").exists()
    monkeypatch.undo()
    RunDirectory.create(root / "half", {})  # its name is free


def test_what_a_run_is_filled_with_is_there_before_its_run_json(root: Path) -> None:
    def fill(run: RunDirectory) -> None:
        assert not is_run(run.path)
        run.split_csv.write_text("whole")

    run = RunDirectory.create(root / "filled", {}, fill=fill)
    assert (is_run(run.path), run.split_csv.read_text()) == (True, "whole")


def test_two_that_create_one_run_do_not_take_it_from_each_other(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "same" / "checkpoints").mkdir(parents=True)
    monkeypatch.setattr(RunDirectory, "require_free", lambda path: None)  # it was free a moment before
    with pytest.raises(RunError, match="already a run"):
        RunDirectory.create(root / "same", {})
    assert (root / "same" / "checkpoints").is_dir()


def test_state_comes_back(run: RunDirectory) -> None:
    state = RunState(
        status="running",
        epoch=2,
        epochs=60,
        batch=5,
        batches=100,
        images_per_second=12.5,
        seconds_left=float("inf"),
        pid=7,
        process_created=1.5,
        message="läuft",
        best_epoch=1,
        best_accuracy=0.5,
    )
    before = time.time()
    run.write_state(state)
    read = run.read_state()
    assert read is not None
    assert before - 1 <= read.updated <= time.time() + 1
    assert to_json(read) == {**to_json(state), "updated": read.updated}
    assert read.seconds_left is None


def test_state_of_another_version_is_read(run: RunDirectory) -> None:
    run.state_json.write_text('{"status": "paused", "mood": "good"}', encoding="utf-8")
    assert run.read_state() == RunState(status="paused")


@pytest.mark.parametrize(
    "content",
    [
        *JUNK,
        b'{"status": "dancing"}',
        b'{"status": ["running"]}',
        b'{"status": "running", "epoch": "3"}',
        b'{"status": "running", "epoch": null}',
        b'{"status": "running", "epoch": true}',
        b'{"status": "running", "message": 3}',
    ],
)
def test_a_broken_state_is_named_with_what_to_do(run: RunDirectory, content: bytes) -> None:
    run.state_json.write_bytes(content)
    with pytest.raises(RunError, match=r"state\.json.*delete this file") as caught:
        run.read_state()
    assert str(run.state_json) in str(caught.value)


@pytest.mark.parametrize("content", [*JUNK, b"{}", b'{"format": "other"}', None])
def test_a_broken_run_json_is_named_with_what_to_do(run: RunDirectory, content: bytes | None) -> None:
    if content is None:
        run.run_json.unlink()
    else:
        run.run_json.write_bytes(content)
    with pytest.raises(RunError, match=r"run\.json.*restore it from a backup"):
        run.read_run()


@pytest.mark.parametrize("version", [FORMAT_VERSION + 1, 99, "1", None])
def test_a_newer_run_is_said_to_be_newer(run: RunDirectory, version: object) -> None:
    run.run_json.write_text(json.dumps({"format": "s3n-run", "format_version": version}), encoding="utf-8")
    with pytest.raises(RunError, match="newer version"):
        run.read_run()


def test_pointers_come_back(run: RunDirectory) -> None:
    run.write_pointer("last", "step-00000010")
    run.write_pointer("best", "step-00000005")
    run.write_pointer("last", "step-00000020")
    assert (run.read_pointer("last"), run.read_pointer("best")) == ("step-00000020", "step-00000005")
    with pytest.raises(ValueError, match="not the name of a checkpoint"):
        run.write_pointer("last", "../elsewhere")


@pytest.mark.parametrize("content", [b"", b"\n", b"../../etc", b"..", b"a/b", b"C:\\x", b"\xff", b"a\nb", b"a\0b"])
def test_a_broken_pointer_is_named(run: RunDirectory, content: bytes) -> None:
    (run.checkpoints / "last").write_bytes(content)
    with pytest.raises(RunError, match=r"last is broken.*write the name of a checkpoint"):
        run.read_pointer("last")


def test_summary_tells_interrupted_from_running(run: RunDirectory) -> None:
    assert run.summary().status == "interrupted"  # prepared, but no process holds it
    with RunLock(run.path):
        assert run.summary().status == "starting"
        run.write_state(RunState(status="paused"))
        assert run.summary().status == "paused"
        assert run.summary().live
    assert run.summary().status == "interrupted"
    run.write_state(RunState(status="finished"))
    summary = run.summary()
    assert (summary.status, summary.live, summary.name) == ("finished", False, run.path.name)


def test_a_run_that_is_packed_is_listed_as_before(run: RunDirectory) -> None:
    with RunLock(run.path, packs=True):
        assert (run.summary().status, run.summary().live) == ("interrupted", False)
        run.write_state(RunState(status="finished"))
        assert (run.summary().status, run.summary().live) == ("finished", False)


def test_runs_are_listed_newest_first_whatever_their_names(root: Path) -> None:
    for created, name in enumerate(["Köln", "鳥", "птица", "طائر", "a b'c\"", "🐦"]):
        RunDirectory.create(root / name, {"created": float(created)})
    (root / ".trash").mkdir()
    (root / "notes.txt").touch()
    (root / "photographs").mkdir()
    assert [run.name for run in list_runs(root)] == ["🐦", "a b'c\"", "طائر", "птица", "鳥", "Köln"]


def test_one_broken_run_does_not_hide_the_others(root: Path) -> None:
    for name in ("good", "no run.json", "junk run.json", "junk state.json", "folder for state.json"):
        directory = RunDirectory.create(root / name, {})
        directory.metrics_jsonl.touch()
    (root / "no run.json" / "run.json").unlink()
    (root / "junk run.json" / "run.json").write_bytes(b"\0\0\0")
    (root / "junk state.json" / "state.json").write_bytes(b"\0\0\0")
    (root / "folder for state.json" / "state.json").mkdir()
    found = {run.name: run for run in list_runs(root)}
    assert len(found) == 5
    assert found.pop("good").status == "interrupted"
    for name, run in found.items():
        assert run.status == "broken"
        assert name in run.problem
        assert run.problem.endswith(".")
        assert run.created > 0


def test_a_missing_root_holds_no_runs_and_a_file_is_said(tmp_path: Path) -> None:
    assert list_runs(tmp_path / "missing") == []
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="cannot be read"):
        list_runs(tmp_path / "file")
    assert not is_run(tmp_path / "file")


def test_leftovers_go(run: RunDirectory) -> None:
    left = run.checkpoints / ".s3n-1-ab.tmp"
    left.touch()
    os.utime(left, (1, 1))
    assert run.remove_leftovers() == 1


def test_a_full_disk_keeps_state_and_pointer(small_disk: Any) -> None:
    run = RunDirectory.create(small_disk.path / "run", {})
    run.write_state(RunState(status="running", epoch=1))
    run.write_pointer("last", "step-1")
    small_disk.fill()
    with pytest.raises(OutputError, match=r"disk is full.*state\.json"):
        run.write_state(RunState(status="running", epoch=2))
    with pytest.raises(OutputError, match=r"disk is full.*last"):
        run.write_pointer("last", "step-2")
    state = run.read_state()
    assert state is not None
    assert state.epoch == 1
    assert run.read_pointer("last") == "step-1"
    with pytest.raises(OutputError, match="disk is full"):
        RunDirectory.create(small_disk.path / "another", {"filler": "x" * 10_000})


def test_a_read_only_disk_can_be_read_and_not_written(small_disk: Any) -> None:
    run = RunDirectory.create(small_disk.path / "run", {})
    run.write_state(RunState(status="finished"))
    small_disk.make_read_only()
    assert [found.status for found in list_runs(small_disk.path)] == ["finished"]
    with pytest.raises(OutputError, match="read-only"):
        run.write_state(RunState(status="running"))
    with pytest.raises(OutputError, match="read-only"):
        RunDirectory.create(small_disk.path / "another", {})
