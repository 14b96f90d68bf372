"""The job of predicting a folder: rows in the images' order, constant memory, and a table that survives a kill.

A row does not depend on the batch that its image was in, except for the last bits of float arithmetic (convolutions may add
in another order for another batch size); the six digits that a row keeps hide nearly all of that. Nothing is drawn, or,
where the mode or the control needs draws, they are keyed by the image's name.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from s3n_core.analysis.input_tensors import to_input
from s3n_core.analysis.loaded_model import Model
from s3n_core.analysis.network_answers import Answer, answer, draws_for, rule_names
from s3n_core.analysis.prediction_rows import (
    TOP,
    PredictionHeader,
    PredictionProgress,
    PredictionRow,
    fingerprint,
    label_name,
)
from s3n_core.analysis.prediction_tables import check_place, write_table
from s3n_core.analysis.unfinished_table import UnfinishedTable
from s3n_core.datasets.loading import Batch, Sample, load_batches
from s3n_core.datasets.records import ImageRecord
from s3n_core.datasets.transforms import test_view
from s3n_core.errors import DeviceError

_Result = TypeVar("_Result")
_log = logging.getLogger(__name__)

NOT_FINITE = "the model's answer is not a finite number; try the precision float32"


def predict(
    model: Model,
    records: Sequence[ImageRecord],
    *,
    classes: Sequence[str] = (),
    batch_size: int | None = None,
    workers: int | None = None,
    start: int = 0,
) -> Generator[tuple[PredictionRow, ...], None, None]:
    """Predict images.

    Close the generator (``contextlib.closing``) to stop early; no thread is left behind.

    Args:
        model: The model.
        records: The images.
        classes: Names of the records' labels (``DataSet.classes``); without them no label is known.
        batch_size: Images in a batch; None: what suits the device. Halved where the device's memory is too small.
        workers: Loading threads; see ``load_batches``.
        start: Position of the first image to predict.

    Returns:
        A generator of a batch of rows at a time, one row an image, in the order of the records. An image that cannot be
        read has a row that says why.

    Raises:
        DeviceError: The device has too little memory for one image.
    """
    samples = [Sample(record.path, record.name) for record in records]
    size = batch_size or default_batch_size(model.device)
    step = ShrinkingStep()
    answers = _Answers(model)

    def view(image: Image.Image, _: int) -> NDArray[np.uint8]:
        return test_view(image, model.preprocess)

    order = np.arange(start, len(samples))
    with closing(load_batches(samples, view, size, order=order, workers=workers)) as batches:
        for batch in batches:
            packed = [row for part in step.over(len(batch), partial(answers, batch)) for row in part]
            yield _rows(model, records, classes, batch, packed)


def predict_to_file(
    model: Model,
    records: Sequence[ImageRecord],
    out: Path,
    *,
    classes: Sequence[str] = (),
    batch_size: int | None = None,
    workers: int | None = None,
    restart: bool = False,
) -> Generator[PredictionProgress, None, None]:
    """Predict images into a table, going on where an earlier job of the same table stopped.

    Rows are kept in ``OUT.part`` (unfinished_table.py) until all are there; then the table takes its name in one step. A kill
    at any moment costs at most the batch in work.

    Args:
        model: The model.
        records: The images.
        out: The table, ``.csv`` or ``.json``; one that is there is replaced at the end.
        classes: Names of the records' labels.
        batch_size: Images in a batch; None: what suits the device.
        workers: Loading threads.
        restart: Throw away the rows of an earlier job.

    Returns:
        A generator of progress: once at the beginning, after every batch, and once when the table has its name. Close it
        to stop early and keep the rows.

    Raises:
        OutputError: The table cannot be written (all rows so far are kept), another job is writing it, or there are
            unfinished predictions of another model, mode, precision or list of images.
        DeviceError: The device has too little memory for one image.
    """
    check_place(out)
    header = PredictionHeader(
        model=model.digest,
        mode=model.sampling,
        precision=model.precision,
        classes=model.classes,
        images=fingerprint(records, classes),
        count=len(records),
    )
    began = time.monotonic()
    with UnfinishedTable(out, header, [record.name for record in records], restart=restart) as table:
        resumed = table.done

        def progress(*, finished: bool = False) -> PredictionProgress:
            return PredictionProgress(
                done=table.done,
                total=len(records),
                resumed=resumed,
                unreadable=table.unreadable,
                seconds=time.monotonic() - began,
                finished=finished,
            )

        yield progress()
        if table.done < len(records):
            rows = predict(model, records, classes=classes, batch_size=batch_size, workers=workers, start=table.done)
            with closing(rows):
                for batch in rows:
                    table.append(batch)
                    yield progress()
        write_table(out, header, table.rows())
        table.remove()
        yield progress(finished=True)


def default_batch_size(device: str) -> int:
    """Return the images in a batch that suit a device: a card wants many, a CPU's caches few."""
    return 8 if device == "cpu" else 32


