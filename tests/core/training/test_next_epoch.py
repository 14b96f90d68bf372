"""While an epoch is validated and saved, threads load the first images of the next one, and nothing else changes."""

import threading
from pathlib import Path

import numpy as np
import pytest
from tiny_training import assert_same_training, prepare, train

from s3n_core.training.batch_loader import BatchLoader
from s3n_core.training.events import EpochDone, Event
from s3n_core.training.trainer import Trainer


class Augmented:
    """Which epochs' views have been asked for, and an event once the second one's has been."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.epochs: set[int] = set()
        self.second = threading.Event()
        draws = BatchLoader._augmentation_draws

        def told(loader: BatchLoader, epoch: int, name: str) -> np.random.Generator:
            self.epochs.add(epoch)
            if epoch == 1:
                self.second.set()
            return draws(loader, epoch, name)

        monkeypatch.setattr(BatchLoader, "_augmentation_draws", told)


def own_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("s3n-")]


def test_the_next_epoch_is_loaded_before_this_one_is_done(
    tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Augmented(monkeypatch)

    def at_the_end(event: Event) -> None:
        if isinstance(event, EpochDone) and event.epoch == 0:
            assert asked.second.wait(60)

    reference = prepare(tmp_path / "reference", pictures)
    train(reference)
    asked.second.clear()
    run = prepare(tmp_path / "run", pictures)
    train(run, workers=2, during=at_the_end)
    assert asked.epochs == {0, 1, 2}, "nothing is loaded after the last epoch"
    assert not own_threads()
    assert_same_training(run, reference)


def test_without_threads_nothing_is_loaded_ahead(
    tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Augmented(monkeypatch)
    done: list[bool] = []
    run = prepare(tmp_path / "run", pictures, epochs=2)
    train(run, during=lambda event: done.append(asked.second.is_set()) if isinstance(event, EpochDone) else None)
    assert done == [False, True]


def test_a_training_that_ends_in_between_leaves_no_thread(tmp_path: Path, pictures: Path) -> None:
    run = prepare(tmp_path / "run", pictures)
    events = Trainer(run.path, workers=2).run()
    next(event for event in events if isinstance(event, EpochDone))
    events.close()
    assert not own_threads()
    reference = prepare(tmp_path / "reference", pictures)
    train(reference)
    train(run)
    assert_same_training(run, reference)
