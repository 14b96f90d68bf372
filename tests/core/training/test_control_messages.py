"""How many messages the processes of a training exchange."""

from pathlib import Path
from typing import TypeVar

import pytest
from tiny_training import prepare

from s3n_core.system.distributed import Team
from s3n_core.training.events import CheckpointSaved
from s3n_core.training.trainer import Trainer

T = TypeVar("T")


class CountingTeam(Team):
    """A team of one that counts its control messages."""

    def __init__(self) -> None:
        super().__init__()
        self.messages = 0

    def gather(self, value: T) -> list[T]:
        self.messages += 1
        return super().gather(value)

    def lead(self, value: T) -> T:
        self.messages += 1
        return super().lead(value)


def messages(path: Path, data: Path, micro_batch: int) -> int:
    """Return the number of control messages of four updates: three of six images, one of three."""
    own = {"epochs": 1, "probes": 0, "validation": 0.125, "network__batch_norm": "frozen"}
    run = prepare(path, data, micro_batch=micro_batch, **own)
    team = CountingTeam()
    training = Trainer(run.path, workers=0, team=team).run()
    next(training)
    before = team.messages
    while not isinstance(next(training), CheckpointSaved):
        pass
    training.close()
    return team.messages - before


def test_a_micro_batch_needs_one_message_and_an_update_one_more(
    tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("s3n_core.training.loop.REPORT_SECONDS", float("inf"))
    whole, halves = messages(tmp_path / "whole", pictures, 6), messages(tmp_path / "halves", pictures, 3)
    of_the_epoch = whole - 2 * 4  # its speed, its means, the validation's batches and means, images left out
    assert of_the_epoch <= 6
    assert halves - 3 - whole in (0, 1)  # three micro-batches more; the validation may have one batch more
