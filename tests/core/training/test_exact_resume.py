"""A run interrupted in any way, any number of times, ends like an uninterrupted one: metrics, weights, snapshots."""

import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
from tiny_training import LiveTraining, assert_same_training, epoch_lines, prepare, train

from s3n_core.errors import RunError
from s3n_core.runs.metrics_reading import read_epochs
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.training import loop
from s3n_core.training.events import CheckpointSaved, EpochDone, RunStarted, StepDone
from s3n_core.training.trainer import Trainer

KILLS = 5
EVERY_BATCH = 1e-6  # minutes between two checkpoints: one after each batch


def copied(run: RunDirectory, to: Path) -> RunDirectory:
    shutil.copytree(run.path, to)
    return RunDirectory(to)


def half_a_checkpoint(run: RunDirectory) -> bool:
    """Return whether a checkpoint is being written at this moment."""
    names = set(os.listdir(run.checkpoints))
    models = {n.removesuffix(".safetensors") for n in names if n.endswith(".safetensors") and "optimizer" not in n}
    return any(f"{name}.json" not in names for name in models) or any(name.startswith(".s3n-") for name in names)


def kill_again_and_again(run: RunDirectory) -> int:
    """Train in processes that are killed soon after their first progress; return the number of kills."""
    chance = random.Random()
    for number in range(KILLS):
        live = LiveTraining.of(run)
        try:
            if live.wait_for("checkpoint_saved") is None:
                return number
            if number % 2:  # during the writing of a checkpoint, as closely as can be timed from outside
                while not half_a_checkpoint(run) and live.process.poll() is None:
                    time.sleep(0.0005)
            else:
                time.sleep(chance.uniform(0, 0.1))
        finally:
            live.kill()
        if live.process.returncode != -signal.SIGKILL:
            return number
    return KILLS


def test_killed_again_and_again_it_ends_as_if_never_killed(
    tmp_path: Path, pictures: Path, reference: RunDirectory
) -> None:
    # On a busy machine a run may finish before this process kills it; then try another one.
    for attempt in range(5):
        run = prepare(tmp_path / f"run-{attempt}", pictures, checkpoint_minutes=EVERY_BATCH)
        if kill_again_and_again(run) < KILLS:
            continue
        state = run.read_state()
        assert state is not None
        assert state.status in ("starting", "running")
        events = train(run, workers=1)
        assert isinstance(events[0], RunStarted)
        assert events[0].resumed
        assert_same_training(run, reference)
        left = {path.name.split(".")[0] for path in run.checkpoints.glob("step-*")}
        assert left <= {"step-0000012", "step-0000011", run.read_pointer("best")}
        return
    pytest.fail(f"no run lasted long enough to be killed {KILLS} times")


@pytest.mark.usefixtures("every_batch_tells")
def test_closed_after_any_event_it_ends_as_if_never_closed(
    tmp_path: Path, pictures: Path, reference: RunDirectory
) -> None:
    run = prepare(tmp_path / "run", pictures)
    # Closed at the start, after batches, after a checkpoint, and after an epoch's last batch before its validation.
    for count in (1, 2, 3, 5, 4, 4, 2):
        with closing(Trainer(run.path, workers=1).run()) as events:
            assert len(list(islice(events, count))) == count
        state = run.read_state()
        assert state is not None
        assert state.status == "stopped"
    train(run)
    assert_same_training(run, reference)


@pytest.mark.usefixtures("every_batch_tells")
def test_an_epoch_of_which_only_the_validation_was_left_has_no_speed(tmp_path: Path, few_pictures: Path) -> None:
    run = prepare(tmp_path / "run", few_pictures, epochs=2, probes=0, validation=0.17)
    with closing(Trainer(run.path, workers=0).run()) as events:
        assert any(isinstance(event, StepDone) for event in events)  # the only batch of the first epoch
    train(run)
    speed = {"images_per_second", "waiting_for_images"}
    assert [speed & line.keys() for line in read_epochs(run.metrics_jsonl)] == [set(), speed]


def test_a_request_to_stop_keeps_everything(tmp_path: Path, pictures: Path, reference: RunDirectory) -> None:
    run = prepare(tmp_path / "run", pictures)
    trainer = Trainer(run.path, workers=0)
    trainer.request_stop()
    events = list(trainer.run())
    assert isinstance(events[-2], CheckpointSaved)
    assert events[-1].status == "stopped"
    trainer = Trainer(run.path, workers=0)
    for event in trainer.run():
        if isinstance(event, EpochDone):
            trainer.request_stop()
    assert len(epoch_lines(run)) == 1
    # Nothing is done twice: the stop came right after a checkpoint.
    assert run.read_pointer("last") == "step-0000004"
    train(run)
    assert_same_training(run, reference)


