"""The mean of the last weights: what it is of, that it survives every interruption, and that nothing else changes."""

import shutil
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tiny_training import assert_same_tensors, assert_same_training, epoch_lines, kinds, prepare, train, weights

from s3n_core.errors import RunError
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.training.events import CheckpointSaved, EpochDone, Event
from s3n_core.training.extension import plan_extension
from s3n_core.training.trainer import Trainer

STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


def split(state: dict[str, torch.Tensor]) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """Return weights and BatchNorm statistics apart."""
    statistics = {name: value for name, value in state.items() if name.endswith(STATISTICS)}
    return {name: value for name, value in state.items() if name not in statistics}, statistics


def train_by_epochs(run: RunDirectory) -> list[dict[str, torch.Tensor]]:
    """Train a run; return its weights and statistics as each checkpoint at the end of an epoch has them, and the last."""
    states: list[dict[str, torch.Tensor]] = []

    def keep(event: Event) -> None:
        if isinstance(event, EpochDone):
            states.append(weights(run))

    train(run, during=keep)
    return states


@pytest.fixture(scope="module")
def averaged(tmp_path_factory: pytest.TempPathFactory, pictures: Path) -> RunDirectory:
    """The tiny training, averaged over the last two of its three epochs, never interrupted; only to be read."""
    run = prepare(tmp_path_factory.mktemp("averaged") / "run", pictures, average_epochs=2)
    train(run)
    return run


def test_it_is_the_mean_of_the_weights_after_each_of_the_last_epochs(tmp_path: Path, few_pictures: Path) -> None:
    run = prepare(tmp_path / "run", few_pictures, epochs=4, average_epochs=3, validation=0, probes=0)
    *epochs, last = train_by_epochs(run)
    assert len(epochs) == 4
    assert run.read_pointer("last") == run.read_pointer("best") == "step-0000004-averaged"
    assert [line.get("averaged", False) for line in epoch_lines(run)] == [False] * 4 + [True]
    own, statistics = split(last)
    assert {value.dtype for value in own.values()} == {torch.float32}
    for name, value in own.items():
        torch.testing.assert_close(value, torch.stack([epoch[name] for epoch in epochs[1:]]).mean(dim=0), msg=name)
    assert any(not torch.equal(own[name], epochs[-1][name]) for name in own)
    assert_same_tensors(statistics, split(epochs[-1])[1])


def test_it_changes_nothing_else(averaged: RunDirectory, reference: RunDirectory) -> None:
    *lines, last = epoch_lines(averaged)
    assert lines == epoch_lines(reference)
    assert last.keys() == {
        *("kind", "version", "epoch", "step", "averaged", "best"),
        *(name for name in lines[-1] if name.startswith("validation_")),
    }
    assert last["validation_loss"] != lines[-1]["validation_loss"]
    assert_same_tensors(load_file(averaged.checkpoints / "step-0000012.safetensors"), weights(reference))
    momenta = load_file(reference.checkpoints / "step-0000012.optimizer.safetensors")
    assert all(name.isdigit() for name in momenta)


@pytest.mark.usefixtures("every_batch_tells")
def test_closed_after_any_event_it_ends_as_if_never_closed(
    tmp_path: Path, pictures: Path, averaged: RunDirectory
) -> None:
    run = prepare(tmp_path / "run", pictures, average_epochs=2)
    # In the first epoch, in the second, at its end, after the last one, and before the mean replaces its weights.
    for count in (4, 5, 4, 9, 1):
        with closing(Trainer(run.path, workers=0).run()) as events:
            assert len(list(islice(events, count))) == count
    train(run)
    assert_same_training(run, averaged)


