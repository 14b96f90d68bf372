"""Benchmark of the selective sampler (from class maps to two warped batches), relative to two bare `grid_sample` calls.

Run from the checkout: ``python benchmarks/sampler.py``. The bare calls use finished full-size grids of the same warps.
"""

from __future__ import annotations

import argparse

import torch
import torch.nn.functional as F
from interleaved import machine, medians, report

from s3n_core.method.configuration import NetworkConfig
from s3n_core.method.peaks import find_peaks
from s3n_core.method.resampling import resize_grid, warp
from s3n_core.method.response_maps import class_response_maps, merge_response_maps
from s3n_core.method.sampler import Response, SelectiveSampler


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--batch", type=int, default=8)
    options.add_argument("--size", type=int, default=448)
    options.add_argument("--classes", type=int, default=200)
    options.add_argument("--cells", type=int, default=14, help="side of the features")
    options.add_argument("--channels", type=int, default=2048)
    options.add_argument("--repeats", type=int, default=15)
    options.add_argument("--threads", type=int, default=0, help="0: torch's own choice")
    options.add_argument("--device", default="cpu")
    chosen = options.parse_args()
    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    torch.manual_seed(0)
    device = torch.device(chosen.device)
    config = NetworkConfig(num_classes=chosen.classes, input_size=chosen.size, source_size=chosen.size)
    sampler = SelectiveSampler(config).to(device)
    images = torch.randn(chosen.batch, 3, chosen.size, chosen.size, device=device)
    features = torch.rand(chosen.batch, chosen.channels, chosen.cells, chosen.cells, device=device)
    weight = torch.randn(chosen.classes, chosen.channels, device=device) / chosen.channels**0.5
    maps = class_response_maps(features, weight)
    logits = maps.mean(dim=(2, 3))

    def answer() -> Response:
        response, entropy = merge_response_maps(
            maps, logits, top_k=config.merged_classes, map_size=config.map_size, align=config.alignment
        )
        return Response(maps, logits, entropy, entropy <= config.entropy_threshold, response, find_peaks(response))

    def resampled(given: Response) -> tuple[torch.Tensor, torch.Tensor]:
        _, samples = sampler(given, "expected", None)
        return tuple(warp(images, resize_grid(grid, chosen.size)) for grid in (samples.grid_d, samples.grid_c))

    with torch.inference_mode():
        given = answer()
        _, samples = sampler(given, "expected", None)
        grids = [resize_grid(grid, chosen.size).contiguous() for grid in (samples.grid_d, samples.grid_c)]
        works = {
            "two bare grid_sample calls": lambda: [
                F.grid_sample(images, grid, padding_mode="border", align_corners=True) for grid in grids
            ],
            "sampler, from class maps": lambda: resampled(answer()),
            "sampler, from features (with Eq. 1)": lambda: resampled(
                sampler.respond(features, weight, weight.new_zeros(chosen.classes), logits)
            ),
            "  of it up to the peaks (Eqs. 2-4)": answer,
            "  of it Q and grids of both (Eqs. 5-8)": lambda: sampler(given, "expected", None),
            "  of it two full-size grids": lambda: [
                resize_grid(samples.grid_d, chosen.size),
                resize_grid(samples.grid_c, chosen.size),
            ],
        }
        seconds = medians(works, repeats=chosen.repeats)
    shape = f"batch {chosen.batch}, {chosen.size} px, {chosen.classes} classes, {chosen.cells}x{chosen.cells} features"
    report(f"{shape}; {machine(chosen.device)}", seconds, "two bare grid_sample calls")


if __name__ == "__main__":
    main()
