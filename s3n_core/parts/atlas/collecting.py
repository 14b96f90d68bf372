"""Collecting the places of an atlas: every peak of every image, and randomly drawn cells, with their descriptors."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from s3n_core.datasets.loading import Batch, Sample, SampleReader, Samples
from s3n_core.datasets.records import ImageRecord
from s3n_core.datasets.transforms import source_box
from s3n_core.errors import UnreadableImage
from s3n_core.inspection.contribution_job import contributions_of_views
from s3n_core.inspection.contribution_rows import NEAR_PEAK
from s3n_core.inspection.geometry import ViewFrame
from s3n_core.inspection.inspection import NOT_FINITE, Scores
from s3n_core.inspection.inspector import Inspector
from s3n_core.inspection.placed_contributions import Contributions
from s3n_core.models.model_images import over_model_images
from s3n_core.models.opening import Model
from s3n_core.parts.atlas.atlas_files import SETS, AtlasImage
from s3n_core.parts.atlas.descriptors import StageFeatures
from s3n_core.system.json_values import to_json
from s3n_core.system.seeding import keyed_generator

BACKGROUND_CELLS = 2
"""Randomly drawn cells per image, away from its peaks."""


@dataclass(frozen=True, eq=False)
class Collected:
    """What is collected of one image.

    Attributes:
        line: Its line of ``images.jsonl``, with its places.
        descriptors: Of its peaks and of the drawn cells, float16 (rows, D), or None if it could not be used.
    """

    line: Mapping[str, Any]
    descriptors: NDArray[np.float16] | None


def collect(
    model: Model,
    records: Sequence[ImageRecord],
    classes: Sequence[str],
    *,
    seed: int = 0,
    start: int = 0,
    workers: int | None = None,
    read: Callable[[Sample], Image.Image] | None = None,
) -> Generator[list[Collected], None, None]:
    """Collect places, one batch at a time, in constant memory and in the order of the records.

    Args:
        model: The model.
        records: The images.
        classes: Names of the records' labels.
        seed: Seed of the drawn cells, which also depend on the image's name.
        start: Position of the first image.
        workers: Loading threads.
        read: Decodes a sample; None: with the ranges of the model.

    Raises:
        OutOfMemory: The device has too little memory for one image.
    """
    inspector = Inspector(model)
    known = {name: index for index, name in enumerate(model.classes)}

    def label_of(position: int) -> str | None:
        label = records[position].label
        return None if label is None else classes[label]

    with StageFeatures(model) as stage:

        def work(batch: Batch) -> Sequence[Collected | None]:
            positions, sizes = batch.positions.tolist(), [(width, height) for width, height in batch.sizes.tolist()]
            answers = dict[int, tuple[int, int, int]]()

            def ask(row: int, scores: Scores) -> tuple[int, int]:
                answers[row] = asked(scores, known.get(label_of(positions[row]) or ""))
                return answers[row][1:]

            stage.forget()
            found = contributions_of_views(inspector, batch.images, batch.names, sizes, ask)
            collected = list[Collected | None]()
            for row, of_image in enumerate(found):
                record = records[positions[row]]
                frame = ViewFrame(box=source_box(sizes[row], model.preprocess), size=model.preprocess.source_size)
                collected.append(
                    _collected(stage, row, of_image, answers[row], frame, record, label_of(positions[row]), seed)
                )
            return collected

        loop = over_model_images(
            model,
            Samples(records),
            work,
            workers=workers,
            start=start,
            read=read or SampleReader(model.preprocess.ranges),
        )
        with closing(loop) as batches:
            for results in batches:
                done = []
                for position, result in results:
                    if isinstance(result, Collected):
                        done.append(result)
                    else:
                        reason = result.reason if isinstance(result, UnreadableImage) else NOT_FINITE
                        record = records[position]
                        image = AtlasImage(file=record.name, label=label_of(position), split=record.split, error=reason)
                        done.append(Collected(to_json(image), None))
                yield done


def asked(scores: Scores, label: int | None) -> tuple[int, int, int]:
    """Return the predicted class, the class asked for (the label, else the predicted one), and its strongest rival."""
    target = scores.predicted if label is None else label
    rival = scores.rival(target)
    return scores.predicted, target, target if rival is None else rival


def _collected(
    stage: StageFeatures,
    row: int,
    found: Contributions,
    answer: tuple[int, int, int],
    frame: ViewFrame,
    record: ImageRecord,
    label: str | None,
    seed: int,
) -> Collected | None:
    if not np.isfinite(found.total):
        return None
    peaks, shares = found.peaks, found.rows()
    predicted, target, versus = answer
    at_peaks = np.array([(peak.x, peak.y) for peak in peaks], dtype=np.float64).reshape(-1, 2)
    drawn = _drawn_cells(stage.cell_places(row, frame), at_peaks, found.image_size, record.name, seed)
    descriptors = stage.at(row, frame, np.concatenate([at_peaks, drawn])).astype(np.float16)
    image = AtlasImage(
        file=record.name,
        label=label,
        split=record.split,
        width=found.image_size[0],
        height=found.image_size[1],
        predicted=predicted,
        target=target,
        versus=versus,
        margin=found.total,
        rest=sum(share.total for share in shares if share.kind == "elsewhere"),
        bias=found.bias,
        rows=len(peaks) + len(drawn),
    )
    places = [
        [round(peak.x, 2), round(peak.y, 2), round(peak.response, 5), shares[index].total, SETS.index(peak.set)]
        for index, peak in enumerate(peaks)
    ]
    line = {**to_json(image), "peaks": places, "cells": drawn.round(2).tolist(), "channels": descriptors.shape[1]}
    return Collected(line, descriptors)


def _drawn_cells(
    cells: NDArray[np.float64], peaks: NDArray[np.float64], size: tuple[int, int], name: str, seed: int
) -> NDArray[np.float64]:
    """Draw cells that lie farther from every peak than what it owns, (x, y) in original pixels, shape (n, 2)."""
    free = cells
    if len(peaks):
        distances = np.linalg.norm(cells[:, None] - peaks, axis=-1).min(axis=1)
        free = cells[distances > NEAR_PEAK * max(size)]
    drawn = keyed_generator(seed, "background", name).permutation(len(free))[:BACKGROUND_CELLS]
    return free[np.sort(drawn)]