def test_killed_after_a_checkpoint_it_ends_as_if_never_killed(
    tmp_path: Path, pictures: Path, averaged: RunDirectory
) -> None:
    run = prepare(tmp_path / "run", pictures, average_epochs=2, checkpoint_minutes=1e-6)
    killed: list[RunDirectory] = []

    def copy(event: Event) -> None:
        # As a kill at this moment would leave it: in the last epoch, and after it.
        if isinstance(event, CheckpointSaved) and event.name in ("step-0000010", "step-0000012"):
            killed.append(RunDirectory(Path(shutil.copytree(run.path, tmp_path / event.name))))

    train(run, during=copy)
    assert_same_training(run, averaged)
    assert [other.read_pointer("last") for other in killed] == ["step-0000010", "step-0000012"]
    for other in killed:
        train(other)
        assert_same_training(other, averaged)


def test_stopped_before_it_is_applied_only_that_is_left(tmp_path: Path, pictures: Path, averaged: RunDirectory) -> None:
    run = prepare(tmp_path / "run", pictures, average_epochs=2)
    trainer = Trainer(run.path, workers=0)
    for event in trainer.run():
        if isinstance(event, EpochDone) and event.epoch == 2:
            trainer.request_stop()
    assert run.read_pointer("last") == "step-0000012"
    assert kinds(train(run)) == ["RunStarted", "CheckpointSaved", "EpochDone", "RunEnded"]
    assert_same_training(run, averaged)
    with pytest.raises(RunError, match="nothing left to resume"):
        train(run)


def test_recalibration_measures_the_statistics_of_the_mean(tmp_path: Path, few_pictures: Path) -> None:
    settings: dict[str, Any] = {"epochs": 2, "average_epochs": 2, "validation": 0, "probes": 0}
    plain = prepare(tmp_path / "plain", few_pictures, **settings)
    train(plain)
    run = prepare(tmp_path / "run", few_pictures, **settings, recalibrate=True)
    train(run)
    assert run.read_pointer("last") == "step-0000002-averaged"
    assert [(line.get("averaged"), line.get("recalibrated")) for line in epoch_lines(run)][-2:] == [
        (None, None),
        (True, True),
    ]
    (own, measured), (same, kept) = split(weights(run)), split(weights(plain))
    assert_same_tensors(own, same)
    assert any(not torch.equal(measured[name], kept[name]) for name in kept)


def test_a_frozen_backbone_stays_as_it_is(tmp_path: Path, few_pictures: Path) -> None:
    run = prepare(
        tmp_path / "run", few_pictures, epochs=3, average_epochs=3, validation=0, freeze_backbone=True, crop_scale=None
    )
    first, *_, last = train_by_epochs(run)
    backbone = [name for name in first if name.startswith("backbone.")]
    assert_same_tensors({name: first[name] for name in backbone}, {name: last[name] for name in backbone})
    assert all(not torch.equal(first[name], last[name]) for name in first if name.startswith("heads."))
    stored = load_file(run.checkpoints / "step-0000003.optimizer.safetensors")
    assert not [name for name in stored if name.startswith("average.backbone.")]


def test_trained_longer_it_averages_the_new_last_epochs(tmp_path: Path, few_pictures: Path) -> None:
    settings: dict[str, Any] = {"schedule": "constant", "average_epochs": 2, "validation": 0.17}
    at_once = prepare(tmp_path / "once", few_pictures, epochs=5, **settings)
    train(at_once)
    run = prepare(tmp_path / "run", few_pictures, epochs=3, **settings)
    train(run)
    with pytest.raises(RunError, match=r"mean of the weights of its last 2 epochs .* choose at least 5"):
        plan_extension(run, 4)
    list(Trainer(run.path, workers=0, epochs=5).run())
    assert_same_training(run, at_once)


def test_it_needs_the_weights_of_all_its_epochs_also_where_the_training_becomes_shorter(
    tmp_path: Path, few_pictures: Path
) -> None:
    run = prepare(tmp_path / "run", few_pictures, epochs=6, average_epochs=2, schedule="constant", validation=0)
    with closing(Trainer(run.path, workers=0).run()) as events:
        next(event for event in events if isinstance(event, EpochDone) and event.epoch == 1)
    assert plan_extension(run, 4).done == 2
    with pytest.raises(RunError, match="choose at least 4"):
        plan_extension(run, 3)
