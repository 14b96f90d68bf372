"""What `accelerator.py` measures, piece by piece, in a process of its own: each line of JSON says what to do, and gets one."""

from __future__ import annotations

import gc
import json
import os
import platform
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from accelerator_checks import Trainings, equations, memory_runs_out, resume_after_a_kill, two_processes
from accelerator_process import Finding
from accelerator_speed import INFERENCE, TRAINING, Case, Speed, measure, waiting

from s3n_core.demo.writing import write_drawn_birds
from s3n_core.models.device_memory import return_unused_memory
from s3n_core.models.devices import choose_device


@dataclass(frozen=True)
class Sizes:
    """How large the measurements are.

    Attributes:
        backbone: The backbone whose speed is measured.
        size: Side of its images in pixels.
        inference: Images at once for inference.
        training: Images at once for training.
        repeats: Rounds of which the median is taken.
        files: Image files of the training that may wait for them.
        room: Memory in bytes for the training that runs out of it.
        check: Side of the images of the checks in pixels.
        batch: Images of an update in the checks of trainings.
        epochs: Their epochs.
        drawn: Images that are drawn of each of two species.
        workers: Processes that draw the images; None: one per core.
    """

    backbone: str = "resnet50"
    size: int = 448
    inference: int = 32
    training: int = 16
    repeats: int = 7
    files: int = 960
    room: int = 2 << 30
    check: int = 224
    batch: int = 64
    epochs: int = 3
    drawn: int = 24
    workers: int | None = None


SMALL = Sizes("mobilenet_v2", 64, 2, 2, 1, 12, 520 << 20, 64, 16, 2, 2, 1)


class Work:
    """The pieces of work.

    Args:
        folder: Where images and runs go.
        device: "cpu" or "cuda".
        sizes: How large they are.
    """

    def __init__(self, folder: Path, device: str, sizes: Sizes) -> None:
        self._folder, self._device, self._sizes = folder, device, sizes
        self._settings = {
            "weights": "none",
            "network.input_size": sizes.check,
            "network.source_size": sizes.check,
            "epochs": sizes.epochs,
            "batch_size": sizes.batch,
            "validation": 0.25,
            "probes": 0,
            "precision": "float32",
            "compile": "off",
        }

    def do(self, piece: str, **given: Any) -> Any:
        """Do a piece of work, named by one of this class's methods, and return its result."""
        pieces: dict[str, Callable[..., Any]] = {
            "machine": self.machine,
            "images": self.images,
            "equations": self.equations,
            "kill": self.kill,
            "memory": self.memory,
            "two-processes": self.two_processes,
            "speed": self.speed,
            "waiting": self.waiting,
        }
        return pieces[piece](**given)

    def machine(self) -> dict[str, Any]:
        """Return the machine's description, and the names and cases whose speed is measured, first those not compiled."""
        choose_device(self._device)  # a sentence if there is none
        precisions = ["float32"]
        if self._device == "cuda":
            supported = torch.cuda.is_bf16_supported(including_emulation=False)
            precisions = ["float32", *(["bfloat16"] if supported else []), "float16"]
        sizes = self._sizes
        cases = [
            Case(
                job=job,
                backbone=sizes.backbone,
                size=sizes.size,
                batch=batch,
                device=self._device,
                precision=precision,
                compiled=compiled,
            )
            for compiled in (False, True)
            for precision in precisions
            for job, batch in ((INFERENCE, sizes.inference), (TRAINING, sizes.training))
        ]
        return {"title": _machine(self._device), "cases": [(case.name, asdict(case)) for case in cases]}

    def images(self) -> list[Finding]:
        """Draw the images of the trainings."""
        sizes, drawn = self._sizes, self._folder / "drawn"
        write_drawn_birds(drawn, species=2, train_per_species=sizes.drawn, test_per_species=0, workers=sizes.workers)
        _copies(drawn, self._folder / "few", 2 * sizes.batch)
        return []

    def equations(self) -> list[Finding]:
        """Compare each equation with the CPU."""
        return equations(self._device, self._sizes.check)

    def kill(self) -> list[Finding]:
        """Kill a training and resume it."""
        return resume_after_a_kill(self._trainings("few"), self._device)

    def memory(self) -> list[Finding]:
        """Let a training run out of memory."""
        return memory_runs_out(self._trainings("few"), self._sizes.room)

    def two_processes(self) -> list[Finding]:
        """Train with two processes."""
        return two_processes(self._trainings("few"), self._device)

    def speed(self, case: Mapping[str, Any]) -> dict[str, Any]:
        """Measure the speed of a case; return the row and, as ``speed``, its numbers."""
        found = measure(Case(**case), self._sizes.repeats)
        gc.collect()
        return_unused_memory()  # the trainings that follow have processes of their own
        return {"rows": [asdict(found.finding())], "speed": asdict(found)}

    def waiting(self, speed: Mapping[str, Any]) -> list[Finding]:
        """Train from files, beside a speed from memory."""
        _copies(self._folder / "drawn", self._folder / "many", self._sizes.files)
        return waiting(self._trainings("many"), Speed(**{**speed, "case": Case(**speed["case"])}))

    def _trainings(self, images: str) -> Trainings:
        return Trainings(self._folder, self._folder / images, self._device, self._settings)


def _copies(source: Path, target: Path, count: int) -> None:
    """Make class folders with ``count`` files from a few drawn images: reading them costs what reading others costs."""
    images = sorted((source / "images").rglob("*.jpg"))
    for number in range(count):
        image = images[number % len(images)]
        folder = target / image.parent.name
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(image, folder / f"{number:05}.jpg")


def _machine(device: str) -> str:
    cores = f"{os.cpu_count()} cores"
    if device == "cpu":
        return f"{platform.processor() or platform.machine()}, {cores}, torch {torch.__version__}"
    cards = torch.cuda.device_count()
    memory = torch.cuda.get_device_properties(0).total_memory / 2**30
    version = torch.version.cuda or torch.version.hip
    return (
        f"{cards} x {torch.cuda.get_device_name()}, {memory:.0f} GB, {cores}, torch {torch.__version__}, CUDA {version}"
    )


def main() -> None:
    folder, device, small = Path(sys.argv[1]), sys.argv[2], sys.argv[3:] == ["small"]
    work = Work(folder, device, SMALL if small else Sizes())
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)  # what libraries print is no answer
        for line in sys.stdin:
            try:
                found = work.do(**json.loads(line))
                answer = {"done": [asdict(row) for row in found] if isinstance(found, list) else found}
            except Exception as error:  # the table says so; the other stages are still worth measuring
                answer = {"failed": " ".join(str(error).split())[:300]}
            answers.write(f"{json.dumps(answer)}\n")
            answers.flush()


if __name__ == "__main__":
    main()
