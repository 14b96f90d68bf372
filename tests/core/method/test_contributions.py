"""Contributions of cells: their sum, their places on what the network sees, and how they relate to Grad-CAM."""

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torchvision.models.convnext import LayerNorm2d
from torchvision.ops import SqueezeExcitation

from s3n_core.errors import NoSingleHead
from s3n_core.method.configuration import NetworkConfig
from s3n_core.method.contributions import OTHERS, CellContributions, contributions
from s3n_core.method.folded_norm import fold_batch_norm
from s3n_core.method.network import S3N
from s3n_core.method.sampler import Samples

_SHAPELESS = (nn.BatchNorm2d, LayerNorm2d, nn.LayerNorm, nn.ReLU, nn.ReLU6, nn.GELU, nn.Hardswish, SqueezeExcitation)


def assert_sums(found: CellContributions, logits: Tensor) -> None:
    """Assert that the contributions sum to the logits (B,)."""
    assert torch.all((found.total - logits.float()).abs() <= 1e-4 * logits.abs().clamp(min=1))


@pytest.mark.parametrize("form", ["paper", "release"])
@pytest.mark.parametrize("branches", ["O", "O+D", "O+C", "D+C", "O+D+C"])
def test_every_logit_is_the_sum_over_its_cells(small_network: Callable[..., S3N], form: str, branches: str) -> None:
    network = small_network(form=form, branches=branches).eval()
    look = network.look(torch.randn(3, 3, 64, 64))
    output = network.finish(look, trace=True)
    heads = ({} if output.joint is None else {"joint": output.joint}) | output.branches()
    for head, logits in heads.items():
        found = contributions(network, look, 2, output=output, head=head)
        assert tuple(found.values) == (network.config.joined if head == "joint" else (head,))
        assert all(values.dtype == torch.float32 for values in found.values.values())
        assert_sums(found, logits[:, 2])
        assert_sums(contributions(network, look, 2, 4, output=output, head=head), logits[:, 2] - logits[:, 4])
        each = torch.tensor([0, 5, 1])
        margins = contributions(network, look, each, torch.tensor([1, 1, 0]), output=output, head=head)
        assert_sums(
            margins,
            torch.stack([logits[0, 0] - logits[0, 1], logits[1, 5] - logits[1, 1], logits[2, 1] - logits[2, 0]]),
        )
        # Against all others: the mean of their logits is subtracted, also beside a single class.
        others = (logits.sum(dim=1) - logits[:, 2]) / (logits.shape[1] - 1)
        assert_sums(contributions(network, look, 2, OTHERS, output=output, head=head), logits[:, 2] - others)
        mixed = contributions(
            network, look, torch.tensor([2, 2, 2]), torch.tensor([OTHERS, 1, 0]), output=output, head=head
        )
        subtracted = torch.stack([others[0], logits[1, 1], logits[2, 0]])
        assert_sums(mixed, logits[:, 2] - subtracted)
    answer = contributions(network, look, 2)
    assert answer.head == ("O" if branches == "O" else "joint")
    assert_sums(answer, output.prediction[:, 2])


def test_no_second_pass_where_there_is_one(small_network: Callable[..., S3N], monkeypatch: pytest.MonkeyPatch) -> None:
    network = small_network().eval()
    look = network.look(torch.randn(2, 3, 64, 64))
    output = network.finish(look, trace=True)
    monkeypatch.setattr(S3N, "features", None)
    assert_sums(contributions(network, look, 1, output=output), output.prediction[:, 1])
    assert_sums(contributions(network, look, 1, head="O"), look.original[:, 1])
    with pytest.raises(ValueError, match="trace"):
        contributions(network, look, 1, output=replace(output, trace=None))


