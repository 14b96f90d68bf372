"""What tests of the engine share: disks that are full or read-only, real ones, and one small trained run."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_training import TrainedRun, draw_small_birds, prepare_small_run


class SmallDisk:
    """A mounted file system of 64 KiB."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ballast = path / "ballast"

    def fill(self) -> None:
        """Leave no byte free."""
        with open(self._ballast, "ab", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(512))
            except OSError:
                return

    def free(self) -> None:
        """Take away what ``fill`` wrote."""
        self._ballast.unlink()

    def make_read_only(self) -> None:
        """Mount it again without the right to write, which binds root, too."""
        subprocess.run(["mount", "-o", "remount,ro", str(self.path)], check=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("a small disk to fill can only be mounted by root on Linux")
    path = tmp_path / "small disk"
    path.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(path)], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"a small disk to fill cannot be mounted here: {done.stderr.strip()}")
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)


@pytest.fixture(scope="session")
def drawn_birds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small data set of drawn birds, only to be read."""
    return draw_small_birds(tmp_path_factory.mktemp("drawn") / "birds")


@pytest.fixture(scope="session")
def trained_run(tmp_path_factory: pytest.TempPathFactory, drawn_birds: Path) -> TrainedRun:
    """A run that the real trainer trained for two epochs, once a session; only to be read."""
    import torch

    from s3n_core.training.trainer import Trainer

    root = tmp_path_factory.mktemp("home-of-the-trained-run") / "runs"
    run = prepare_small_run(root / "birds-1", drawn_birds)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for _ in Trainer(run.path, workers=1).run():
            pass
    finally:
        torch.set_num_threads(threads)
    return TrainedRun(path=run.path, data=drawn_birds, root=root)
