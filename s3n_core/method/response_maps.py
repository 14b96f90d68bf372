"""Class response maps and their merging: Eqs. 1-3 of the paper (sections 3.1 and 3.2).

The maps of the selected classes are merged at feature resolution and only the merged map is resized: since resizing is
linear, this equals resizing every class map first and is C times cheaper. The min-max normalisation cancels the
classifier's bias and the difference between the sum and the mean of the top classes. Everything is computed in float32
or better, because a saturated softmax or a long sum is inaccurate in half precision.
"""

from __future__ import annotations

import torch
from torch import Tensor

from s3n_core.method.alignment import cell_to_feature, reading_matrix
from s3n_core.method.configuration import Alignment


def class_response_maps(features: Tensor, weight: Tensor) -> Tensor:
    """Compute M_c = sum_d W[c, d] S_d (Eq. 1).

    Args:
        features: S, shape (B, D, h, w).
        weight: Weights of the classifier after the global average pooling, shape (C, D).

    Returns:
        Class response maps, shape (B, C, h, w), float32 (float64 for float64 input).
    """
    with torch.autocast(features.device.type, enabled=False):
        return torch.einsum("bdhw,cd->bchw", _at_least_float32(features), _at_least_float32(weight))


def gate_entropy(logits: Tensor, top_k: int) -> Tensor:
    """Compute H = -sum p log p over the ``top_k`` most probable classes (Eq. 2), in nats.

    The selected probabilities are not renormalised. 0 log 0 counts as 0.

    Args:
        logits: Class scores s, shape (B, C).
        top_k: Number of classes; capped at C.

    Returns:
        Entropy, shape (B,), at least 0.
    """
    # In float64 (which MPS lacks): near p = 1, H of a certain image would be mostly rounding error in float32.
    scores = _at_least_float32(logits)
    exact = scores if scores.device.type == "mps" else scores.double()
    top = exact.softmax(dim=1).topk(min(top_k, logits.shape[1]), dim=1).values
    return -torch.xlogy(top, top).sum(dim=1).to(scores.dtype)


def merge_response_maps(
    maps: Tensor,
    logits: Tensor,
    *,
    entropy_threshold: float = 0.2,
    top_k: int = 5,
    map_size: int | None = None,
    align: Alignment = "centres",
    span: float | None = None,
    contrast: bool = False,
) -> tuple[Tensor, Tensor]:
    """Build the response map R from the top-1 or the top-k class response maps (Eqs. 2 and 3).

    Args:
        maps: Class response maps, shape (B, C, h, w).
        logits: Class scores that rank the classes and determine the entropy, shape (B, C).
        entropy_threshold: delta in nats; up to it R is the top-1 map, above it the mean of the top-k maps.
        top_k: Number of classes in the entropy and in the mean.
        map_size: Side H = W of R in cells; None keeps h, w.
        align: Where the maps' cells lie on the input.
        span: How many of the maps' cells wide the input is (`alignment.cell_to_feature`).
        contrast: Above the threshold, R is the positive part of the top-1 map minus the mean of the other top-k maps: what the
            best class has more than its rivals, instead of what all of them share. Not in the paper.

    Returns:
        R of shape (B, H, W) in [0, 1] (all zero if the merged map is flat), and the entropy H of shape (B,), in nats.
    """
    with torch.autocast(maps.device.type, enabled=False):
        return _merge(maps, logits, entropy_threshold, top_k, map_size, align, span, contrast)


def _merge(
    maps: Tensor,
    logits: Tensor,
    entropy_threshold: float,
    top_k: int,
    map_size: int | None,
    align: Alignment,
    span: float | None,
    contrast: bool,
) -> tuple[Tensor, Tensor]:
    batch, classes, height, width = maps.shape
    count = min(top_k, classes)
    maps = torch.nan_to_num(_at_least_float32(maps))
    logits = torch.nan_to_num(_at_least_float32(logits))
    entropy = gate_entropy(logits, count)
    ranked = logits.topk(count, dim=1).indices
    sure = (entropy <= entropy_threshold)[:, None]
    first = torch.arange(count, device=maps.device)[None, :] == 0
    contrast = contrast and count > 1  # a class without rivals has nothing to be compared with
    unsure = maps.new_full((1, count), -1.0 / (count - 1) if contrast else 1.0 / count)
    if contrast:
        unsure[:, 0] = 1.0
    share = torch.where(sure, first.to(maps.dtype), unsure)
    chosen = maps.gather(1, ranked[:, :, None, None].expand(batch, count, height, width))
    merged = torch.einsum("bk,bkhw->bhw", share, _scaled_to_one(chosen))
    if contrast:
        merged = torch.where(sure[:, :, None], merged, merged.clamp(min=0))
    if map_size is not None:
        merged = resize_map(merged, map_size, align=align, span=span)
    return min_max(merged), entropy


def resize_map(maps: Tensor, size: int, *, align: Alignment, span: float | None = None) -> Tensor:
    """Resize maps of shape (B, h, w) bilinearly to (B, size, size), with one small matrix per axis.

    ``align`` and ``span`` say where the maps' cells lie on the input (`alignment.cell_to_feature`).
    """
    with torch.autocast(maps.device.type, enabled=False):
        rows = interpolation_matrix(maps.shape[1], size, align, maps, span)
        columns = interpolation_matrix(maps.shape[2], size, align, maps, span)
        return rows @ maps @ columns.T


def min_max(maps: Tensor) -> Tensor:
    """Normalise each of the maps (B, h, w) to [0, 1]; a flat map becomes all zero instead of 0/0."""
    # Halved first: the difference of two huge values of opposite sign would overflow.
    maps = maps / 2
    low = maps.amin(dim=(1, 2), keepdim=True)
    high = maps.amax(dim=(1, 2), keepdim=True)
    span = high - low
    # A map whose span is only rounding noise counts as flat.
    flat = span <= 8 * torch.finfo(maps.dtype).eps * torch.maximum(high.abs(), low.abs())
    return torch.where(flat, 0.0, (maps - low) / torch.where(flat, 1.0, span))


def _scaled_to_one(maps: Tensor) -> Tensor:
    """Divide each image's maps (B, k, h, w) by their largest magnitude, so that sums of huge values stay finite."""
    largest = maps.detach().abs().amax(dim=(1, 2, 3), keepdim=True)
    return maps / torch.where(largest > 0, largest, 1.0)


def interpolation_matrix(source: int, target: int, align: Alignment, like: Tensor, span: float | None = None) -> Tensor:
    """Return the (target, source) matrix of 1-D linear interpolation, constant beyond the outer cells."""
    cells = torch.arange(target, device=like.device, dtype=like.dtype)
    places = cell_to_feature(cells, target, source, align, span)
    return reading_matrix(places, torch.arange(source, device=like.device, dtype=like.dtype))


def _at_least_float32(tensor: Tensor) -> Tensor:
    return tensor if tensor.dtype == torch.float64 else tensor.float()
