"""Faithfulness of a network whose answers are known: the probability is a function of how much red there is."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from s3n_core.datasets.records import Box, ImageRecord
from s3n_core.datasets.transforms import Preprocess
from s3n_core.errors import DataSetError
from s3n_core.method.network import S3N
from s3n_core.models.opening import Model
from s3n_core.models.preprocessing import MEAN, STD
from s3n_core.parts.faithfulness.faithfulness import measure_faithfulness
from s3n_core.parts.faithfulness.faithfulness_result import MEASURES, Faithfulness
from s3n_core.parts.faithfulness.removal_curves import FRACTIONS, area_under

SIDE = 80
GAIN = 0.8


@pytest.fixture
def red_or_not(model: Model, small_network: Callable[..., S3N]) -> Model:
    """O alone, with two classes that red tells apart."""
    return _opened(model, _network(small_network, branches="O"))


@pytest.fixture
def red_or_not_twice(model: Model, small_network: Callable[..., S3N]) -> Model:
    """The same answers from two branches without warps, where red speaks against its class in O and for it in D."""
    network = _network(small_network, branches="O+D", control="identity")
    network.joint = _by_red(-0.5 * GAIN, 1.5 * GAIN)
    return _opened(model, network)


def _network(small_network: Callable[..., S3N], **choices: object) -> S3N:
    network = small_network(backbone="vgg16", num_classes=12, input_size=SIDE, source_size=SIDE, **choices)
    network.backbone.layers, network.backbone.stride = nn.AvgPool2d(8), 8  # type: ignore[assignment]
    for branch in network.heads:
        network.head(branch).classifier = _by_red(GAIN)
    return network


def _by_red(*gains: float) -> nn.Linear:
    """Classes 0 and 1: the sum of each branch's mean of red times its gain, and the negative of it; the others never."""
    classifier = nn.Linear(3 * len(gains), 12)
    with torch.no_grad():
        classifier.weight.zero_()
        for branch, gain in enumerate(gains):
            classifier.weight[:2, 3 * branch] = torch.tensor([gain, -gain])
        classifier.bias.fill_(-50)
        classifier.bias[:2] = 0
    return classifier


def _opened(model: Model, network: S3N) -> Model:
    return dataclasses.replace(
        model,
        network=network.eval(),
        header=model.header.model_copy(update={"network": network.config}),
        preprocess=Preprocess(input_size=SIDE, source_size=SIDE, resize="squash"),
        digest="1" * 16,
    )


