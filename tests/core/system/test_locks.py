import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from s3n_core.errors import OutputError, RunError
from s3n_core.runs.run_directory import RunDirectory, RunState
from s3n_core.system import locks
from s3n_core.system.locks import Owner, RunLock, is_live, is_training, read_owner
from s3n_core.system.processes import process_is_alive

HOLD_LOCK = """
import sys
from pathlib import Path
from s3n_core.system.locks import RunLock
with RunLock(Path(sys.argv[1])):
    print("ready", flush=True)
    sys.stdin.readline()
"""


def test_a_run_is_live_while_its_lock_is_held(run: RunDirectory) -> None:
    assert not is_live(run.path)
    with RunLock(run.path) as held:
        assert is_live(run.path)
        assert held.owner == read_owner(run.path)
        assert held.owner is not None
        assert held.owner.pid == os.getpid()
        assert held.owner.is_alive()
    assert not is_live(run.path)
    assert read_owner(run.path) is None


def test_looking_leaves_nothing_behind(run: RunDirectory, tmp_path: Path) -> None:
    before = sorted(run.path.iterdir())
    assert not is_live(run.path)
    assert sorted(run.path.iterdir()) == before
    assert not is_live(tmp_path / "missing")
    assert not (tmp_path / "missing").exists()


def test_each_taking_is_a_new_session(run: RunDirectory) -> None:
    sessions = set()
    for _ in range(2):
        with RunLock(run.path) as held:
            assert held.owner is not None
            sessions.add(held.owner.session)
    assert len(sessions) == 2


def test_a_second_trainer_is_told_who_the_first_is(run: RunDirectory) -> None:
    with RunLock(run.path), pytest.raises(RunError, match=rf"already being trained by process {os.getpid()};"):
        RunLock(run.path).acquire()


def test_may_be_released_by_another_thread(run: RunDirectory) -> None:
    held = RunLock(run.path)
    held.acquire()
    thread = threading.Thread(target=held.release)
    thread.start()
    thread.join()
    assert not is_live(run.path)
    held.release()  # releasing twice is harmless


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"run folder .* does not exist"):
        RunLock(tmp_path / "missing").acquire()


def test_a_killed_owner_leaves_a_free_lock(run: RunDirectory, start: Callable[..., Any]) -> None:
    holder = start(HOLD_LOCK, run.path)
    run.write_state(RunState(status="running"))
    assert is_live(run.path)
    assert run.summary().status == "running"
    with pytest.raises(RunError, match=rf"by process {holder.pid};"):
        RunLock(run.path).acquire()

    os.kill(holder.pid, signal.SIGKILL if sys.platform != "win32" else signal.SIGTERM)
    holder.wait()
    assert not is_live(run.path)
    assert run.summary().status == "interrupted"
    assert read_owner(run.path) is not None  # the dead owner's record remains and does no harm
    with RunLock(run.path) as held:
        assert held.owner == read_owner(run.path)


def test_a_packing_process_holds_a_run_that_nobody_trains(run: RunDirectory) -> None:
    with RunLock(run.path, packs=True):
        assert (is_live(run.path), is_training(run.path)) == (True, False)
    with RunLock(run.path):
        assert (is_live(run.path), is_training(run.path)) == (True, True)
    assert not is_training(run.path)


def test_lookers_never_take_each_other_for_a_training(run: RunDirectory) -> None:
    with RunLock(run.path):
        pass
    seen: list[bool] = []

    def look() -> None:
        seen.extend(is_live(run.path) for _ in range(150))

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    taken = 0
    while any(thread.is_alive() for thread in threads):
        with RunLock(run.path):
            taken += 1
        if taken == 1:
            break  # a trainer gets its lock despite the readers
    for thread in threads:
        thread.join()
    seen.clear()
    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken == 1
    assert not any(seen)


def test_an_owner_elsewhere_is_named_with_its_machine(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "_ACQUIRE_PATIENCE", 0.05)
    with RunLock(run.path) as held:
        assert held.owner is not None
        locks.write_json(run.path / "owner.json", {"session": "s", "pid": 4, "process_created": 1.0, "host": "gpu-box"})
        assert is_live(run.path)
        with pytest.raises(RunError, match="by process 4 on gpu-box;"):
            RunLock(run.path).acquire()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'{"pid": "x"}', b"\xff\xfe", b"9" * 5000])
def test_a_junk_owner_is_no_owner(run: RunDirectory, content: bytes) -> None:
    (run.path / "owner.json").write_bytes(content)
    assert read_owner(run.path) is None
    with RunLock(run.path):
        assert read_owner(run.path) is not None


def test_a_process_is_known_by_id_and_creation_time() -> None:
    me = Owner.this_process()
    assert process_is_alive(me.pid, me.process_created)
    assert not process_is_alive(me.pid, me.process_created - 60)
    assert not process_is_alive(2**31 - 1, me.process_created)
    assert not process_is_alive(-1, 0.0)
    assert not process_is_alive(10**30, 0.0)


def test_a_read_only_disk_is_said(small_disk: Any) -> None:
    run = RunDirectory.create(small_disk.path / "run", {})
    with RunLock(run.path):
        pass
    small_disk.make_read_only()
    assert not is_live(run.path)
    with pytest.raises(OutputError, match="read-only"):
        RunLock(run.path).acquire()


def test_a_full_disk_is_said_and_the_lock_let_go(small_disk: Any) -> None:
    run = RunDirectory.create(small_disk.path / "run", {})
    small_disk.fill()
    with pytest.raises(OutputError, match="disk is full"):
        RunLock(run.path).acquire()
    small_disk.free()
    assert not is_live(run.path)
    with RunLock(run.path):
        pass
