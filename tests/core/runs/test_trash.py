import os
import stat
import time
from pathlib import Path
from typing import Any

import pytest

from s3n_core.errors import OutputError, RunError
from s3n_core.runs import trash
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.runs.run_list import list_runs
from s3n_core.runs.trash import empty_trash, list_trash, move_to_trash, restore
from s3n_core.system.locks import RunLock


def test_deleting_can_be_undone(root: Path, run: RunDirectory) -> None:
    entry = move_to_trash(run.path, root)
    assert list_runs(root) == []
    assert [(found.path, found.name) for found in list_trash(root)] == [(entry.path, run.path.name)]
    assert abs(list_trash(root)[0].deleted - time.time()) < 60
    assert restore(entry, root) == run.path
    assert run.read_run()["recipe"] == "quick"
    assert list_trash(root) == []


def test_a_name_taken_meanwhile_gets_a_number(root: Path, run: RunDirectory) -> None:
    entry = move_to_trash(run.path, root)
    RunDirectory.create(run.path, {"recipe": "another"})
    again = restore(entry, root)
    assert again.name == run.path.name + "-2"
    assert RunDirectory(again).read_run()["recipe"] == "quick"
    assert run.read_run()["recipe"] == "another"


def test_runs_of_one_name_lie_side_by_side_the_last_first(root: Path) -> None:
    for number in range(3):
        move_to_trash(RunDirectory.create(root / "same", {"number": number}).path, root)
    assert [RunDirectory(entry.path).read_run()["number"] for entry in list_trash(root)] == [2, 1, 0]


def test_a_live_run_is_refused(root: Path, run: RunDirectory) -> None:
    with RunLock(run.path), pytest.raises(RunError, match="being trained; stop it"):
        move_to_trash(run.path, root)
    with RunLock(run.path, packs=True), pytest.raises(RunError, match="is being packed"):
        move_to_trash(run.path, root)
    assert run.path.is_dir()


def test_only_runs_of_this_folder_are_moved(root: Path, tmp_path: Path) -> None:
    (root / "photographs").mkdir()
    with pytest.raises(RunError, match="only runs"):
        move_to_trash(root / "photographs", root)
    elsewhere = RunDirectory.create(tmp_path / "elsewhere", {})
    with pytest.raises(RunError, match="not in the runs folder"):
        move_to_trash(elsewhere.path, root)
    assert elsewhere.path.is_dir()


def test_a_broken_run_can_be_deleted(root: Path, run: RunDirectory) -> None:
    run.run_json.write_bytes(b"\0")
    move_to_trash(run.path, root)
    assert list_runs(root) == []


def test_emptying_deletes_for_good(root: Path) -> None:
    for name in ("a", "b"):
        move_to_trash(RunDirectory.create(root / name, {}).path, root)
    kept = RunDirectory.create(root / "kept", {})
    assert empty_trash(root, older_than_seconds=3600) == 0
    assert empty_trash(root) == 2
    assert list_trash(root) == []
    assert kept.path.is_dir()
    assert empty_trash(root / "missing") == 0


def test_emptying_takes_a_link_and_not_what_it_names(root: Path, tmp_path: Path) -> None:
    real = RunDirectory.create(tmp_path / "real", {})
    try:
        (root / "linked").symlink_to(real.path, target_is_directory=True)
    except OSError:
        pytest.skip("links cannot be made here")
    move_to_trash(root / "linked", root)
    assert empty_trash(root) == 1
    assert real.read_run()


def test_emptying_goes_on_after_what_it_cannot_delete(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b", "c"):
        move_to_trash(RunDirectory.create(root / name, {}).path, root)
    real = trash._delete

    def refuse_one(folder: Path) -> None:
        if folder.name.endswith("-b"):
            raise PermissionError(13, "in use")
        real(folder)

    monkeypatch.setattr(trash, "_delete", refuse_one)
    with pytest.raises(OutputError, match="-b"):
        empty_trash(root)
    assert [entry.name for entry in list_trash(root)] == ["b"]


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_read_only_files_are_deleted(
    root: Path, run: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "weights of all"
    elsewhere.touch()
    elsewhere.chmod(0o440)
    (run.path / "weights").symlink_to(elsewhere)
    file = run.snapshots / "f"
    file.touch()
    file.chmod(0o400)
    run.snapshots.chmod(0o500)
    entry = move_to_trash(run.path, root)
    real, calls = trash.shutil.rmtree, []

    def refuse_first(folder: Path) -> None:  # simulated, because root may do everything
        calls.append(folder)
        if len(calls) == 1:
            raise PermissionError(13, "read-only")
        real(folder)

    monkeypatch.setattr(trash.shutil, "rmtree", refuse_first)
    assert empty_trash(root) == 1
    assert not entry.path.exists()
    assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o440, "what a link leads to is not the run's"


def test_what_else_lies_in_the_trash_is_left_alone(root: Path) -> None:
    (root / ".trash" / "notes").mkdir(parents=True)
    (root / ".trash" / "99999999T999999999999-x").mkdir()
    assert list_trash(root) == []
    assert empty_trash(root) == 0
    assert len(os.listdir(root / ".trash")) == 2


def test_what_is_gone_cannot_be_restored(root: Path, run: RunDirectory) -> None:
    entry = move_to_trash(run.path, root)
    empty_trash(root)
    with pytest.raises(RunError, match="no longer in the trash"):
        restore(entry, root)


def test_deleting_works_on_a_full_disk_and_not_on_a_read_only_one(small_disk: Any) -> None:
    run = RunDirectory.create(small_disk.path / "run", {})
    small_disk.fill()
    entry = move_to_trash(run.path, small_disk.path)
    assert restore(entry, small_disk.path) == run.path
    small_disk.make_read_only()
    with pytest.raises(OutputError, match="read-only"):
        move_to_trash(run.path, small_disk.path)
    assert run.path.is_dir()
