import csv
import dataclasses
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from image_folders import drawn_folder
from tiny_models import CLASSES

from s3n_core.datasets.records import ImageRecord
from s3n_core.errors import OutputError
from s3n_core.models.opening import Model
from s3n_core.prediction.job import predict_to_file
from s3n_core.prediction.rows import PredictionProgress
from s3n_core.prediction.tables import read_json_table
from s3n_core.system.line_files import part_path

CHECKOUT = Path(__file__).resolve().parents[3]

# A job that reports its start and is slow in every batch, so that it can be killed in the middle.
JOB = """
import sys, time
from pathlib import Path
import torch
torch.set_num_threads(1)
from s3n_core.models.opening import open_model
from s3n_core.prediction.job import predict_to_file
from s3n_core.datasets.detection import open_data_set
model = open_model(Path(sys.argv[1]), device="cpu")
for progress in predict_to_file(model, open_data_set(Path(sys.argv[2])).records, Path(sys.argv[3]), batch_size=2):
    time.sleep(0.05)
"""


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[ImageRecord]:
    return drawn_folder(tmp_path_factory.mktemp("images") / "birds 鳥", 20, broken=(3, 9))


def job(model: Model, records: list[ImageRecord], out: Path, **options: Any) -> list[PredictionProgress]:
    return list(predict_to_file(model, records, out, **{"classes": CLASSES, "batch_size": 4} | options))


def stop_after(model: Model, records: list[ImageRecord], out: Path, batches: int) -> None:
    events = predict_to_file(model, records, out, classes=CLASSES, batch_size=4)
    for _ in range(batches + 1):
        next(events)
    events.close()


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("name", ["p.csv", "p.json"])
def test_a_whole_job(model: Model, records: list[ImageRecord], tmp_path: Path, name: str) -> None:
    out = tmp_path / name
    events = job(model, records, out)
    assert [event.done for event in events] == [0, 4, 8, 12, 16, 20, 20]
    assert [event.unreadable for event in events] == [0, 1, 1, 2, 2, 2, 2]
    assert [event.finished for event in events] == [False] * 6 + [True]
    assert events[0].seconds_left is None
    assert events[3].images_per_second > 0
    assert files_in(tmp_path) == [name], "nothing but the table is left"
    if name.endswith(".csv"):
        with open(out, encoding="utf-8", newline="") as file:
            files = [row["file"] for row in csv.DictReader(file)]
    else:
        files = [row.file for row in read_json_table(out)[1]]
    assert files == [record.name for record in records]


def test_both_formats_say_the_same(model: Model, records: list[ImageRecord], tmp_path: Path) -> None:
    job(model, records, tmp_path / "p.csv")
    job(model, records, tmp_path / "p.json")
    with open(tmp_path / "p.csv", encoding="utf-8", newline="") as file:
        for line, row in zip(csv.DictReader(file), read_json_table(tmp_path / "p.json")[1], strict=True):
            assert (line["class"] or None, line["error"]) == (row.class_name, row.error)
            assert (float(line["probability"]) if line["probability"] else None) == row.probability


def test_a_stopped_job_goes_on(model: Model, records: list[ImageRecord], tmp_path: Path) -> None:
    job(model, records, tmp_path / "whole.csv")
    out = tmp_path / "p.csv"
    stop_after(model, records, out, 2)
    assert files_in(tmp_path) == ["p.csv.part", "whole.csv"]
    events = job(model, records, out)
    assert (events[0].done, events[0].resumed, events[0].unreadable) == (8, 8, 1)
    assert out.read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert files_in(tmp_path) == ["p.csv", "whole.csv"]


def test_what_is_torn_is_predicted_again(model: Model, records: list[ImageRecord], tmp_path: Path) -> None:
    job(model, records, tmp_path / "whole.csv")
    out = tmp_path / "p.csv"
    stop_after(model, records, out, 3)
    whole = part_path(out).read_bytes()
    lines = whole.splitlines(keepends=True)
    torn: dict[bytes, int] = {
        whole[:-5]: 11,
        whole[:-1]: 11,
        whole + b"\0" * 300: 12,
        b"".join(lines[:6]) + b"{}\n" + b"".join(lines[7:]): 5,
        b"".join(lines[:6] + lines[7:]): 5,
        lines[0]: 0,
        lines[0][:-9]: 0,
        b"": 0,
    }
    for content, kept in torn.items():
        part_path(out).write_bytes(content)
        events = job(model, records, out)
        assert events[0].resumed == kept
        assert list(csv.reader(out.open(encoding="utf-8", newline=""))) == list(
            csv.reader((tmp_path / "whole.csv").open(encoding="utf-8", newline=""))
        )


