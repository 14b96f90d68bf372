import subprocess
import sys
from collections.abc import Callable, Iterator
from os import geteuid
from pathlib import Path
from typing import Any

import pytest
from tiny_training import draw_pictures, prepare, train

from s3n_core.runs.run_directory import RunDirectory
from s3n_core.server.inspection_server import single_thread
from s3n_core.training import loop

MakeRun = Callable[..., RunDirectory]


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    with single_thread():
        yield


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small data set; read-only."""
    return draw_pictures(tmp_path_factory.mktemp("pictures") / "birds")


@pytest.fixture(scope="session")
def few_pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six images of two classes: one batch."""
    return draw_pictures(tmp_path_factory.mktemp("few") / "birds", "ab", 3)


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory, pictures: Path) -> RunDirectory:
    """The tiny training run, never interrupted; read-only."""
    run = prepare(tmp_path_factory.mktemp("reference") / "run", pictures)
    train(run)
    return run


@pytest.fixture
def new_run(tmp_path: Path, pictures: Path) -> MakeRun:
    def make(data: Path = pictures, **settings: Any) -> RunDirectory:
        path = tmp_path / "runs" / f"run-{len(list(tmp_path.glob('runs/*')))}"
        return prepare(path, data, **settings)

    return make


@pytest.fixture
def every_batch_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every batch send its event, however short it is."""
    monkeypatch.setattr(loop, "REPORT_SECONDS", 0.0)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A separate disk with space for a few checkpoints."""
    if sys.platform != "linux" or geteuid() != 0:
        pytest.skip("a disk to fill can only be mounted by root on Linux")
    path = tmp_path / "disk"
    path.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=120m", "none", str(path)], capture_output=True, text=True
    )
    if done.returncode != 0:
        pytest.skip(f"a disk to fill cannot be mounted here: {done.stderr.strip()}")
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)
