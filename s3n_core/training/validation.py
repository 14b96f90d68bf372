"""The validation set measured after an epoch, in the deterministic mode of evaluation."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing

from s3n_core.datasets.loading import Batch
from s3n_core.errors import DataSetError
from s3n_core.method.objective import objective
from s3n_core.models.batches import FittingPieces, over_batches
from s3n_core.training.batch_loader import EVALUATION, BatchLoader
from s3n_core.training.events import Event
from s3n_core.training.learner import Learner
from s3n_core.training.measurements import health_sums, loss_sums
from s3n_core.training.run_control import RunControl
from s3n_core.training.running_mean import RunningMean


def validate(
    learner: Learner, loader: BatchLoader, control: RunControl, *, size: int, pieces: FittingPieces
) -> Generator[Event, None, dict[str, float]]:
    """Measure losses, accuracies and the health report on the validation set; orders are obeyed between batches.

    Args:
        learner: Holds the network, which is in training mode afterwards; its team gets the figures of all images.
        loader: Loads the images.
        control: Where orders come from.
        size: Images at once in a process.
        pieces: Remembers how many of them memory allows.

    Yields:
        Pauses.

    Returns:
        Figures by name, each beginning with ``validation_``; none without a validation set.

    Raises:
        DataSetError: If there is a validation set and none of its images can be read.
        OutOfMemory: If there is too little memory for one image.
        Halt: If an order ends the training here.
    """
    network, mean = learner.network, RunningMean()

    def measure(batch: Batch) -> Sequence[str]:
        images, labels, draws = loader.tensors(batch, EVALUATION)
        output = network(images, draws=draws, trace=network.joint is not None)
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
                yield from control.obey(inside_batch=False)
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
