"""Speed and memory of an accelerator for `accelerator.py`: inference, training, and waiting for images."""

from __future__ import annotations

import contextlib
import gc
from dataclasses import dataclass, replace

import inference
import torch
import training_step
from accelerator_checks import Trainings
from accelerator_process import Finding
from interleaved import medians

from s3n_core.method.configuration import BackboneName, NetworkConfig
from s3n_core.method.network import S3N
from s3n_core.models.device_memory import is_out_of_memory, memory_in_use
from s3n_core.models.devices import autocast, place

INFERENCE, TRAINING = "inference", "training step"
TARGETS = {INFERENCE: 1.05, TRAINING: 1.10}  # how long S3N may take, in times of `BARE`
BARE = {INFERENCE: inference.BARE, TRAINING: training_step.PLAIN}  # what it is compared with
MOST_WAITING = 0.05  # share of the time
LEAST_FROM_FILES = 0.95  # of the images a second from memory
CLASSES = 200
COMPILER = "inductor"


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is measured.

    Attributes:
        job: ``INFERENCE`` or ``TRAINING``.
        backbone: The backbone's name.
        size: Side of the images in pixels.
        batch: Images at once.
        device: "cpu" or "cuda".
        precision: Precision of the layers.
        compiled: Whether the backbone is compiled, on both sides.
    """

    job: str
    backbone: BackboneName
    size: int
    batch: int
    device: str
    precision: str
    compiled: bool = False

    @property
    def name(self) -> str:
        """The case for a row of the table."""
        compiled = ", compiled" if self.compiled else ""
        return f"{self.job}, {self.backbone}, {self.size} px, batch {self.batch}, {self.precision}{compiled}"


@dataclass(frozen=True)
class Speed:
    """The result of a case.

    Attributes:
        case: The case, with the batch that fitted.
        seconds: Of a batch.
        bare: Seconds of `BARE`: three passes, or three plain steps.
        memory: Peak memory of a batch in bytes.
        bare_memory: That of `BARE`.
    """

    case: Case
    seconds: float
    bare: float
    memory: int
    bare_memory: int

    @property
    def images_per_second(self) -> float:
        """Images a second."""
        return self.case.batch / self.seconds

    def finding(self) -> Finding:
        """Return the row of the table."""
        ratio, target = self.seconds / self.bare, TARGETS[self.case.job]
        measured = (
            f"{self.images_per_second:,.1f} images a second ({self.seconds * 1e3:,.1f} ms); {ratio:.2f} x "
            f"{BARE[self.case.job]} ({self.bare * 1e3:,.1f} ms)"
        )
        if self.case.device == "cuda":  # a process's main memory says nothing about a batch
            measured += f"; {self.memory / 2**30:.1f} GB, bare {self.bare_memory / 2**30:.1f} GB"
        return Finding(self.case.name, measured, f"at most {target:.2f} x", ratio <= target)


def measure(case: Case, repeats: int) -> Speed:
    """Measure a case; a batch that does not fit the memory is halved."""
    while True:
        try:
            return _measure(case, repeats)
        except Exception as error:
            if not is_out_of_memory(error) or case.batch == 1:
                raise
        case = replace(case, batch=case.batch // 2)
        gc.collect()
        if case.device == "cuda":
            torch.cuda.empty_cache()


def _measure(case: Case, repeats: int) -> Speed:
    torch.manual_seed(0)
    network = S3N(
        NetworkConfig(num_classes=CLASSES, backbone=case.backbone, input_size=case.size, source_size=case.size)
    )
    network.train(case.job == TRAINING)
    place(network, case.device)
    if case.compiled:
        torch.compiler.reset()
        network.backbone.layers.compile(backend=COMPILER)
    images = torch.randn(case.batch, 3, case.size, case.size, device=case.device)
    images = images.contiguous(memory_format=torch.channels_last)
    with contextlib.ExitStack() as context:
        if case.job == INFERENCE:
            context.enter_context(torch.inference_mode())
            context.enter_context(autocast(case.device, case.precision))
            works = inference.works_of(network, images)
        else:
            labels = torch.randint(CLASSES, (case.batch,), device=case.device)
            works = training_step.works_of(network, images, images, labels, case.device, case.precision)
        bare = BARE[case.job]
        own = next(name for name in works if name != bare)
        works = {bare: works[bare], own: works[own]}
        memory: dict[str, int] = {}
        for name, work in works.items():
            work()  # compiles, and chooses the algorithms
            if case.device == "cuda":
                torch.cuda.synchronize()
                torch.cuda.reset_peak_memory_stats()
            work()
            memory[name] = memory_in_use(case.device)
        seconds = medians(works, repeats=repeats, warm_up=1)
    return Speed(case, seconds[own], seconds[bare], memory[own], memory[bare])


def waiting(trainings: Trainings, in_memory: Speed) -> list[Finding]:
    """Train on image files and say how long the device waits for them, and how fast that is beside the same step from memory."""
    case = in_memory.case
    trainings.prepare(
        "waiting",
        network__backbone=case.backbone,
        network__input_size=case.size,
        network__source_size=case.size,
        network__batch_norm="shared",
        batch_size=case.batch,
        precision=case.precision,
        epochs=2,
        validation=0,
        probes=0,
    )
    trainings.resume("waiting")
    line = trainings.epochs("waiting")[-1]
    share, ratio = line["waiting_for_images"], line["images_per_second"] / in_memory.images_per_second
    speeds = (
        f"{line['images_per_second']:,.1f} images a second, from memory {in_memory.images_per_second:,.1f}: {ratio:.1%}"
    )
    what = f"{case.backbone}, {case.size} px, batch {case.batch}, {case.precision}"
    return [
        Finding(
            f"waiting for images, {what}",
            f"{share:.1%} of the time",
            f"at most {MOST_WAITING:.0%} of the time",
            share <= MOST_WAITING,
        ),
        Finding(f"training from files, {what}", speeds, f"at least {LEAST_FROM_FILES:.0%}", ratio >= LEAST_FROM_FILES),
    ]
