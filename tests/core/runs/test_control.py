import json
import logging
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from s3n_core.errors import OutputError, RunBusy, RunError
from s3n_core.runs import control
from s3n_core.runs.control import OrderReader, send_order
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.system.locks import RunLock


@pytest.fixture
def held(run: RunDirectory) -> Iterator[RunLock]:
    with RunLock(run.path) as lock:
        yield lock


@pytest.mark.usefixtures("held")
def test_each_order_is_obeyed_once(run: RunDirectory) -> None:
    reader = OrderReader(run.path)
    assert reader.poll() is None
    for order in ("pause", "resume", "pause", "stop", "stop-now", "discard"):
        send_order(run.path, order)  # type: ignore[arg-type]
        assert reader.poll() == order
        assert reader.poll() is None


def test_a_run_that_is_packed_takes_no_orders(run: RunDirectory) -> None:
    with RunLock(run.path, packs=True):
        for order in ("resume", "stop", "stop-now"):
            with pytest.raises(RunBusy, match="is being packed"):
                send_order(run.path, order)  # type: ignore[arg-type]
        with pytest.raises(RunBusy, match="is being packed"):
            RunLock(run.path).acquire()
    assert not run.control_json.exists()


@pytest.mark.usefixtures("held")
def test_the_same_order_again_is_a_new_order(run: RunDirectory) -> None:
    reader = OrderReader(run.path)
    first, second = send_order(run.path, "pause"), None
    assert reader.poll() == "pause"
    second = send_order(run.path, "pause")
    assert first != second
    assert reader.poll() == "pause"


@pytest.mark.usefixtures("held")
def test_an_order_sent_before_the_reader_was_made_counts(run: RunDirectory) -> None:
    send_order(run.path, "stop")
    assert OrderReader(run.path).poll() == "stop"


@pytest.mark.usefixtures("held")
def test_a_copy_of_an_order_is_not_a_new_one(run: RunDirectory) -> None:
    reader = OrderReader(run.path)
    send_order(run.path, "pause")
    assert reader.poll() == "pause"
    run.control_json.write_bytes(run.control_json.read_bytes())
    os.utime(run.control_json, (1, 1))
    assert reader.poll() is None


def test_an_order_is_not_obeyed_after_a_restart(run: RunDirectory) -> None:
    with RunLock(run.path):
        send_order(run.path, "pause")
    with RunLock(run.path):
        reader = OrderReader(run.path)
        assert reader.poll() is None
        send_order(run.path, "stop")  # although a "pause" of the last session is still there
        assert reader.poll() == "stop"
    with RunLock(run.path):
        reader = OrderReader(run.path)
        assert reader.poll() is None
        send_order(run.path, "pause")  # although a "stop" of the last session is still there
        assert reader.poll() == "pause"


def test_nobody_to_obey_is_said(run: RunDirectory) -> None:
    with pytest.raises(RunError, match="is not being trained"):
        send_order(run.path, "stop")
    assert not run.control_json.exists()


def test_an_order_to_a_killed_trainer_is_refused(run: RunDirectory, start: Callable[..., Any]) -> None:
    code = """
import sys
from pathlib import Path
from s3n_core.system.locks import RunLock
lock = RunLock(Path(sys.argv[1]))
lock.acquire()
print("ready", flush=True)
sys.stdin.readline()
"""
    holder = start(code, run.path)
    send_order(run.path, "pause")
    holder.kill()
    holder.wait()
    with pytest.raises(RunError, match="is not being trained"):
        send_order(run.path, "stop")
    with RunLock(run.path):
        assert OrderReader(run.path).poll() is None


def test_a_live_process_obeys_and_ends(run: RunDirectory, start: Callable[..., Any]) -> None:
    code = """
import sys, time
from pathlib import Path
from s3n_core.runs.control import OrderReader
from s3n_core.system.locks import RunLock
with RunLock(Path(sys.argv[1])):
    orders = OrderReader(Path(sys.argv[1]))
    print("ready", flush=True)
    while (order := orders.poll()) is None:
        time.sleep(0.01)
    print(order)
"""
    trainer = start(code, run.path)
    send_order(run.path, "stop")
    assert trainer.stdout.readline().strip() == "stop"
    assert trainer.wait(5) == 0