@pytest.mark.parametrize("folded", [False, True])
@pytest.mark.parametrize("dtype", [None, torch.bfloat16])
def test_they_come_from_the_features_of_the_pass(
    small_network: Callable[..., S3N], folded: bool, dtype: torch.dtype | None
) -> None:
    network = small_network(form="release").eval()
    network.backbone.layers[1].running_var.fill_(3.0)  # type: ignore[index, union-attr, operator]
    if folded:
        fold_batch_norm(network)
    with torch.no_grad():
        for head in network.heads.values():
            head.classifier.weight.mul_(100)
        with torch.autocast("cpu", dtype=dtype or torch.bfloat16, enabled=dtype is not None):
            look = network.look(torch.randn(2, 3, 64, 64))
            output = network.finish(look, trace=True)
            assert output.trace is not None
            assert output.trace.pooled_maps["D"].dtype == dtype or dtype is None
            for head, logits in {"joint": output.joint, **output.branches()}.items():
                assert logits is not None
                assert_sums(contributions(network, look, 3, 0, output=output, head=head), logits[:, 3] - logits[:, 0])


def test_a_mean_has_no_contributions_of_its_own(small_network: Callable[..., S3N]) -> None:
    network = small_network(branches="O+D").eval()
    look = network.look(torch.randn(1, 3, 64, 64))
    for head in ("mean", "mean over views"):
        with pytest.raises(NoSingleHead, match="joint or O or D") as caught:
            contributions(network, look, 0, head=head)
        assert caught.value.code == "no_single_head"
    with pytest.raises(ValueError, match="no head 'C'; choose one of joint, O, D"):
        contributions(network, look, 0, head="C")


def test_grad_cam_of_the_joint_logit_is_the_positive_part_of_branch_o(small_network: Callable[..., S3N]) -> None:
    network = small_network().eval()
    look = network.look(torch.randn(2, 3, 64, 64))
    features = look.features.detach().requires_grad_()
    pooled, original = network.head("O")(features)
    look = replace(look, features=features, pooled=pooled, original=original)
    output = network.finish(look, trace=True)
    assert output.joint is not None
    (gradient,) = torch.autograd.grad(output.joint[:, 3].sum(), features)
    grad_cam = torch.einsum("bd,bdhw->bhw", gradient.mean(dim=(2, 3)), features).clamp(min=0)
    positive = contributions(network, look, 3, output=output).values["O"].clamp(min=0)
    assert positive.amax() > 0
    torch.testing.assert_close(positive / positive.amax(), grad_cam / grad_cam.amax(), rtol=1e-4, atol=1e-6)


# Places


def focused(module: nn.Module) -> None:
    """Make every layer an average over its window that weighs the middle most: a cell sees most of its own place."""
    for name, child in module.named_children():
        if isinstance(child, _SHAPELESS):
            setattr(module, name, nn.Identity())
        elif isinstance(child, nn.MaxPool2d):
            setattr(module, name, nn.AvgPool2d(child.kernel_size, child.stride, child.padding))
        else:
            focused(child)
    if isinstance(module, nn.Conv2d | nn.Linear):
        weight = torch.ones_like(module.weight)
        if isinstance(module, nn.Conv2d):
            line = torch.tensor([math.comb(module.kernel_size[0] - 1, tap) for tap in range(module.kernel_size[0])])
            weight *= line[:, None] * line if len(line) % 2 else 1.0
        with torch.no_grad():
            module.weight.copy_(weight / weight[0].sum())
            if module.bias is not None:
                module.bias.zero_()


