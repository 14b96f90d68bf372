"""Measures whether the precision float32+bfloat16 suits a model on this machine's CPU; `precision_verdict` has the rules."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime

import torch

from s3n_core.datasets.loading import Batch, Sample, SampleReader
from s3n_core.datasets.records import ImageRecord
from s3n_core.errors import DataSetError, DeviceError
from s3n_core.evaluation.precision_verdict import Progress, TimeComparison, compare_times, verdict
from s3n_core.models.device_names import MIXED
from s3n_core.models.devices import autocast
from s3n_core.models.model_images import over_model_images
from s3n_core.models.network_outputs import run_batch
from s3n_core.models.opening import Model
from s3n_core.models.tuned_precisions import TunedPrecision, torch_version
from s3n_core.system.processor import this_processor


def tune_precision(
    model: Model,
    records: Sequence[ImageRecord],
    *,
    name: str = "",
    split: str = "all",
    clock: Callable[[], float] = time.perf_counter,
    timing: Progress | None = None,
    progress: Progress | None = None,
) -> TunedPrecision:
    """Measure float32+bfloat16 against float32: their times on one batch and, if it is faster, the agreement on all images.

    Args:
        model: The model, on the CPU in float32.
        records: Images, of which the model needs no labels.
        name: What a person calls the model; empty: its file's name.
        split: Which images these are, for the result.
        clock: Returns seconds.
        timing: Called with the number of timed rounds, and of all.
        progress: Called with the number of images compared, and of all.

    Raises:
        DeviceError: The network has only O, which float32+bfloat16 does not change.
        DataSetError: No image can be read.
    """
    if model.network.joint is None:
        raise DeviceError(
            "This model has only the branch O, which float32+bfloat16 leaves in float32: there is nothing to measure."
        )
    times: TimeComparison | None = None
    done = images = same = 0

    def compare(batch: Batch) -> list[bool]:
        """Return for each image whether both precisions predict the same class; nothing where it is not faster."""
        nonlocal times
        if times is None:
            times = compare_times(
                lambda precision, count: _classes(model, batch.piece(slice(0, count)), precision),
                len(batch),
                clock=clock,
                progress=timing,
            )
        if not times.faster:
            return [False] * len(batch)
        exact, mixed = _classes(model, batch, "float32"), _classes(model, batch, MIXED)
        return ((exact == mixed) & (exact >= 0)).tolist()

    samples = [Sample.of(record) for record in records]
    loop = over_model_images(model, samples, compare, read=SampleReader(model.preprocess.ranges, watched=False))
    with closing(loop) as batches:
        for results in batches:
            if times is not None and not times.faster:
                break
            found = [result for _, result in results if isinstance(result, bool)]
            done, images, same = done + len(results), images + len(found), same + sum(found)
            if progress is not None:
                progress(done, len(samples))
    if times is None:
        raise DataSetError("None of the images could be read, so nothing was measured; choose other images.")
    return TunedPrecision(
        precision=verdict(times.faster, same, images),
        model=model.digest,
        name=name or model.path.name,
        processor=this_processor().name,
        torch=torch_version(),
        date=datetime.now(UTC).date().isoformat(),
        float32_seconds=times.float32_seconds,
        mixed_seconds=times.mixed_seconds,
        rounds=times.rounds,
        faster=times.faster,
        split=split,
        images=images,
        same=same,
    )


def _classes(model: Model, batch: Batch, precision: str) -> torch.Tensor:
    """Return the predicted class of each image, int64, (B,); -1 where the prediction is not finite and so is no class."""
    with autocast(model.device, precision):
        logits = run_batch(model, batch).output.prediction
    return torch.where(logits.isfinite().all(dim=1), logits.argmax(dim=1), -1)
