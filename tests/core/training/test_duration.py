"""The time of a training is estimated from runs of the same kind on the same machine, and never too precisely."""

from pathlib import Path
from typing import Any

import pytest
from tiny_training import prepare, tiny_recipe, train

from s3n_core.runs.run_directory import RunDirectory
from s3n_core.runs.run_list import list_runs
from s3n_core.runs.run_state import RunState
from s3n_core.runs.run_summary import RunSummary
from s3n_core.training.duration import estimate_time, rounded_duration
from s3n_core.training.events import RunStarted
from s3n_core.training.recipe import Recipe
from s3n_core.training.recipes import find_recipe

QUICK = find_recipe("quick")


def earlier(recipe: Recipe = QUICK, name: str = "birds-3", **state: Any) -> RunSummary:
    """Return a finished run of ten images per second on the machine "here"."""
    fields = {"epoch": 4, "epochs": 4, "batches": 30, "images_per_second": 10.0, "device": "cpu", "host": "here"}
    return RunSummary(
        path=Path(name),
        status="finished",
        live=False,
        created=1.0,
        state=RunState(status="finished", **{**fields, **state}),
        run={"recipe": recipe.model_dump(mode="json")},
    )


def estimate(*runs: RunSummary, recipe: Recipe = QUICK, images: int = 300, validation: int = 90) -> Any:
    return estimate_time(recipe, images, validation, runs, "cpu", host="here")


def test_the_speed_of_an_earlier_run_gives_the_time() -> None:
    recipe = QUICK.changed({"epochs": 20})
    found = estimate(earlier(), recipe=recipe)
    # 20 epochs of 30 s, and a tenth more: 90 validation images cost as much as 30 training images.
    assert found.seconds == pytest.approx(20 * 30 * 1.1)
    assert found.text == "about 11 min on this machine (from run birds-3)"
    assert estimate(earlier(), recipe=recipe.changed({"patience": 3})).text.startswith("at most about 11 min on this")


def test_the_newest_run_that_counts_is_taken() -> None:
    runs = earlier(name="elsewhere", host="there"), earlier(name="new"), earlier(name="old", images_per_second=1.0)
    assert estimate(*runs).run == "new"


@pytest.mark.parametrize(
    "changed",
    [
        {"network.backbone": "resnet18"},
        {"network.input_size": 448, "network.source_size": 448},
        {"network.branches": "O"},
        {"precision": "bfloat16"},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_a_run_of_another_kind_says_nothing(changed: dict[str, object]) -> None:
    assert estimate(earlier(QUICK.changed(changed))) is None
    assert estimate(earlier(), recipe=QUICK.changed(changed)) is None


@pytest.mark.parametrize(
    "state",
    [
        {"device": "cuda"},
        {"host": "there"},
        {"host": None},
        {"device": None, "host": None},  # of an earlier version
        {"images_per_second": None},
        {"epoch": 0, "batch": 3},
    ],
    ids=str,
)
def test_a_run_elsewhere_or_without_a_speed_says_nothing(state: dict[str, object]) -> None:
    assert estimate(earlier(**state)) is None


def test_settings_that_do_not_change_the_speed_are_free() -> None:
    assert estimate(earlier(QUICK.changed({"rate_heads": 0.1, "epochs": 3, "seed": 5}))) is not None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (3, "1 min"),
        (130, "2 min"),
        (717, "12 min"),
        (43 * 60, "45 min"),
        (59 * 60, "1 h"),
        (98 * 60, "1.5 h"),
        (13.7 * 3600, "14 h"),
        (75 * 3600, "3 days"),
    ],
)
def test_no_false_precision(seconds: float, text: str) -> None:
    assert rounded_duration(seconds) == text


def test_a_training_tells_its_time_from_the_runs_beside_it(tmp_path: Path, pictures: Path) -> None:
    first, second = (prepare(tmp_path / name, pictures, epochs=2) for name in ("first", "second"))
    started = [event for run in (first, second) for event in train(run) if isinstance(event, RunStarted)]
    assert started[0].time == "not known yet; the first epoch will tell"
    assert started[1].time.endswith("on this machine (from run first)")


def test_another_recipe_or_a_moved_run_is_not_known(tmp_path: Path, pictures: Path) -> None:
    run = prepare(tmp_path / "run", pictures, epochs=2)
    train(run)
    recipe, runs = tiny_recipe(epochs=2), list_runs(tmp_path)
    assert estimate_time(recipe, 21, 3, runs, "cpu") is not None
    assert estimate_time(recipe, 21, 3, runs, "cuda") is None
    state = RunDirectory(run.path).read_state()
    assert state is not None
    assert estimate_time(recipe, 21, 3, runs, "cpu", host=f"not {state.host}") is None
