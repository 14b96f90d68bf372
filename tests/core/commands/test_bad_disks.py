"""Full or read-only disks: a clear error, existing files are kept, and the same command works once there is space."""

from pathlib import Path

import pytest
from command_line import Command, Outcome
from small_training import SMALL, TrainedRun

from s3n_core.runs.run_directory import RunDirectory

SMALL_SETTINGS = [part for key, value in (SMALL | {"epochs": 1}).items() for part in ("--set", f"{key}={value}")]


def write_with(s3n: Command, command: str, model: Path, data: Path, disk: Path) -> Outcome:
    """Run a command that writes to a disk."""
    match command:
        case "train":
            return s3n("train", data, "--runs", disk / "runs", "--device", "cpu", *SMALL_SETTINGS)
        case "predict":
            return s3n("predict", model, data, "--split", "test", "--out", disk / "table.csv")
        case "export":
            return s3n("export", model, data, "--split", "test", "--out", disk / "attention", "--dpi", 40)
        case "evaluate":
            return s3n("evaluate", model, data, "--out", disk / "figures")
    return s3n("demo-data", disk / "birds", "--train", 1, "--test", 0, "--workers", 1)


@pytest.mark.parametrize("state", ["full", "read-only"])
@pytest.mark.parametrize("command", ["train", "predict", "export", "evaluate", "demo-data"])
def test_no_room(s3n: Command, trained_run: TrainedRun, model: Path, small_disk, command: str, state: str) -> None:  # type: ignore[no-untyped-def]
    kept = small_disk.path / "kept.txt"
    kept.write_text("kept", encoding="utf-8")
    if state == "full":
        small_disk.fill()
    else:
        small_disk.make_read_only()
    outcome = write_with(s3n, command, model, trained_run.data, small_disk.path)
    assert outcome.code == 1
    last = outcome.err.splitlines()[-1]
    assert last.startswith("Error: ")
    assert str(small_disk.path) in last
    assert any(word in last.lower() for word in ("full", "read-only", "no space"))
    assert kept.read_text(encoding="utf-8") == "kept"


def test_a_disk_that_fills_up_under_a_training(
    s3n: Command,
    trained_run: TrainedRun,
    model: Path,
    small_disk,  # type: ignore[no-untyped-def]
) -> None:
    """The run folder fits on the disk, its first checkpoint does not."""
    outcome = write_with(s3n, "train", model, trained_run.data, small_disk.path)
    assert outcome.code == 1
    assert outcome.err.splitlines()[-1].startswith("Error: The disk is full, so ")
    run = RunDirectory(small_disk.path / "runs" / "birds-1")
    assert run.read_run()["classes"]
    assert not list(run.checkpoints.iterdir())
    assert run.summary().status in ("failed", "interrupted")


def test_an_old_table_outlives_a_full_disk(
    s3n: Command,
    trained_run: TrainedRun,
    model: Path,
    small_disk,  # type: ignore[no-untyped-def]
) -> None:
    table = small_disk.path / "table.csv"
    table.write_text("precious", encoding="utf-8")
    small_disk.fill()
    assert write_with(s3n, "predict", model, trained_run.data, small_disk.path).code == 1
    assert table.read_text(encoding="utf-8") == "precious"
    small_disk.free()
    assert write_with(s3n, "predict", model, trained_run.data, small_disk.path).code == 0
    assert len(table.read_text(encoding="utf-8").splitlines()) == 13


def test_resume_on_a_read_only_disk(s3n: Command, run: RunDirectory, small_disk) -> None:  # type: ignore[no-untyped-def]
    """An archived run on a read-only disk can be read but not trained."""
    copy = small_disk.path / "kept"
    copy.mkdir()
    for name in ("run.json", "split.csv", "state.json", "metrics.jsonl"):
        (copy / name).write_bytes((run.path / name).read_bytes())
    small_disk.make_read_only()
    assert s3n("runs", "show", copy).code == 0
    assert "read-only" in s3n("runs", "resume", copy).sentence
