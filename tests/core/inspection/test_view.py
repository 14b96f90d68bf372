from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_models import drawn_picture

from s3n_core.datasets.records import Annotation, Box, Part
from s3n_core.datasets.transforms import Preprocess, source_box
from s3n_core.inspection.inspector import inspect
from s3n_core.inspection.summary import summary_of
from s3n_core.inspection.view import network_accuracy, place_accuracy, view_labels, view_text
from s3n_core.method.backbones import build_backbone
from s3n_core.method.configuration import NetworkChoices
from s3n_core.models.opening import Model


def test_the_crop_is_named_with_its_share_of_the_area() -> None:
    assert view_text(1.0) == "The network sees the whole image."
    assert view_text((448 / 600) ** 2) == "The network sees this crop: 56 % of the image."
    assert view_text(0.9999) == "The network sees this crop: 99 % of the image."
    assert view_text(0.0001) == "The network sees this crop: 1 % of the image."
    assert view_labels(1.0) == ()
    labels = view_labels(0.5575)
    assert labels[0] == "the network sees this crop: 56 % of the image"
    assert labels[-1] == "crop: 56 %"
    assert sorted(labels, key=len, reverse=True) == list(labels)


@pytest.mark.parametrize(
    ("cells", "cropped", "sentence", "coarse"),
    [
        (4, False, "Places are accurate to about 1/4 of the side (4 × 4 cells).", True),
        (5, False, "Places are accurate to about 1/5 of the side (5 × 5 cells).", True),
        (6, False, "Places are accurate to about 1/6 of the side (6 × 6 cells).", False),
        (7, True, "Places are accurate to about 1/7 of the crop's side (7 × 7 cells).", False),
    ],
)
def test_the_accuracy_of_places_is_the_width_of_a_cell(cells: int, cropped: bool, sentence: str, coarse: bool) -> None:
    accuracy = place_accuracy(31, cells, cropped=cropped)
    assert accuracy.text == sentence
    assert accuracy.is_coarse is coarse
    assert bool(accuracy.warning) is coarse


def test_a_coarse_map_of_fine_features_is_what_counts() -> None:
    assert place_accuracy(7, 14).cells == 7
    assert network_accuracy(NetworkChoices(input_size=448)).cells == 14
    assert network_accuracy(NetworkChoices(input_size=224, look_size=448)).cells == 14
    assert network_accuracy(NetworkChoices(input_size=448, map_size=9)).cells == 9
    assert network_accuracy(NetworkChoices(input_size=128, source_size=128)).is_coarse


@pytest.mark.parametrize(
    ("backbone", "cells"),
    [("timm:vit_tiny_patch16_224", 10), ("timm:efficientvit_m0.r224_in1k", 3), ("timm:not_measured", 5)],
)
def test_before_a_network_of_timm_exists_its_stride_is_that_of_the_table(backbone: str, cells: int) -> None:
    assert network_accuracy(NetworkChoices(backbone=backbone, input_size=160)).cells == cells


@pytest.mark.parametrize(
    ("backbone", "last_stride"),
    [("resnet18", 1), ("resnet18", 2), ("mobilenet_v2", 1), ("mobilenet_v2", 2), ("vgg16", 1), ("convnext_tiny", 2)],
)
def test_the_number_of_feature_cells_is_that_of_the_network(backbone: str, last_stride: int) -> None:
    network, _ = build_backbone(backbone, last_stride=last_stride)  # type: ignore[arg-type]
    network.eval()
    for side in (96, 100):
        choices = NetworkChoices.model_validate(
            {"backbone": backbone, "last_stride": last_stride, "input_size": side, "source_size": side}
        )
        with torch.no_grad():
            assert network(torch.zeros(1, 3, side, side)).shape[2:] == (choices.feature_cells,) * 2


def test_an_inspection_says_what_the_network_saw(model: Model) -> None:
    whole = inspect(model, drawn_picture(0), name="bird.png").response
    assert whole.sees_all
    assert whole.view_text == "The network sees the whole image."
    assert whole.place_accuracy == network_accuracy(model.header.network)
    ratio = 600 / 448
    cropping = replace(model, preprocess=replace(model.preprocess, resize="squash_crop", resize_ratio=ratio))
    seen = inspect(cropping, Image.new("RGB", (300, 200))).response
    assert seen.view_share == pytest.approx(ratio**-2)
    assert not seen.sees_all
    assert seen.place_accuracy.text.count("the crop's side") == 1


@pytest.mark.parametrize("size", [(300, 200), (201, 333), (77, 77)])
def test_the_share_of_a_preprocessing_is_that_of_its_box(size: tuple[int, int]) -> None:
    for preprocess in (Preprocess(), Preprocess(resize="squash_crop"), Preprocess(resize="keep_crop")):
        x0, y0, x1, y1 = source_box(size, preprocess)
        share = (x1 - x0) * (y1 - y0) / (size[0] * size[1])
        expected = preprocess.view_share
        assert expected == pytest.approx(share) if expected is not None else share == min(size) / max(size)


def test_a_box_contains_its_border() -> None:
    box = Box(x=10, y=20, width=30, height=40)
    assert all(box.contains(x, y) for x, y in ((10, 20), (40, 60), (25, 30)))
    assert not any(box.contains(x, y) for x, y in ((9.9, 30), (40.1, 30), (25, 19.9), (25, 60.1)))
    assert Annotation(box=box).is_outside(0, 0)
    assert not Annotation(parts=(Part(name="beak", x=1, y=2),)).is_outside(0, 0)
    assert not Annotation()
    assert Annotation(box=box)
    assert Annotation(parts=(Part(name="beak", x=1, y=2),))


def test_the_summary_says_which_peaks_lie_outside_the_box(model: Model, tmp_path: Path) -> None:
    inspection = inspect(model, drawn_picture(0), name="bird.png")
    first = inspection.warps.peaks[0]
    box = Box(x=first.x - 1, y=first.y - 1, width=2, height=2)
    summary = summary_of(inspection, Annotation(box=box, parts=(Part(name="beak", x=3.0, y=4.0),)))
    assert [peak["outside_box"] for peak in summary["peaks"]] == [
        not (abs(peak.x - first.x) <= 1 and abs(peak.y - first.y) <= 1) for peak in inspection.warps.peaks
    ]
    assert summary["box"] == {"x": first.x - 1, "y": first.y - 1, "width": 2, "height": 2}
    assert summary["parts"] == [{"name": "beak", "x": 3.0, "y": 4.0}]
    assert summary["view"] == "The network sees the whole image."
    assert summary["place_cells"] == inspection.response.place_accuracy.cells
    plain = summary_of(inspection)
    assert plain["box"] is None
    assert {peak["outside_box"] for peak in plain["peaks"]} == {None}
    assert np.isfinite(summary["view_share"])
