"""Checks and measures a graphics card in at most 12 minutes, and writes one Markdown table.

Run from the checkout: ``python benchmarks/accelerator.py``. Correctness: every equation in float32 against the CPU, a training
that is killed and resumed, one that runs out of memory. Speed: inference and training of ResNet-50 at 448 pixels in three
precisions, compiled and not, over three bare passes; the share of time that a training waits for images; two processes where
there are two cards. The images are drawn on the spot; nothing is downloaded. ``--device cpu --small`` tries the script itself.
The exit status is 1 if something failed, else 2 if a stage was not measured, as for lack of time.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from accelerator_checks import (
    Finding,
    Trainings,
    equations,
    memory_runs_out,
    resume_after_a_kill,
    two_processes,
)
from accelerator_speed import INFERENCE, TRAINING, Case, Speed, measure, waiting

from s3n_core.demo.writing import write_drawn_birds
from s3n_core.models.devices import choose_device
from s3n_core.version import __version__

STAGES = ("equations", "kill", "memory", "speed", "waiting", "two-processes", "compiled")


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


class Report:
    """The table, written anew after each stage, so that nothing is lost.

    Attributes:
        failed: Whether a check did not come out as it should, or a stage ended with an error.
        skipped: Whether a stage was not measured.
    """

    def __init__(self, out: Path, device: str, minutes: float) -> None:
        self._out, self._device = out, device
        self._rows: list[Finding] = []
        self._began, self._most = time.monotonic(), 60 * minutes
        self.failed = self.skipped = False

    def stage(
        self, name: str, work: Callable[[], list[Finding]], *, is_check: bool = False, needs: float = 60.0
    ) -> None:
        """Run a stage and add its rows; one that fails, or for which no time is left, becomes a row that says so.

        Args:
            name: What it measures.
            work: Measures it.
            is_check: A missed target counts as a failure of the device, not only as a slow one.
            needs: Seconds that it may take.
        """
        if self._seconds() + needs > self._most:
            self.skip(name, "no time left")
            return
        try:
            found = work()
        except Exception as error:  # the table says so; the other stages are still worth measuring
            found = [Finding(name, f"failed: {' '.join(str(error).split())[:300]}", met=False)]
            self.failed = True
        self.failed |= is_check and any(row.met is False for row in found)
        self._add(found)

    def skip(self, name: str, why: str) -> None:
        """Add a row that says why a stage was not measured."""
        self.skipped = True
        self._add([Finding(name, f"not measured: {why}")])

    def _add(self, found: list[Finding]) -> None:
        self._rows += found
        for row in found:
            print(f"[{self._seconds():4.0f} s] {row.what}: {row.measured}", flush=True)
        self._out.write_text(self._text(), encoding="utf-8")

    def _seconds(self) -> float:
        return time.monotonic() - self._began

    def _text(self) -> str:
        lines = [
            f"# {_machine(self._device)}",
            "",
            f"S3N Studio {__version__}, `python benchmarks/accelerator.py`, {self._seconds():.0f} s.",
            "",
        ]
        lines += ["| what | measured | target | met |", "|---|---|---|---|"]
        verdicts = {True: "yes", False: "**no**", None: ""}
        lines += [f"| {row.what} | {row.measured} | {row.target} | {verdicts[row.met]} |" for row in self._rows]
        return "\n".join(lines) + "\n"


def main() -> int:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    options.add_argument("--small", action="store_true", help="tiny networks and images: does the script itself work?")
    options.add_argument("--out", type=Path, default=Path("accelerator.md"), help="the table")
    options.add_argument("--minutes", type=float, default=12.0, help="how long it may take")
    options.add_argument("--only", nargs="+", choices=STAGES, default=STAGES, metavar="STAGE", help=", ".join(STAGES))
    chosen = options.parse_args()
    device = choose_device(chosen.device).device  # a sentence if there is none
    sizes = SMALL if chosen.small else Sizes()
    report = Report(chosen.out, device, chosen.minutes)
    with tempfile.TemporaryDirectory(prefix="s3n-accelerator-") as folder:
        _run(report, Path(folder), device, sizes, chosen.only)
    print(chosen.out)
    return 1 if report.failed else 2 if report.skipped else 0


def _run(report: Report, folder: Path, device: str, sizes: Sizes, only: list[str]) -> None:
    drawn, few = folder / "drawn", folder / "few"
    settings = {
        "weights": "none",
        "network.input_size": sizes.check,
        "network.source_size": sizes.check,
        "epochs": sizes.epochs,
        "batch_size": sizes.batch,
        "validation": 0.25,
        "probes": 0,
        "precision": "float32",
    }
    if set(only) - {"equations", "speed", "compiled"}:
        write_drawn_birds(drawn, species=2, train_per_species=sizes.drawn, test_per_species=0, workers=sizes.workers)
        _copies(drawn, few, 2 * sizes.batch)
    trainings = Trainings(folder, few, device, settings)
    if "equations" in only:
        report.stage("equations", lambda: equations(device, sizes.check), is_check=True)
    if "kill" in only:
        report.stage("resume after a kill", lambda: resume_after_a_kill(trainings, device), is_check=True)
    if "memory" in only:
        report.stage("out of memory", lambda: memory_runs_out(trainings, sizes.room), is_check=True)
    if "two-processes" in only:
        report.stage("two processes", lambda: two_processes(trainings, device), is_check=True)
    measured: dict[str, Speed] = {}

    def one(case: Case) -> list[Finding]:
        measured[case.precision if case.job == TRAINING else ""] = result = measure(case, sizes.repeats)
        return [result.finding()]

    if "speed" in only:
        for case in _cases(device, sizes, compiled=False):
            report.stage(case.name, lambda case=case: one(case))
    trained = [result for name, result in measured.items() if name]
    if "waiting" in only and not trained:
        report.skip("waiting for images", "no speed of a training to compare with; measure the stage speed, too")
    elif "waiting" in only:
        best = max(trained, key=lambda result: result.images_per_second)
        many = _copies(drawn, folder / "many", sizes.files)
        report.stage("waiting for images", lambda: waiting(Trainings(folder, many, device, settings), best), needs=90.0)
    if "compiled" in only:
        for case in _cases(device, sizes, compiled=True):
            report.stage(case.name, lambda case=case: one(case), needs=120.0)


def _cases(device: str, sizes: Sizes, *, compiled: bool) -> Iterator[Case]:
    precisions = ["float32"]
    if device == "cuda":
        precisions = ["float32", *(["bfloat16"] if torch.cuda.is_bf16_supported() else []), "float16"]
    for precision in precisions:
        for job, batch in ((INFERENCE, sizes.inference), (TRAINING, sizes.training)):
            yield Case(
                job=job,
                backbone=sizes.backbone,  # type: ignore[arg-type]
                size=sizes.size,
                batch=batch,
                device=device,
                precision=precision,
                compiled=compiled,
            )


def _copies(source: Path, target: Path, count: int) -> Path:
    """Make class folders with ``count`` files from a few drawn images: reading them costs what reading others costs."""
    images = sorted((source / "images").rglob("*.jpg"))
    for number in range(count):
        image = images[number % len(images)]
        folder = target / image.parent.name
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(image, folder / f"{number:05}.jpg")
    return target


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


if __name__ == "__main__":
    sys.exit(main())
