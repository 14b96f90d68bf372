"""Validation after an epoch, in the deterministic evaluation mode."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing

from s3n_core.datasets.loading import Batch
from s3n_core.errors import DataSetError
from s3n_core.method.objective import objective
from s3n_core.models.batches import FittingPieces, over_batches
from s3n_core.system.seeding import EVALUATION
from s3n_core.training.batch_loader import BatchLoader
from s3n_core.training.events import Event
from s3n_core.training.learner import Learner
from s3n_core.training.measurements import health_sums, loss_sums
from s3n_core.training.run_control import RunControl
from s3n_core.training.running_mean import RunningMean


def validate(
    learner: Learner, loader: BatchLoader, control: RunControl, *, size: int, pieces: FittingPieces
) -> Generator[Event, None, dict[str, float]]:
    """Compute losses, accuracies and the health report on the validation set.

    Args:
        learner: Its network is left in training mode; all processes get the metrics of all images.
        loader: Loads the images.
        control: Receives the user's orders, which are obeyed between batches.
        size: Batch size per process.
        pieces: Remembers how many images fit into memory at once.

    Yields:
        Pauses.

    Returns:
        Metrics by name, with the prefix ``validation_``; empty without a validation set.

    Raises:
        DataSetError: If there is a validation set and none of its images can be read.
        OutOfMemory: If there is too little memory for one image.
        Halt: If an order ends the training here.
    """
    network, mean = learner.network, RunningMean()

    def measure(batch: Batch) -> Sequence[str]:
        images, labels, draws = loader.tensors(batch, EVALUATION)
        places = loader.places(batch, EVALUATION)
        features = loader.features(batch, images, EVALUATION)
        trace = network.joint is not None
        output = network(images, draws=draws, places=places, features=features, trace=trace)
        sums = loss_sums(output, objective(output, labels), labels) | health_sums(output)
        mean.add(sums, len(labels))
        return batch.names

    loop = over_batches(
        loader.validation_batches(size), measure, device=learner.device, precision=learner.precision, pieces=pieces
    )
    network.eval()
    try:
        with closing(loop):
            for _ in loop:
                yield from control.obey(None, inside_batch=False)
    finally:
        network.train()
    mean = mean.over(learner.team)
    if loader.validation and not mean.count:
        raise DataSetError(
            f"None of the {loader.validation} validation images can be read; repair the data set and resume."
        )
    values = mean.values()
    if values and network.joint is not None:
        values["images"] = float(mean.count)
    return {f"validation_{name}": value for name, value in values.items()}
