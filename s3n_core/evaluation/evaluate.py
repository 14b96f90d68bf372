"""Evaluation: how often a network is right, branch by branch, on images whose class is known.

Training's validation and ``s3n evaluate`` count with the same ``Tally``, so their figures mean the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from s3n_core.datasets.loading import Batch, Sample, load_batches
from s3n_core.datasets.records import ImageRecord
from s3n_core.datasets.transforms import test_view
from s3n_core.errors import DataSetError, OtherClasses
from s3n_core.evaluation.counting import Tally
from s3n_core.evaluation.result import Evaluation
from s3n_core.method.configuration import Sampling
from s3n_core.method.network import S3N
from s3n_core.models.batches import ShrinkingStep, default_batch_size
from s3n_core.models.devices import autocast
from s3n_core.models.network_outputs import answer, draws_for
from s3n_core.models.opening import Model
from s3n_core.models.preprocessing import to_input

_SHOWN_DIFFERENCES = 3


class LabelledInputs(NamedTuple):
    """A batch for ``evaluate_network``; a plain pair (images, labels) will do where nothing is drawn.

    Attributes:
        images: float32, shape (B, 3, S, S), normalised.
        labels: int64, shape (B,).
        draws: Keyed draws (``draws_for``), shape (B, H, W), where the mode or the control needs them.
    """

    images: Tensor
    labels: Tensor
    draws: Tensor | None = None


def evaluate(
    model: Model,
    records: Sequence[ImageRecord],
    classes: Sequence[str],
    *,
    batch_size: int | None = None,
    workers: int | None = None,
    cascade: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Evaluate a model on labelled images.

    Args:
        model: The model.
        records: The images; those without a label are counted and left out.
        classes: Names of the records' labels (``DataSet.classes``); matched with the model's by name.
        batch_size: Images in a batch; None: what suits the device. Halved where the device's memory is too small.
        workers: Loading threads; see ``load_batches``.
        cascade: Keep what a cascade is counted from (``Evaluation.cascade``).
        progress: Called after every batch with the number of images done and of all.

    Returns:
        Every figure.

    Raises:
        DataSetError: The model does not know some of the images' classes, no labelled image could be read, or a cascade is
            asked of a network in which nothing can be stopped.
        DeviceError: The device has too little memory for one image.
    """
    labelled = [(record, record.label) for record in records if record.label is not None]
    if not labelled:
        raise DataSetError(
            "None of these images has a label, so nothing can be evaluated; choose a data set with classes."
        )
    indices = class_indices(model, classes, {label for _, label in labelled})
    samples = [Sample(record.path, record.name, indices[label]) for record, label in labelled]
    tally = Tally(model.network.config, cascade=cascade)
    unreadable: list[tuple[str, str]] = []
    step = ShrinkingStep()

    def view(image: Image.Image, _: int) -> NDArray[np.uint8]:
        return test_view(image, model.preprocess)

    done = 0
    size = batch_size or default_batch_size(model.device)
    with closing(load_batches(samples, view, size, workers=workers)) as batches:
        for batch in batches:
            step.over(len(batch), partial(_add, model, tally, batch))
            places = batch.error_positions.tolist()
            unreadable += [(samples[at].name, error.reason) for at, error in zip(places, batch.errors, strict=True)]
            done += len(batch) + len(places)
            if progress is not None:
                progress(done, len(samples))
    if not tally.images:
        raise DataSetError(
            f"None of the {len(samples)} labelled images could be read (first: {unreadable[0][0]}: {unreadable[0][1]})."
        )
    return tally.result(
        model.classes,
        mode=model.sampling,
        precision=model.precision,
        model=model.digest,
        unreadable=tuple(unreadable),
        unlabelled=len(records) - len(labelled),
    )


def evaluate_network(
    network: S3N,
    batches: Iterable[LabelledInputs | tuple[Tensor, Tensor]],
    classes: Sequence[str],
    *,
    sampling: Sampling | None = None,
    device: str = "cpu",
    precision: str = "float32",
    smoothing: float = 0.0,
) -> Evaluation:
    """Evaluate a network on batches that are already tensors, as training's validation does.

    Args:
        network: The network, on its device; put into evaluation mode and back.
        batches: The batches; moved to the device where they are not there.
        classes: Class names, by index.
        sampling: How the peaks are divided; None takes the network's own rule for evaluation.
        device: "cpu", "cuda" or "mps": where the network is.
        precision: Of the network's layers.
        smoothing: Label smoothing of the losses, as in `objective`.

    Returns:
        Every figure; the device is waited for once, at the end.

    Raises:
        ValueError: There is no batch, or there are draws missing.
    """
    mode = sampling or network.config.eval_sampling
    tally = Tally(network.config, smoothing=smoothing)
    was_training = network.training
    network.eval()
    try:
        with torch.inference_mode(), autocast(device, precision):
            for batch in batches:
                images, labels, draws = LabelledInputs(*batch)
                images, labels = images.to(device, non_blocking=True), labels.to(device, non_blocking=True)
                draws = None if draws is None else draws.to(device, non_blocking=True)
                tally.add(answer(network, images, sampling=mode, draws=draws), labels)
    finally:
        network.train(was_training)
    return tally.result(classes, mode=mode, precision=precision)


def class_indices(model: Model, classes: Sequence[str], used: set[int]) -> dict[int, int]:
    """Match a data set's classes with a model's by name.

    A data set may have fewer classes than the model; the accuracy is then still that of choosing among all of the model's.

    Args:
        model: The model.
        classes: The data set's class names.
        used: Those of its labels that occur.

    Returns:
        The model's index for each used label.

    Raises:
        DataSetError: The model does not know a used class, or a name stands for several classes.
    """
    if tuple(classes) == model.classes:
        return {label: label for label in used}
    known = {name: index for index, name in enumerate(model.classes)}
    names = [classes[label] for label in sorted(used)]
    unknown = [name for name in names if name not in known]
    if unknown:
        missing = [name for name in model.classes if name not in set(classes)]
        also = f"; the model's {_listed(missing)} {'is' if len(missing) == 1 else 'are'} not here" if missing else ""
        raise OtherClasses(
            f"The model {model.path} was trained on other classes: of {len(names)} classes in this data set it does not "
            f"know {_listed(unknown)}{also}. Choose a model that was trained on these classes.",
            unknown=tuple(unknown),
        )
    if len(set(names)) < len(names) or len(known) < len(model.classes):
        raise DataSetError(
            f"Several classes have one name, so they cannot be matched with those of the model {model.path}; "
            "rename the folders."
        )
    return {label: known[classes[label]] for label in used}


def _add(model: Model, tally: Tally, batch: Batch, some: slice) -> None:
    """Count a piece of a batch; nothing is counted where the pass fails."""
    assert batch.labels is not None
    with torch.inference_mode(), model.autocast():
        draws = draws_for(model.network.config, model.sampling, batch.names[some], model.device)
        images = to_input(batch.images[some], model.device)
        said = answer(model.network, images, sampling=model.sampling, draws=draws)
        tally.add(said, torch.from_numpy(batch.labels[some]).to(model.device))


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:_SHOWN_DIFFERENCES])
    rest = len(names) - _SHOWN_DIFFERENCES
    return f"{shown} and {rest} more" if rest > 0 else shown
