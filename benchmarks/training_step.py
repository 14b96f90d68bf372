"""Benchmark of an S3N training step, relative to three plain training steps of its backbone, and to three passes.

Run from the checkout: ``python benchmarks/training_step.py``. Both use the same weights, precision, memory layout and
threads. The plain steps classify with pooling and one linear layer; two of the three compute the gradient of the image,
as D and C must for the radii of Eq. 5. The passes compute no gradients; they tell how long a training takes where only the speed
of prediction is known. ``--compiled`` adds the step with a compiled backbone, as a training with ``compile=on`` does it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import torch
import torch.nn.functional as F
from interleaved import cases_of, machine, medians, parser_of, report
from torch import Tensor

from s3n_core.method.configuration import NetworkConfig
from s3n_core.method.network import S3N
from s3n_core.method.objective import objective
from s3n_core.models.device_memory import memory_in_use
from s3n_core.models.devices import autocast, place
from s3n_core.training.compilation import CompiledPasses

PLAIN = "three plain steps"


def main() -> None:
    options = parser_of(__doc__, repeats=5)
    options.add_argument("--source", type=int, help="side of the sampled image; else the input's")
    options.add_argument("--compiled", action="store_true", help="also measure the step with a compiled backbone")
    chosen = options.parse_args()
    for backbone, size, batch in cases_of(chosen):
        _measure(backbone, size, batch, chosen)


def _measure(backbone: str, size: int, batch: int, chosen: argparse.Namespace) -> None:
    torch.manual_seed(0)
    source = chosen.source or size
    config = NetworkConfig(num_classes=chosen.classes, backbone=backbone, input_size=size, source_size=source)
    network = S3N(config).train()
    place(network, chosen.device)
    images = torch.randn(batch, 3, source, source, device=chosen.device).contiguous(memory_format=torch.channels_last)
    plain = torch.randn(batch, 3, size, size, device=chosen.device).contiguous(memory_format=torch.channels_last)
    labels = torch.randint(chosen.classes, (batch,), device=chosen.device)
    works = works_of(network, images, plain, labels, chosen.device, chosen.precision)
    if chosen.compiled:
        works["S3N step, compiled"] = _compiled(network, works["S3N step"])
    seconds = medians(works, repeats=chosen.repeats, warm_up=1, processor_time=chosen.processor_time)
    memory = memory_in_use(chosen.device) / 2**30
    report(
        f"{backbone}, {size} px from {source} px, batch {batch}, {chosen.precision}; {machine(chosen.device)}; {memory:.1f} GB",
        seconds,
        PLAIN,
    )


def works_of(
    network: S3N, images: Tensor, plain: Tensor, labels: Tensor, device: str, precision: str
) -> dict[str, Callable[[], object]]:
    """Return the sides, for `medians`: three steps on the images ``plain``, a step on the source images, three passes."""
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-5, momentum=0.9)
    scaler = torch.amp.GradScaler(device, enabled=precision == "float16")

    def update(loss: Tensor) -> None:
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()

    def plain_steps() -> None:
        for number in range(3):
            optimizer.zero_grad(set_to_none=True)
            view = plain.detach().requires_grad_(number > 0)
            with autocast(device, precision):
                _, logits = network.head("O")(network.features(view, "O"))
            update(F.cross_entropy(logits, labels))

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        with autocast(device, precision):
            output = network(images, sampling="expected", trace=True)
        update(objective(output, labels, smoothing=0.0).total)

    def passes() -> None:
        with torch.no_grad(), autocast(device, precision):
            for _ in range(3):
                network.head("O")(network.features(plain, "O"))

    return {PLAIN: plain_steps, "S3N step": step, "three passes without gradients": passes}


def _compiled(network: S3N, step: Callable[[], object]) -> Callable[[], object]:
    """Return the step with the network's backbone compiled, which is done here."""
    passes = CompiledPasses(network.backbone)

    def compiled() -> None:
        with passes.used():
            step()

    with passes.compiling():
        compiled()
    return compiled


if __name__ == "__main__":
    main()
