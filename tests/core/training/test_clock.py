"""Setting the clock during training affects neither the training nor the detection of its process."""

import random
import time
from pathlib import Path

import psutil
import pytest
from tiny_training import LiveTraining, assert_same_training, prepare, train

from s3n_core.runs.control import send_order
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.runs.run_list import list_runs
from s3n_core.system.locks import read_owner
from s3n_core.training.events import Event, StepDone


@pytest.mark.usefixtures("every_batch_tells")
def test_a_clock_that_jumps_changes_nothing(
    tmp_path: Path, pictures: Path, reference: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = prepare(tmp_path / "run", pictures)
    chance, real = random.Random(0), time.time
    monkeypatch.setattr(time, "time", lambda: max(0.0, real() + chance.choice([-1, 1]) * chance.uniform(0, 1e8)))

    def during(event: Event) -> None:
        if isinstance(event, StepDone):
            assert event.seconds_left >= 0
            assert event.images_per_second > 0
            assert [summary.status for summary in list_runs(tmp_path)] == ["running"]

    train(run, during=during)
    assert_same_training(run, reference)


def test_orders_reach_a_training_whose_clock_was_set(
    tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On Linux a process's creation time in Unix seconds moves with the clock: two programs may see it hours apart."""
    run = prepare(tmp_path / "run", pictures, epochs=10_000)
    live = LiveTraining.of(run)
    try:
        assert live.wait_for("step_done") is not None, live.errors
        created = psutil.Process.create_time
        monkeypatch.setattr(psutil.Process, "create_time", lambda self: created(self) + 7200)
        owner = read_owner(run.path)
        assert owner is not None
        assert owner.is_alive()
        send_order(run.path, "stop")
        assert live.wait() == 0
    finally:
        live.kill()
