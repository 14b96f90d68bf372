"""Files of earlier versions are read with the names of this version."""

import json
import random
from pathlib import Path
from typing import Any

from s3n_core.datasets.assignment import assignment_file, read_assignment
from s3n_core.datasets.splits import read_split
from s3n_core.method.configuration import ModelHeader, NetworkConfig
from s3n_core.runs.earlier_versions import current_progress
from s3n_core.runs.metrics import MetricsWriter
from s3n_core.runs.metrics_reading import MetricsReader
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.training.recipe import recipe_from


def step(epoch: int, batch: int, **values: Any) -> dict[str, Any]:
    return {"kind": "step", "epoch": epoch, "batch": batch, "step": 4 * epoch + batch, **values}


def write(path: Path, *lines: dict[str, Any]) -> None:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def losses(lines: list[dict[str, Any]]) -> list[float]:
    return [line["loss"] for line in lines if line["kind"] == "step"]


def test_running_means_become_values_of_batches(tmp_path: Path) -> None:
    # Batches of 4, 2, (3 and 3 without a line), and a new epoch.
    write(
        tmp_path / "m",
        *(step(0, 1, loss=4.0, rate=7.0), step(0, 2, loss=3.0), step(0, 4, loss=3.0)),
        {"kind": "epoch", "epoch": 0, "loss": 3.0},
        step(1, 1, loss=1.0),
    )
    lines = MetricsReader(tmp_path / "m").poll().lines
    assert losses(lines) == [4.0, 2.0, 3.0, 1.0]
    assert (lines[0]["rate"], lines[3]["loss"]) == (7.0, 3.0)


def test_the_validation_set_was_called_held_out(tmp_path: Path) -> None:
    old = {"kind": "epoch", "epoch": 0, "loss": 1.0, "held_out_loss": 2.0, "held_out_accuracy_joint": 0.5}
    write(tmp_path / "m", old)
    assert MetricsReader(tmp_path / "m").poll().lines == [
        {"kind": "epoch", "epoch": 0, "loss": 1.0, "validation_loss": 2.0, "validation_accuracy_joint": 0.5}
    ]


def test_a_recipe_of_an_earlier_version_is_read(run: RunDirectory) -> None:
    fields = {"name": "mine", "held_out": 0.25, "sources": {"held_out": "a guess", "flip": "a book"}}
    run.run_json.write_text(json.dumps({"format": "s3n-run", "format_version": 1, "recipe": fields}), encoding="utf-8")
    recipe = run.read_run()["recipe"]
    assert recipe == {"name": "mine", "validation": 0.25, "sources": {"validation": "a guess", "flip": "a book"}}
    assert recipe_from(fields) == recipe_from(recipe)
    assert recipe_from(fields).changed({"held_out": 0.5}).validation == 0.5


def test_a_split_file_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    (tmp_path / "split.csv").write_text(
        "name,label,class,part\na.png,0,x,train\nb.png,0,x,held-out\n", encoding="utf-8"
    )
    assert [row.part for row in read_split(tmp_path / "split.csv")] == ["train", "validation"]


def test_an_assignment_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    note = assignment_file(tmp_path)
    note.parent.mkdir(parents=True)
    note.write_text(json.dumps({"version": 1, "parts": {"a.png": "held-out", "b.png": "test"}}), encoding="utf-8")
    assert read_assignment(tmp_path).parts == {"a.png": "validation", "b.png": "test"}


def test_figures_in_an_earlier_model_file_have_their_names_of_today() -> None:
    header = ModelHeader(
        network=NetworkConfig(num_classes=2), classes=("a", "b"), preprocess={}, metrics={"best_held_out_accuracy": 0.5}
    )
    assert header.metrics == {"best_validation_accuracy": 0.5}


def test_what_is_no_number_does_not_spread(tmp_path: Path) -> None:
    write(
        tmp_path / "m",
        *(step(0, 1, loss=None), step(0, 2, loss=2.0), step(0, 3, loss=2.5, accuracy_O=0.25)),
        *(step(0, 3, loss=3.0), {"kind": "step", "loss": "?"}, {"kind": "step", "batch": "x", "loss": 1.0}),
    )
    lines = MetricsReader(tmp_path / "m").poll().lines
    assert losses(lines) == [None, 2.0, 3.5, 3.0, "?", 1.0]
    assert lines[2]["accuracy_O"] == 0.25


def test_read_in_pieces_they_are_the_same(tmp_path: Path) -> None:
    chance = random.Random(0)
    write(tmp_path / "m", *(step(epoch, batch, loss=chance.random()) for epoch in range(30) for batch in range(1, 5)))
    whole, reader, pieces, more = MetricsReader(tmp_path / "m").poll().lines, MetricsReader(tmp_path / "m"), [], True
    while more:
        change = reader.poll(200)
        pieces, more = pieces + change.lines, change.more
    assert pieces == whole


def test_a_run_that_this_version_resumes_has_lines_of_both(tmp_path: Path) -> None:
    write(tmp_path / "m", step(0, 1, loss=4.0), step(0, 2, loss=3.0))
    with MetricsWriter(tmp_path / "m") as writer:
        writer.write_step({"epoch": 0, "batch": 3, "step": 3, "loss": 3.0})
    assert json.loads((tmp_path / "m").read_text(encoding="utf-8").splitlines()[2])["version"] == 2
    assert losses(MetricsReader(tmp_path / "m").poll().lines) == [4.0, 2.0, 3.0]


def test_a_checkpoint_within_an_epoch_keeps_its_sums() -> None:
    losses = {"count": 18.0, "loss": 1 / 3, "accuracy_O": 7.0}
    health = {"agreement": {"images": 18.0, "agreement": 5.0}, "trace": {"images": 18.0, "peaks": 40.0}}
    fields = current_progress({"epoch": 2, "batch": 3, "loss": losses, "health": health})
    assert fields == {"epoch": 2, "batch": 3, "sums": {**losses, "agreement": 5.0, "peaks": 40.0}}
    assert current_progress(fields) == fields
    assert current_progress({"epoch": 2, "loss": None, "health": None}) == {"epoch": 2, "sums": None}