class ShrinkingStep:
    """Works on batches in pieces that fit the device's memory, found by halving."""

    def __init__(self) -> None:
        self._limit: int | None = None

    def over(self, count: int, work: Callable[[slice], _Result]) -> list[_Result]:
        """Return what ``work`` returns for consecutive pieces of a batch of ``count``, the whole batch where it fits.

        Raises:
            DeviceError: One image is too much.
        """
        results: list[_Result] = []
        start = 0
        while start < count:
            size = min(self._limit or count, count - start)
            try:
                results.append(work(slice(start, start + size)))
            except torch.OutOfMemoryError as error:
                if size == 1:
                    raise DeviceError(
                        "The device has too little free memory for one image; close other programs that use it, "
                        "or choose the device cpu."
                    ) from error
                out_of_memory = True
            else:
                out_of_memory = False
                start += size
            if out_of_memory:  # outside the handler, whose error would keep the pass's tensors alive
                self._limit = size // 2
                _log.warning("too little memory for %d images at once: going on with %d", size, self._limit)
                if torch.cuda.is_available():
                    torch.cuda.empty_cache()
        return results


@dataclass(frozen=True)
class _Answers:
    """Turns views into packed numbers (`_pack`): one transfer from the device a pass."""

    model: Model

    def __call__(self, batch: Batch, some: slice) -> NDArray[np.float32]:
        model = self.model
        config = model.network.config
        with torch.inference_mode(), model.autocast():
            images = to_input(batch.images[some], model.device)
            draws = draws_for(config, model.sampling, batch.names[some], model.device)
            return _pack(answer(model.network, images, sampling=model.sampling, draws=draws), config.joined)


def _pack(said: Answer, branches: Sequence[str]) -> NDArray[np.float32]:
    """Lay side by side, as float32 (B, 2K + 4 + branches): top K classes and probabilities, finite, H, sure, peaks, classes.

    Class indices and counts of peaks are far below 2^24, so float32 holds them exactly. The classes are ranked by their
    logits: probabilities of sure networks tie at 0.
    """
    logits = said.output.prediction.float()
    top = logits.topk(min(TOP, logits.shape[1]), dim=1).indices
    probabilities = logits.softmax(dim=1).gather(1, top)
    by_branch = said.output.branches()
    numbers = torch.stack(
        [
            torch.isfinite(logits).all(dim=1).float(),
            said.entropy.float(),
            said.sure.float(),
            said.peaks.float(),
            *(by_branch[branch].argmax(dim=1).float() for branch in branches),
        ],
        dim=1,
    )
    packed: NDArray[np.float32] = torch.cat([top.float(), probabilities, numbers], dim=1).cpu().numpy()
    return packed


def _rows(
    model: Model,
    records: Sequence[ImageRecord],
    classes: Sequence[str],
    batch: Batch,
    packed: Sequence[NDArray[np.float32]],
) -> tuple[PredictionRow, ...]:
    """Make a batch's rows, answers and unreadable images in the order of the records."""
    rows: dict[int, PredictionRow] = {}
    for position, numbers in zip(batch.positions.tolist(), packed, strict=True):
        rows[position] = _row(model, records[position], classes, numbers)
    for position, error in zip(batch.error_positions.tolist(), batch.errors, strict=True):
        rows[position] = _without_answer(model, records[position], classes, error.reason)
    return tuple(rows[position] for position in sorted(rows))


def _row(model: Model, record: ImageRecord, classes: Sequence[str], numbers: NDArray[np.float32]) -> PredictionRow:
    known, config = model.classes, model.network.config
    count = min(TOP, len(known))
    indices = [int(index) for index in numbers[:count]]
    probabilities = [_digits(number) for number in numbers[count : 2 * count]]
    finite, entropy, sure, peaks = numbers[2 * count : 2 * count + 4].tolist()
    branches = [known[int(index)] for index in numbers[2 * count + 4 :]]
    if not finite:
        return _without_answer(model, record, classes, NOT_FINITE)
    name = known[indices[0]]
    label = label_name(record, classes)
    return PredictionRow(
        file=record.name,
        class_name=name,
        probability=probabilities[0],
        top=tuple((known[index], number) for index, number in zip(indices, probabilities, strict=True)),
        branches=tuple(zip(config.joined, branches, strict=True)),
        agreement=_digits(sum(branch == name for branch in branches) / len(branches)),
        margin=_digits(numbers[count] - numbers[count + 1]) if count > 1 else probabilities[0],
        entropy=_digits(entropy),
        rule=rule_names(config)[bool(sure)],
        peaks=int(peaks),
        label=label,
        correct=name == label if label in known else None,
        mode=model.sampling,
        precision=model.precision,
        model=model.digest,
    )


def _without_answer(model: Model, record: ImageRecord, classes: Sequence[str], reason: str) -> PredictionRow:
    return PredictionRow(
        file=record.name,
        label=label_name(record, classes),
        mode=model.sampling,
        precision=model.precision,
        model=model.digest,
        error=reason,
    )


def _digits(number: float | np.float32) -> float:
    """Round to the six significant digits that float32 supports."""
    return float(f"{float(number):.6g}")
