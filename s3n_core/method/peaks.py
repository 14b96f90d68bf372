"""Peaks of the response map and their assignment to T_d and T_c (Eq. 4 and the text around it)."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

Floor = Literal["mean", "none"] | float


def find_peaks(response: Tensor, *, window: int = 3, floor: Floor = "mean") -> Tensor:
    """Find the local maxima T of the response map.

    A cell is a peak if it is the first maximum, in row-major order, of the window centred on it; a plateau thus has one
    peak per window. Its response must be positive, so a flat map has no peaks.

    Args:
        response: R, shape (B, H, W), in [0, 1].
        window: Side r of the window in cells, odd and at least 3; padded with -inf outside the map.
        floor: "mean" keeps peaks with R >= mean(R), like the release; a number, R >= that number; "none" keeps all.

    Returns:
        Peaks, bool, shape (B, H, W).

    Raises:
        ValueError: If ``window`` is even or below 3.
    """
    if window < 3 or window % 2 == 0:
        raise ValueError(f"window must be odd and at least 3, not {window}")
    half = window // 2
    padded = F.pad(response[:, None], (half, half, half, half), value=-torch.inf)
    height, width = response.shape[1:]
    whole = F.max_pool2d(padded, window, stride=1)[:, 0]
    above = F.max_pool2d(padded[:, :, : height + half - 1], (half, window), stride=1)[:, 0]
    left = F.max_pool2d(padded[:, :, half : height + half, : width + half - 1], (1, half), stride=1)[:, 0]
    peaks = (response >= whole) & (response > torch.maximum(above, left)) & (response > 0)
    peaks &= (response.amax(dim=(1, 2)) > response.amin(dim=(1, 2)))[:, None, None]
    if floor == "mean":
        peaks &= response >= response.mean(dim=(1, 2), keepdim=True)
    elif floor != "none":
        peaks &= response >= floor
    return peaks


def split_peaks(peaks: Tensor, response: Tensor, draws: Tensor) -> tuple[Tensor, Tensor]:
    """Assign the peaks at random to T_d (R > zeta) and T_c (all others) (Eq. 4).

    The paper leaves R = zeta open; here it goes to T_c, so that the sets are disjoint and complete.

    Args:
        peaks: bool, shape (B, H, W).
        response: R, shape (B, H, W).
        draws: zeta, shape (B, H, W), in [0, 1).

    Returns:
        T_d and T_c, bool, shape (B, H, W) each.
    """
    discriminative = peaks & (response > draws)
    return discriminative, peaks & ~discriminative


def extreme_peaks(peaks: Tensor, response: Tensor) -> tuple[Tensor, Tensor]:
    """Put only the highest peak in T_d and only the lowest in T_c: the release's test-time rule.

    Ties go to the first in row-major order.

    Args:
        peaks: bool, shape (B, H, W).
        response: R, shape (B, H, W).

    Returns:
        T_d and T_c, bool, shape (B, H, W): one peak each (the same if there is only one), or none without peaks.
    """
    flat = response.flatten(1)
    mask = peaks.flatten(1)
    highest = flat.masked_fill(~mask, -torch.inf)
    lowest = flat.masked_fill(~mask, torch.inf)
    first_highest = _first(highest == highest.amax(dim=1, keepdim=True)) & mask
    first_lowest = _first(lowest == lowest.amin(dim=1, keepdim=True)) & mask
    return first_highest.view_as(peaks), first_lowest.view_as(peaks)


def _first(mask: Tensor) -> Tensor:
    """Keep only the first True of each row; ``argmax`` leaves open which of several equal maxima it returns."""
    return mask & (mask.cumsum(dim=1) == 1)