def test_a_finished_part_needs_no_network(
    model: Model, records: list[ImageRecord], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "p.csv"
    stop_after(model, records, out, 5)
    monkeypatch.setattr("s3n_core.prediction.job.predict", None)
    assert job(model, records, out)[-1].finished


def test_another_job_is_not_continued(
    model: Model, model_of: Callable[..., Model], records: list[ImageRecord], tmp_path: Path
) -> None:
    out = tmp_path / "p.csv"
    stop_after(model, records, out, 2)
    kept = part_path(out).read_bytes()
    others: dict[str, tuple[Model, list[ImageRecord]]] = {
        "another model": (model_of(branches="O"), records),
        "another sampling mode": (dataclasses.replace(model, sampling="all"), records),
        "another precision": (dataclasses.replace(model, precision="bfloat16"), records),
        r"another precision \(float32, not float32\+bfloat16": (
            dataclasses.replace(model, precision="float32+bfloat16"),
            records,
        ),
        "other images": (model, records[1:]),
    }
    for words, (other, images) in others.items():
        with pytest.raises(OutputError, match=rf"{words}.*--restart"):
            job(other, images, out)
        assert part_path(out).read_bytes() == kept
    assert job(model, records[1:], out, restart=True)[0].resumed == 0


@pytest.mark.parametrize("junk", [b"my notes\n", b"my notes", b"[]\n", b'{"format":"s3n-predictions","version":99}\n'])
def test_a_foreign_file_is_left_alone(model: Model, records: list[ImageRecord], tmp_path: Path, junk: bytes) -> None:
    out = tmp_path / "p.csv"
    part_path(out).write_bytes(junk)
    with pytest.raises(OutputError, match="in the way"):
        job(model, records, out)
    assert part_path(out).read_bytes() == junk
    assert files_in(tmp_path) == ["p.csv.part"]


def test_two_jobs_at_once(model: Model, records: list[ImageRecord], tmp_path: Path) -> None:
    out = tmp_path / "p.csv"
    first = predict_to_file(model, records, out, classes=CLASSES, batch_size=4)
    next(first)
    with pytest.raises(OutputError, match="Another job is writing"):
        job(model, records, out)
    assert list(first)[-1].finished


def test_places_that_cannot_be_written(model: Model, records: list[ImageRecord], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputError, match="a file has the name of one of its folders"):
        job(model, records, tmp_path / "file" / "p.csv")
    with pytest.raises(OutputError, match=r"\.csv or \.json"):
        job(model, records, tmp_path / "p.txt")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(OutputError, match="a folder with this name"):
        job(model, records, tmp_path / "folder.csv")
    assert files_in(tmp_path) == ["file", "folder.csv"], "said before anything was predicted"


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="no file system here that takes no files")
def test_a_folder_that_takes_no_files_is_not_another_job(model: Model, records: list[ImageRecord]) -> None:
    with pytest.raises(OutputError, match="cannot contain files"):
        job(model, records, Path("/proc/p.csv"))


def test_the_folder_is_made(model: Model, records: list[ImageRecord], tmp_path: Path) -> None:
    job(model, records, tmp_path / "new" / "deep" / "p.csv")
    assert files_in(tmp_path / "new" / "deep") == ["p.csv"]


def test_a_full_disk(model: Model, records: list[ImageRecord], tmp_path: Path, small_disk: Any) -> None:
    job(model, records, tmp_path / "whole.csv")
    out = small_disk.path / "p.csv"
    events = predict_to_file(model, records, out, classes=CLASSES, batch_size=1)
    assert [next(events).done for _ in range(3)] == [0, 1, 2]
    small_disk.fill()
    with pytest.raises(OutputError, match="The disk is full") as raised:
        list(events)
    assert str(out) in str(raised.value)
    kept = part_path(out).read_bytes()
    assert kept.endswith(b"\n")
    assert len(kept.splitlines()) >= 3
    with pytest.raises(OutputError, match="The disk is full"):
        job(model, records, out)
    assert part_path(out).read_bytes()[: len(kept)] == kept
    small_disk.free()
    assert job(model, records, out, batch_size=1)[0].resumed >= 2
    assert [line[:2] for line in csv.reader(out.open(encoding="utf-8", newline=""))] == [
        line[:2] for line in csv.reader((tmp_path / "whole.csv").open(encoding="utf-8", newline=""))
    ]


def test_a_full_disk_at_the_end(model: Model, records: list[ImageRecord], small_disk: Any) -> None:
    out = small_disk.path / "p.csv"
    events = predict_to_file(model, records, out, classes=CLASSES, batch_size=4)
    while next(events).done < len(records):
        pass
    small_disk.fill()
    with pytest.raises(OutputError, match="The disk is full"):
        list(events)
    assert len(part_path(out).read_bytes().splitlines()) == len(records) + 1
    assert not out.exists()
    small_disk.free()
    assert job(model, records, out)[0].resumed == len(records)


def test_a_read_only_disk(model: Model, records: list[ImageRecord], small_disk: Any) -> None:
    out = small_disk.path / "p.csv"
    stop_after(model, records, out, 1)
    small_disk.make_read_only()
    with pytest.raises(OutputError, match="read-only"):
        job(model, records, out)


@pytest.mark.skipif(sys.platform == "win32", reason="kills with SIGKILL")
def test_killed_and_continued(model: Model, records: list[ImageRecord], tmp_path: Path) -> None:
    from s3n_core.datasets.detection import open_data_set

    folder = tmp_path / "images"
    shutil.copytree(records[0].path.parent, folder)
    images = list(open_data_set(folder).records)
    out = tmp_path / "p.json"
    process = subprocess.Popen(
        [sys.executable, "-c", JOB, str(model.path), str(folder), str(out)],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
    )
    try:
        deadline = time.monotonic() + 240  # torch loads slowly on a busy machine
        while not part_path(out).exists() or part_path(out).read_bytes().count(b"\n") < 5:
            assert time.monotonic() < deadline
            assert process.poll() is None, "the job ended by itself"
            time.sleep(0.01)
    finally:
        process.kill()
        assert process.wait() != 0
    assert not out.exists()
    events = job(model, images, out, classes=())
    assert 4 <= events[0].resumed < len(images)
    assert files_in(tmp_path) == ["images", "p.json"]
    job(model, images, tmp_path / "whole.json", classes=())
    ours, whole = (json.loads((tmp_path / name).read_bytes()) for name in ("p.json", "whole.json"))
    assert [(row["file"], row.get("class"), row["error"]) for row in ours["rows"]] == [
        (row["file"], row.get("class"), row["error"]) for row in whole["rows"]
    ]
