"""Localisation (Table 2): from the branches' response maps to one box (METHOD.md, "Localisation").

The predicted class's map from each branch's own head is normalised to [0, 1]. The maps of D and C are mapped back
through the inverse of their grids, and masked where there is no inverse. The mean over the branches that see a point is
thresholded, and the largest connected component is the object.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from s3n_core.method.alignment import cell_shift
from s3n_core.method.inverse_grid import invert_grid
from s3n_core.method.network import S3N, SamplingTrace
from s3n_core.method.resampling import resize_grid
from s3n_core.method.response_maps import min_max, resize_map

SIDE = 112
"""Side of the square, in pixels, to which the image is resized for combining maps and finding boxes."""

THRESHOLD = 0.2
"""Fraction of a map's maximum from which a pixel belongs to the object (paper, section 4.3)."""


def joined_maps(network: S3N, images: Tensor, trace: SamplingTrace, classes: Tensor) -> Tensor:
    """Combine the branches' maps of one class per image, in the frame of the whole image.

    Args:
        network: The network, in evaluation mode.
        images: The classified images, shape (B, 3, s, s), normalised.
        trace: The trace of the forward pass.
        classes: The class of each image, int64, shape (B,).

    Returns:
        Shape (B, SIDE, SIDE), in [0, 1].
    """
    config, grids = network.config, {"D": trace.samples.grid_d, "C": trace.samples.grid_c}
    total = seen = images.new_zeros(len(images), SIDE, SIDE, dtype=torch.float32)
    for branch, maps in trace.pooled_maps.items():
        head = network.head(branch)
        of_class = torch.einsum("bdhw,bd->bhw", maps.float(), head.classifier.weight[classes])
        side = config.original_size if branch == "O" else config.input_size
        span = side / (network.backbone.stride * head.step)
        # The release form's buffer is centred on every second feature, from the first on: nearer to the start of its own cells.
        align = cell_shift(config.cell_alignment) / head.step
        of_branch = min_max(resize_map(of_class, SIDE, align=align, span=span))
        if branch == "O":
            total, seen = total + of_branch, seen + 1
            continue
        places, valid = invert_grid(resize_grid(grids[branch], SIDE))
        # The inverse grid has aligned corners, like the grid itself.
        back = F.grid_sample(of_branch[:, None], places, align_corners=True, padding_mode="border")[:, 0]
        total, seen = total + torch.where(valid, back, 0.0), seen + valid
    return total / seen


def largest_box(joined: NDArray[np.floating], threshold: float = THRESHOLD) -> tuple[float, float, float, float]:
    """Return the box around the largest connected component of a map above a threshold.

    Args:
        joined: The map, shape (H, W), at least 0.
        threshold: Fraction of the map's maximum (inclusive).

    Returns:
        (x0, y0, x1, y1), fractions of the map's sides, edge to edge; the whole image for an all-zero map.
    """
    height, width = joined.shape
    if joined.max() <= 0:
        return 0.0, 0.0, 1.0, 1.0
    mask = (joined >= threshold * joined.max()).astype(np.uint8)
    _, _, statistics, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    x, y, wide, high, _ = max(statistics[1:].tolist(), key=lambda piece: piece[cv2.CC_STAT_AREA])
    return x / width, y / height, (x + wide) / width, (y + high) / height


def overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> float:
    """Return the intersection over union (IoU) of two boxes (x0, y0, x1, y1)."""
    wide = min(a[2], b[2]) - max(a[0], b[0])
    high = min(a[3], b[3]) - max(a[1], b[1])
    common = max(wide, 0.0) * max(high, 0.0)
    whole = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - common
    return common / whole if whole > 0 else 0.0
