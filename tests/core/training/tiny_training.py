"""Training runs that take seconds: MobileNetV2 on random images of 64 pixels, in this process or a separate one."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from s3n_core.datasets.detection import open_data_set
from s3n_core.models.model_files import load_model
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.training.events import Event
from s3n_core.training.preparing import prepare_run
from s3n_core.training.recipe import Recipe
from s3n_core.training.recipes import find_recipe
from s3n_core.training.trainer import Trainer

CHECKOUT = Path(__file__).resolve().parents[3]
PATIENCE = 300  # seconds until a silent process counts as hung; far more than any machine needs

# 21 training images in four batches, the last one smaller, and three validation images.
TINY: dict[str, Any] = {
    "weights": "none",
    "network.input_size": 64,
    "network.source_size": 64,
    "network.train_sampling": "random",
    "resize": "squash",
    "epochs": 3,
    "batch_size": 6,
    "validation": 0.125,
    "probes": 2,
}

# Metrics of the machine, not of the training.
OF_THE_MACHINE = ("images_per_second", "waiting_for_images", "memory_bytes")


def draw_pictures(root: Path, classes: str = "abc", each: int = 8) -> Path:
    """Write class folders of random images, the same ones every time."""
    for letter in classes:
        (root / letter).mkdir(parents=True)
        for number in range(each):
            rng = np.random.default_rng([ord(letter), number])
            pixels = rng.integers(0, 256, (12, 15, 3), dtype=np.uint8)
            Image.fromarray(pixels).resize((90, 72)).save(root / letter / f"{number}.png")
    return root


def tiny_recipe(**settings: Any) -> Recipe:
    dotted = {key.replace("__", "."): value for key, value in settings.items()}
    return find_recipe("quick").changed(TINY | dotted)


def prepare(path: Path, data: Path, **settings: Any) -> RunDirectory:
    return prepare_run(path, open_data_set(data), tiny_recipe(**settings), device="cpu")


def train(run: RunDirectory, *, workers: int = 0, during: Callable[[Event], None] | None = None) -> list[Event]:
    """Train to the end in this process; ``during`` is called with every event as it happens."""
    events = []
    for event in Trainer(run.path, workers=workers).run():
        events.append(event)
        if during is not None:
            during(event)
    return events


def epoch_lines(run: RunDirectory) -> list[dict[str, Any]]:
    """Return the epoch lines of the metrics, without metrics of the machine."""
    lines = [json.loads(line) for line in run.metrics_jsonl.read_text().splitlines()]
    return [
        {key: value for key, value in line.items() if key not in OF_THE_MACHINE}
        for line in lines
        if line["kind"] == "epoch"
    ]


def weights(run: RunDirectory, pointer: Any = "last") -> dict[str, torch.Tensor]:
    name = run.read_pointer(pointer)
    return load_model(run.checkpoints / f"{name}.safetensors")[0].state_dict()


def snapshots(run: RunDirectory) -> dict[str, bytes]:
    return {
        path.relative_to(run.snapshots).as_posix(): path.read_bytes()
        for path in sorted(run.snapshots.rglob("*"))
        if path.is_file()
    }


def assert_same_training(run: RunDirectory, reference: RunDirectory) -> None:
    """Assert that two runs ended alike: pointers, weights to the bit, epoch lines and snapshots."""
    assert epoch_lines(run) == epoch_lines(reference)
    for pointer in ("last", "best"):
        assert run.read_pointer(pointer) == reference.read_pointer(pointer)
        assert_same_tensors(weights(run, pointer), weights(reference, pointer))
    assert snapshots(run) == snapshots(reference)


def assert_same_tensors(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    assert one.keys() == other.keys()
    assert [key for key in one if not torch.equal(one[key], other[key])] == []


class LiveTraining:
    """A training run in its own process, started from the command line, with its events as JSON lines."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "s3n_core", *arguments, "--json"],
            cwd=CHECKOUT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.events: list[dict[str, Any]] = []
        self.errors = ""
        self._lines: queue.Queue[bytes] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @classmethod
    def of(cls, run: RunDirectory, *, workers: int = 1) -> "LiveTraining":
        return cls(["runs", "resume", str(run.path), "--workers", str(workers)])

    def wait_for(self, *names: str, count: int = 1) -> dict[str, Any] | None:
        """Follow the events until one of the names has come ``count`` times; None if the process ends before that."""
        while True:
            line = self._lines.get(timeout=PATIENCE)
            if not line:
                self.errors = self.process.stderr.read().decode() if self.process.stderr else ""
                return None
            event = json.loads(line)
            assert isinstance(event, dict)
            self.events.append(event)
            if event["event"] in names:
                count -= 1
                if count == 0:
                    return event

    def signal(self, *numbers: signal.Signals) -> None:
        for number in numbers:
            self.process.send_signal(number)

    def wait(self) -> int:
        """Read events to the end; return the exit code."""
        self.wait_for("nothing has this name")
        code = self.process.wait(PATIENCE)
        self._close()
        return code

    def kill(self) -> None:
        """End the process as a power failure would; no effect if it has ended already."""
        self.process.kill()
        self.process.wait(PATIENCE)
        self._close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put(b"")

    def _close(self) -> None:
        self._reader.join(PATIENCE)
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()


def kinds(events: Iterable[Event]) -> list[str]:
    return [type(event).__name__ for event in events]
