"""Names that runs get where nobody chose one."""

from pathlib import Path
from typing import Any

import pytest
from tiny_training import tiny_recipe

from s3n_core.datasets.detection import open_data_set
from s3n_core.datasets.value_ranges import NO_RANGES, ValueRanges
from s3n_core.errors import RunError
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.training import preparing
from s3n_core.training.preparing import new_run


def test_another_training_may_begin_while_images_are_decoded(
    tmp_path: Path, few_pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decode(*_: Any, **__: Any) -> ValueRanges:
        RunDirectory.create(tmp_path / "runs" / "birds-1", {})
        return NO_RANGES

    monkeypatch.setattr(preparing, "find_ranges", decode)
    data_set = open_data_set(few_pictures)
    assert new_run(tmp_path / "runs", data_set, tiny_recipe()).path.name == "birds-2"


def test_a_name_that_is_taken_at_the_last_moment_is_not_insisted_on(
    tmp_path: Path, few_pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    RunDirectory.create(tmp_path / "runs" / "birds-1", {})
    (tmp_path / "runs" / "birds-2" / "checkpoints").mkdir(parents=True)  # of a run that is being created
    names = iter(["birds-1", "birds-2", "birds-3"])
    monkeypatch.setattr(preparing, "new_run_name", lambda *_: next(names))
    data_set = open_data_set(few_pictures)
    assert new_run(tmp_path / "runs", data_set, tiny_recipe()).path.name == "birds-3"
    with pytest.raises(RunError, match="already a run with this name"):
        new_run(tmp_path / "runs", data_set, tiny_recipe(), name="birds-1")
