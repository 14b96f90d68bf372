"""BatchNorm statistics measured anew at the end of a training, on the images that evaluation will show (METHOD.md)."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from s3n_core.method.network import S3N


def recalibrate(network: S3N, batches: Iterable[tuple[Tensor, Tensor | None]]) -> None:
    """Replace the running statistics by plain means over batches, sampled as in evaluation; weights stay as they are.

    Args:
        network: The network; it is left in evaluation mode.
        batches: Images (B, 3, s, s) and their draws (B, H, W), if any are needed.
    """
    layers = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]
    momenta = [layer.momentum for layer in layers]
    network.train()
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # torch then averages over all batches with equal weight
        layer.train()
    with torch.no_grad():
        for images, draws in batches:
            network(images, sampling=network.config.eval_sampling, draws=draws)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
    network.eval()
