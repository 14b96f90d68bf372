"""Benchmark of the grid of a trained 61 x 61 kernel (release form), forward and backward: matrix products and plain convolution.

Run from the checkout: ``python benchmarks/trained_kernel.py --threads 1``.
"""

from __future__ import annotations

import argparse

import torch
import torch.nn.functional as F
from interleaved import machine, medians, report
from torch import Tensor

from s3n_core.method import resampling
from s3n_core.method.resampling import PADDING, gaussian_kernel, sampling_grid


def convolved_moments(quality: Tensor, kernel: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Convolve Q, Q x and Q y as Eqs. 7 and 8 are written."""
    height, width = quality.shape[1:]
    padded = F.pad(quality[:, None], (PADDING,) * 4, mode="replicate")
    x = torch.arange(-PADDING, width + PADDING, dtype=quality.dtype) / (width - 1) * 2 - 1
    y = torch.arange(-PADDING, height + PADDING, dtype=quality.dtype) / (height - 1) * 2 - 1
    planes = torch.cat([padded, padded * x, padded * y[:, None]])
    total, moment_x, moment_y = F.conv2d(planes, kernel.to(quality.dtype)[None, None])[:, 0].chunk(3)
    return total, moment_x, moment_y


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--maps", type=int, nargs="*", default=[8, 32], help="two an image")
    options.add_argument("--repeats", type=int, default=5)
    options.add_argument("--threads", type=int, default=1)
    chosen = options.parse_args()
    torch.set_num_threads(chosen.threads)
    torch.manual_seed(0)
    products = resampling._kernel_moments
    kernel = (gaussian_kernel() * (1 + 0.1 * torch.rand(61, 61, dtype=torch.float64))).float()

    def grid(moments: object, quality: Tensor, train: bool) -> list[Tensor]:
        resampling._kernel_moments = moments  # type: ignore[assignment]
        leaves = [quality.clone().requires_grad_(train), kernel.clone().requires_grad_(train)]
        result = sampling_grid(leaves[0], kernel=leaves[1])
        if train:
            result.square().sum().backward()
        return [result.detach(), *(leaf.grad for leaf in leaves if leaf.grad is not None)]

    for maps in chosen.maps:
        quality = torch.rand(maps, 31, 31) ** 4 + 0.01
        exact = grid(convolved_moments, quality.double(), True)
        for name, moments in (("convolution", convolved_moments), ("products", products)):
            off = [
                float((a - b).abs().max() / b.abs().max())
                for a, b in zip(grid(moments, quality, True), exact, strict=True)
            ]
            print(f"{name}: off from float64, over the largest value: grid, gradients of Q and of k {off}")
        works = {
            f"{name}, {what}": lambda moments=moments, train=train, quality=quality: grid(moments, quality, train)
            for what, train in (("forward", False), ("forward and backward", True))
            for name, moments in (("convolution", convolved_moments), ("products", products))
        }
        seconds = medians(works, repeats=chosen.repeats, warm_up=1)
        report(f"{maps} maps; {machine('cpu')}", seconds, "products, forward and backward")
    resampling._kernel_moments = products


if __name__ == "__main__":
    main()
