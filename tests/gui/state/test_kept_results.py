"""What the window keeps of a model follows its run when that is renamed."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from s3n_core.parts.atlas.atlas_files import HEADER, IMAGES
from s3n_core.runs.locations import home
from s3n_core.system.line_files import only_writer, part_path
from s3n_gui.state.atlas_request import AtlasRequest
from s3n_gui.state.kept_results import follow_run
from s3n_gui.state.prediction_request import PredictionRequest

CHECKPOINT = Path("checkpoints") / "step-10.safetensors"


@pytest.fixture
def run(s3n_home: object, tmp_path: Path) -> Path:
    """The folder of a run with one checkpoint."""
    (tmp_path / "birds-1" / CHECKPOINT).parent.mkdir(parents=True)
    (tmp_path / "birds-1" / CHECKPOINT).touch()
    return tmp_path / "birds-1"


def write(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def rename(before: Path, name: str) -> Path:
    after = before.rename(before.with_name(name))
    follow_run(before, after)
    return after


def test_tables_of_the_run_and_of_its_checkpoints_follow_it_there_and_back(run: Path, tmp_path: Path) -> None:
    asked = PredictionRequest(model=run, images=tmp_path / "images")
    requests = [
        asked,
        replace(asked, split="test", precision="float32", stop_below=0.25),
        replace(asked, model=run / CHECKPOINT),
    ]
    for number, request in enumerate(requests):
        write(request.table, str(number))
    write(part_path(replace(asked, split="val").table), "rows")
    other = write(replace(asked, model=tmp_path / "birds-10").table, "other")
    before = sorted(path.name for path in other.parent.iterdir())
    after = rename(run, "birds-2")
    now = [replace(request, model=after / request.model.relative_to(run)) for request in requests]
    assert [request.table.read_text(encoding="utf-8") for request in now] == ["0", "1", "2"]
    assert part_path(replace(now[0], split="val").table).exists()
    assert not any(request.table.exists() for request in requests), "a new run of this name has no predictions"
    assert other.exists()
    rename(after, "birds-1")
    assert sorted(path.name for path in other.parent.iterdir()) == before


def test_what_a_job_is_writing_stays_where_the_job_knows_it(run: Path, tmp_path: Path) -> None:
    table = write(PredictionRequest(model=run, images=tmp_path).table)
    with only_writer(table):
        after = rename(run, "birds-2")
        assert table.exists()
    assert not PredictionRequest(model=after, images=tmp_path).table.exists()


def test_an_unfinished_atlas_follows_and_a_finished_one_stays_where_others_know_it(run: Path, tmp_path: Path) -> None:
    stopped, done = (AtlasRequest(model=run, images=tmp_path, split=split) for split in ("val", "test"))
    write(part_path(stopped.folder / IMAGES), "places")
    write(done.folder / HEADER)
    after = rename(run, "birds-2")
    assert part_path(replace(stopped, model=after).folder / IMAGES).exists()
    assert not stopped.folder.exists()
    assert (done.folder / HEADER).exists()


def test_a_table_of_an_earlier_version_is_still_that_of_its_request(run: Path, tmp_path: Path) -> None:
    request = PredictionRequest(model=run, images=tmp_path, split="test", stop_below=0.5)
    named = "\0".join([str(run), str(tmp_path), "test", "auto", "0.5"])
    key = hashlib.blake2b(named.encode(), digest_size=8).hexdigest()
    assert request.table.stem != key
    earlier = write(home() / "window" / "predictions" / f"{key}.json")
    assert request.table == earlier
    earlier.rename(part_path(earlier))
    assert request.table == earlier
    write(replace(request, split="val").table)
    assert replace(request, split="val").table.stem != key
