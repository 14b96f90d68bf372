from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision import models

from s3n_core.errors import ModelFileError, ModelNotFound
from s3n_core.method import backbones
from s3n_core.method.backbones import build_backbone, middle_stage
from s3n_core.method.configuration import BACKBONES, NetworkConfig
from s3n_core.method.network import S3N

CHANNELS = {
    "resnet18": 512,
    "resnet34": 512,
    "resnet50": 2048,
    "resnet101": 2048,
    "resnet152": 2048,
    "vgg16": 512,
    "vgg19": 512,
    "mobilenet_v2": 1280,
    "mobilenet_v3_large": 960,
    "convnext_tiny": 768,
}


@pytest.fixture
def _no_initialisation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip initialisation: shapes do not depend on it, and VGG's unused layers take seconds to initialise."""
    for name in ("kaiming_normal_", "kaiming_uniform_", "normal_", "uniform_", "trunc_normal_"):
        monkeypatch.setattr(nn.init, name, lambda tensor, *_args, **_keywords: tensor)


@pytest.mark.usefixtures("_no_initialisation")
@pytest.mark.parametrize("name", BACKBONES)
def test_channels_and_stride_are_found(name: str) -> None:
    backbone, report = build_backbone(name)
    assert (backbone.channels, backbone.stride) == (CHANNELS[name], 32)
    assert report.loaded == 0
    assert not any(isinstance(layer, nn.Linear) and layer.out_features == 1000 for layer in backbone.modules())
    with torch.no_grad():
        assert backbone.eval()(torch.zeros(1, 3, 64, 96)).shape == (1, CHANNELS[name], 2, 3)


def _tiny_stand_in(name: str, hidden: int) -> nn.Module:
    """A small network with torchvision's parameter names."""
    network = nn.Module()
    network.features = nn.Sequential(nn.Conv2d(3, 4, 3, stride=8, padding=1))
    network.classifier = nn.Sequential(nn.Linear(4, hidden), nn.ReLU(), nn.Linear(hidden, 10))
    return network


def test_unmatched_keys_of_a_local_file_are_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(backbones.torchvision_models, "get_model", lambda name, weights: _tiny_stand_in(name, 7))
    state = _tiny_stand_in("vgg16", 9).state_dict()
    state["features.9.weight"] = torch.zeros(2)
    del state["features.0.bias"]
    file = tmp_path / "weights.safetensors"
    save_file(state, file)
    backbone, report = build_backbone("vgg16", str(file))
    assert report.loaded == 1
    assert report.missing == ("features.0.bias",)
    assert report.unused == ("features.9.weight",)  # the layers of its old classifier do not count
    assert torch.equal(backbone.layers[0].weight, state["features.0.weight"])


def test_a_convnext_keeps_the_norm_behind_the_pooling() -> None:
    assert not backbones._is_classifier("classifier.0.weight", "convnext_tiny")
    assert backbones._is_classifier("classifier.2.weight", "convnext_tiny")
    assert backbones._is_classifier("classifier.0.weight", "vgg16")
    assert backbones._is_classifier("fc.weight", "resnet50")


def test_a_model_of_this_program_gives_its_backbone(tmp_path: Path) -> None:
    network = S3N(NetworkConfig(num_classes=3, backbone="mobilenet_v2"))
    file = tmp_path / "model.safetensors"
    save_file(network.state_dict(), file)
    backbone, report = build_backbone("mobilenet_v2", str(file))
    assert not report.missing
    assert not report.unused
    assert all(torch.equal(v, network.backbone.state_dict()[k]) for k, v in backbone.state_dict().items())


def test_the_shared_mobilenet_fits(shared: Path) -> None:
    file = shared / "weights" / "mobilenet_v2_imagenet.safetensors"
    if not file.is_file():
        pytest.skip(f"the weights are not here ({file})")
    backbone, report = build_backbone("mobilenet_v2", str(file))
    assert report.loaded > 250
    assert not report.missing
    assert not report.unused
    reference = models.mobilenet_v2()
    from safetensors.torch import load_file

    reference.load_state_dict(load_file(file))
    images = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(backbone.eval()(images), reference.eval().features(images))


def test_weights_of_another_backbone_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "other.safetensors"
    save_file({"encoder.weight": torch.zeros(3)}, file)
    with pytest.raises(ModelFileError, match="choose another file"):
        build_backbone("mobilenet_v2", str(file))


def test_imagenet_weights_that_are_not_here_are_not_downloaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    asked: list[object] = []
    monkeypatch.setattr("torch.hub.download_url_to_file", asked.append)
    monkeypatch.setattr("urllib.request.urlopen", asked.append)
    file = tmp_path / "hub" / "checkpoints" / "mobilenet_v2-b0353104.pth"
    with pytest.raises(ModelNotFound) as caught:
        build_backbone("mobilenet_v2", "imagenet")
    assert (caught.value.path, asked) == (file, [])


def test_cached_imagenet_weights_are_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    file = tmp_path / "hub" / "checkpoints" / "mobilenet_v2-b0353104.pth"
    file.parent.mkdir(parents=True)
    state = models.mobilenet_v2().state_dict()
    torch.save(state, file)
    backbone, report = build_backbone("mobilenet_v2", "imagenet")
    assert not report.missing
    assert torch.equal(backbone.layers[0][0].weight, state["features.0.0.weight"])


@pytest.mark.parametrize(("name", "channels"), [("resnet18", 256), ("vgg16", 512), ("mobilenet_v2", 96)])
def test_the_middle_stage_has_sixteen_pixels_per_cell_whatever_the_last_stride(name: Any, channels: int) -> None:
    for last_stride in (1, 2):
        backbone, _ = build_backbone(name, last_stride=last_stride)
        found = list[torch.Size]()
        backbone.layers.get_submodule(middle_stage(name)).register_forward_hook(
            lambda layer, inputs, output, found=found: found.append(output.shape)
        )
        backbone.eval()(torch.zeros(1, 3, 96, 96))
        assert found == [(1, channels, 6, 6)]


@pytest.mark.parametrize("name", ["resnet18", "vgg16", "mobilenet_v3_large", "convnext_tiny"])
def test_a_stage_on_the_way_is_what_its_layer_gives_and_the_end_is_the_same(name: Any) -> None:
    backbone = build_backbone(name)[0].eval()
    stage = middle_stage(name)
    found = list[torch.Tensor]()
    backbone.layers.get_submodule(stage).register_forward_hook(lambda layer, inputs, output: found.append(output))
    images = torch.randn(1, 3, 96, 96)
    with torch.no_grad():
        last, kept = backbone.with_stage(images, stage)
        assert torch.equal(last, backbone(images))
    assert torch.equal(kept, found[0])
    assert kept.shape == (1, backbone.stage_channels(stage), 6, 6)
