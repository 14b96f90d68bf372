"""Sparse attention and the sampling maps Q_d and Q_c (Eqs. 5 and 6)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from s3n_core.method.configuration import LEAST_BETA

LEAST_RESPONSE = 1e-3  # lower bound of R in 1/R and in the Gaussian's width, which would otherwise degenerate


def beta_from_radius(radius: Tensor, map_size: int) -> Tensor:
    """Convert a radius, a fraction of the map side, to beta of Eq. 5 in cells: sqrt(2) * radius * side, at least `LEAST_BETA`."""
    return (math.sqrt(2.0) * map_size * radius).clamp(min=LEAST_BETA)


def sampling_map(
    peaks: Tensor, response: Tensor, beta: Tensor | float, *, complementary: bool = False, base: float = 0.09
) -> Tensor:
    """Sum the attention of the peaks: Q = base + sum_i w_i a_i exp(-d_i^2 / (R_i beta^2)) (Eqs. 5 and 6).

    A Gaussian is the outer product of a column and a row, so Q is a single matrix product per image: every cell counts
    as a peak, with weight 0 where there is none. Shapes are fixed, and nothing is read back from the device.

    Args:
        peaks: Membership, bool or weights in [0, 1], shape (B, H, W).
        response: R, shape (B, H, W), in [0, 1].
        beta: beta_1 or beta_2 in cells, a scalar; Q is differentiable in it.
        complementary: Whether the amplitude a is 1/R (T_c) instead of R (T_d).
        base: Constant added to Q; with 0, Q is zero for an image without peaks.

    Returns:
        Q, shape (B, H, W), at least ``base``.
    """
    with torch.autocast(response.device.type, enabled=False):
        response = response if response.dtype == torch.float64 else response.float()
        return base + _attention(peaks, response, beta, complementary=complementary)


def _attention(peaks: Tensor, response: Tensor, beta: Tensor | float, *, complementary: bool) -> Tensor:
    """Return the sum of Eq. 6, shape (B, H, W)."""
    batch, height, width = response.shape
    strength = response.clamp(min=LEAST_RESPONSE)
    amplitude = 1 / strength if complementary else strength
    weights = (peaks.to(response.dtype) * amplitude).flatten(1)  # (B, N), N = H * W
    square = torch.as_tensor(beta, dtype=response.dtype, device=response.device) ** 2
    scale = -1 / (strength * square.clamp(min=LEAST_RESPONSE))  # the clamp avoids 0/0 for a beta of 0
    rows = torch.arange(height, device=response.device, dtype=response.dtype)
    columns = torch.arange(width, device=response.device, dtype=response.dtype)
    # exp is evaluated once per cell and distance along each axis: (B, y', x', y) and (B, y', x', x).
    vertical = torch.exp(scale[..., None] * (rows[:, None, None] - rows) ** 2)
    horizontal = torch.exp(scale[..., None] * (columns[:, None] - columns) ** 2)
    vertical = vertical.reshape(batch, height * width, height) * weights[..., None]
    return vertical.transpose(1, 2) @ horizontal.reshape(batch, height * width, width)