@pytest.mark.usefixtures("held")
@pytest.mark.parametrize(("first", "second"), [("stop", "pause"), ("stop-now", "stop"), ("discard", "resume")])
def test_a_window_cannot_undo_the_stop_of_another(run: RunDirectory, first: Any, second: Any) -> None:
    reader = OrderReader(run.path)
    send_order(run.path, first)
    with pytest.raises(RunError, match="already"):
        send_order(run.path, second)
    assert reader.poll() == first


@pytest.mark.usefixtures("held")
def test_the_most_final_of_many_orders_at_once_wins(run: RunDirectory) -> None:
    def send(order: Any) -> None:
        for _ in range(5):
            try:
                send_order(run.path, order)
            except RunError:
                return

    threads = [threading.Thread(target=send, args=(order,)) for order in ("pause", "stop", "resume", "stop-now")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert OrderReader(run.path).poll() == "stop-now"


@pytest.mark.usefixtures("held")
@pytest.mark.parametrize(
    "content",
    [b"", b"{", b'{"id": "1", "order": "pau', b"[1, 2]", b"7", b"\xff\x00", b'{"order": "stop"}', b"[" * 100_000],
)
def test_junk_is_no_order_and_no_failure(run: RunDirectory, content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    reader = OrderReader(run.path)
    run.control_json.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert reader.poll() is None
        assert reader.poll() is None
    assert len(caplog.records) == 1  # logged once, not on every poll
    assert "control.json" in caplog.text
    send_order(run.path, "pause")
    assert reader.poll() == "pause"


def test_a_well_formed_order_with_odd_values_is_ignored(run: RunDirectory, held: RunLock) -> None:
    reader = OrderReader(run.path)
    assert held.owner is not None
    session = held.owner.session
    for value in (
        {"id": "1", "order": "explode", "session": session},
        {"id": "2", "order": ["stop"], "session": session},
        {"id": "3", "order": "stop", "session": "another"},
        {"id": "4", "order": "stop", "session": None},
    ):
        run.control_json.write_text(json.dumps(value), encoding="utf-8")
        assert reader.poll() is None


@pytest.mark.usefixtures("held")
def test_a_file_completed_after_a_look_is_read_then(run: RunDirectory) -> None:
    reader = OrderReader(run.path)
    send_order(run.path, "pause")
    whole = run.control_json.read_bytes()
    run.control_json.write_bytes(whole[:20])
    assert reader.poll() is None
    run.control_json.write_bytes(whole)
    assert reader.poll() == "pause"


@pytest.mark.usefixtures("held")
def test_a_look_at_nothing_new_only_stats(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = OrderReader(run.path)
    send_order(run.path, "pause")
    reader.poll()
    monkeypatch.setattr(control, "read_bytes", lambda path: pytest.fail("read again"))
    for _ in range(3):
        assert reader.poll() is None


def test_a_reader_of_a_run_that_nobody_locked_takes_young_orders(run: RunDirectory) -> None:
    run.control_json.write_text('{"id": "1", "order": "stop", "session": "x"}', encoding="utf-8")
    reader = OrderReader(run.path)
    assert reader.poll() is None
    run.control_json.write_text('{"id": "22", "order": "pause", "session": "x"}', encoding="utf-8")
    assert reader.poll() == "pause"


def test_an_unknown_order_is_said(run: RunDirectory) -> None:
    with pytest.raises(RunError, match="no command 'explode'"):
        send_order(run.path, "explode")  # type: ignore[arg-type]


def test_full_and_read_only_disks_are_said(small_disk: Any) -> None:
    run = RunDirectory.create(small_disk.path / "run", {})
    with RunLock(run.path):
        reader = OrderReader(run.path)
        send_order(run.path, "pause")
        before = run.control_json.read_bytes()
        small_disk.fill()
        with pytest.raises(OutputError, match="disk is full"):
            send_order(run.path, "resume")
        assert run.control_json.read_bytes() == before
        assert reader.poll() == "pause"
