"""Contributions of many images: a batch at a time, in the one loop of all jobs, images stopped by a cascade included."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from s3n_core.datasets.loading import Batch, Sample, SampleReader
from s3n_core.errors import UnreadableImage
from s3n_core.inspection.inspection import Scores
from s3n_core.inspection.inspector import Inspector
from s3n_core.inspection.placed_contributions import Contributions
from s3n_core.inspection.settings import InspectionSettings
from s3n_core.inspection.stages import Prepared, scores_of
from s3n_core.method.network import S3NOutput
from s3n_core.models.model_images import over_model_images
from s3n_core.models.network_outputs import require_cascade
from s3n_core.models.opening import Model
from s3n_core.system.distributed import ALONE, Team

Question = Callable[[int, Scores], tuple[int, int | None]]
"""Chooses the class and the class to subtract (or None) from an image's position and its scores."""


def contributions_of_images(
    model: Model,
    samples: Sequence[Sample],
    ask: Question,
    *,
    head: str | None = None,
    settings: InspectionSettings | None = None,
    stop_below: float | None = None,
    batch_size: int | None = None,
    workers: int | None = None,
    start: int = 0,
    team: Team = ALONE,
    read: Callable[[Sample], Image.Image] | None = None,
) -> Generator[list[tuple[int, Contributions | UnreadableImage]], None, None]:
    """Return the contributions of many images; `over_images` explains the rest of the arguments and the result.

    Args:
        model: The model.
        samples: The images.
        ask: The question for each image.
        head: As in `contributions_of_views`.
        settings: Changes to the method's parameters, without edits of peaks.
        stop_below: As in `contributions_of_views`.
        batch_size: Images per batch.
        workers: Loading threads.
        start: Position of the first image.
        team: The cooperating processes.
        read: Decodes a sample; None: with the ranges of the model.

    Raises:
        NoSingleHead: The head is a mean.
        OutOfMemory: The device has too little memory for one image.
    """
    inspector = Inspector(model)

    def work(batch: Batch) -> Sequence[Contributions]:
        positions = batch.positions.tolist()
        return contributions_of_views(
            inspector,
            batch.images,
            batch.names,
            [(width, height) for width, height in batch.sizes.tolist()],
            lambda row, scores: ask(positions[row], scores),
            head=head,
            settings=settings,
            stop_below=stop_below,
        )

    return over_model_images(
        model,
        samples,
        work,
        batch_size=batch_size,
        workers=workers,
        start=start,
        team=team,
        read=read or SampleReader(model.preprocess.ranges),
    )


def contributions_of_views(
    inspector: Inspector,
    views: NDArray[np.uint8],
    names: Sequence[str],
    sizes: Sequence[tuple[int, int]],
    ask: Question,
    *,
    head: str | None = None,
    settings: InspectionSettings | None = None,
    stop_below: float | None = None,
) -> list[Contributions]:
    """Return the contributions of a batch of views.

    Args:
        inspector: The model.
        views: The model's view of each image (`test_view`), shape (B, S, S, 3).
        names: One name per image, the key of its draws.
        sizes: (width, height) of each original, in pixels.
        ask: The question for each image, by its row in the batch.
        head: "joint", "O", "D" or "C"; None: that of the network's prediction.
        settings: Changes to the method's parameters; edits of peaks are possible for one image only.
        stop_below: Images with H (nats) up to this value stop after O: their contributions are those of O's head.

    Returns:
        One result per image, in order.

    Raises:
        DataSetError: ``stop_below`` is given for a network in which images cannot stop after O.
        NoSingleHead: The head is a mean.
        ValueError: The network lacks the head, or an image that stops after O has no such head.
    """
    prepared = inspector.prepare_views(views, names, sizes)
    stops = stops_after_o(prepared, head, stop_below)
    stopped, going = ([row for row, stop in enumerate(stops) if stop is wanted] for wanted in (True, False))
    found: dict[int, Contributions] = {}
    for rows, head_of_rows in ((stopped, "O"), (going, head)):
        if not rows:
            continue
        some = prepared if len(rows) == len(names) else prepared.select(rows)
        resampled = inspector.resample(some, settings)
        output = None if rows is stopped else inspector.classify(resampled)
        scores = scores_of(output or S3NOutput(None, some.look.original, None, None))
        questions = [ask(row, of_image) for row, of_image in zip(rows, scores, strict=True)]
        targets, others = zip(*questions, strict=True)
        if None in others and any(other is not None for other in others):
            raise ValueError("ask for logits or for margins of a batch, not for both")
        versus = None if None in others else [other for other in others if other is not None]
        answers = inspector.contributions(resampled, output, targets, versus, head=head_of_rows)
        found |= dict(zip(rows, answers, strict=True))
    return [found[row] for row in range(len(names))]


def stops_after_o(prepared: Prepared, head: str | None, stop_below: float | None) -> list[bool]:
    """Return which images stop after O in a cascade, so that their contributions are those of O's head.

    Args:
        prepared: The images.
        head: The head that is asked for.
        stop_below: The entropy in nats up to which an image stops; None stops none.

    Raises:
        DataSetError: Images cannot stop after O in this network.
        ValueError: An image stops, and the head is D's or C's.
    """
    if stop_below is None:
        return [False] * len(prepared.names)
    require_cascade(prepared.model.network.config)
    stops: list[bool] = (prepared.look.response.entropy <= stop_below).tolist()
    if any(stops) and head in ("D", "C"):
        raise ValueError(f"an image that stops after O has no contributions of {head}")
    return stops