def strong_samples(network: S3N, batch: int) -> Samples:
    """Enlarge one place in D and another, in a corner, in C: the same in all images."""
    cells = network.config.map_size
    weight_d, weight_c = torch.zeros(2, batch, cells, cells).unbind()
    weight_d[:, cells // 3, cells // 2] = 1
    weight_c[:, cells - 1, 0] = 1
    return network.sampler.sample(torch.full((batch, cells, cells), 0.9), weight_d, weight_c)


# Backbone, last stride, form, sides of the input of D and C (and of O, where it differs), and of the source.
BACKBONES = [
    ("resnet18", 2, "paper", 160, 160),
    ("resnet18", 1, "paper", 96, 96),
    ("resnet18", 2, "release", 160, 160),
    ("resnet18", 2, "paper", 160, 320),
    ("resnet18", 2, "paper", (160, 320), 320),
    ("resnet50", 2, "paper", 160, 160),
    ("mobilenet_v2", 2, "paper", 160, 160),
    ("mobilenet_v2", 1, "paper", 160, 160),
    ("mobilenet_v3_large", 2, "paper", 160, 160),
    ("vgg16", 2, "paper", 160, 160),
    ("vgg16", 1, "paper", 96, 96),
    ("convnext_tiny", 2, "paper", 160, 160),
]


@pytest.mark.parametrize(("backbone", "last_stride", "form", "side", "source"), BACKBONES)
def test_a_bright_dot_changes_the_cell_at_its_place(
    backbone: str,
    last_stride: int,
    form: str,
    side: int | tuple[int, int],
    source: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A dot in the source moves the strongest change of O, D and C to itself, whatever the branch sees of it."""
    for name in ("kaiming_normal_", "kaiming_uniform_", "normal_", "uniform_", "trunc_normal_"):  # overwritten below
        monkeypatch.setattr(nn.init, name, lambda tensor, *_args, **_keywords: tensor)
    network = S3N(
        NetworkConfig.model_validate(
            {
                "num_classes": 2,
                "backbone": backbone,
                "last_stride": last_stride,
                "form": form,
                "input_size": side if isinstance(side, int) else side[0],
                "look_size": None if isinstance(side, int) else side[1],
                "source_size": source,
            }
        )
    ).eval()
    focused(network)
    dots = [(0.33, 0.28), (0.47, 0.62)]  # (x, y), shares of the side
    images = torch.zeros(1 + len(dots), 3, source, source)
    radius = source // 40
    for image, dot in zip(images[1:], dots, strict=True):
        x, y = (round(share * source - 0.5) for share in dot)
        image[:, y - radius : y + radius + 1, x - radius : x + radius + 1] = 1
    with torch.no_grad():
        for layer in (network.joint, *(head.classifier for head in network.heads.values())):
            assert isinstance(layer, nn.Linear)
            layer.weight.copy_(torch.tensor([[1.0], [-1.0]]).expand_as(layer.weight))
        look, samples = network.look(images), strong_samples(network, len(images))
        warped = dict(zip("DC", network.resample(images, samples.grid_d, samples.grid_c), strict=True))
        output = network.classify(look, warped, sampled=(look.response, samples))
        found = contributions(network, look, 0, 1, output=output)
    assert output.joint is not None
    assert_sums(found, output.joint[:, 0] - output.joint[:, 1])
    for branch, values in found.values.items():
        places, corners = found.places[branch], found.corners[branch]
        for row, dot in enumerate(dots, 1):
            change = (values[row] - values[0]).abs()
            y, x = divmod(int(change.argmax()), change.shape[1])
            where = torch.tensor([(round(share * source - 0.5) / (source - 1)) * 2 - 1 for share in dot])
            around = corners[row, y : y + 2, x : x + 2].reshape(-1, 2)
            slack = 0.1 * (around.amax(dim=0) - around.amin(dim=0))
            assert torch.all(where >= around.amin(dim=0) - slack), (branch, dot, places[row, y, x], around)
            assert torch.all(where <= around.amax(dim=0) + slack), (branch, dot, places[row, y, x], around)


def test_cells_meet_between_their_places_and_cover_everything(small_network: Callable[..., S3N]) -> None:
    network = small_network(form="release").eval()  # 8 x 8 features; the buffer makes 4 x 4 of every second one
    found = contributions(network, network.look(torch.randn(1, 3, 64, 64)), 0)
    pixels = {branch: (places[0] + 1) / 2 * 63 for branch, places in found.places.items()}
    torch.testing.assert_close(pixels["O"][0, :, 0], torch.arange(0.0, 64.0, 8.0))
    corners = (found.corners["O"][0, 0, :, 0] + 1) / 2 * 63
    torch.testing.assert_close(corners, torch.tensor([-0.5, *range(4, 60, 8), 63.5]))
    identity = contributions(
        network,
        look := network.look(torch.randn(1, 3, 64, 64)),
        0,
        output=network.finish(look, sampling="identity", trace=True),
    )
    for branch in ("D", "C"):
        torch.testing.assert_close((identity.places[branch][0, 0, :, 0] + 1) / 2 * 63, torch.arange(0.0, 64.0, 16.0))
        torch.testing.assert_close(identity.corners[branch][0, 0, 0], torch.tensor([-1.0, -1.0]))
        torch.testing.assert_close(identity.corners[branch][0, -1, -1], torch.tensor([1.0, 1.0]))
