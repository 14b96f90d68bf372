from typing import TypeVar

import pytest
import torch
from torch import nn

from s3n_core.method.configuration import BACKBONES, NetworkConfig
from s3n_core.method.folded_norm import Probed, fold_batch_norm
from s3n_core.method.network import S3N

Network = TypeVar("Network", bound=nn.Module)


def _disturbed(network: Network) -> Network:
    """Give every BatchNorm different statistics, so that folding into the wrong layer is detected."""
    torch.manual_seed(0)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.2)
            layer.running_var.uniform_(0.5, 2.0)
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.bias, 0, 0.2)
    return network.eval()


@pytest.mark.parametrize("backbone", BACKBONES)
def test_a_folded_backbone_says_the_same(backbone: str) -> None:
    network = _disturbed(
        S3N(NetworkConfig(num_classes=3, backbone=backbone, branches="O", input_size=64, source_size=64))
    )
    network.double()
    images = torch.rand(1, 3, 64, 64, dtype=torch.float64)
    with torch.inference_mode():
        before = network.features(images, "O")
        fold_batch_norm(network)
        after = network.features(images, "O")
    assert not any(type(layer) is nn.BatchNorm2d for layer in network.modules())
    assert torch.allclose(before, after, rtol=1e-9, atol=1e-9 * float(before.abs().max()))


def test_the_release_forms_heads_are_folded_too() -> None:
    config = NetworkConfig(num_classes=3, backbone="resnet18", form="release", input_size=64, source_size=64)
    network = _disturbed(S3N(config))
    images = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        before = network(images, sampling="all")
        fold_batch_norm(network)
        after = network(images, sampling="all")
    assert torch.allclose(before.joint, after.joint, atol=1e-4)
    assert torch.allclose(before.discriminative, after.discriminative, atol=1e-4)


@pytest.mark.parametrize("backbone", ["resnet18", "mobilenet_v2"])
def test_each_branch_is_folded_with_its_own_statistics(backbone: str) -> None:
    config = NetworkConfig(num_classes=3, backbone=backbone, batch_norm="separate", input_size=64, source_size=64)
    network = _disturbed(S3N(config)).double()
    for name, value in network.named_buffers():
        if ".mean_" in name:
            value.normal_(0, 0.2)
        elif ".var_" in name:
            value.uniform_(0.5, 2.0)
    images = torch.rand(2, 3, 64, 64, dtype=torch.float64)
    with torch.inference_mode():
        before = {branch: network.features(images, branch) for branch in ("O", "D", "C")}
        fold_batch_norm(network)
        after = {branch: network.features(images, branch) for branch in ("O", "D", "C")}
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in network.modules())
    for branch in before:
        assert torch.allclose(before[branch], after[branch], rtol=1e-9, atol=1e-9 * float(before[branch].abs().max()))
    assert not torch.allclose(before["D"], before["C"])


def test_a_network_in_training_is_refused() -> None:
    with pytest.raises(ValueError, match="evaluation mode"):
        fold_batch_norm(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)))


class _Added(Probed):
    """RepViT's block: the norm that is registered after a convolution reads a sum."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 3, 1)
        self.norm_of_first = nn.BatchNorm2d(3)
        self.second = nn.Conv2d(3, 3, 1)
        self.norm_of_sum = nn.BatchNorm2d(3)
        self.third = nn.Conv2d(3, 3, 1)
        self.norm_of_third = nn.BatchNorm2d(3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        total = self.norm_of_sum(self.second(images) + self.norm_of_first(self.first(images)))
        third = self.third(total)
        return self.norm_of_third(third) + third

    def example(self) -> torch.Tensor:
        return torch.zeros(0, 3, 4, 4)


def test_only_a_norm_that_alone_reads_a_convolution_is_folded() -> None:
    part = _Added()
    _disturbed(part)
    images = torch.rand(2, 3, 4, 4)
    with torch.inference_mode():
        before = part(images)
        fold_batch_norm(part)
        after = part(images)
    assert torch.allclose(before, after, atol=1e-5)
    kinds = {name: type(layer) for name, layer in part.named_children() if name.startswith("norm")}
    assert kinds == {"norm_of_first": nn.Identity, "norm_of_sum": nn.BatchNorm2d, "norm_of_third": nn.BatchNorm2d}
