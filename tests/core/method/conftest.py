"""What the tests of the method share: one thread, and a backbone of a few hundred weights."""

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import nn

from s3n_core.method import network as network_module
from s3n_core.method.backbones import Backbone, WeightReport
from s3n_core.method.configuration import NetworkConfig
from s3n_core.method.network import S3N


@pytest.fixture(autouse=True, scope="package")
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def small_layers() -> nn.Sequential:
    """Two convolutions with BatchNorm: 8 channels, stride 8."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 5, stride=4, padding=2, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(),
    )


@pytest.fixture
def small_network(monkeypatch: pytest.MonkeyPatch) -> Callable[..., S3N]:
    """Build S3N on a tiny backbone: the same network code, a hundredth of the time."""

    def build_backbone(name: str, weights: str, **_choices: object) -> tuple[Backbone, WeightReport]:
        return Backbone(small_layers()), WeightReport(source=weights, loaded=0)

    def build(**choices: object) -> S3N:
        settings: dict[str, object] = {
            "num_classes": 6,
            "backbone": "resnet18",
            "input_size": 64,
            "source_size": 64,
            "map_size": 15,
        }
        torch.manual_seed(0)
        return S3N(NetworkConfig.model_validate(settings | choices))

    monkeypatch.setattr(network_module, "build_backbone", build_backbone)
    return build