@pytest.mark.usefixtures("real_command")
def test_killed_before_the_first_checkpoint_it_starts_anew(
    tmp_path: Path, pictures: Path, reference: RunDirectory
) -> None:
    run = prepare(tmp_path / "run", pictures)
    live = LiveTraining.of(run)
    live.wait_for("run_started")
    live.kill()
    assert list(run.checkpoints.glob("*.json")) == []
    events = train(run)
    assert isinstance(events[0], RunStarted)
    assert not events[0].resumed
    assert_same_training(run, reference)


def keep_only_the_model(run: RunDirectory) -> None:
    (run.checkpoints / "step-0000012.json").unlink()
    (run.checkpoints / "step-0000012.optimizer.safetensors").unlink()
    run.write_pointer("last", "step-0000008")


def take_the_place_away(run: RunDirectory) -> None:
    (run.checkpoints / "step-0000012.json").unlink()


def cut_the_model(run: RunDirectory) -> None:
    path = run.checkpoints / "step-0000012.safetensors"
    path.write_bytes(path.read_bytes()[:100_000])


def cut_the_momenta(run: RunDirectory) -> None:
    path = run.checkpoints / "step-0000012.optimizer.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])


def empty_the_pointer(run: RunDirectory) -> None:
    (run.checkpoints / "last").write_bytes(b"")
    cut_the_model(run)


def forget_the_pointer(run: RunDirectory) -> None:
    run.write_pointer("last", "step-0000008")


@pytest.mark.parametrize(
    "damage",
    [
        keep_only_the_model,
        take_the_place_away,
        cut_the_model,
        cut_the_momenta,
        empty_the_pointer,
        forget_the_pointer,
    ],
)
def test_half_or_damaged_checkpoints_cost_only_what_came_after_the_one_before(
    tmp_path: Path, reference: RunDirectory, damage: Callable[[RunDirectory], None]
) -> None:
    run = copied(reference, tmp_path / "run")
    damage(run)
    events = train(run)
    assert isinstance(events[0], RunStarted)
    assert (events[0].resumed, events[0].epoch) == (True, 2)
    assert_same_training(run, reference)


def test_where_all_checkpoints_are_damaged_it_says_so(tmp_path: Path, reference: RunDirectory) -> None:
    run = copied(reference, tmp_path / "run")
    for path in run.checkpoints.glob("*.safetensors"):
        path.write_bytes(b"junk")
    with pytest.raises(RunError, match="start a new run"):
        train(run)


def test_a_finished_run_says_so_and_stays_finished(tmp_path: Path, reference: RunDirectory) -> None:
    run = copied(reference, tmp_path / "run")
    # The state after a kill between the two pointers of the last checkpoint.
    run.write_pointer("best", "step-0000000")
    before = run.read_state()
    with pytest.raises(RunError, match="is finished"):
        train(run)
    state = run.read_state()
    assert state is not None
    assert before is not None
    assert state.status == "finished"
    assert (state.epoch, state.best_epoch, state.best_accuracy) == (3, before.best_epoch, before.best_accuracy)
    assert_same_training(run, reference)


def test_a_finished_run_whose_data_set_is_gone_stays_finished(tmp_path: Path, few_pictures: Path) -> None:
    data = tmp_path / "birds"
    shutil.copytree(few_pictures, data)
    run = prepare(tmp_path / "run", data, epochs=1, probes=0)
    train(run)
    before = run.read_state()
    shutil.rmtree(data)
    with pytest.raises(RunError, match="is finished"):
        train(run)
    state = run.read_state()
    assert state is not None
    assert before is not None
    assert replace(state, updated=0) == replace(before, updated=0)


@pytest.mark.usefixtures("every_batch_tells")
def test_checkpoints_ahead_of_what_was_resumed_are_forgotten(
    tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = prepare(tmp_path / "run", pictures, checkpoint_minutes=EVERY_BATCH, epochs=1)
    with closing(Trainer(run.path, workers=0).run()) as events:
        saved = [event.name for event in islice((e for e in events if isinstance(e, CheckpointSaved)), 3)]
    assert saved == ["step-0000001", "step-0000002", "step-0000003"]
    # The state after a kill before the pointer moved: the third checkpoint is complete, but lacks its metrics lines.
    run.write_pointer("last", "step-0000002")
    monkeypatch.setattr(loop.TrainingProgress, "checkpoint_name", property(lambda self: f"step-{self.step:07d}-again"))
    train(run)
    names = {path.stem for path in run.checkpoints.glob("*.json")}
    assert names == {"step-0000004-again", "step-0000003-again"}
