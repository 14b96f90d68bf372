"""The batch loop with everything that a model says about it: its view, its device and its precision."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import TypeVar

from PIL import Image

from s3n_core.datasets.loading import Batch, Sample, View
from s3n_core.datasets.transforms import test_view
from s3n_core.errors import UnreadableImage
from s3n_core.models.batches import over_images
from s3n_core.models.opening import Model
from s3n_core.system.distributed import ALONE, Team

_Result = TypeVar("_Result")


def over_model_images(
    model: Model,
    samples: Sequence[Sample],
    work: Callable[[Batch], Sequence[_Result]],
    *,
    read: Callable[[Sample], Image.Image],
    view: View | None = None,
    batch_size: int | None = None,
    workers: int | None = None,
    prefetch: int = 2,
    start: int = 0,
    team: Team = ALONE,
) -> Generator[list[tuple[int, _Result | UnreadableImage]], None, None]:
    """Load images as a model sees them and process them batch by batch; see `over_images`.

    Args:
        model: The model.
        samples: All images.
        work: Returns a result for each image of a batch.
        read: Decodes one sample, with the model's ranges.
        view: Makes the view of one decoded image; None: the model's own test view.
        batch_size: Images per batch; None: what suits the device.
        workers: Loading threads.
        prefetch: Batches that are loaded ahead.
        start: Position of the first image to process.
        team: The cooperating processes.

    Returns:
        As `over_images`.

    Raises:
        OutOfMemory: The device has too little memory for one image.
        DeviceError: There are fewer cards than processes.
    """
    return over_images(
        samples,
        view or (lambda image, _: test_view(image, model.preprocess)),
        work,
        device=model.device,
        precision=model.precision,
        batch_size=batch_size,
        workers=workers,
        prefetch=prefetch,
        start=start,
        team=team,
        read=read,
    )
