"""If memory runs out, training continues in smaller steps with the same result."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_training import epoch_lines, prepare, train, weights

from s3n_core.errors import OutOfMemory
from s3n_core.system.distributed import ALONE
from s3n_core.training import step, validation
from s3n_core.training.events import EpochDone, MicroBatchHalved, RunStarted
from s3n_core.training.learner import Learner
from s3n_core.training.memory_limit import MemoryLimit
from s3n_core.training.preparing import read_plan
from s3n_core.training.trainer import Trainer
from s3n_core.training.training_progress import TrainingProgress

FAILURES = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."),
    RuntimeError("could not create a primitive"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
]
ONE_EPOCH: dict[str, Any] = {
    "epochs": 1,
    "probes": 0,
    "network__batch_norm": "frozen",
    "network__train_sampling": "expected",
}


def without_memory(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in line.items() if key not in ("micro_batch", "warnings")} for line in lines]


def fail_above(most: int, failure: Exception, *, after: int = 0) -> Callable[..., Any]:
    """Replace the objective by one that runs out of memory for more than ``most`` images, from call ``after`` on."""
    objective, calls = step.objective, 0

    def exhausted(output: Any, labels: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if len(labels) > most and calls > after:
            raise failure
        return objective(output, labels, **options)

    return exhausted


@pytest.mark.parametrize("failure", FAILURES, ids=["card", "main memory", "main memory's library", "a card's library"])
def test_smaller_steps_from_a_batch_on_learn_what_they_learn_from_the_start(
    tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    small = prepare(tmp_path / "small", pictures, micro_batch=3, **ONE_EPOCH)
    train(small)
    halved = prepare(tmp_path / "halved", pictures, **ONE_EPOCH)
    monkeypatch.setattr(step, "objective", fail_above(3, failure))
    events = train(halved)
    assert [event for event in events if isinstance(event, MicroBatchHalved)] == [MicroBatchHalved(0, 0, 6, 3, 6)]
    assert without_memory(epoch_lines(halved)) == without_memory(epoch_lines(small))
    assert epoch_lines(halved)[0]["micro_batch"] == 3
    done = next(event for event in events if isinstance(event, EpochDone))
    assert "Memory is enough for 3 instead of 6 images at once" in done.warnings[0]
    assert "BatchNorm" not in done.warnings[0]  # it is frozen
    assert "Memory ran out in epoch 1" in halved.log_txt.read_text()
    assert halved.read_run()["micro_batch"] == 3


def test_a_frozen_backbone_loses_nothing_by_smaller_steps(
    tmp_path: Path, few_pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = prepare(tmp_path / "run", few_pictures, epochs=1, probes=0, validation=0, freeze_backbone=True)
    monkeypatch.setattr(step, "objective", fail_above(3, FAILURES[0]))
    done = next(event for event in train(run) if isinstance(event, EpochDone))
    assert "Memory is enough for 3 instead of 6 images at once" in done.warnings[0]
    assert "BatchNorm" not in done.warnings[0]


@pytest.mark.parametrize("batch_norm", ["shared", "separate"])
def test_layers_that_learn_statistics_learn_none_from_what_failed(
    tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch, batch_norm: str
) -> None:
    settings = {**ONE_EPOCH, "network__batch_norm": batch_norm}
    small = prepare(tmp_path / "small", pictures, micro_batch=3, **settings)
    train(small)
    halved = prepare(tmp_path / "halved", pictures, **settings)
    monkeypatch.setattr(step, "objective", fail_above(3, FAILURES[0]))
    train(halved)
    networks = [weights(run) for run in (small, halved)]
    assert [name for name in networks[0] if not torch.equal(networks[0][name], networks[1][name])] == []


def test_what_was_counted_before_memory_ran_out_is_not_counted_twice(
    tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory runs out in the second micro-batch of the second batch, after the first one has been counted."""
    run = prepare(tmp_path / "run", pictures, micro_batch=3, **ONE_EPOCH)
    whole = prepare(tmp_path / "whole", pictures, **ONE_EPOCH)
    train(whole)
    monkeypatch.setattr(step, "objective", fail_above(1, FAILURES[0], after=3))
    events = train(run)
    assert [event for event in events if isinstance(event, MicroBatchHalved)] == [MicroBatchHalved(0, 1, 3, 1, 6)]
    line, expected = epoch_lines(run)[0], epoch_lines(whole)[0]
    assert line["images"] == expected["images"] == 21
    assert line["loss"] == pytest.approx(expected["loss"], rel=1e-4)


def test_a_resume_begins_with_what_memory_allowed(
    tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = prepare(tmp_path / "run", pictures, **{**ONE_EPOCH, "epochs": 2})
    monkeypatch.setattr(step, "objective", fail_above(3, FAILURES[0]))
    trainer = Trainer(run.path, workers=0)
    for event in trainer.run():
        if isinstance(event, EpochDone):
            trainer.request_stop()
    events = train(run)
    assert not [event for event in events if isinstance(event, MicroBatchHalved)]
    assert isinstance(events[0], RunStarted)
    assert any("Memory is enough for 3" in note for note in events[0].notes)


def test_the_smallest_micro_batch_is_tried_before_it_is_said_to_be_too_large(
    tmp_path: Path, few_pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of three images is one, of which BatchNorm cannot learn; two may fit."""
    run = prepare(tmp_path / "run", few_pictures, validation=0)
    plan = read_plan(run)
    monkeypatch.setattr(Learner, "least_images", 2)
    memory, progress = MemoryLimit(run, plan, Learner(plan, "cpu", "float32", ALONE), ALONE), TrainingProgress()
    assert [memory.halve(progress).now for _ in range(2)] == [3, 2]
    with pytest.raises(OutOfMemory, match="even with the smallest micro-batch"):
        memory.halve(progress)
    assert (memory.micro, run.read_run()["micro_batch"]) == (2, 2)


def test_memory_that_runs_out_in_the_validation_costs_the_training_nothing(
    tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = prepare(tmp_path / "whole", pictures, epochs=2, probes=0)
    train(whole)
    run = prepare(tmp_path / "run", pictures, epochs=2, probes=0)
    objective = validation.objective

    def exhausted(output: Any, labels: Any) -> Any:
        if len(labels) > 1:
            raise FAILURES[0]
        return objective(output, labels)

    monkeypatch.setattr(validation, "objective", exhausted)
    events = train(run)
    lines, expected = epoch_lines(run), epoch_lines(whole)
    for line, other in zip(lines, expected, strict=True):
        assert line["loss"] == other["loss"]
        assert line["validation_loss"] == pytest.approx(other["validation_loss"], rel=1e-4)
        assert line["validation_images"] == other["validation_images"]
        assert line["micro_batch"] == other["micro_batch"] == 6
    assert not [event for event in events if isinstance(event, MicroBatchHalved)]
    said = "not enough memory for 3 images at once; continuing with 1"
    assert run.log_txt.read_text().count(said) == 1, "what fits is remembered from epoch to epoch"
