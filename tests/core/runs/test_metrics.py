import itertools
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from s3n_core.errors import OutputError
from s3n_core.runs import metrics_reading
from s3n_core.runs.metrics import MetricsWriter
from s3n_core.runs.metrics_reading import MetricsChange, MetricsReader, sample_lines


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "metrics.jsonl"


def epochs(lines: list[dict[str, Any]]) -> list[int]:
    return [line["epoch"] for line in lines]


def test_lines_come_back(path: Path) -> None:
    with MetricsWriter(path) as writer:
        writer.write_step({"loss": 1.5, "step": 0})
        writer.write_epoch({"epoch": 0, "name": "鳥"})
        offset = writer.offset
    assert offset == path.stat().st_size
    assert MetricsReader(path).poll().lines == [
        {"kind": "step", "loss": 1.5, "step": 0},
        {"kind": "epoch", "epoch": 0, "name": "鳥"},
    ]


def test_numbers_that_json_does_not_have_become_null(path: Path) -> None:
    values = {
        "nan": float("nan"),
        "inf": np.float32("inf"),
        "f32": np.float32(0.5),
        "i": np.int64(3),
        "list": [np.nan, 1.0],
        "map": {1: np.array([1.0, np.inf])},
        "flag": np.bool_(True),
    }
    with MetricsWriter(path) as writer:
        writer.write_epoch(values)
    assert json.loads(path.read_text(encoding="ascii"), parse_constant=pytest.fail) == {
        "kind": "epoch",
        "version": 2,
        "nan": None,
        "inf": None,
        "f32": 0.5,
        "i": 3,
        "list": [None, 1.0],
        "map": {"1": [1.0, None]},
        "flag": True,
    }


def test_a_resume_cuts_to_the_checkpoint(path: Path) -> None:
    with MetricsWriter(path) as writer:
        writer.write_epoch({"epoch": 0})
        offset = writer.offset
        writer.write_epoch({"epoch": 1, "lost": True})
    with open(path, "ab") as file:
        file.write(b'{"kind": "ep')  # killed while writing
    with MetricsWriter(path, offset) as writer:
        assert writer.offset == offset
        writer.write_epoch({"epoch": 1})
    assert MetricsReader(path).poll().lines == [{"kind": "epoch", "epoch": 0}, {"kind": "epoch", "epoch": 1}]


@pytest.mark.parametrize("offset", [None, 10**9])
def test_without_a_usable_offset_every_whole_line_is_kept(path: Path, offset: int | None) -> None:
    path.write_bytes(b'{"epoch": 0}\n{"epoch": 1}\n' + b'{"x": "' + b"y" * 200_000)
    with MetricsWriter(path, offset) as writer:
        writer.write_epoch({"epoch": 2})
    assert epochs(MetricsReader(path).poll().lines) == [0, 1, 2]


def test_an_offset_inside_a_line_falls_back_to_its_beginning(path: Path) -> None:
    path.write_bytes(b'{"epoch": 0}\n{"epoch": 1}\n')
    with MetricsWriter(path, 17) as writer:
        assert writer.offset == 13
    assert path.read_bytes() == b'{"epoch": 0}\n'


def test_a_cut_to_nothing_begins_anew(path: Path) -> None:
    path.write_bytes(b'{"epoch": 0}\n')
    MetricsWriter(path, 0).close()
    assert path.read_bytes() == b""


def test_a_reader_takes_whole_lines_only(path: Path) -> None:
    reader = MetricsReader(path)
    assert reader.poll() == MetricsChange([], False)  # does not exist yet
    path.write_bytes(b'{"epoch": 0}\n{"epo')
    assert epochs(reader.poll().lines) == [0]
    assert reader.poll().lines == []
    with open(path, "ab") as file:
        file.write(b'ch": 1}\n')
    assert epochs(reader.poll().lines) == [1]


def test_a_reader_reads_in_pieces(path: Path) -> None:
    rows = [json.dumps({"kind": "epoch", "epoch": number, "text": "x" * (number % 7)}) for number in range(50)]
    rows[20] = json.dumps({"kind": "epoch", "epoch": 20, "text": "x" * 999})  # longer than a read chunk
    path.write_text("\n".join(rows) + "\n" + '{"torn', encoding="utf-8")
    reader, seen, pieces, more = MetricsReader(path), list[dict[str, Any]](), 0, True
    while more:
        change = reader.poll(most_bytes=100)
        assert not change.restarted
        seen, pieces, more = seen + change.lines, pieces + 1, change.more
    assert epochs(seen) == list(range(50))
    assert pieces > 10
    assert reader.poll(most_bytes=100).lines == []


def test_a_sample_of_a_long_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sample_lines(path) is None
    rows = [json.dumps({"kind": "step", "step": number}, separators=(",", ":")) for number in range(20_000)]
    for number in (50, 0):
        rows.insert(100 * number, json.dumps({"kind": "epoch", "epoch": number}, separators=(",", ":")))
    path.write_text("\n".join([*rows, "{torn"]), encoding="utf-8")
    assert sample_lines(path) is None
    monkeypatch.setattr(metrics_reading, "_LEAST_SAMPLED_BYTES", 1000)
    sample = sample_lines(path)
    assert sample is not None
    assert [line["epoch"] for line in sample if line["kind"] == "epoch"] == [0, 50]
    steps = [line["step"] for line in sample if line["kind"] == "step"]
    assert 900 <= len(steps) <= 1000
    assert steps[-1] > 19_900
    assert 0 < max(later - earlier for earlier, later in itertools.pairwise(steps)) < 40


