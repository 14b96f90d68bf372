"""What must be said of models that have learnt nothing, the background, or the object (Adebayo et al., NeurIPS 2018).

Small pictures with a bird and a mark in a corner, both of one of two colours; the features are the colours of the cells, and the
classifier is trained on them. So it is known what each model has learnt.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from s3n_core.datasets.records import Box, DataSet, ImageRecord
from s3n_core.datasets.transforms import Preprocess
from s3n_core.method.cell_geometry import CellGeometry, MiddleStage
from s3n_core.method.network import S3N
from s3n_core.models.opening import Model
from s3n_core.models.preprocessing import MEAN, STD
from s3n_core.parts.atlas import descriptors
from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.atlas.building import build_atlas
from s3n_core.parts.comparison.answer import answer
from s3n_core.parts.comparison.comparing import compare_classes
from s3n_core.parts.comparison.comparison import Comparison

CELL, SIDE = 16, 96
COLOURS = ((220, 30, 30), (30, 30, 220), (150, 90, 30), (60, 140, 60))  # of marks, then of birds
CORNERS = ((0, 0), (0, 5), (5, 0), (5, 5))
NAMES = ("a", "b")
EACH = 40  # pictures of each class, half of them for training


class Colours(nn.Module):
    """One channel per colour: how much of it a cell has."""

    def forward(self, images: Tensor) -> Tensor:
        scale, shift = torch.tensor(STD)[:, None, None], torch.tensor(MEAN)[:, None, None]
        pixels = images * scale + shift
        found = []
        for colour in COLOURS:
            distance = (pixels - torch.tensor(colour)[:, None, None] / 255).abs().sum(dim=1, keepdim=True)
            found.append(nn.functional.avg_pool2d((1 - 2 * distance).clip(min=0), CELL))
        return torch.cat(found, dim=1)


def picture(mark: int, bird: int, rng: np.random.Generator) -> Image.Image:
    """A picture with a mark and a bird of colours 0 or 1, a little different each time."""
    ground = Image.fromarray(rng.integers(130, 235, (16, 16)).astype(np.uint8)).resize(
        (SIDE, SIDE), Image.Resampling.BICUBIC
    )
    pixels = np.repeat(np.asarray(ground, dtype=np.float64)[..., None], 3, axis=2)  # no two are near-duplicates
    row, column = CORNERS[rng.integers(4)]
    for colour, top, left, side in ((mark, row * CELL, column * CELL, CELL), (2 + bird, 32, 32, 2 * CELL)):
        pixels[top : top + side, left : left + side] = np.array(COLOURS[colour]) + rng.normal(scale=12, size=3)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def compared(
    model: Model, small_network: Callable[..., S3N], folder: Path, *, told_by: str
) -> tuple[Atlas, Comparison]:
    """Train a model whose classes are told by "mark", "bird" or "nothing", and compare the classes on other pictures."""
    rng = np.random.default_rng(3)
    folder.mkdir()
    records = []
    for number in range(2 * EACH):
        label, (mark, bird) = number % 2, rng.integers(2, size=2).tolist()
        mark, bird = (label if told_by == "mark" else mark), (label if told_by == "bird" else bird)
        path = folder / f"{number:02d}.png"
        picture(mark, bird, rng).save(path)
        box = Box(x=32, y=32, width=2 * CELL, height=2 * CELL)
        split = "train" if number < EACH else "test"
        records.append(ImageRecord(path=path, name=path.name, label=label, split=split, box=box))  # type: ignore[arg-type]
    network = small_network(branches="O", backbone="vgg16", num_classes=2, input_size=SIDE, source_size=SIDE)
    network.backbone.layers, network.backbone.stride = Colours(), CELL  # type: ignore[assignment]
    training = records[:EACH]
    features = np.stack([pooled(network, record) for record in training])
    labels = np.array([record.label for record in training])
    network.head("O").classifier = trained(features, labels)
    model = replace(
        model,
        network=network.eval(),
        header=model.header.model_copy(update={"network": network.config, "classes": NAMES}),
        preprocess=Preprocess(input_size=SIDE, source_size=SIDE, resize="squash"),
    )
    data, testing = DataSet(root=folder, format="images", classes=NAMES, records=tuple(records)), records[EACH:]
    out = folder.with_name(f"{folder.name} atlas")
    list(build_atlas(model, data, testing, out, split="test", parts=5, centred=False, workers=0))
    atlas = Atlas(out)
    by_name = {record.name: record for record in testing}
    return atlas, compare_classes(atlas, model, by_name, *NAMES, workers=0)


def pooled(network: S3N, record: ImageRecord) -> NDArray[np.float64]:
    """The mean of the features over all cells, as the classifier sees them."""
    with Image.open(record.path) as image:
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 255
    view = (pixels - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]
    with torch.inference_mode():
        found: NDArray[np.float64] = network.backbone.layers(view[None]).mean(dim=(2, 3))[0].double().numpy()
    return found


def trained(features: NDArray[np.float64], labels: NDArray[np.int64]) -> nn.Linear:
    """A classifier trained by ridge regression of the logits +4 and -4."""
    centre = features.mean(axis=0)
    values = features - centre
    targets = np.where(labels == 0, 4.0, -4.0)
    scale = 0.03 * np.trace(values.T @ values) / values.shape[1]
    weights = np.linalg.solve(
        values.T @ values + scale * np.eye(values.shape[1]), values.T @ (targets - targets.mean())
    )
    layer = nn.Linear(len(weights), 2)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(np.stack([weights, -weights]) / 2))
        bias = float(targets.mean() - centre @ weights) / 2
        layer.bias.copy_(torch.tensor([bias, -bias]))
    return layer


@pytest.fixture(autouse=True)
def _stage(monkeypatch: pytest.MonkeyPatch) -> None:
    """The layers have a stride of 16 themselves."""
    monkeypatch.setattr(descriptors, "measured_stage", lambda *_: MiddleStage("", CellGeometry(16, 0.0)))


def test_a_model_that_tells_classes_by_a_mark_rests_on_the_background(
    model: Model, small_network: Callable[..., S3N], tmp_path: Path
) -> None:
    atlas, found = compared(model, small_network, tmp_path / "marks", told_by="mark")
    assert found.mark is not None
    assert found.mark.background
    assert found.mark.beats_random
    assert found.mark.part in atlas.background
    assert "The model rests on the background here." in " ".join(found.sentences())
    assert answer(found).kind == "background"


def test_a_model_that_tells_classes_by_the_bird_rests_on_the_bird(
    model: Model, small_network: Callable[..., S3N], tmp_path: Path
) -> None:
    _, found = compared(model, small_network, tmp_path / "birds", told_by="bird")
    assert found.mark is not None
    assert not found.mark.background
    assert found.mark.beats_random
    assert answer(found).kind == "part"


def test_a_model_of_shuffled_labels_shows_no_part_that_beats_random_places(
    model: Model, small_network: Callable[..., S3N], tmp_path: Path
) -> None:
    """Which label a picture has was drawn, for training and for the others: labels of any pictures that are shuffled."""
    _, found = compared(model, small_network, tmp_path / "shuffled", told_by="nothing")
    assert found.has_intervals
    assert any(part.relied_on is not None for part in found.parts)
    assert not any(part.beats_random for part in found.parts)
    assert "No part was shown to matter" in " ".join(found.sentences())
    assert answer(found).kind == "none"
