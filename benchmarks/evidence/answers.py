"""Predictions of a trained run on a data set's test split, one line per image: the class by head and number of views.

Three views (centre crop, its mirror image, the whole image resized to a square) give control (c) equal compute at test
time; every experiment is measured with one view and with three.
"""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Sequence
from contextlib import closing
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from s3n_core.datasets.detection import open_data_set
from s3n_core.datasets.loading import Batch, Sample, View
from s3n_core.datasets.records import ImageRecord
from s3n_core.datasets.transforms import test_view
from s3n_core.errors import UnreadableImage
from s3n_core.models.batches import over_images
from s3n_core.models.network_outputs import run_batch
from s3n_core.models.opening import Model, open_model

BATCH = 16


def write_answers(run: Path, data: Path, out: Path) -> None:
    """Predict the test split of a data set with a run and write ``out`` (CSV)."""
    model = open_model(run, device="cpu", precision="float32")
    records = [r for r in open_data_set(data).records if r.split == "test" and r.label is not None]
    whole = dataclasses.replace(model.preprocess, resize="squash")
    views: tuple[View, ...] = (
        lambda image, _: test_view(image, model.preprocess),
        lambda image, _: test_view(image, model.preprocess)[:, ::-1].copy(),
        lambda image, _: test_view(image, whole),
    )
    by_view = [probabilities(model, records, view) for view in views]
    rows: list[dict[str, object]] = []
    for at, record in enumerate(records):
        of_views = [of_view[at] for of_view in by_view]
        answers = {
            f"{head}/{count}": int(np.mean([of_view[head] for of_view in of_views[:count]], axis=0).argmax())
            for count in (1, 3)
            for head in of_views[0]
        }
        rows.append({"name": record.name, "label": record.label, **answers})
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def probabilities(model: Model, records: Sequence[ImageRecord], view: View) -> list[dict[str, NDArray[np.float32]]]:
    """Return each image's probabilities by head; "mean" is the mean over the branches."""

    def classify(batch: Batch) -> list[dict[str, NDArray[np.float32]]]:
        output = run_batch(model, batch).output
        found = {head: logits.softmax(dim=1).numpy() for head, logits in output.reported().items()}
        if "joint" in found:
            found["mean"] = np.mean([found[head] for head in found if head != "joint"], axis=0)
        return [{head: shares[row] for head, shares in found.items()} for row in range(len(batch))]

    samples = [Sample.of(record) for record in records]
    loop = over_images(samples, view, classify, device="cpu", precision="float32", batch_size=BATCH)
    results: list[dict[str, NDArray[np.float32]]] = []
    with closing(loop) as batches:
        for _, result in chain.from_iterable(batches):
            if isinstance(result, UnreadableImage):
                raise result
            results.append(result)
    return results
