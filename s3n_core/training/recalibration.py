"""Recalibration: recomputing BatchNorm statistics at the end of training, in evaluation mode (METHOD.md)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from contextlib import closing

import torch
from torch import nn

from s3n_core.errors import DataSetError
from s3n_core.method.branch_norm import AnyBatchNorm, BranchBatchNorm
from s3n_core.models.devices import autocast
from s3n_core.system.seeding import EVALUATION
from s3n_core.training.batch_loader import BatchLoader
from s3n_core.training.events import Event
from s3n_core.training.learner import Learner
from s3n_core.training.run_control import RunControl


def recalibrate(
    learner: Learner, loader: BatchLoader, control: RunControl, *, size: int
) -> Generator[Event, None, None]:
    """Replace the running statistics by means over the training images, sampled as in evaluation; every image counts the same.

    A running variance is the mean of the batches' unbiased variances, as in torch. The weights do not change.

    Args:
        learner: Its network is left in evaluation mode; the statistics cover the images of all processes.
        loader: Loads the images, without augmentation.
        control: Receives the user's orders, which are obeyed between batches.
        size: Micro-batch size per process, at least 2.

    Yields:
        Pauses.

    Raises:
        DataSetError: If no image can be read.
        Halt: If an order ends the training here; the statistics are then incomplete.
    """
    network = learner.network
    layers = [layer for layer in network.modules() if isinstance(layer, AnyBatchNorm)]
    momenta = [layer.momentum for layer in layers]
    network.train()
    for layer in layers:
        layer.reset_running_stats()
        layer.train()
    images_of_all = 0
    seen: Counter[tuple[nn.Module, str]] = Counter()

    def weigh(layer: AnyBatchNorm, _: object) -> None:
        """Let this pass count by its images: torch's cumulative mean would weigh a smaller last batch like the others."""
        # Shared statistics see the branches one after the other, in passes of their own.
        statistics = layer, layer.branch if isinstance(layer, BranchBatchNorm) else "O"
        seen[statistics] += images_of_all
        layer.momentum = images_of_all / seen[statistics]

    hooks = [layer.register_forward_pre_hook(weigh) for layer in layers]
    measured = False
    try:
        with closing(loader.plain_training_batches(size)) as batches:
            for batch in batches:
                images_of_all = sum((yield from control.obey(len(batch), inside_batch=False)))
                if images_of_all < 2:  # the variance of a single image is meaningless
                    continue
                learner.statistics.silent = not len(batch)
                images, _, draws = loader.tensors(batch, EVALUATION)
                with torch.no_grad(), autocast(learner.device, learner.precision):
                    places = loader.places(batch, EVALUATION)
                    network(images, sampling=network.config.eval_sampling, draws=draws, places=places)
                measured = True
    finally:
        for hook, layer, momentum in zip(hooks, layers, momenta, strict=True):
            hook.remove()
            layer.momentum = momentum
    if not measured:
        raise DataSetError("None of the training images can be read; repair the data set and resume.")
    network.eval()
