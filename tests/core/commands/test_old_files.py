"""Files of an earlier version still open: runs, a model, tables, an interrupted job, exported arrays."""

import csv
import json
import math
import shutil
import tarfile
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from command_line import Command
from PIL import Image

from s3n_core.datasets.opening import open_images
from s3n_core.datasets.records import Box, ImageRecord
from s3n_core.models.opening import open_model
from s3n_core.prediction.job import predict_to_file
from s3n_core.prediction.rows import fingerprint
from s3n_core.prediction.tables import read_json_table
from s3n_core.runs.following import RunFollower
from s3n_core.runs.run_directory import FORMAT_VERSION, RunDirectory

ARCHIVE = Path(__file__).resolve().parents[2] / "data" / "files_of_dd97482.tar.xz"
CLOSE = 0.02  # tolerance of probabilities: other processors sum in another order


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("earlier")
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.fixture
def earlier(unpacked: Path, s3n_home: Path) -> Path:
    """The unpacked files, with copies of the runs in the runs folder that tests may change."""
    shutil.copytree(unpacked / "runs", s3n_home / "runs")
    for path in s3n_home.glob("runs/*/run.json"):
        run = json.loads(path.read_text(encoding="utf-8"))
        run["data"]["root"] = str(unpacked / "images")
        path.write_text(json.dumps(run), encoding="utf-8")
    return unpacked


