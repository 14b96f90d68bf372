"""Selective sampling: the grid of Eqs. 7 and 8, the warp, and the inverse of a grid (section 3.3).

Grids are (x, y) in [-1, 1] with aligned corners. The Gaussian kernel k is separable and replicate padding is linear, so
the weighted centroids of Eqs. 7 and 8 are products with small constant matrices; any other kernel needs a few more.
"""

from __future__ import annotations

import functools
import math

import torch
import torch.nn.functional as F
from torch import Tensor

from s3n_core.method.alignment import cell_to_grid
from s3n_core.method.inverse_grid import invert_grid as invert_grid
from s3n_core.method.response_maps import interpolation_matrix

PADDING = 30  # cells of replicate padding on each side; the kernel is truncated to 61 x 61 accordingly
KERNEL_SIDE = 2 * PADDING + 1
FWHM_TO_SIGMA = 1 / (2 * math.sqrt(2 * math.log(2)))
DEFAULT_SIGMA = 13 * FWHM_TO_SIGMA


def gaussian_kernel(sigma: float = DEFAULT_SIGMA) -> Tensor:
    """Return the 61 x 61 Gaussian k in float64, unnormalised, since its scale cancels in Eqs. 7 and 8."""
    line = _gaussian_line(sigma)
    return line[:, None] * line[None, :]


def sampling_grid(
    sampling_map: Tensor,
    *,
    sigma: float = DEFAULT_SIGMA,
    kernel: Tensor | None = None,
    output_size: tuple[int, int] | int | None = None,
) -> Tensor:
    """Compute f and g of Eqs. 7 and 8: where each cell of the warped image is sampled.

    Args:
        sampling_map: Q >= 0, shape (B, H, W); regions of larger Q are enlarged in the warped image.
        sigma: Standard deviation of the Gaussian k in cells.
        kernel: A 61 x 61 kernel to use instead of the Gaussian; differentiable.
        output_size: (height, width) or side of the grid, resized bilinearly; None keeps H, W.

    Returns:
        Grid of shape (B, h, w, 2), last axis (x, y) in [-1, 1] with aligned corners.
    """
    with torch.autocast(sampling_map.device.type, enabled=False):
        quality = sampling_map if sampling_map.dtype == torch.float64 else sampling_map.float()
        # The scale of Q cancels; with a maximum of 1, sums over huge or tiny maps neither overflow nor underflow.
        largest = quality.detach().amax(dim=(1, 2), keepdim=True)
        quality = quality / torch.where(largest > 0, largest, 1.0)
        moments = _gaussian_moments(quality, sigma) if kernel is None else _kernel_moments(quality, kernel)
        grid = _centroids(*moments)
        if output_size is not None:
            grid = resize_grid(grid, output_size)
    return grid


def identity_grid(batch: int, height: int, width: int, *, like: Tensor) -> Tensor:
    """Return the identity grid, shape (B, height, width, 2), with the device and dtype of ``like``."""
    x = torch.linspace(-1, 1, width, device=like.device, dtype=like.dtype)
    y = torch.linspace(-1, 1, height, device=like.device, dtype=like.dtype)
    return torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1).expand(batch, height, width, 2)


def resize_grid(grid: Tensor, output_size: tuple[int, int] | int) -> Tensor:
    """Resize a grid (B, h, w, 2) bilinearly with aligned corners to (B, height, width, 2).

    Uses two small matrix products, four times as fast as `F.interpolate` on a CPU. In memory the x plane precedes the
    y plane, which does not slow down `grid_sample`.
    """
    height, width = (output_size, output_size) if isinstance(output_size, int) else output_size
    if grid.shape[1:3] == (height, width):
        return grid
    batch, cells_down, cells_across = grid.shape[:3]
    with torch.autocast(grid.device.type, enabled=False):
        rows = interpolation_matrix(cells_down, height, "corners", grid)
        columns = interpolation_matrix(cells_across, width, "corners", grid)
        lines = grid.permute(0, 3, 1, 2).reshape(-1, cells_across) @ columns.T
        planes = rows @ lines.view(2 * batch, cells_down, width)
    return planes.view(batch, 2, height, width).permute(0, 2, 3, 1)


def warp(images: Tensor, grid: Tensor) -> Tensor:
    """Sample X_new(v) = X(f(v), g(v)) bilinearly (section 3.3).

    Args:
        images: X, shape (B, C, h, w).
        grid: Shape (B, h', w', 2), (x, y) in [-1, 1] with aligned corners.

    Returns:
        Warped images, shape (B, C, h', w'), in the dtype of ``images``.
    """
    with torch.autocast(images.device.type, enabled=False):
        sampled = F.grid_sample(images.to(grid.dtype), grid, mode="bilinear", padding_mode="border", align_corners=True)
    return sampled.to(images.dtype)


