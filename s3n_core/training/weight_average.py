"""The mean of a network's weights after each of the last epochs, with which a training can end (Izmailov et al., UAI 2018)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from s3n_core.method.network import S3N
from s3n_core.training.recipe import Recipe
from s3n_core.training.training_progress import TrainingProgress

PREFIX = "average."
"""How the names of the means begin in a checkpoint, beside the momentum buffers."""


class WeightAverage:
    """The running mean of the weights that learn, in float32 and in main memory; buffers and a frozen backbone have none.

    It stands beside the weights, because `torch.optim.swa_utils.AveragedModel` would copy the whole network to the device once
    more, frozen layers and hooks included. As a running mean, not a sum, it leaves a weight that does not change as it is.

    Args:
        network: The network.
        recipe: Says over which epochs.
    """

    def __init__(self, network: S3N, recipe: Recipe) -> None:
        self._weights = {name: weight for name, weight in network.named_parameters() if weight.requires_grad}
        self._first = recipe.first_averaged
        self._means: dict[str, Tensor] = {}

    def add(self, epoch: int) -> None:
        """Count the weights after an epoch, from 0; those before the last epochs do not count."""
        if epoch < self._first:
            return
        for name, weight in self._weights.items():
            now = weight.detach().to("cpu", torch.float32)
            if epoch == self._first:
                self._means[name] = now.clone(memory_format=torch.contiguous_format)
            else:
                self._means[name].lerp_(now, 1 / (epoch - self._first + 1))

    def apply(self) -> None:
        """Replace the weights by their means."""
        with torch.no_grad():
            for name, mean in self._means.items():
                self._weights[name].copy_(mean)

    def stored(self) -> dict[str, Tensor]:
        """Return the means so far as a checkpoint stores them; empty before the first."""
        return {f"{PREFIX}{name}": mean for name, mean in self._means.items()}

    def restore(self, stored: Mapping[str, Tensor], progress: TrainingProgress) -> None:
        """Continue with the means of a checkpoint; those of other epochs, which a run had before it got more, are dropped."""
        if self._first < progress.epoch:
            self._means = {name: stored[f"{PREFIX}{name}"] for name in self._weights}
