"""What a trained run answers on a data set's test part, one line an image: the class by head and number of views.

Three views (centre crop, its mirror image, the whole image squashed) are the test-time share of control (c); every
experiment is measured with one view and with three.
"""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from s3n_core.datasets.decoding import read_image
from s3n_core.datasets.detection import open_data_set
from s3n_core.datasets.transforms import test_view
from s3n_core.models.network_outputs import draws_for
from s3n_core.models.opening import Model, open_model
from s3n_core.models.preprocessing import to_input

BATCH = 16


def write_answers(run: Path, data: Path, out: Path) -> None:
    """Measure a run on the test part of a data set and write ``out`` (CSV)."""
    model = open_model(run, device="cpu", precision="float32")
    records = [r for r in open_data_set(data).records if r.split == "test" and r.label is not None]
    rows: list[dict[str, object]] = []
    whole = dataclasses.replace(model.preprocess, resize="squash")
    for start in range(0, len(records), BATCH):
        part = records[start : start + BATCH]
        pictures = [read_image(record.path) for record in part]
        centre = np.stack([test_view(picture, model.preprocess) for picture in pictures])
        squashed = np.stack([test_view(picture, whole) for picture in pictures])
        names = [record.name for record in part]
        views = [_probabilities(model, view, names) for view in (centre, centre[:, :, ::-1].copy(), squashed)]
        answers = {
            f"{head}/{count}": np.mean([view[head] for view in views[:count]], axis=0).argmax(axis=1)
            for count in (1, 3)
            for head in views[0]
        }
        for at, record in enumerate(part):
            rows.append({"name": record.name, "label": record.label, **{key: int(a[at]) for key, a in answers.items()}})
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _probabilities(model: Model, images: NDArray[np.uint8], names: list[str]) -> dict[str, NDArray[np.float32]]:
    """Return the probabilities by head; "mean" is the mean of the branches'."""
    config = model.network.config
    with torch.inference_mode():
        output = model.network(
            to_input(images, "cpu"), sampling=model.sampling, draws=draws_for(config, model.sampling, names, "cpu")
        )
    found = {head: logits.softmax(dim=1).numpy() for head, logits in output.reported().items()}
    if "joint" in found:
        found["mean"] = np.mean([found[head] for head in found if head != "joint"], axis=0)
    return found
