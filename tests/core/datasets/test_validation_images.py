"""Runs on the same validation images are told from runs on others, those of earlier versions too."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from s3n_core.commands.run_tables import fields_of, print_runs
from s3n_core.datasets.records import DataSet, ImageRecord
from s3n_core.datasets.splits import read_split
from s3n_core.datasets.validation_images import (
    other_validation,
    run_validation_fingerprint,
    validation_fingerprint,
)
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.runs.run_list import list_runs
from s3n_core.runs.run_state import RunState
from s3n_core.training.preparing import prepare_run
from s3n_core.training.recipes import find_recipe


@pytest.fixture
def data_set(tmp_path: Path) -> DataSet:
    names = [f"{letter}/{number}.png" for letter in "ab" for number in range(20)]
    records = tuple(ImageRecord(path=tmp_path / name, name=name, label="ab".index(name[0])) for name in names)
    return DataSet(root=tmp_path, format="class-folders", classes=("a", "b"), records=records)


def prepare(root: Path, name: str, data_set: DataSet, **settings: Any) -> RunDirectory:
    recipe = find_recipe("quick").changed({"weights": "none", **settings})
    run = prepare_run(root / name, data_set, recipe)
    run.write_state(RunState(status="finished", epoch=1, epochs=1, best_epoch=0, best_accuracy=0.9))
    return run


def validation_names(run: RunDirectory) -> set[str]:
    return {row.name for row in read_split(run.split_csv) if row.part == "validation"}


def test_the_training_seed_does_not_choose_the_validation_images(root: Path, data_set: DataSet) -> None:
    runs = {seed: prepare(root, f"seed {seed}", data_set, seed=seed) for seed in (0, 1)}
    assert len(validation_names(runs[0])) == 4
    assert validation_names(runs[0]) == validation_names(runs[1])
    assert validation_names(runs[0]) != validation_names(prepare(root, "other", data_set, split_seed=1))


def test_the_draw_is_that_of_earlier_versions(root: Path, data_set: DataSet) -> None:
    # Drawn by the training seed, as the first versions did.
    before = {0: {"a/6.png", "a/8.png", "b/14.png", "b/2.png"}, 1: {"a/10.png", "a/15.png", "b/10.png", "b/9.png"}}
    for seed, names in before.items():
        assert validation_names(prepare(root, f"{seed}", data_set, split_seed=seed)) == names


@pytest.mark.parametrize(("version", "seed"), [(1, 5), (2, 5), (3, 0)])
def test_the_seed_of_an_old_run_tells_its_split(run: RunDirectory, version: int, seed: int) -> None:
    fields = {"name": "mine", "seed": 5}
    content = {"format": "s3n-run", "format_version": version, "recipe": fields}
    run.run_json.write_text(json.dumps(content), encoding="utf-8")
    assert run.read_run()["recipe"].get("split_seed", 0) == seed
    run.raise_version()
    assert run.read_run()["recipe"].get("split_seed", 0) == seed


def test_a_fingerprint_is_of_names_and_classes(root: Path, data_set: DataSet) -> None:
    images = [("a/1.png", "a"), ("b/2.png", "b")]
    assert validation_fingerprint(images) == validation_fingerprint(images[::-1])
    others = [images[:1], [("a/1.png", "b"), images[1]], [("a/1.jpg", "a"), images[1]]]
    assert len({validation_fingerprint(some) for some in (images, *others)}) == 4
    assert validation_fingerprint([("1.png", "Bläuling")]) == validation_fingerprint([("1.png", "Bla\u0308uling")])
    assert validation_fingerprint([]) == ""
    assert run_validation_fingerprint(root, prepare(root, "none", data_set, validation=0.0).read_run()) == ""


def test_a_run_of_an_earlier_version_has_the_same_fingerprint(root: Path, data_set: DataSet) -> None:
    run = prepare(root, "new", data_set)
    content = run.read_run()
    kept = content.pop("validation_images")
    assert run_validation_fingerprint(run.path, content) == kept != ""
    run.split_csv.unlink()
    assert run_validation_fingerprint(run.path, content) is None


def test_runs_on_other_validation_images_are_marked(
    root: Path, data_set: DataSet, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, seed in (("one", 0), ("two", 0), ("three", 1)):
        prepare(root, name, data_set, split_seed=seed)
    prepare(root, "elsewhere", replace(data_set, root=root), split_seed=2)
    runs = list_runs(root)
    assert other_validation(runs) == {root / "three"}
    print_runs(runs)
    printed = capsys.readouterr()
    assert [line.split()[0] for line in printed.out.splitlines() if "≠" in line] == ["three"]
    assert "other validation images" in printed.err
    hashes = {run.name: fields_of(run)["validation_images"] for run in runs}
    assert hashes["one"] == hashes["two"] != hashes["three"]
