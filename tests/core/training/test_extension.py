"""A run that is given more epochs ends as if it had had them from the start, or says why not."""

from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from tiny_training import LiveTraining, assert_same_training, epoch_lines, prepare, train

from s3n_core.errors import DiskFull, RecipeError, RunError
from s3n_core.runs.model_paths import model_file
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.training import checkpoints
from s3n_core.training.events import RunStarted
from s3n_core.training.extension import plan_extension
from s3n_core.training.trainer import Trainer
from s3n_core.training.training_progress import TrainingProgress

STEPS: dict[str, Any] = {"schedule": "step", "step_epochs": [1, 3], "recalibrate": True, "validation": 0.17}


def extended(run: RunDirectory, epochs: int) -> RunStarted:
    events = list(Trainer(run.path, workers=0, epochs=epochs).run())
    assert isinstance(events[0], RunStarted)
    return events[0]


@pytest.fixture(scope="module")
def at_once(tmp_path_factory: pytest.TempPathFactory, few_pictures: Path) -> RunDirectory:
    """Four epochs, asked for from the start; only to be read."""
    run = prepare(tmp_path_factory.mktemp("once") / "run", few_pictures, epochs=4, **STEPS)
    train(run)
    return run


def test_two_epochs_and_two_more_are_four_to_the_bit(tmp_path: Path, few_pictures: Path, at_once: RunDirectory) -> None:
    run = prepare(tmp_path / "run", few_pictures, epochs=2, **STEPS)
    train(run)
    assert run.read_pointer("last") == "step-0000002-recalibrated"
    started = extended(run, 4)
    assert "the same as that of a new run of 4 epochs" in started.notes[0]
    assert_same_training(run, at_once)
    content = run.read_run()
    assert content["recipe"]["epochs"] == 4
    assert [{**change, "at": 0} for change in content["extensions"]] == [{"from": 2, "to": 4, "done": 2, "at": 0}]
    state = run.read_state()
    assert state is not None
    assert (state.status, state.epoch, state.epochs) == ("finished", 4, 4)


@pytest.mark.usefixtures("every_batch_tells")
def test_stopped_while_it_is_extended_it_goes_on_to_the_new_end(
    tmp_path: Path, few_pictures: Path, at_once: RunDirectory
) -> None:
    run = prepare(tmp_path / "run", few_pictures, epochs=2, **STEPS)
    train(run)
    with closing(Trainer(run.path, workers=0, epochs=4).run()) as events:
        list(islice(events, 2))
    train(run)  # as `s3n runs resume NAME` does, without a number
    assert_same_training(run, at_once)
    with pytest.raises(RunError, match="nothing left to resume"):
        train(run)


def test_killed_while_it_is_extended_it_goes_on_to_the_new_end(
    tmp_path: Path, few_pictures: Path, at_once: RunDirectory
) -> None:
    """Killed right after the number of epochs has changed, and again after a checkpoint of the new epochs."""
    run = prepare(tmp_path / "run", few_pictures, epochs=2, checkpoint_minutes=1e-6, **STEPS)
    train(run)
    for arguments, event in ((["--epochs", "4"], "run_started"), ([], "checkpoint_saved")):
        live = LiveTraining(["runs", "resume", str(run.path), "--workers", "0", *arguments])
        try:
            assert live.wait_for(event) is not None, live.errors
        finally:
            live.kill()
        state = run.read_state()
        assert state is not None
        assert (state.status, run.read_run()["recipe"]["epochs"]) != ("finished", 2)
    if not is_finished(run):  # on a busy machine it may have come to its end before it was killed
        train(run)
    assert_same_training(run, at_once)
    assert len(run.read_run()["extensions"]) == 1


def is_finished(run: RunDirectory) -> bool:
    state = run.read_state()
    return state is not None and state.status == "finished"


def test_a_cosine_is_said_not_to_be_the_same_and_its_rates_rise_again(tmp_path: Path, few_pictures: Path) -> None:
    run = prepare(tmp_path / "run", few_pictures, epochs=2, schedule="cosine", rate_warm_up=0.0)
    train(run)
    note = extended(run, 4).notes[0]
    assert "come down to 0 % of their initial values" in note
    assert "continues at 50 %" in note
    assert "not the same as that of a new run of 4 epochs" in note
    rates = [line["rate_heads"] for line in epoch_lines(run)]
    # Of the updates at the ends of epochs 1 to 4, one each: the cosine of two epochs, then the one of four.
    assert rates == pytest.approx([0.003, 0.0015, 0.0015, 0.003 * 0.14644661])