def test_a_reader_leaves_broken_lines_out(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path.write_bytes(b'{"epoch": 0}\n\0\0\0\0\nnull\n7\n\xff\xfe\n\n{"epoch": 1}\r\n' + b"[" * 100_000 + b"\n")
    assert epochs(MetricsReader(path).poll().lines) == [0, 1]
    assert "5 broken lines" in caplog.text


def test_a_reader_notices_a_cut(path: Path) -> None:
    reader = MetricsReader(path)
    path.write_bytes(b'{"epoch": 0}\n{"epoch": 1}\n')
    reader.poll()
    path.write_bytes(b'{"epoch": 0}\n')
    change = reader.poll()
    assert change.restarted
    assert epochs(change.lines) == [0]
    assert not reader.poll().restarted


def test_a_reader_notices_a_cut_that_has_grown_past_its_place(path: Path) -> None:
    reader = MetricsReader(path)
    with MetricsWriter(path) as writer:
        for epoch in range(3):
            writer.write_epoch({"epoch": epoch, "loss": 1.0})
            if epoch == 0:
                offset = writer.offset
    reader.poll()
    with MetricsWriter(path, offset) as writer:
        for epoch in range(1, 8):
            writer.write_epoch({"epoch": epoch, "loss": 2.0})
    change = reader.poll()
    assert change.restarted
    assert epochs(change.lines) == list(range(8))


def test_a_reader_notices_removal_and_return(path: Path) -> None:
    reader = MetricsReader(path)
    path.write_bytes(b'{"epoch": 0}\n')
    reader.poll()
    path.unlink()
    assert reader.poll() == MetricsChange([], True)
    assert reader.poll() == MetricsChange([], False)
    path.write_bytes(b'{"epoch": 5}\n')
    assert reader.poll() == MetricsChange([{"epoch": 5}], False)


WRITE = """
import random, sys, time
from pathlib import Path
from s3n_core.runs import metrics
path, rng = Path(sys.argv[1]), random.Random(1)
print("ready", flush=True)
line = 0
for generation in range(6):  # five resumes, each cut back to some earlier place
    offset, line = (None, 0) if generation == 0 else rng.choice(places)
    places = [(offset or 0, line)]
    with metrics.MetricsWriter(path, offset) as writer:
        for _ in range(300):
            writer.write_step({"line": line, "generation": generation, "filler": "x" * rng.randrange(200)})
            line += 1
            if line % 50 == 0:
                places.append((writer.offset, line))
            if line % 7 == 0:
                time.sleep(0.001)
        with open(path, "ab") as torn:
            torn.write(b'{"torn')  # killed in the middle of a line
        time.sleep(0.02)
"""


def test_a_reader_follows_a_real_writer_through_cuts(path: Path, start: Callable[..., Any]) -> None:
    writer = start(WRITE, path)
    reader, seen, restarts = MetricsReader(path), list[dict[str, Any]](), 0
    ended = False
    while True:
        change = reader.poll()
        if change.restarted:
            restarts += 1
            seen = []
        seen += change.lines
        assert [line["line"] for line in seen] == list(range(len(seen)))
        if ended:
            break
        ended = writer.poll() is not None
        time.sleep(0.0005)
    assert writer.returncode == 0
    assert restarts >= 4
    assert seen == MetricsReader(path).poll().lines
    assert len(seen) > 300


def test_a_hundred_thousand_lines_are_read_at_once(path: Path) -> None:
    line = {"kind": "step", "epoch": 3, **{f"loss_{name}": 0.123456 for name in "abcdefgh"}}
    path.write_bytes((json.dumps(line) + "\n").encode() * 100_000)
    assert len(MetricsReader(path).poll().lines) == 100_000


def test_a_full_disk_leaves_whole_lines_and_the_writer_goes_on_later(small_disk: Any) -> None:
    path = small_disk.path / "metrics.jsonl"
    with MetricsWriter(path) as writer:
        writer.write_epoch({"epoch": 0})
        small_disk.fill()
        with pytest.raises(OutputError, match=r"disk is full.*metrics\.jsonl"):
            writer.write_epoch({"epoch": 1, "filler": "x" * 10_000})
        assert path.read_bytes() == b'{"kind":"epoch","version":2,"epoch":0}\n'
        small_disk.free()
        writer.write_epoch({"epoch": 2})
    assert epochs(MetricsReader(path).poll().lines) == [0, 2]


def test_a_read_only_disk_is_said(small_disk: Any) -> None:
    path = small_disk.path / "metrics.jsonl"
    path.write_bytes(b'{"epoch": 0}\n')
    small_disk.make_read_only()
    with pytest.raises(OutputError, match="read-only"):
        MetricsWriter(path)
    assert epochs(MetricsReader(path).poll().lines) == [0]
