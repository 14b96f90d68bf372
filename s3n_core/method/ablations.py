"""Replacements for stages of the method in ablations and controls (Tables 2-4 of the paper; METHOD.md, controls).

Each function replaces one value inside the sampler; none is a separate network.
"""

from __future__ import annotations

import torch
from torch import Tensor

from s3n_core.method.alignment import cell_to_grid
from s3n_core.method.configuration import Alignment
from s3n_core.method.response_maps import min_max, resize_map

CROP_SIDE = 0.5  # side of a hard crop, as a fraction of the image side


def coin_peaks(peaks: Tensor, draws: Tensor) -> tuple[Tensor, Tensor]:
    """Assign each peak to T_d or T_c by a fair coin, regardless of its response (Table 4, "Random").

    Args:
        peaks: bool, shape (B, H, W).
        draws: zeta, shape (B, H, W), in [0, 1).

    Returns:
        T_d and T_c, bool, disjoint, shape (B, H, W) each.
    """
    discriminative = peaks & (draws < 0.5)
    return discriminative, peaks & ~discriminative


def saliency(features: Tensor, map_size: int, *, align: Alignment, span: float | None = None) -> Tensor:
    """Return the class-agnostic saliency of Table 3: the channel mean of S, resized and min-max normalised to [0, 1].

    Args:
        features: S, shape (B, D, h, w).
        map_size: Side of the map in cells.
        align: How cells of the map align with feature cells.
        span: How many feature cells wide the input is (`alignment.cell_to_feature`).

    Returns:
        Shape (B, map_size, map_size), in [0, 1].
    """
    features = features if features.dtype == torch.float64 else features.float()
    mean = torch.nan_to_num(features.mean(dim=1))
    return min_max(resize_map(mean, map_size, align=align, span=span))


def dense_maps(attention: Tensor, base: float) -> tuple[Tensor, Tensor]:
    """Return Q_d = base + A and Q_c = base + 1 - A for a dense attention A in [0, 1] (Table 3), shape (B, H, W) each."""
    return base + attention, base + 1 - attention


def scatter_peaks(peaks: Tensor, response: Tensor, draws: Tensor) -> tuple[Tensor, Tensor]:
    """Move every peak, with its response, to a random cell (control b): the same peaks in arbitrary places.

    All cells are permuted by the sort order of their draws, one permutation per image.

    Args:
        peaks: bool, shape (B, H, W).
        response: R, shape (B, H, W).
        draws: shape (B, H, W), in [0, 1).

    Returns:
        Peaks and response, permuted, shape (B, H, W) each.
    """
    permutation = draws.flatten(1).argsort(dim=1, stable=True)
    moved_peaks = peaks.flatten(1).gather(1, permutation).view_as(peaks)
    moved_response = response.flatten(1).gather(1, permutation).view_as(response)
    return moved_peaks, moved_response


def others_peaks(peaks: Tensor, response: Tensor) -> tuple[Tensor, Tensor]:
    """Give every image the peaks, with their responses, of the image before it in the batch (control b2).

    Places keep the distribution that real peaks have (most are near the centre), but say nothing about this image. A single
    image gets its own, mirrored, so that it never keeps them.

    Args:
        peaks: bool, shape (B, H, W).
        response: R, shape (B, H, W).

    Returns:
        Peaks and response, shape (B, H, W) each.
    """
    if peaks.shape[0] == 1:
        return peaks.flip(-1), response.flip(-1)
    return peaks.roll(1, dims=0), response.roll(1, dims=0)


def central_peak(peaks: Tensor, response: Tensor) -> tuple[Tensor, Tensor]:
    """Replace all peaks by one of response 1 at the centre of the map (control b3).

    Args:
        peaks: bool, shape (B, H, W).
        response: R, shape (B, H, W).

    Returns:
        Peaks and response, shape (B, H, W) each.
    """
    height, width = peaks.shape[1:]
    rows = torch.arange(height, device=peaks.device) == height // 2
    columns = torch.arange(width, device=peaks.device) == width // 2
    return given_peaks((rows[:, None] & columns).expand_as(peaks), response)


def given_peaks(places: Tensor, response: Tensor) -> tuple[Tensor, Tensor]:
    """Replace all peaks by given places, each of response 1 (the centre; with annotated key points, control true places).

    Args:
        places: bool, shape (B, H, W).
        response: R, shape (B, H, W).

    Returns:
        Peaks and response, shape (B, H, W) each.
    """
    return places, torch.where(places, torch.ones_like(response), response)


def crop_grid(weights: Tensor, response: Tensor, *, side: float = CROP_SIDE) -> Tensor:
    """Return the grid of a hard crop around the strongest peak of a set (control d; Figure 2 argues against crops).

    Args:
        weights: Membership in the set, shape (B, H, W).
        response: R, shape (B, H, W).
        side: Side of the crop, as a fraction of the image side.

    Returns:
        Grid of an axis-aligned crop inside the image, shape (B, H, W, 2), (x, y) in [-1, 1]; for an empty set, the
        identity grid.
    """
    height, width = response.shape[1:]
    strength = (weights * response).flatten(1)
    index = strength.argmax(dim=1)
    place = torch.stack([cell_to_grid(index % width, width), cell_to_grid(index // width, height)], dim=-1)
    empty = (strength.amax(dim=1) <= 0)[:, None]
    size = torch.where(empty, 1.0, side).to(response.dtype)
    centre = torch.maximum(torch.minimum(place.to(response.dtype), 1 - size), size - 1)
    x = torch.linspace(-1, 1, width, device=response.device, dtype=response.dtype)
    y = torch.linspace(-1, 1, height, device=response.device, dtype=response.dtype)
    plane = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)
    return centre[:, None, None] + plane * size[:, None, None]
