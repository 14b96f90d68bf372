"""Warping a source larger than the network's input without aliasing (METHOD.md, "Source size")."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from s3n_core.method.resampling import warp


def warp_prefiltered(images: Tensor, grid: Tensor) -> Tensor:
    """Warp a source that is larger than the grid, filtered beforehand where the grid compresses it.

    Between two samples that lie several source pixels apart, a bilinear warp skips pixels and aliases. As in a mipmap, each
    output pixel blends two copies of the source whose pixels are as large as its own footprint there.

    Args:
        images: Source, shape (B, C, H, W), H >= h', W >= w'.
        grid: shape (B, h', w', 2), (x, y) in [-1, 1] with aligned corners.

    Returns:
        Warped images, shape (B, C, h', w').
    """
    spacing = _source_spacing(grid, images.shape[-2:])
    level = torch.log2(spacing.clamp(min=1.0))[:, None]  # (B, 1, h', w')
    ratio = max(images.shape[-2] / grid.shape[1], images.shape[-1] / grid.shape[2], 1.0)
    levels = 2 + math.ceil(math.log2(ratio))
    result = warp(images, grid) * (1 - level).clamp(min=0)
    smaller = images
    for step in range(1, levels + 1):
        if min(smaller.shape[-2:]) < 4:
            break
        smaller = F.avg_pool2d(smaller, 2)
        last = step == levels or min(smaller.shape[-2:]) < 8
        share = 1 - (step - level).clamp(min=0) if last else 1 - (level - step).abs()
        result = result + _warp_pooled(smaller, grid, images.shape[-2:], step) * share.clamp(min=0, max=1)
        if last:
            break
    return result


def _source_spacing(grid: Tensor, source: torch.Size) -> Tensor:
    """Distance in source pixels between neighbouring samples (the larger axis), shape (B, h, w)."""
    x, y = grid[..., 0] * ((source[1] - 1) / 2), grid[..., 1] * ((source[0] - 1) / 2)
    right = _length(x[:, :, 1:] - x[:, :, :-1], y[:, :, 1:] - y[:, :, :-1])
    down = _length(x[:, 1:] - x[:, :-1], y[:, 1:] - y[:, :-1])
    return torch.maximum(F.pad(right, (0, 1, 0, 0), mode="replicate"), F.pad(down, (0, 0, 0, 1), mode="replicate"))


def _length(x: Tensor, y: Tensor) -> Tensor:
    """Length of vectors given by their parts; a norm over an axis of two takes ten times as long on a processor."""
    # Clamped parts of a grid repeat their samples: there the root's slope would be infinite, and the clamp makes it zero.
    return (x * x + y * y).clamp(min=1e-12).sqrt()


def _warp_pooled(pooled: Tensor, grid: Tensor, source: torch.Size, step: int) -> Tensor:
    """Warp a source that has been halved ``step`` times; its pixel centres are not the corners of the full source."""
    factor = 2**step
    full = grid.new_tensor([source[1], source[0]])
    small = grid.new_tensor([pooled.shape[-1], pooled.shape[-2]])
    pixels = (grid + 1) / 2 * (full - 1)
    return warp(pooled, ((pixels + 0.5) / factor - 0.5) / (small - 1) * 2 - 1)
