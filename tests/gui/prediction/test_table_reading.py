"""Following a table: while it grows, when it is truncated, when it is complete."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up_rows import header, part_lines, predictions, rows, write_part
from pytestqt.qtbot import QtBot

from s3n_core.prediction.rows import PredictionHeader
from s3n_core.prediction.tables import write_table
from s3n_gui.background.worker_thread import WorkerThread
from s3n_gui.prediction.table import table_reading
from s3n_gui.prediction.table.prediction_columns import Block, PredictionColumns
from s3n_gui.prediction.table.table_reading import TableReader
from s3n_gui.prediction.table.table_saving import Place, TableSaving

from PySide6.QtCore import QObject  # isort: skip


class Listener(QObject):
    def __init__(self, out: Path, *, growing: bool, restart: bool = False) -> None:
        super().__init__()
        self.predictions: PredictionColumns | None = None
        self.begun = 0
        self.finished: bool | None = None
        self.sentence = ""
        self.reader = TableReader(out, growing=growing, restart=restart, number=7)
        self.reader.began.connect(self.on_began)
        self.reader.read.connect(self.on_read)
        self.reader.ended.connect(self.on_ended)
        self.reader.unreadable.connect(self.on_unreadable)
        self.thread_of_reader = WorkerThread(self.reader)
        self.thread_of_reader.start()

    def on_began(self, number: int, its: PredictionHeader) -> None:
        assert number == 7
        self.predictions, self.begun = PredictionColumns(its), self.begun + 1

    def on_read(self, number: int, block: Block) -> None:
        assert self.predictions is not None
        self.predictions.append(block)

    def on_ended(self, number: int, finished: bool) -> None:
        self.finished = finished

    def on_unreadable(self, number: int, sentence: str) -> None:
        self.sentence = sentence

    def count(self) -> int:
        return 0 if self.predictions is None else len(self.predictions)


@pytest.fixture
def listeners() -> Iterator[list[Listener]]:
    made: list[Listener] = []
    yield made
    for one in made:
        one.reader.stop()
        one.thread_of_reader.wait()


def test_a_growing_table_is_followed_to_its_end(qtbot: QtBot, tmp_path: Path, listeners: list[Listener]) -> None:
    out, made = tmp_path / "t.json", rows(1000)
    part = tmp_path / "t.json.part"
    lines = part_lines(made).splitlines(keepends=True)
    listeners.append(one := Listener(out, growing=True))
    part.write_bytes(b"".join(lines[:400]) + lines[400][:25])
    qtbot.waitUntil(lambda: one.count() == 399, timeout=5000)
    with part.open("ab") as file:
        file.write(lines[400][25:] + b"".join(lines[401:600]))
    qtbot.waitUntil(lambda: one.count() == 599, timeout=5000)
    write_table(out, header(1000), made)
    part.unlink()
    one.reader.settle()
    qtbot.waitUntil(lambda: one.finished is not None, timeout=5000)
    assert one.finished
    assert one.begun == 1
    assert one.predictions is not None
    assert [one.predictions.row(n) for n in range(1000)] == made


def test_a_table_that_begins_anew_is_read_anew(qtbot: QtBot, tmp_path: Path, listeners: list[Listener]) -> None:
    out = tmp_path / "t.json"
    write_part(out, rows(300))
    listeners.append(one := Listener(out, growing=True))
    qtbot.waitUntil(lambda: one.count() == 300, timeout=5000)
    write_part(out, rows(20, seed=1))
    qtbot.waitUntil(lambda: one.begun == 2 and one.count() == 20, timeout=5000)


@pytest.mark.parametrize("left", [0, 300])
def test_rows_that_the_job_throws_away_are_not_read(
    qtbot: QtBot, tmp_path: Path, listeners: list[Listener], left: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "t.json"
    monkeypatch.setattr(table_reading, "_POLL_SECONDS", 0.02)
    write_part(out, rows(left))
    listeners.append(one := Listener(out, growing=True, restart=True))
    qtbot.wait(100)  # several polls of the reader
    assert one.begun == 0
    write_part(out, rows(400, seed=1))  # longer than the old rows at the reader's next poll
    qtbot.waitUntil(lambda: one.count() == 400, timeout=5000)
    assert one.begun == 1


def test_rows_that_the_job_was_to_throw_away_and_has_left_are_read(
    qtbot: QtBot, tmp_path: Path, listeners: list[Listener]
) -> None:
    out = tmp_path / "t.json"
    write_part(out, rows(30))
    listeners.append(one := Listener(out, growing=True, restart=True))
    one.reader.settle()
    qtbot.waitUntil(lambda: one.finished is not None, timeout=5000)
    assert (one.finished, one.count()) == (False, 30)


def test_what_a_stopped_job_left_is_read(qtbot: QtBot, tmp_path: Path, listeners: list[Listener]) -> None:
    out = tmp_path / "t.json"
    write_part(out, rows(30))
    listeners.append(one := Listener(out, growing=False))
    qtbot.waitUntil(lambda: one.finished is not None, timeout=5000)
    assert (one.finished, one.count()) == (False, 30)


@pytest.mark.parametrize("content", [b"", b"{}", b"nonsense\n" * 5])
def test_junk_is_named(qtbot: QtBot, tmp_path: Path, listeners: list[Listener], content: bytes) -> None:
    out = tmp_path / "t.json"
    out.write_bytes(content)
    listeners.append(one := Listener(out, growing=False))
    qtbot.waitUntil(lambda: one.finished is not None, timeout=5000)
    assert not one.finished
    assert str(out) in one.sentence


@pytest.mark.parametrize(("suffix", "excel"), [(".csv", False), (".json", False), (".csv", True)])
def test_what_is_saved_is_what_the_engine_writes(qtbot: QtBot, tmp_path: Path, suffix: str, excel: bool) -> None:
    by_engine, by_window = tmp_path / f"engine{suffix}", tmp_path / f"window{suffix}"
    write_table(by_engine, header(200), rows(200), excel=excel)
    table = predictions(200)
    saving = TableSaving()
    with qtbot.waitSignal(saving.saved, timeout=5000) as saved:
        saving.save(Place(by_window, excel), table, np.arange(200))
    assert saved.args == [by_window, 200]
    assert by_window.read_bytes() == by_engine.read_bytes()


def test_what_was_found_at_the_end_is_read_with_a_growing_and_a_finished_table(
    qtbot: QtBot, tmp_path: Path, listeners: list[Listener]
) -> None:
    out, made = tmp_path / "t.json", rows(50)
    write_part(out, made)
    listeners.append(growing := Listener(out, growing=True))
    completed: list[PredictionHeader] = []
    growing.reader.completed.connect(lambda _, its: completed.append(its))
    qtbot.waitUntil(lambda: growing.count() == 50, timeout=5000)
    write_table(out, replace(header(50), warnings=("Too dark.",)), made)
    (tmp_path / "t.json.part").unlink()
    growing.reader.settle()
    qtbot.waitUntil(lambda: growing.finished is not None, timeout=5000)
    assert growing.begun == 1  # the rows are not read again
    assert [its.warnings for its in completed] == [("Too dark.",)]
    listeners.append(again := Listener(out, growing=False))
    qtbot.waitUntil(lambda: again.finished is not None, timeout=5000)
    assert again.predictions is not None
    assert again.predictions.header.warnings == ("Too dark.",)
