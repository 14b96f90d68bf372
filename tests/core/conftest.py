"""Shared by the engine's tests: full and read-only disks, a small trained run, tiny models, runs and processes."""

import contextlib
import dataclasses
import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from small_training import TrainedRun, draw_small_birds, prepare_small_run
from tiny_models import drawn_picture, folded, small_layers, tiny_header, tiny_network

from s3n_core.datasets.transforms import Preprocess
from s3n_core.method import network as network_module
from s3n_core.method.backbones import Backbone, WeightReport
from s3n_core.method.configuration import NetworkConfig
from s3n_core.method.network import S3N
from s3n_core.models.model_files import save_model
from s3n_core.models.opening import Model, open_model
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.system.json_values import from_json


class SmallDisk:
    """A mounted file system of 64 KiB."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ballast = path / "ballast"

    def fill(self) -> None:
        """Fill the disk completely."""
        with open(self._ballast, "ab", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(512))
            except OSError:
                return

    def free(self) -> None:
        """Remove what ``fill`` wrote."""
        self._ballast.unlink()

    def make_read_only(self) -> None:
        """Remount it read-only, which applies to root, too."""
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
    """A small data set of synthetic birds; read-only."""
    return draw_small_birds(tmp_path_factory.mktemp("drawn") / "birds")


@pytest.fixture(scope="session")
def trained_run(tmp_path_factory: pytest.TempPathFactory, drawn_birds: Path) -> TrainedRun:
    """A run of two epochs by the real trainer, created once per session; read-only."""
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


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A tiny model, written to a file and opened from it."""
    header = tiny_header()
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    save_model(path, tiny_network(header.network), header)
    return open_model(path, device="cpu")


@pytest.fixture(scope="session")
def model_of(model: Model) -> Callable[..., Model]:
    """Create tiny models with other options, without a file; equal options return the same model."""
    kept: dict[str, Model] = {repr((None, [])): model}

    def make(preprocess: dict[str, Any] | None = None, sampling: Any = None, **network: Any) -> Model:
        key = repr((preprocess, sorted(network.items())))
        if key not in kept:
            header = tiny_header(preprocess, **network)
            kept[key] = dataclasses.replace(
                model,
                network=folded(tiny_network(header.network)),
                header=header,
                path=model.path.with_name("never-written.safetensors"),
                digest=hashlib.sha256(key.encode()).hexdigest()[:16],
                preprocess=from_json(Preprocess, header.preprocess, closed=True),
            )
        return dataclasses.replace(kept[key], sampling=sampling) if sampling else kept[key]

    return make


@pytest.fixture
def picture() -> Image.Image:
    return drawn_picture(0)


CHECKOUT = Path(__file__).resolve().parents[2]
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A runs folder whose path contains a space and several scripts."""
    path = tmp_path / "Läufe 実行"
    path.mkdir()
    return path


@pytest.fixture
def run(root: Path) -> RunDirectory:
    return RunDirectory.create(root / "птицы 1", {"recipe": "quick"})


@pytest.fixture
def start() -> Iterator[Start]:
    """Start Python code with arguments and wait for its first line (``ready``); kill it at the end if it still runs."""
    processes: list[subprocess.Popen[str]] = []

    def begin(code: str, *arguments: object) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-c", code, *map(str, arguments)],
            env={**os.environ, "PYTHONPATH": str(CHECKOUT), "PYTHONUTF8": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        processes.append(process)
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "ready"
        return process

    yield begin
    for process in processes:
        with contextlib.suppress(OSError):
            process.kill()
        process.communicate()


@pytest.fixture
def small_network(monkeypatch: pytest.MonkeyPatch) -> Callable[..., S3N]:
    """Build S3N on a tiny backbone: the same network code in a hundredth of the time."""

    def build_backbone(name: str, weights: str, **_choices: object) -> tuple[Backbone, WeightReport]:
        return Backbone(small_layers()), WeightReport(source=weights, loaded=0)

    def build(**choices: object) -> S3N:
        settings: dict[str, object] = {
            "num_classes": 6,
            "backbone": "resnet18",
            "input_size": 64,
            "source_size": 64,
            "map_size": 15,
        }
        torch.manual_seed(0)
        return S3N(NetworkConfig.model_validate(settings | choices))

    monkeypatch.setattr(network_module, "build_backbone", build_backbone)
    return build
