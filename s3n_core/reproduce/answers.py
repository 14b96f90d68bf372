"""Predictions of a trained run on labelled images, one line per image: the class and the log loss, by head and number of views.

Three views (centre crop, its mirror image, the whole image resized to a square) give the control of equal compute its compute at
test time; every training is measured with one view and with three.
"""

from __future__ import annotations

import csv
import dataclasses
import io
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import closing
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from s3n_core.datasets.loading import Batch, Sample, SampleReader, View
from s3n_core.datasets.records import DataSet, ImageRecord
from s3n_core.datasets.transforms import Preprocess, test_view
from s3n_core.errors import UnreadableImage
from s3n_core.method.configuration import Control
from s3n_core.models.model_images import over_model_images
from s3n_core.models.network_outputs import network_inputs
from s3n_core.models.opening import Model
from s3n_core.models.true_places import TruePlaces
from s3n_core.reproduce.experiments import ANSWERABLE, VIEWS
from s3n_core.system.atomic_files import make_folder, write_text
from s3n_core.system.seeding import keyed_generator

BATCH = 16


def measured_records(data_set: DataSet) -> list[ImageRecord]:
    """Return the images that experiments are measured on: the labelled test images, in order."""
    return [record for record in data_set.records if record.split == "test" and record.label is not None]


def answer_with(model: Model, control: Control) -> None:
    """Let an opened network answer with the peaks of a control, without training it anew; "none": with its own.

    Raises:
        ValueError: The control does not move peaks, which is all that can be changed in a trained network.
    """
    if control not in ANSWERABLE:
        raise ValueError(f"a network cannot be answered with the control {control}: it is trained for it")
    config = model.network.config.model_copy(update={"control": control})
    model.network.config = model.network.sampler.config = config


def write_answers(model: Model, records: Sequence[ImageRecord], out: Path) -> None:
    """Predict labelled images and write ``out`` (CSV) atomically.

    With the control true places, the peaks are the key points of the records.

    Columns are ``name``, ``label`` (an index), and for each head and number of views ``HEAD/VIEWS``, the predicted class's index,
    and ``HEAD/VIEWS/loss``, minus the logarithm of the true class's probability.

    Raises:
        UnreadableImage: An image cannot be read: a comparison must not lose images silently.
        DataSetError: The control true places finds no key points.
        OutputError: The file cannot be written.
    """
    crop = model.preprocess
    whole = dataclasses.replace(crop, resize="squash")
    views: tuple[tuple[View, Preprocess, bool], ...] = (
        (lambda image, _: test_view(image, crop), crop, False),
        (lambda image, _: test_view(image, crop)[:, ::-1].copy(), crop, True),
        (lambda image, _: test_view(image, whole), whole, False),
    )
    by_view = [
        probabilities(model, records, view, places=_true_places(model, records, shown, mirrored=mirrored))
        for view, shown, mirrored in views
    ]
    rows: list[dict[str, object]] = []
    for at, record in enumerate(records):
        of_views = [of_view[at] for of_view in by_view]
        row: dict[str, object] = {"name": record.name, "label": record.label}
        for count in VIEWS:
            for head in of_views[0]:
                shares = np.mean([of_view[head] for of_view in of_views[:count]], axis=0)
                row[f"{head}/{count}"] = int(shares.argmax())
                if record.label is not None:
                    likely = max(float(shares[record.label]), float(np.finfo(np.float32).tiny))
                    row[f"{head}/{count}/loss"] = f"{-np.log(likely):.6g}"
        rows.append(row)
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    make_folder(out.parent)
    write_text(out, buffer.getvalue())


def read_answers(file: Path) -> dict[str, dict[str, float]]:
    """Read a file of `write_answers`.

    Returns:
        By column ``HEAD/VIEWS`` and image name whether the prediction is right (1 or 0), and by ``HEAD/VIEWS/loss`` the log loss.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is damaged.
        KeyError: It has no names or no labels.
        csv.Error: It is no CSV.
    """
    found: dict[str, dict[str, float]] = defaultdict(dict)
    with file.open(encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines)
        for row in reader:
            if None in row or None in row.values():  # else a missing prediction would count as a wrong one
                raise ValueError(f"line {reader.line_num} has not as many values as the first")
            for column, value in row.items():
                if column.endswith("/loss"):
                    found[column][row["name"]] = float(value)
                elif "/" in column:
                    found[column][row["name"]] = float(row["label"] == value)
    return dict(found)


def probabilities(
    model: Model,
    records: Sequence[ImageRecord],
    view: View,
    *,
    places: Callable[[Batch], Tensor] | None = None,
) -> list[dict[str, NDArray[np.float32]]]:
    """Return each image's probabilities by head, shape (C,); "mean" is the mean over the branches.

    A network without a joint head has "joint", too: its own prediction, that of its only branch. ``places`` returns the peaks to
    use instead of the network's, bool, shape (B, H, W).
    """

    def classify(batch: Batch) -> list[dict[str, NDArray[np.float32]]]:
        images, draws = network_inputs(model, batch)
        given = None if places is None else places(batch).to(images.device)
        output = model.network(images, sampling=model.sampling, draws=draws, places=given)
        found = {head: logits.float().softmax(dim=1).cpu().numpy() for head, logits in output.reported().items()}
        if "joint" in found:
            found["mean"] = np.mean([found[head] for head in found if head != "joint"], axis=0)
        else:
            found["joint"] = output.prediction.float().softmax(dim=1).cpu().numpy()
        return [{head: shares[row] for head, shares in found.items()} for row in range(len(batch))]

    order = np.arange(len(records))
    if model.network.config.control == "other_image":
        # Batches in the data set's order show one class, whose images the control would give each other's peaks.
        order = keyed_generator(0, "order of answers").permutation(len(records))
    loop = over_model_images(
        model,
        [Sample.of(records[at]) for at in order.tolist()],
        classify,
        view=view,
        batch_size=BATCH,
        read=SampleReader(model.preprocess.ranges, watched=False),
    )
    results: list[dict[str, NDArray[np.float32]]] = []
    with closing(loop) as batches:
        for _, result in chain.from_iterable(batches):
            if isinstance(result, UnreadableImage):
                raise result
            results.append(result)
    return [results[at] for at in np.argsort(order)]


def _true_places(
    model: Model, records: Sequence[ImageRecord], shown: Preprocess, *, mirrored: bool
) -> Callable[[Batch], Tensor] | None:
    """Return what finds the key points in the views of a batch; None if the network does not ask for them."""
    if model.network.config.control != "true_places":
        return None
    true = TruePlaces(records, model.network.config, shown)
    return lambda batch: torch.from_numpy(true.in_test_views(batch, mirrored=mirrored))