@pytest.fixture
def images(tmp_path: Path) -> list[ImageRecord]:
    """A picture whose left half is red, and black ones."""
    records = []
    for number in range(3):
        pixels = np.zeros((SIDE, SIDE, 3), dtype=np.uint8)
        if number == 0:
            pixels[:, : SIDE // 2, 0] = 255
        path = tmp_path / f"{number}.png"
        Image.fromarray(pixels).save(path)
        records.append(ImageRecord(path=path, name=path.name, label=0))
    return records


def probability(red: float) -> float:
    """Return the probability of class 0 for a share of red pixels."""
    mean = (red - MEAN[0]) / STD[0]
    return float(1 / (1 + np.exp(-2 * GAIN * mean)))


def measured(model: Model, records: list[ImageRecord]) -> Faithfulness:
    return measure_faithfulness(model, records, model.classes, split="test")


def test_known_curves_and_drops(red_or_not: Model, images: list[ImageRecord]) -> None:
    result = measured(red_or_not, images)
    assert [image.group for image in result.images] == ["correct", "wrong", "wrong"]
    first = result.images[0]
    assert not first.on_box
    removed_red = [probability(0.5 - min(fraction, 0.5)) for fraction in FRACTIONS]
    inserted_red = [probability(min(fraction, 0.5)) for fraction in FRACTIONS]
    values = first.values["other image"]  # the others are black
    assert values["deletion AUC"][0] == pytest.approx(area_under(FRACTIONS, removed_red), abs=1e-4)
    assert values["insertion AUC"][0] == pytest.approx(area_under(FRACTIONS, inserted_red), abs=1e-4)
    for measure, share in (("RD@5 %", 0.05), ("RD@10 %", 0.1)):
        # There are two classes only: what one loses the other gains.
        expected = 2 * (probability(0.5) - probability(0.5 - share))
        assert values[measure][0] == pytest.approx(expected, abs=1e-4)  # type: ignore[index]
        assert 0 < values[measure][1] < 0.8 * expected  # type: ignore[index]
    assert values["deletion AUC"][0] < values["deletion AUC"][1]
    assert values["insertion AUC"][0] > values["insertion AUC"][1]
    blurred = first.values["blur"]
    assert 0 < blurred["RD@10 %"][0] < values["RD@10 %"][0]  # a blurred red half is still red
    black = result.images[1].values["blur"]
    assert black["RD@5 %"] == pytest.approx((0, 0), abs=1e-6)  # blurred black is black
    assert black["deletion AUC"] == pytest.approx((1 - probability(0.0),) * 2, abs=1e-4)


def test_what_d_adds_to_o_is_known(red_or_not_twice: Model, red_or_not: Model, images: list[ImageRecord]) -> None:
    result = measured(red_or_not_twice, images)
    first, alone = result.images[0], measured(red_or_not, images).images[0]
    for measure in MEASURES:  # together both branches say what one said alone
        assert first.values["other image"][measure] == pytest.approx(alone.values["other image"][measure], abs=1e-4)
    assert not alone.baselines
    assert set(first.baselines) == {"original"}  # nothing is warped
    # O's share is largest where it is black: red is removed last, and put in last.
    kept = [probability(min(0.5, 1 - fraction)) for fraction in FRACTIONS]
    put_in = [probability(max(0.0, fraction - 0.5)) for fraction in FRACTIONS]
    original = first.baselines["original"]["other image"]
    assert original["deletion AUC"] == pytest.approx(area_under(FRACTIONS, kept), abs=1e-4)
    assert original["insertion AUC"] == pytest.approx(area_under(FRACTIONS, put_in), abs=1e-4)
    assert original["RD@10 %"] == pytest.approx(0, abs=1e-4)
    many = dataclasses.replace(result, images=result.images[:1] * 12)
    for summary in many.summaries("correct"):
        gain = summary.gains["original"]
        assert gain.difference == pytest.approx(summary.value - gain.baseline)
        assert gain.interval == pytest.approx((gain.difference,) * 2)
    assert "O alone (Grad-CAM)" in many.text()
    written = json.loads(json.dumps(result.to_dict()))
    assert written["by_image"][0]["original"]["other image"]["RD@10 %"] == original["RD@10 %"]
    assert all(not summary.gains for summary in measured(red_or_not, images).summaries("correct"))


def test_what_placing_adds_is_told_apart_from_what_d_adds(
    model: Model, small_network: Callable[..., S3N], images: list[ImageRecord]
) -> None:
    pixels = np.zeros((SIDE, SIDE, 3), dtype=np.uint8)
    pixels[8:24, 8:24, 0] = 255
    Image.fromarray(pixels).save(images[0].path)
    network = _network(small_network, branches="O+D", entropy_threshold=1.0)  # R is that of class 0 alone
    network.joint = _by_red(-0.5 * GAIN, 1.5 * GAIN)
    with torch.no_grad():
        for classifier in (network.joint, *(network.head(branch).classifier for branch in network.heads)):
            classifier.bias[0] = 4  # so that a little red is enough for class 0
    result = measured(_opened(model, network), images)
    first = result.images[0]
    assert set(first.baselines) == {"original", "unwarped"}
    by_measure = {name: first.baselines[name]["other image"] for name in first.baselines}
    own = {measure: value for measure, (value, _) in first.values["other image"].items()}
    # O alone says the opposite: it removes red last. Where D's cells lie decides the rest.
    assert (
        max(own["deletion AUC"], by_measure["unwarped"]["deletion AUC"]) < by_measure["original"]["deletion AUC"] - 0.01
    )
    assert all(own[measure] != by_measure["unwarped"][measure] for measure in ("insertion AUC", "deletion AUC"))
    many = dataclasses.replace(result, images=result.images[:1] * 12)
    for summary in many.summaries(first.group):
        for gain in summary.gains.values():
            assert gain.difference == pytest.approx(summary.value - gain.baseline)
    assert "as if nothing were warped" in many.text()
    written = json.loads(json.dumps(many.to_dict()))
    assert written["groups"][first.group]["measures"][0]["gain_over_unwarped"]["interval_95"] is not None
    assert written["by_image"][0]["unwarped"]["other image"] == by_measure["unwarped"]


def test_random_patches_lie_on_the_object(red_or_not: Model, images: list[ImageRecord]) -> None:
    """All red is in the box, and all of the box is red: contributions are as good as random patches on it, no better."""
    images[0] = dataclasses.replace(images[0], box=Box(x=0, y=0, width=SIDE / 2, height=SIDE))
    first = measured(red_or_not, images).images[0]
    assert first.on_box
    for measure in MEASURES:
        own, random = first.values["other image"][measure]
        assert own == pytest.approx(random, abs=1e-6)


def test_groups_intervals_and_files(red_or_not: Model, images: list[ImageRecord]) -> None:
    images[2] = dataclasses.replace(images[2], label=None)
    broken = dataclasses.replace(images[1], path=images[1].path.with_name("none.png"), name="none.png")
    result = measured(red_or_not, [*images, broken])
    assert [name for name, _ in result.unreadable] == ["none.png"]
    assert [len(result.group(group)) for group in ("correct", "wrong", "unlabelled")] == [1, 1, 1]
    assert all(summary.interval is None for summary in result.summaries("correct"))
    assert "No intervals for fewer than 10 images." in result.text()
    many = dataclasses.replace(result, images=result.images[:1] * 12)
    for summary in many.summaries("correct"):
        assert summary.interval == pytest.approx((summary.difference,) * 2)  # all images are alike
        assert summary.difference == pytest.approx(summary.value - summary.random)
    assert many.summaries("wrong") == ()
    written = json.loads(json.dumps(result.to_dict()))
    assert written["groups"]["correct"]["images"] == 1
    assert written["by_image"][0]["values"]["blur"]["RD@5 %"] == list(result.images[0].values["blur"]["RD@5 %"])


def test_one_image_is_not_enough(red_or_not: Model, images: list[ImageRecord]) -> None:
    with pytest.raises(DataSetError, match="at least two images"):
        measured(red_or_not, images[:1])
    lost = dataclasses.replace(images[1], path=images[1].path.with_name("none.png"), name="none.png")
    with pytest.raises(DataSetError, match="two images that can be read"):
        measured(red_or_not, [images[0], lost])
