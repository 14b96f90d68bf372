"""The training objective: four cross-entropies (Eq. 9), in total and by name."""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from s3n_core.method.network import S3NOutput


@dataclass(frozen=True)
class Losses:
    """Scalar losses: the total that is minimised, and its terms by name (joint, O, D, C; side, with a side head)."""

    total: Tensor
    parts: dict[str, Tensor]


def objective(output: S3NOutput, labels: Tensor, *, smoothing: float = 0.0, weights: Tensor | None = None) -> Losses:
    """Compute L = sum_i L_cls(Y_i, Y*) over O, D, C, plus L_cls(Y_j, Y*) (Eq. 9), plus the side head's, if there is one.

    Args:
        output: The network's logits, (B, C) each.
        labels: Class indices, shape (B,).
        smoothing: Probability mass spread over the *other* classes in the losses of O and C, as in the release (0.15
            there); 0 in the paper.
        weights: How much an image of each class counts, shape (C,); None counts all alike. The losses are divided by the number
            of images, not by the sum of their weights, so that the sum over micro-batches is that over the batch.

    Returns:
        Mean losses over the batch.
    """
    parts: dict[str, Tensor] = {}
    if output.joint is not None:
        parts["joint"] = _cross_entropy(output.joint, labels, 0.0, weights)
    for branch, logits in output.branches().items():
        smoothed = smoothing if branch in ("O", "C") else 0.0
        parts[branch] = _cross_entropy(logits, labels, _torch_smoothing(smoothed, logits), weights)
    if output.side is not None:
        parts["side"] = _cross_entropy(output.side, labels, 0.0, weights)
    return Losses(
        total=sum(parts.values(), start=labels.new_zeros((), dtype=next(iter(parts.values())).dtype)), parts=parts
    )


def _cross_entropy(logits: Tensor, labels: Tensor, smoothing: float, weights: Tensor | None) -> Tensor:
    if weights is None:
        return F.cross_entropy(logits.float(), labels, label_smoothing=smoothing)
    # torch's own class weights would weigh the classes of a smoothed target, not the image.
    losses = F.cross_entropy(logits.float(), labels, label_smoothing=smoothing, reduction="none")
    return (losses * weights[labels]).mean()


def _torch_smoothing(smoothing: float, logits: Tensor) -> float:
    """Convert "spread over the other C - 1 classes" to torch's "spread over all C classes"."""
    classes = logits.shape[1]
    return smoothing * classes / (classes - 1) if classes > 1 else 0.0
