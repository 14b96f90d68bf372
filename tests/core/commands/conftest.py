"""The command line as a user calls it, in this process, on a run in the user's home."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import Command, Outcome
from small_training import TrainedRun

from s3n_core.cli import main
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.server.inspection_server import single_thread


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    with single_thread():
        yield


@pytest.fixture
def s3n(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command and check that there is no traceback and no internal error."""

    def call(*arguments: object) -> Outcome:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        outcome = Outcome(code, captured.out, captured.err)
        assert "Traceback" not in outcome.out + outcome.err, outcome
        assert "defect" not in outcome.err, outcome
        return outcome

    return call


@pytest.fixture
def run(s3n_home: Path, trained_run: TrainedRun) -> RunDirectory:
    """A copy of the trained run in the user's home, which tests may modify. Its name is birds-1."""

    def copy(source: str, target: str) -> None:
        # Model files are never changed in place, so a hard link suffices.
        (os.link if source.endswith(".safetensors") else shutil.copy2)(source, target)

    path = s3n_home / "runs" / "birds-1"
    shutil.copytree(trained_run.path, path, copy_function=copy)
    return RunDirectory(path)


@pytest.fixture
def model(trained_run: TrainedRun) -> Path:
    """The trained run's best model file."""
    directory = RunDirectory(trained_run.path)
    return directory.checkpoints / f"{directory.read_pointer('best')}.safetensors"
