"""The held-out part measured after an epoch, in the deterministic mode of evaluation."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing

import torch

from s3n_core.errors import DataSetError
from s3n_core.method.objective import objective
from s3n_core.models.devices import autocast
from s3n_core.training.batch_loader import EVALUATION, BatchLoader
from s3n_core.training.events import Event
from s3n_core.training.learner import Learner
from s3n_core.training.measurements import health_sums, loss_sums
from s3n_core.training.run_control import RunControl
from s3n_core.training.running_mean import RunningMean


def validate(
    learner: Learner, loader: BatchLoader, control: RunControl, *, size: int
) -> Generator[Event, None, dict[str, float]]:
    """Measure losses, accuracies and the health report on the held-out part; orders are obeyed between batches.

    Args:
        learner: Holds the network, which is in training mode afterwards; its team gets the figures of all images.
        loader: Loads the images.
        control: Where orders come from.
        size: Images at once in a process.

    Yields:
        Pauses.

    Returns:
        Figures by name, each beginning with ``held_out_``; none without a held-out part.

    Raises:
        DataSetError: If there is a held-out part and none of its images can be read.
        Halt: If an order ends the training here.
    """
    network, mean = learner.network, RunningMean()
    network.eval()
    try:
        with closing(loader.held_out_batches(size)) as batches:
            for batch in batches:
                yield from control.obey(inside_batch=False)
                if not len(batch):
                    continue
                # Left before the next yield: whoever follows the events must not find torch in inference mode.
                with torch.inference_mode():
                    images, labels, draws = loader.tensors(batch, EVALUATION)
                    with autocast(learner.device, learner.precision):
                        output = network(images, draws=draws, trace=network.joint is not None)
                    sums = loss_sums(output, objective(output, labels), labels) | health_sums(output)
                    mean.add(sums, len(labels))
    finally:
        network.train()
    mean = mean.over(learner.team)
    if loader.held_out and not mean.count:
        raise DataSetError(f"None of the {loader.held_out} held-out images can be read; mend the data set and resume.")
    values = mean.values()
    if values and network.joint is not None:
        values["images"] = float(mean.count)
    return {f"held_out_{name}": value for name, value in values.items()}