def _gaussian_line(sigma: float) -> Tensor:
    offsets = torch.arange(-PADDING, PADDING + 1, dtype=torch.float64)
    return torch.exp(-0.5 * (offsets / sigma) ** 2)


@functools.lru_cache(maxsize=16)
def _axis_matrices(size: int, sigma: float) -> tuple[Tensor, Tensor]:
    """Return the (size, size) matrices of sum k Q and sum k Q x along one axis, replicate padding folded in, float64."""
    padded = torch.arange(-PADDING, size + PADDING)
    line = _gaussian_line(sigma)
    offset = padded[None, :] - torch.arange(size)[:, None]  # (size, size + 60)
    weights = torch.where(offset.abs() <= PADDING, line[(offset + PADDING).clamp(0, KERNEL_SIDE - 1)], 0.0)
    coordinates = cell_to_grid(padded.to(torch.float64), size)
    fold = F.one_hot(padded.clamp(0, size - 1), size).to(torch.float64)
    return weights @ fold, (weights * coordinates) @ fold


@functools.lru_cache(maxsize=16)
def _axis_matrices_on(size: int, sigma: float, device: torch.device, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    # The cached tensors must also work in training, even if inference creates them.
    with torch.inference_mode(False):
        zeroth, first = _axis_matrices(size, sigma)
        return zeroth.to(device, dtype), first.to(device, dtype)


def _gaussian_moments(quality: Tensor, sigma: float) -> tuple[Tensor, Tensor, Tensor]:
    rows, rows_y = _axis_matrices_on(quality.shape[1], sigma, quality.device, quality.dtype)
    columns, columns_x = _axis_matrices_on(quality.shape[2], sigma, quality.device, quality.dtype)
    across = quality @ columns.T
    return rows @ across, rows @ (quality @ columns_x.T), rows_y @ across


def _kernel_moments(quality: Tensor, kernel: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Sum k Q, k Q x and k Q y with any kernel; the coordinates continue through the padding.

    This is a single-channel convolution with 61 x 61 weights, written as matrix products over the map's own cells: each
    row of Q with each row of k, then the sum over the rows. On a CPU `conv2d` is many times slower, above all in the
    backward pass.
    """
    if kernel.shape != (KERNEL_SIDE, KERNEL_SIDE):
        raise ValueError(f"kernel must have shape ({KERNEL_SIDE}, {KERNEL_SIDE}), not {tuple(kernel.shape)}")
    batch, height, width = quality.shape
    weight = kernel.to(quality.dtype)
    down, down_y = _taps_on(height, quality.device, quality.dtype)
    across, across_x = _taps_on(width, quality.device, quality.dtype)
    lines = [
        # (B h, u) x (u, i x) -> (B, h i, x): row v of Q under row i of k
        (quality.reshape(-1, width) @ (taps @ weight.T).permute(1, 2, 0).reshape(width, -1)).view(batch, -1, width)
        for taps in (across, across_x)
    ]
    down, down_y = down.reshape(height, -1), down_y.reshape(height, -1)
    return down @ lines[0], down @ lines[1], down_y @ lines[0]


@functools.lru_cache(maxsize=16)
def _taps(size: int) -> tuple[Tensor, Tensor]:
    """Return which cell each of the 61 kernel taps reads (0 or 1), and the same times the tap's coordinate.

    Both are float64, shape (size, size, 61). Entry (x, u, j): at cell x, tap j reads cell u, with replicate padding.
    """
    place = torch.arange(size)[:, None] + torch.arange(-PADDING, PADDING + 1)
    reads = F.one_hot(place.clamp(0, size - 1), size).to(torch.float64).transpose(1, 2)
    coordinates = cell_to_grid(place.to(torch.float64), size)
    return reads, reads * coordinates[:, None]


@functools.lru_cache(maxsize=16)
def _taps_on(size: int, device: torch.device, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    with torch.inference_mode(False):  # as for `_axis_matrices_on`
        reads, weighted = _taps(size)
        return reads.to(device, dtype), weighted.to(device, dtype)


def _centroids(total: Tensor, moment_x: Tensor, moment_y: Tensor) -> Tensor:
    """Divide the moments by the total and clamp to [-1, 1]; a cell with zero total keeps its own position."""
    here = identity_grid(*total.shape, like=total)
    empty = total <= torch.finfo(total.dtype).tiny
    grid = torch.stack([moment_x, moment_y], dim=-1) / torch.where(empty, 1.0, total)[..., None]
    return torch.where(empty[..., None], here, grid).clamp(-1, 1)
