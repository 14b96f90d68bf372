"""S3N inference (three branches, sampler and heads) over three plain passes of its own backbone.

Run from the checkout: ``python benchmarks/inference.py``. Same weights, type, memory layout and threads for both.
"""

from __future__ import annotations

import argparse

import torch
from interleaved import machine, medians, report

from s3n_core.devices import autocast, place
from s3n_core.method.configuration import NetworkConfig
from s3n_core.method.network import S3N

CASES = ("mobilenet_v2:224:8", "resnet50:448:8")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("cases", nargs="*", default=list(CASES), metavar="BACKBONE:SIZE:BATCH")
    options.add_argument("--classes", type=int, default=200)
    options.add_argument("--repeats", type=int, default=7)
    options.add_argument("--threads", type=int, default=0, help="0: torch's own choice")
    options.add_argument("--device", default="cpu")
    options.add_argument("--precision", default="float32")
    chosen = options.parse_args()
    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    for case in chosen.cases:
        backbone, size, batch = case.split(":")
        torch.manual_seed(0)
        config = NetworkConfig(
            num_classes=chosen.classes, backbone=backbone, input_size=int(size), source_size=int(size)
        )
        network = S3N(config).eval()
        place(network, chosen.device)
        images = torch.randn(int(batch), 3, int(size), int(size), device=chosen.device)
        images = images.contiguous(memory_format=torch.channels_last)
        with torch.inference_mode(), autocast(chosen.device, chosen.precision):
            works = {
                "three backbone passes": lambda images=images, network=network: [
                    network.backbone(images) for _ in range(3)
                ],
                "S3N": lambda images=images, network=network: network(images),
            }
            seconds = medians(works, repeats=chosen.repeats, warm_up=1)
        title = f"{backbone}, {size} px, batch {batch}, {chosen.precision}; {machine(chosen.device)}"
        report(title, seconds, "three backbone passes")


if __name__ == "__main__":
    main()
