"""Batches of one image: said before a training begins, refused where nothing could be learned."""

from pathlib import Path
from typing import Any

import pytest
from tiny_training import draw_pictures, epoch_lines, prepare, tiny_recipe, train

from s3n_core.errors import RecipeError
from s3n_core.method.network import S3N
from s3n_core.training.events import RunStarted
from s3n_core.training.single_images import least_images, require_batches, single_image_notes

ONE_CELL: dict[str, Any] = {"network.input_size": 32, "network.source_size": 32}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"batch_size": 1}, "a batch_size of 1"),
        ({"batch_size": 4, "micro_batch": 1}, "a micro_batch of 1"),
        (
            {"batch_size": 1, "network.input_size": 64, "network.form": "release", "network.source_size": 64},
            "batch_size",
        ),
    ],
)
def test_single_images_of_one_cell_are_refused_before_there_is_a_run(
    tmp_path: Path, few_pictures: Path, settings: dict[str, Any], said: str
) -> None:
    with pytest.raises(RecipeError, match=said) as refused:
        prepare(tmp_path / "run", few_pictures, **{**ONE_CELL, **settings})
    assert "at least 2" in str(refused.value)
    # The release form's heads have BatchNorm that is never frozen.
    assert ("batch_norm=frozen" in str(refused.value)) == ("network.form" not in settings)
    assert not (tmp_path / "run").exists()


def test_what_can_learn_from_single_images_is_not_refused() -> None:
    require_batches(tiny_recipe(batch_size=1), 6)  # 64 pixels: four cells
    require_batches(tiny_recipe(**ONE_CELL, batch_size=1, network__batch_norm="frozen"), 6)
    require_batches(tiny_recipe(**ONE_CELL, batch_size=1, network__backbone="convnext_tiny"), 6)
    require_batches(tiny_recipe(**ONE_CELL, batch_size=1, freeze_backbone=True), 6)
    require_batches(tiny_recipe(**ONE_CELL, batch_size=4, micro_batch=1), 6, processes=2)


def test_layers_that_read_means_are_said_to_do_so() -> None:
    with pytest.raises(
        RecipeError, match=r"timm:resnest14d\.gluon_in1k's layers read the mean over the image"
    ) as refused:
        require_batches(tiny_recipe(batch_size=1, network__backbone="timm:resnest14d.gluon_in1k"), 6)
    assert "input_size" not in str(refused.value)


@pytest.mark.parametrize(
    ("backbone", "normalises"),
    [
        ("vgg16", False),
        ("resnet18", True),
        ("timm:vit_tiny_patch16_224.augreg_in21k", False),
        ("timm:convnext_atto", False),
        ("timm:convmixer_768_32", True),
        ("timm:swin_tiny_patch4_window7_224", False),
        ("timm:resnetv2_50x1_bit", False),
        ("timm:resnetv2_50", True),
        ("timm:levit_128s", True),
        ("timm:a_network_of_tomorrow", True),
    ],
)
def test_only_networks_with_batch_norm_are_warned_of_single_images(backbone: str, normalises: bool) -> None:
    (note,) = single_image_notes(tiny_recipe(batch_size=5, network__backbone=backbone), 21)
    assert ("BatchNorm" in note) == normalises
    notes = single_image_notes(tiny_recipe(batch_size=1, network__backbone=backbone), 21)
    assert any("one image at a time" in note for note in notes) == normalises
    assert single_image_notes(tiny_recipe(batch_size=1, network__backbone=backbone, freeze_backbone=True), 21) == ()


def test_a_batch_size_of_one_is_said_as_the_run_starts(tmp_path: Path, few_pictures: Path) -> None:
    run = prepare(tmp_path / "run", few_pictures, batch_size=1, epochs=1, probes=0)
    started = train(run)[0]
    assert isinstance(started, RunStarted)
    (note,) = [note for note in started.notes if "one image at a time" in note]
    assert "With a batch_size of 1 BatchNorm takes its statistics from one image at a time" in note
    assert "network.batch_norm=frozen" in note


def test_a_last_batch_of_one_is_said_and_left_out(tmp_path: Path) -> None:
    data = draw_pictures(tmp_path / "birds", "a", 4)
    draw_pictures(tmp_path / "more", "b", 3)
    (tmp_path / "more" / "b").rename(data / "b")
    run = prepare(tmp_path / "run", data, batch_size=3, epochs=1, validation=0.0, probes=0)
    started = train(run)[0]
    assert isinstance(started, RunStarted)
    (note,) = [note for note in started.notes if "last batch of one" in note]
    assert "7 training images in batches of 3" in note
    assert "learns from 6 images" in note
    assert epoch_lines(run)[0]["images"] == 6


def test_micro_batches_of_one_at_the_end_of_a_batch_are_said() -> None:
    assert single_image_notes(tiny_recipe(batch_size=6), 21) == ()
    (note,) = single_image_notes(tiny_recipe(batch_size=6, micro_batch=2), 21)  # 6 + 6 + 6 + 3: 2 and 1
    assert "Micro-batches of 2 images leave a single image" in note
    assert "goes through BatchNorm alone" in note
    (note,) = single_image_notes(tiny_recipe(batch_size=6, micro_batch=2, **ONE_CELL), 21)
    assert "is left out" in note
    (note,) = single_image_notes(tiny_recipe(batch_size=10, micro_batch=1), 20 + 3, processes=2)
    assert "2 processes with micro-batches of 1 images" in note
    assert single_image_notes(tiny_recipe(batch_size=6, micro_batch=2, network__batch_norm="frozen"), 21) == ()


@pytest.mark.parametrize(
    ("settings", "least"),
    [
        ({}, 1),
        (ONE_CELL, 2),
        ({**ONE_CELL, "network.batch_norm": "frozen"}, 1),
        ({**ONE_CELL, "network.last_stride": 1}, 1),
        ({"network.form": "release"}, 2),
        ({"network.form": "release", "network.batch_norm": "frozen"}, 2),
        ({**ONE_CELL, "network.backbone": "convnext_tiny"}, 1),
        ({"network.backbone": "convnext_tiny", "network.form": "release"}, 2),
        ({"network.backbone": "timm:levit_128s"}, 2),
        ({"network.backbone": "timm:test_resnet"}, 1),
        ({**ONE_CELL, "network.backbone": "timm:test_resnet"}, 2),
        ({**ONE_CELL, "network.backbone": "timm:test_vit"}, 1),
        ({"network.backbone": "timm:resnest14d"}, 2),
        ({"network.backbone": "timm:resnest14d", "network.batch_norm": "frozen"}, 1),
    ],
)
def test_the_least_batch_is_what_torch_takes(settings: dict[str, Any], least: int) -> None:
    import torch

    from s3n_core.method.configuration import NetworkConfig

    choices = tiny_recipe(**settings).network
    if choices.backbone.startswith("timm:"):
        pytest.importorskip("timm")
    assert least_images(choices) == least
    network = S3N(NetworkConfig(num_classes=3, **choices.model_dump())).train()
    side, cells = choices.source_size, choices.map_size

    def learn(images: int) -> None:
        network(torch.rand(images, 3, side, side), sampling="all", draws=torch.rand(images, cells, cells))

    learn(least)
    if least > 1:
        with pytest.raises(ValueError, match="more than 1 value per channel"):
            learn(1)
