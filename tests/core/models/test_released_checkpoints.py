"""A checkpoint of the released code reproduces the released code's four logits."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from released_network import ReleasedS3N
from torch import Tensor, nn

from s3n_core.errors import ModelFileError
from s3n_core.method.configuration import NetworkConfig
from s3n_core.method.network import S3N
from s3n_core.models.released_checkpoints import read_released_checkpoint

SIDE = 96
STAGES = {"all": 0, "extremes": 2}


def trained(network: ReleasedS3N, *, sharpness: float, seed: int = 0) -> ReleasedS3N:
    """Give a network its own statistics, a changed kernel and radii, and a classifier certain about some images."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.running_mean.normal_(0, 0.1, generator=generator)
                layer.running_var.uniform_(0.5, 2, generator=generator)
                layer.weight.uniform_(0.7, 1.3, generator=generator)
                layer.bias.normal_(0, 0.1, generator=generator)
        network.filter.weight.mul_(1 + 0.05 * torch.rand(network.filter.weight.shape, generator=generator))
        network.radius.scale.mul_(1.01)
        network.radius_inv.scale.mul_(0.97)
        network.eval()
        weight, bias = network.raw_classifier.weight.mul_(sharpness), network.raw_classifier.bias
        # The features that all images share would make one class win everywhere.
        common = network.features(pictures(16)).mean((0, 2, 3))
        bias.normal_(0, 0.2, generator=generator).sub_(weight @ common)
    return network


def pictures(count: int, seed: int = 0) -> Tensor:
    """Smooth random images, each with its own contrast."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randn(count, 3, 7, 7, generator=generator)
    fine = torch.randn(count, 3, 25, 25, generator=generator)
    layers = (nn.functional.interpolate(part, SIDE, mode="bicubic") for part in (coarse, 0.7 * fine))
    return sum(layers) * torch.linspace(0.7, 1.4, count)[:, None, None, None]


def checkpoint(network: ReleasedS3N) -> dict[str, Tensor]:
    return {key: value.clone() for key, value in network.state_dict().items()}


@pytest.fixture(scope="module")
def released() -> ReleasedS3N:
    torch.manual_seed(0)
    return trained(ReleasedS3N("resnet18", 12), sharpness=32)


@pytest.fixture
def saved(released: ReleasedS3N, tmp_path: Path) -> Path:
    torch.save({"model": checkpoint(released), "epoch_idx": 3}, tmp_path / "released.pth")
    return tmp_path / "released.pth"


def compare(released: ReleasedS3N, network: S3N, images: Tensor, mode: str) -> float:
    with torch.no_grad():
        output = network(images, sampling=mode)
    ours = (output.joint, output.original, output.discriminative, output.complementary)
    return max(float((a - b).abs().max()) for a, b in zip(ours, released(images, STAGES[mode]), strict=True))


@pytest.mark.parametrize("mode", STAGES)
def test_the_four_logits_are_the_released_ones(released: ReleasedS3N, saved: Path, mode: str) -> None:
    network = read_released_checkpoint(saved, input_size=SIDE).network
    images = pictures(24)
    unsure = released.unsure(images)
    assert 4 <= int(unsure.sum()) <= 20  # both rules of Eq. 3
    assert compare(released, network, images, mode) < 1e-4


@pytest.mark.parametrize(("backbone", "classes"), [("resnet50", 12), ("resnet18", 3), ("resnet18", 7)])
def test_other_sizes(backbone: str, classes: int, tmp_path: Path) -> None:
    """With fewer than ten classes the released code still merges five, or all."""
    torch.manual_seed(1)
    released = trained(ReleasedS3N(backbone, classes), sharpness=1)
    torch.save(checkpoint(released), tmp_path / "released.pth")
    network = read_released_checkpoint(tmp_path / "released.pth", input_size=SIDE).network
    images = pictures(4)
    assert released.unsure(images).any()
    for mode in STAGES:
        assert compare(released, network, images, mode) < 1e-4


def test_ranking_and_gate_are_of_the_upsampled_maps(released: ReleasedS3N, saved: Path) -> None:
    """O's own logits would choose other classes for some uncertain images, so this comparison distinguishes the two."""
    network = read_released_checkpoint(saved, input_size=SIDE).network
    images = pictures(80, seed=3)
    with torch.no_grad():
        features = network.features(images, "O")
        original = network.head("O")(features)[1]
        head = network.head("O").classifier
        answer = network.sampler.respond(features, head.weight, head.bias, original)
    top = answer.logits.topk(5).indices.sort().values
    differ = (top != original.topk(5).indices.sort().values).any(dim=1) & ~answer.sure
    assert differ.any()
    assert compare(released, network, images[differ], "extremes") < 1e-4


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: {f"module.{key}": value for key, value in state.items()},
        lambda state: {"state_dict": {f"module.{key}": value for key, value in state.items()}},
        lambda state: {key: value for key, value in state.items() if not key.endswith("num_batches_tracked")},
        lambda state: {key: value.double() if value.is_floating_point() else value for key, value in state.items()},
    ],
)
def test_wrappings(
    released: ReleasedS3N, tmp_path: Path, wrap: Callable[[dict[str, Tensor]], dict[str, object]]
) -> None:
    torch.save(wrap(checkpoint(released)), tmp_path / "c.pth")
    read = read_released_checkpoint(tmp_path / "c.pth", input_size=SIDE)
    assert (read.hawkeye, read.unused) == (False, ())
    assert compare(released, read.network, pictures(2), "extremes") < 1e-4


