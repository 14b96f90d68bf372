"""Warping a source larger than the network's input without aliasing (METHOD.md, "Source size").

Between two samples that lie several source pixels apart, a bilinear warp skips pixels and aliases. As in a mipmap, each output
pixel blends the two copies of the source, halved again and again, whose pixels are nearest in size to its own footprint there.
All copies lie in one image, the atlas, so that a warp reads it twice however many there are.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from s3n_core.method.resampling import warp

_LEAST_SIDE = 4  # pixels of the smallest copy


def warp_prefiltered(images: Tensor, *grids: Tensor) -> list[Tensor]:
    """Warp a source that is larger than the grids, filtered beforehand where they compress it.

    Args:
        images: Source, shape (B, C, H, W), H >= h', W >= w'.
        grids: Each of shape (B, h', w', 2), (x, y) in [-1, 1] with aligned corners.

    Returns:
        Warped images for each grid, shape (B, C, h', w').
    """
    height, width = images.shape[-2:]
    ratio = max([1.0, *(max(height / grid.shape[1], width / grid.shape[2]) for grid in grids)])
    # At an even spacing a copy 1/ratio as large is as fine as the output; two more serve where a grid compresses fourfold.
    levels = max(0, min(2 + math.ceil(math.log2(ratio)), int(math.log2(min(height, width) / _LEAST_SIDE))))
    atlas = _atlas(images, levels)
    return [_warp_atlas(atlas, grid, (height, width), levels) for grid in grids]


def _atlas(images: Tensor, levels: int) -> Tensor:
    """Lay out the source and its copies halved 1 to ``levels`` times, shape (B, C, H, W + W // 2) (`_corner` says where)."""
    height, width = images.shape[-2:]
    # Planes in memory, not pixels: three channels are sampled a quarter faster from them.
    source = smaller = images.contiguous()
    copies: list[Tensor] = []
    for level in range(1, levels + 1):
        smaller = _halved(smaller)
        down, across = smaller.shape[-2:]
        below, below_next = 2 * height // 2**level, 2 * height // 2 ** (level + 1)  # rows from each one's top on
        room = below - below_next if level < levels else below
        copies.append(F.pad(smaller, (0, width // 2 - across, 0, room - down)))
    return torch.cat([source, torch.cat(copies, dim=-2)], dim=-1) if copies else source


def _halved(images: Tensor) -> Tensor:
    """Mean of squares of 2 x 2 pixels, an odd last row or column left out; four times as fast as `avg_pool2d` on a processor."""
    height, width = (side // 2 * 2 for side in images.shape[-2:])
    across = images[..., :height, 0:width:2] + images[..., :height, 1:width:2]
    return (across[..., 0::2, :] + across[..., 1::2, :]) * 0.25


def _corner(level: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Top and left of each level's copy in the atlas: the source itself at 0, 0, all others below one another on its right.

    Copy n is floor(H / 2^n) high and begins at H - floor(2 H / 2^n), which the copies before it never reach.
    """
    return (height - (2 * height * torch.exp2(-level)).floor()).clamp(min=0), width * level.clamp(max=1)


def _warp_atlas(atlas: Tensor, grid: Tensor, source: tuple[int, int], levels: int) -> Tensor:
    """Blend the two copies on either side of each output pixel's footprint, shape (B, C, h, w)."""
    exact = torch.log2(_source_spacing(grid, source).clamp(min=1.0)).clamp(max=float(levels))
    finer = exact.detach().floor().clamp(max=max(levels - 1, 0))
    fine = warp(atlas, _in_atlas(grid, finer, source, atlas))
    if not levels:
        return fine
    coarse = warp(atlas, _in_atlas(grid, finer + 1, source, atlas))
    return fine + (coarse - fine) * (exact - finer)[:, None].to(fine.dtype)


def _in_atlas(grid: Tensor, level: Tensor, source: tuple[int, int], atlas: Tensor) -> Tensor:
    """Where the atlas has what the grid asks for, in the copies that ``level`` (B, h, w) names; shape (B, h, w, 2)."""
    height, width = source
    scale = torch.exp2(-level)
    top, left = _corner(level, height, width)
    x = _in_copy(grid[..., 0], width, scale) + left
    y = _in_copy(grid[..., 1], height, scale) + top
    return torch.stack([x * (2 / (atlas.shape[-1] - 1)) - 1, y * (2 / (atlas.shape[-2] - 1)) - 1], dim=-1)


def _in_copy(place: Tensor, side: int, scale: Tensor) -> Tensor:
    """From [-1, 1] across ``side`` pixels of the source to pixels of a copy ``scale`` times as large, within its border."""
    # A copy's pixel centres lie between those of the source; beyond its border it repeats itself, as the source does.
    pixel = (place * ((side - 1) / 2) + side / 2) * scale - 0.5
    return torch.clamp(pixel, min=pixel.new_zeros(()), max=(side * scale).floor() - 1)


def _source_spacing(grid: Tensor, source: tuple[int, int]) -> Tensor:
    """Distance in source pixels between neighbouring samples (the larger axis), shape (B, h, w)."""
    x, y = grid[..., 0] * ((source[1] - 1) / 2), grid[..., 1] * ((source[0] - 1) / 2)
    right = _length(x[:, :, 1:] - x[:, :, :-1], y[:, :, 1:] - y[:, :, :-1])
    down = _length(x[:, 1:] - x[:, :-1], y[:, 1:] - y[:, :-1])
    return torch.maximum(F.pad(right, (0, 1, 0, 0), mode="replicate"), F.pad(down, (0, 0, 0, 1), mode="replicate"))


def _length(x: Tensor, y: Tensor) -> Tensor:
    """Length of vectors given by their parts; a norm over an axis of two takes ten times as long on a processor."""
    # Clamped parts of a grid repeat their samples: there the root's slope would be infinite, and the clamp makes it zero.
    return (x * x + y * y).clamp(min=1e-12).sqrt()
