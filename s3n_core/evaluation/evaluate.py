"""Evaluating a model, branch by branch, on labelled images."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace

import torch

from s3n_core.datasets.loading import Batch, SampleReader, Samples
from s3n_core.datasets.records import ImageRecord, comparable_class
from s3n_core.errors import DataSetError, OtherClasses, UnreadableImage
from s3n_core.evaluation.counting import EvaluationCounts
from s3n_core.evaluation.result import Evaluation
from s3n_core.inspection.inspection import NOT_FINITE
from s3n_core.models.model_images import over_model_images
from s3n_core.models.network_outputs import run_batch
from s3n_core.models.opening import Model
from s3n_core.models.seen_images import SEEN, SeenCounts, SeenReader

_SHOWN_DIFFERENCES = 3


def evaluate(
    model: Model,
    records: Sequence[ImageRecord],
    classes: Sequence[str],
    *,
    batch_size: int | None = None,
    workers: int | None = None,
    cascade: bool = False,
    split: str = "all",
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Evaluate a model on labelled images.

    Args:
        model: The model.
        records: The images; those without a label are skipped, and only their number is reported.
        classes: Names of the records' labels (``DataSet.classes``); matched with the model's by name.
        batch_size: Images per batch; None: a size that suits the device. Halved if the device's memory is too small.
        workers: Loading threads; see ``load_batches``.
        cascade: Whether to keep the per-image results for a cascade (``Evaluation.cascade``).
        split: Which images these are (``Evaluation.split``).
        progress: Called after every batch with the number of labelled images done, readable or not, and their total.

    Returns:
        The results for the labelled images with a prediction, and the names of those that could not be read or whose
        prediction is not finite.

    Raises:
        OtherClasses: The model does not know some of the images' classes.
        DataSetError: No image has a label, no labelled image has a prediction, several classes have the same name, or
            a cascade is requested although images cannot stop after O in this network.
        OutOfMemory: The device has too little memory for one image.
    """
    labelled = [record for record in records if record.label is not None]
    if not labelled:
        raise DataSetError(
            "None of these images has a label, so the model cannot be evaluated; choose a data set with classes."
        )
    used = {record.label for record in labelled if record.label is not None}
    samples = Samples(labelled, class_indices(model, classes, used))
    counts = EvaluationCounts(model.network.config, cascade=cascade)
    left_out: dict[int, str] = {}  # why, by position
    # Each counted image's position, and which of `SEEN` it is: two numbers, since there may be very many.
    added, seen = array("q"), array("b")
    values = SampleReader(model.preprocess.ranges)
    reader = SeenReader(model.seen, values)

    def count(batch: Batch) -> Sequence[str]:
        assert batch.labels is not None
        counts.add(run_batch(model, batch), torch.from_numpy(batch.labels).to(model.device))
        for position in batch.positions.tolist():
            added.append(position)
            seen.append(SEEN.index(reader.take(labelled[position].path)))
        return batch.names

    loop = over_model_images(
        model,
        samples,
        count,
        batch_size=batch_size,
        workers=workers,
        read=reader,
    )
    done = 0
    with closing(loop) as batches:
        for results in batches:
            left_out |= {position: error.reason for position, error in results if isinstance(error, UnreadableImage)}
            done += len(results)
            if progress is not None:
                progress(done, len(samples))
    finite = counts.finite().tolist()
    left_out |= {position: NOT_FINITE for position, counted in zip(added, finite, strict=True) if not counted}
    unreadable = [(labelled[position].name, left_out[position]) for position in sorted(left_out)]
    if not any(finite):
        raise DataSetError(
            f"None of the {len(samples)} labelled images could be {'evaluated' if finite else 'read'} "
            f"(first: {unreadable[0][0]}: {unreadable[0][1]})."
        )
    result = counts.result(
        model.classes,
        mode=model.sampling,
        precision=model.precision,
        model=model.digest,
        unreadable=tuple(unreadable),
        unlabelled=len(records) - len(labelled),
        seen=SeenCounts.count(SEEN[word] for word, counted in zip(seen, finite, strict=True) if counted),
        split=split,
    )
    warnings = (*model.header.network.control_warnings, *values.warnings())
    return replace(result, warnings=warnings, licence=model.header.network.restriction)


def class_indices(model: Model, classes: Sequence[str], used: set[int]) -> dict[int, int]:
    """Match a data set's classes with a model's by name.

    A data set may have fewer classes than the model; the model still chooses among all of its classes.

    Args:
        model: The model.
        classes: The data set's class names.
        used: The labels that occur.

    Returns:
        The model's index for each used label.

    Raises:
        OtherClasses: The model does not know a used class.
        DataSetError: Several classes have the same name.
    """
    if tuple(classes) == model.classes:
        return {label: label for label in used}
    known = {comparable_class(name): index for index, name in enumerate(model.classes)}
    names = [comparable_class(classes[label]) for label in sorted(used)]
    unknown = [name for name in names if name not in known]
    if unknown:
        here = set(map(comparable_class, classes))
        missing = [name for name in model.classes if comparable_class(name) not in here]
        also = (
            f"; the model's {_listed(missing)} {'is' if len(missing) == 1 else 'are'} missing here" if missing else ""
        )
        raise OtherClasses(
            f"The model {model.path} was trained on other classes: of the {len(names)} classes in this data set it "
            f"does not know {_listed(unknown)}{also}. Choose a model that was trained on these classes.",
            unknown=tuple(unknown),
        )
    if len(set(names)) < len(names) or len(known) < len(model.classes):
        raise DataSetError(
            f"Several classes have the same name, so they cannot be matched with those of the model {model.path}; "
            "rename the folders."
        )
    return {label: known[comparable_class(classes[label])] for label in used}


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:_SHOWN_DIFFERENCES])
    rest = len(names) - _SHOWN_DIFFERENCES
    return f"{shown} and {rest} more" if rest > 0 else shown
