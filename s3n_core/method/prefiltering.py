"""Warping a source larger than the network's input without aliasing (METHOD.md, "Source size").

Where samples lie several source pixels apart, a bilinear warp skips pixels and aliases. As with mipmaps, each output
pixel therefore blends the two downscaled copies of the source whose pixel sizes are nearest to its footprint. All
copies lie in one image, the atlas, so that a warp reads it twice no matter how many copies there are.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from s3n_core.method.resampling import warp

_LEAST_SIDE = 4  # pixels of the smallest copy


def warp_prefiltered(images: Tensor, *grids: Tensor) -> list[Tensor]:
    """Warp a source that is larger than the grids, with prefiltering where they compress it.

    Args:
        images: Source, shape (B, C, H, W), H >= h', W >= w'.
        grids: Each of shape (B, h', w', 2), (x, y) in [-1, 1] with aligned corners.

    Returns:
        Warped images for each grid, shape (B, C, h', w').
    """
    height, width = images.shape[-2:]
    ratio = max([1.0, *(max(height / grid.shape[1], width / grid.shape[2]) for grid in grids)])
    # At an even spacing a copy scaled by 1/ratio matches the output; two more levels allow for fourfold compression.
    levels = max(0, min(2 + math.ceil(math.log2(ratio)), int(math.log2(min(height, width) / _LEAST_SIDE))))
    atlas = _atlas(images, levels)
    return [_warp_atlas(atlas, grid, (height, width), levels) for grid in grids]


def _atlas(images: Tensor, levels: int) -> Tensor:
    """Lay out the source and its copies halved 1 to ``levels`` times, shape (B, C, H, W + W // 2); see `_corner`."""
    height, width = images.shape[-2:]
    # Channels-first memory: sampling three channels from it is a quarter faster than from channels-last.
    source = smaller = images.contiguous()
    copies: list[Tensor] = []
    for level in range(1, levels + 1):
        smaller = _halved(smaller)
        down, across = smaller.shape[-2:]
        below, below_next = 2 * height // 2**level, 2 * height // 2 ** (level + 1)  # rows from each copy's top down
        room = below - below_next if level < levels else below
        copies.append(F.pad(smaller, (0, width // 2 - across, 0, room - down)))
    return torch.cat([source, torch.cat(copies, dim=-2)], dim=-1) if copies else source


def _halved(images: Tensor) -> Tensor:
    """Average 2 x 2 blocks, dropping an odd last row or column; on a CPU four times as fast as `avg_pool2d`."""
    height, width = (side // 2 * 2 for side in images.shape[-2:])
    across = images[..., :height, 0:width:2] + images[..., :height, 1:width:2]
    return (across[..., 0::2, :] + across[..., 1::2, :]) * 0.25


def _corner(level: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Return the top and left of each level's copy in the atlas: the source at 0, 0, the others stacked on its right.

    Copy n has floor(H / 2^n) rows and starts at row H - floor(2 H / 2^n), below the end of copy n - 1.
    """
    return (height - (2 * height * torch.exp2(-level)).floor()).clamp(min=0), width * level.clamp(max=1)


def _warp_atlas(atlas: Tensor, grid: Tensor, source: tuple[int, int], levels: int) -> Tensor:
    """Blend the two copies nearest to each output pixel's footprint, shape (B, C, h, w)."""
    exact = torch.log2(_source_spacing(grid, source).clamp(min=1.0)).clamp(max=float(levels))
    finer = exact.detach().floor().clamp(max=max(levels - 1, 0))
    fine = warp(atlas, _in_atlas(grid, finer, source, atlas))
    if not levels:
        return fine
    coarse = warp(atlas, _in_atlas(grid, finer + 1, source, atlas))
    return fine + (coarse - fine) * (exact - finer)[:, None].to(fine.dtype)


def _in_atlas(grid: Tensor, level: Tensor, source: tuple[int, int], atlas: Tensor) -> Tensor:
    """Convert a grid over the source to one over the atlas, for the copies ``level`` (B, h, w); shape (B, h, w, 2)."""
    height, width = source
    scale = torch.exp2(-level)
    top, left = _corner(level, height, width)
    x = _in_copy(grid[..., 0], width, scale) + left
    y = _in_copy(grid[..., 1], height, scale) + top
    return torch.stack([x * (2 / (atlas.shape[-1] - 1)) - 1, y * (2 / (atlas.shape[-2] - 1)) - 1], dim=-1)


def _in_copy(place: Tensor, side: int, scale: Tensor) -> Tensor:
    """Convert [-1, 1] over ``side`` source pixels to pixels of a copy scaled by ``scale``, clamped to its border."""
    # The pixel centres of a copy lie between those of the source. The clamp is border padding, as for the source.
    pixel = (place * ((side - 1) / 2) + side / 2) * scale - 0.5
    return torch.clamp(pixel, min=pixel.new_zeros(()), max=(side * scale).floor() - 1)


def _source_spacing(grid: Tensor, source: tuple[int, int]) -> Tensor:
    """Return the distance in source pixels between neighbouring samples, the larger of both axes, shape (B, h, w)."""
    x, y = grid[..., 0] * ((source[1] - 1) / 2), grid[..., 1] * ((source[0] - 1) / 2)
    right = _length(x[:, :, 1:] - x[:, :, :-1], y[:, :, 1:] - y[:, :, :-1])
    down = _length(x[:, 1:] - x[:, :-1], y[:, 1:] - y[:, :-1])
    return torch.maximum(F.pad(right, (0, 1, 0, 0), mode="replicate"), F.pad(down, (0, 0, 0, 1), mode="replicate"))


def _length(x: Tensor, y: Tensor) -> Tensor:
    """Return the length of vectors given by components; on a CPU `norm` over an axis of two takes ten times as long."""
    # Where a grid is clamped, neighbouring samples coincide and sqrt has an infinite gradient; the clamp makes it zero.
    return (x * x + y * y).clamp(min=1e-12).sqrt()