@pytest.mark.parametrize("epochs", [1, 3])
def test_no_more_epochs_than_are_done_is_refused_and_changes_nothing(reference: RunDirectory, epochs: int) -> None:
    before = (reference.run_json.read_bytes(), reference.state_json.read_bytes())
    with pytest.raises(RunError, match="already been trained for 3 epochs; choose at least 4"):
        list(Trainer(reference.path, epochs=epochs).run())
    assert (reference.run_json.read_bytes(), reference.state_json.read_bytes()) == before


def test_a_run_that_ended_by_its_patience_says_so(tmp_path: Path, few_pictures: Path) -> None:
    settings: dict[str, Any] = {"rate_heads": 0.0, "rate_backbone": 0.0, "schedule": "constant", "patience": 1}
    run = prepare(tmp_path / "run", few_pictures, epochs=9, network__batch_norm="frozen", validation=0.17, **settings)
    train(run)
    assert len(epoch_lines(run)) == 2
    with pytest.raises(RunError, match="patience"):
        plan_extension(run, 12)


def first_and_recalibrated_are_best(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no epoch but the first and no recalibration but that of step 2 be an improvement."""
    best = ("step-0000001", "step-0000002-recalibrated")

    def improve(progress: TrainingProgress, accuracy: float | None, loss: float | None) -> bool:
        # Asked before the recalibration is entered in the progress.
        again = progress.epoch == progress.step
        return progress.checkpoint_name + ("-recalibrated" if again else "") in best

    monkeypatch.setattr(TrainingProgress, "improve", improve)


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "lost"])
def test_its_best_epoch_is_again_the_one_before_the_recalibration(
    tmp_path: Path, few_pictures: Path, monkeypatch: pytest.MonkeyPatch, kept: bool
) -> None:
    first_and_recalibrated_are_best(monkeypatch)
    run = prepare(tmp_path / "run", few_pictures, epochs=2, probes=0, **STEPS)
    train(run)
    assert run.read_pointer("best") == "step-0000002-recalibrated"
    if not kept:  # as by earlier versions of this program
        for file in run.checkpoints.glob("step-0000001*"):
            file.unlink()
    extended(run, 4)
    assert model_file(run.path).stem == ("step-0000001" if kept else "step-0000004-recalibrated")
    assert {path.stem for path in run.checkpoints.glob("*.json")} == {
        *(["step-0000001"] if kept else []),
        "step-0000004",
        "step-0000004-recalibrated",
    }


def test_a_run_that_ended_by_its_patience_says_so_after_its_recalibration_too(
    tmp_path: Path, few_pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first_and_recalibrated_are_best(monkeypatch)
    run = prepare(tmp_path / "run", few_pictures, epochs=9, probes=0, patience=1, **STEPS)
    train(run)
    assert run.read_pointer("best") == "step-0000002-recalibrated"
    with pytest.raises(RunError, match="patience"):
        plan_extension(run, 12)


def test_what_the_recipe_does_not_allow_is_refused(tmp_path: Path, few_pictures: Path) -> None:
    run = prepare(tmp_path / "run", few_pictures, epochs=3, phases=[{"epochs": 3, "sampling": "all"}])
    with pytest.raises(RecipeError, match="phases"):
        plan_extension(run, 2)
    with pytest.raises(RecipeError, match="epochs"):
        plan_extension(run, 20000)


def test_a_run_whose_first_checkpoint_could_not_be_written_has_not_begun(
    tmp_path: Path, few_pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = prepare(tmp_path / "run", few_pictures, epochs=1, probes=0, validation=0.17)

    def full(*_: object, **__: object) -> None:
        raise DiskFull("The disk is full.", path=run.checkpoints)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "save_model", full)
        with pytest.raises(DiskFull):
            train(run)
    state = run.read_state()
    assert state is not None
    assert (state.status, state.epoch, state.best_epoch, state.best_accuracy) == ("failed", 0, None, None)
    assert plan_extension(run, 3).done == 0
    extended(run, 3)
    assert [line["epoch"] for line in epoch_lines(run)] == [0, 1, 2]


def test_a_run_that_has_not_begun_just_has_other_epochs(tmp_path: Path, few_pictures: Path) -> None:
    run = prepare(tmp_path / "run", few_pictures, epochs=3, schedule="cosine")
    plan = plan_extension(run, 1)
    assert plan.exact
    assert plan.sentence == (
        "The learning rates follow a cosine over 1 epoch. The result is the same as that of a new run of 1 epoch."
    )
