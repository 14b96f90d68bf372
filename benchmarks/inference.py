"""Benchmark of S3N inference (three branches, sampler and heads), relative to three plain passes of its backbone.

Run from the checkout: ``python benchmarks/inference.py``. Both use the same weights, dtype, memory layout and threads.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from interleaved import cases_of, machine, medians, parser_of, report
from torch import Tensor

from s3n_core.method.configuration import NetworkConfig
from s3n_core.method.network import S3N
from s3n_core.models.devices import autocast, place

BARE = "three backbone passes"


def main() -> None:
    chosen = parser_of(__doc__, repeats=7).parse_args()
    for backbone, size, batch in cases_of(chosen):
        torch.manual_seed(0)
        config = NetworkConfig(num_classes=chosen.classes, backbone=backbone, input_size=size, source_size=size)
        network = S3N(config).eval()
        place(network, chosen.device)
        images = torch.randn(batch, 3, size, size, device=chosen.device)
        images = images.contiguous(memory_format=torch.channels_last)
        with torch.inference_mode(), autocast(chosen.device, chosen.precision):
            seconds = medians(works_of(network, images), repeats=chosen.repeats, warm_up=1)
        title = f"{backbone}, {size} px, batch {batch}, {chosen.precision}; {machine(chosen.device)}"
        report(title, seconds, BARE)


def works_of(network: S3N, images: Tensor) -> dict[str, Callable[[], object]]:
    """Return both sides, for `medians`."""
    return {BARE: lambda: [network.backbone(images) for _ in range(3)], "S3N": lambda: network(images)}


if __name__ == "__main__":
    main()