def test_hawkeye_is_told_by_its_second_backbone(released: ReleasedS3N, tmp_path: Path) -> None:
    state = checkpoint(released)
    state |= {"backbone.fc.weight": torch.zeros(1000, 512), "backbone.conv1.weight": state["features.0.weight"]}
    state["loss.weight"] = torch.zeros(3)
    torch.save(state, tmp_path / "c.pth")
    read = read_released_checkpoint(tmp_path / "c.pth", input_size=SIDE)
    assert (read.hawkeye, read.unused) == (True, ("loss.weight",))
    assert compare(released, read.network, pictures(2), "extremes") < 1e-4


def test_the_sign_of_a_radius_does_not_count(released: ReleasedS3N, tmp_path: Path) -> None:
    state = checkpoint(released)
    state["radius_inv.scale"] = -state["radius_inv.scale"]
    torch.save(state, tmp_path / "c.pth")
    network = read_released_checkpoint(tmp_path / "c.pth", input_size=SIDE).network
    assert compare(released, network, pictures(2), "extremes") < 1e-4


def without(*names: str) -> Callable[[dict[str, Tensor]], dict[str, Tensor]]:
    return lambda state: {key: value for key, value in state.items() if not key.startswith(names)}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (without("sampler_buffer1."), "sampler_buffer1.0.weight, is missing"),
        (without("features.3", "features.6.1."), "blocks"),
        (without("features.0."), "features.0.weight, is missing"),
        (without("filter."), "another network"),
        (without("radius."), "radius.scale is not a single number"),
        (lambda state: {"fc.weight": torch.zeros(3, 4)}, "another network"),
        (lambda state: {"heads.O.classifier.weight": torch.zeros(3, 4)}, "already a model of this program"),
        (lambda state: state | {"con_classifier.weight": torch.zeros(12, 512)}, "con_classifier.weight, has the shape"),
        (lambda state: state | {"filter.weight": torch.zeros(1, 1, 31, 31)}, "filter.weight, has the shape"),
        (lambda state: state | {"raw_classifier.weight": torch.zeros(12)}, "not a matrix"),
        (lambda state: state | {"raw_classifier.weight": torch.zeros(0, 512)}, "not a matrix"),
        (lambda state: state | {"raw_classifier.bias": torch.full((12,), torch.nan)}, "not finite"),
        (lambda state: state | {"radius.scale": torch.tensor([1e-3])}, "half a cell"),
        (lambda state: state | {"radius.scale": torch.tensor([torch.inf])}, "to 1"),
        (lambda state: state | {"radius.scale": torch.tensor([True])}, "not a single number"),
        (lambda state: state | {"features.1.weight": torch.zeros(64, dtype=torch.int32)}, "features.1.weight"),
    ],
)
def test_what_is_no_checkpoint_is_refused(
    released: ReleasedS3N, tmp_path: Path, change: Callable[[dict[str, Tensor]], dict[str, Tensor]], said: str
) -> None:
    torch.save(change(checkpoint(released)), tmp_path / "c.pth")
    with pytest.raises(ModelFileError) as caught:
        read_released_checkpoint(tmp_path / "c.pth")
    assert said in str(caught.value)
    assert "c.pth" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_all_backbones_of_the_released_code_are_known() -> None:
    for name in ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152"):
        with torch.device("meta"):
            keys = ReleasedS3N(name, 2).state_dict()
        from s3n_core.models.released_checkpoints import _backbone_of

        assert _backbone_of(keys, Path("c.pth")) == name
        assert NetworkConfig(backbone=name, num_classes=2)