def table(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def assert_same_rows(new: list[dict[str, str]], old: list[dict[str, str]]) -> None:
    assert [row["file"] for row in new] == [row["file"] for row in old]
    assert list(new[0])[: len(old[0])] == list(old[0])
    for now, before in zip(new, old, strict=True):
        assert float(now["probability"]) == pytest.approx(float(before["probability"]), abs=CLOSE)
        assert (now["label"], now["model"], now["mode"]) == (before["label"], before["model"], before["mode"])
        if float(before["margin"]) > 2 * CLOSE:
            assert (now["class"], now["correct"]) == (before["class"], before["correct"])


def test_runs_are_listed(s3n: Command, earlier: Path) -> None:
    listed = {run["name"]: run for run in json.loads(s3n("runs", "list", "--json").out)}
    assert {name: run["status"] for name, run in listed.items()} == {"old": "finished", "killed": "interrupted"}


def test_curves_are_read(earlier: Path, s3n_home: Path) -> None:
    lines = RunFollower(s3n_home / "runs" / "old").poll().metrics
    epochs = [line for line in lines if line["kind"] == "epoch"]
    steps = [line for line in lines if line["kind"] == "step"]
    assert ([line["epoch"] for line in epochs], len(steps)) == ([0, 1, 2], 12)
    assert all(math.isfinite(line["loss"]) for line in lines if "loss" in line)


def test_the_model_predicts_what_it_did(s3n: Command, earlier: Path, tmp_path: Path) -> None:
    out = tmp_path / "now.csv"
    assert s3n("predict", earlier / "model.safetensors", earlier / "images", "--out", out).code == 0
    assert_same_rows(table(out), table(earlier / "predictions.csv"))


def test_a_run_is_a_model(s3n: Command, earlier: Path, tmp_path: Path) -> None:
    outcome = s3n("evaluate", "old", earlier / "images", "--split", "all", "--json")
    assert outcome.code == 0, outcome
    (now,) = outcome.events[-1:]
    before = json.loads((earlier / "evaluation.json").read_text(encoding="utf-8").splitlines()[-1])
    assert now["images"] == before["images"]
    assert now["classes"] == before["classes"]
    assert now["seen"]["sentence"] == "It is not known whether this model has seen these images."


def test_both_tables_read(earlier: Path) -> None:
    header, rows = read_json_table(earlier / "predictions.json")
    shown = table(earlier / "predictions.csv")
    assert header.classes == ("class a", "class b", "class c")
    for row, line in zip(rows, shown, strict=True):
        assert (row.file, row.class_name, row.label) == (line["file"], line["class"], line["label"])
        assert row.probability == float(line["probability"])
        assert len(row.peak_places) == row.peaks == int(line["peaks"])


def test_an_interrupted_job_goes_on(s3n: Command, earlier: Path, tmp_path: Path) -> None:
    out = tmp_path / "predictions.csv"
    first, rest = (earlier / "unfinished.csv.part").read_bytes().split(b"\n", 1)
    images = open_images(earlier / "images")
    # Unpacking has changed the images' modification times, so the job would consider them changed.
    head = json.loads(first) | {"images": fingerprint(images.records, images.classes)}
    kept = json.dumps(head, separators=(",", ":")).encode() + b"\n" + rest
    (tmp_path / "predictions.csv.part").write_bytes(kept)
    outcome = s3n("predict", earlier / "model.safetensors", earlier / "images", "--out", out, "--json")
    assert outcome.code == 0
    whole = kept[: kept.rfind(b"\n") + 1].count(b"\n") - 1
    assert whole >= 4
    assert outcome.events[0]["resumed"] == whole
    assert_same_rows(table(out), table(earlier / "predictions.csv"))
    assert {row["peaks_outside"] for row in table(out)} == {""}  # no boxes


def test_an_interrupted_job_gets_the_count_that_its_rows_lack(model: Path, tmp_path: Path) -> None:
    picture, box = tmp_path / "bird.png", Box(x=-9, y=-9, width=1, height=1)
    Image.new("RGB", (40, 40), "red").save(picture)
    records = [ImageRecord(path=picture, name=name, box=box) for name in ("a", "b")]
    opened, out = open_model(model, device="cpu"), tmp_path / "predictions.json"
    with closing(predict_to_file(opened, records, out, batch_size=1)) as job:
        for step in job:
            if step.done == 1:
                break
    part = out.with_name("predictions.json.part")
    head, row = (json.loads(line) for line in part.read_text(encoding="utf-8").splitlines())
    peaks = row.pop("peaks_outside")
    lines = (json.dumps(line, separators=(",", ":")) for line in (head | {"version": 2}, row))
    part.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    steps = list(predict_to_file(opened, records, out, batch_size=1))
    assert steps[0].resumed == 1
    assert [row.peaks_outside for row in read_json_table(out)[1]] == [peaks, peaks]
    assert peaks == row["peaks"]


def test_arrays_are_those_of_an_export_today(s3n: Command, earlier: Path, tmp_path: Path) -> None:
    images = earlier / "images"
    out = tmp_path / "export"
    assert s3n("export", earlier / "model.safetensors", images, "--most", 1, "--out", out, "--arrays").code == 0
    with np.load(out / "class a" / "0.npz") as new, np.load(earlier / "export" / "class a" / "0.npz") as old:
        assert set(new.files) >= set(old.files)
        assert set(json.loads(str(new["summary"]))) >= set(json.loads(str(old["summary"])))
        for name in set(old.files) - {"summary"}:
            assert new[name].shape == old[name].shape, name
            assert new[name].dtype == old[name].dtype, name
            assert np.allclose(
                new[name], old[name], atol=CLOSE * max(1.0, float(np.abs(old[name]).max())), equal_nan=True
            ), name


def test_a_killed_run_is_resumed_to_its_end(s3n: Command, earlier: Path, s3n_home: Path) -> None:
    path = s3n_home / "runs" / "killed"
    outcome = s3n("runs", "resume", "killed")
    assert outcome.code == 0, outcome
    state = RunDirectory(path).read_state()
    assert state is not None
    assert (state.status, state.epoch) == ("finished", 3)
    # Earlier versions cannot read what the run contains now.
    assert RunDirectory(path).read_run()["format_version"] == FORMAT_VERSION > 1
    lines = RunFollower(path).poll().metrics
    assert [line["epoch"] for line in lines if line["kind"] == "epoch"] == [0, 1, 2]
    steps = [line["step"] for line in lines if line["kind"] == "step"]
    assert steps[:8] == list(range(1, 9))  # the existing steps; later ones are kept at most every 0.2 s
    assert steps == sorted(set(steps))
    assert steps[-1] <= 12
