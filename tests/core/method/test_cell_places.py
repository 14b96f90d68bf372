"""The positions of a backbone's cells on its input, compared with the receptive fields of the real layers."""

import numpy as np
import pytest
import torch
from torch import nn
from torchvision.models.convnext import LayerNorm2d
from torchvision.ops import SqueezeExcitation

from s3n_core.method.alignment import feature_to_pixel
from s3n_core.method.backbones import build_backbone
from s3n_core.method.configuration import BackboneName, NetworkConfig
from s3n_core.method.network import S3N
from s3n_core.method.response_maps import resize_map

_SHAPELESS = (nn.BatchNorm2d, LayerNorm2d, nn.LayerNorm, nn.ReLU, nn.ReLU6, nn.GELU, nn.Hardswish, SqueezeExcitation)


def _averaging(module: nn.Module) -> None:
    """Make every layer an average over its window, so that a cell's gradient shows its receptive field."""
    for name, child in module.named_children():
        if isinstance(child, _SHAPELESS):
            setattr(module, name, nn.Identity())
        elif isinstance(child, nn.MaxPool2d):
            setattr(module, name, nn.AvgPool2d(child.kernel_size, child.stride, child.padding))
        else:
            _averaging(child)
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.constant_(module.weight, 1 / module.weight[0].numel())


@pytest.mark.parametrize(
    ("name", "last_stride"),
    [
        ("resnet18", 2),
        ("resnet18", 1),
        ("resnet50", 2),
        ("mobilenet_v2", 2),
        ("mobilenet_v2", 1),
        ("mobilenet_v3_large", 2),
        ("vgg16", 2),
        ("vgg16", 1),
        ("convnext_tiny", 2),
    ],
)
def test_cells_lie_where_the_layers_look(name: BackboneName, last_stride: int) -> None:
    backbone, _ = build_backbone(name, last_stride=last_stride)
    backbone.eval()
    _averaging(backbone)
    cells = 13 if last_stride == 2 else 21
    side = cells * backbone.stride
    image = torch.zeros(1, 3, side, side, requires_grad=True)
    cell = cells // 2
    backbone(image)[0, :, cell, cell].sum().backward()  # type: ignore[no-untyped-call]
    assert image.grad is not None
    share = image.grad[0].sum(dim=0).double()
    share /= share.sum()
    pixels = torch.arange(side, dtype=torch.float64)
    found = (float((share.sum(dim=1) * pixels).sum()), float((share.sum(dim=0) * pixels).sum()))
    first = (
        0.0 if NetworkConfig(num_classes=2, backbone=name).cell_alignment == "origins" else (backbone.stride - 1) / 2
    )
    assert found == pytest.approx((cell * backbone.stride + first,) * 2, abs=0.6)


@pytest.mark.parametrize(("align", "place"), [("origins", 3 / 7), ("centres", 3.5 / 7), ("corners", 3 / 6)])
def test_a_cell_is_read_at_its_place(align: str, place: float) -> None:
    maps = torch.zeros(1, 7, 7)
    maps[0, 3, 3] = 1
    read = resize_map(maps, 127, align=align)[0]  # type: ignore[arg-type]
    row, column = divmod(int(read.argmax()), 127)
    assert (row / 126, column / 126) == pytest.approx((place, place), abs=0.5 / 126)


@pytest.mark.parametrize("attention", ["sparse", "saliency"])
@pytest.mark.parametrize(("name", "size"), [("resnet18", 240), ("resnet18", 224), ("vgg16", 112), ("resnet18", 72)])
def test_r_is_read_where_the_cells_look_whatever_the_side(name: BackboneName, size: int, attention: str) -> None:
    """Where the stride does not divide the side, the last cell reaches over the border, or ends before it."""
    config = NetworkConfig(
        num_classes=2, backbone=name, input_size=size, source_size=size, map_size=127, attention=attention
    )
    network = S3N(config).eval()
    torch.nn.init.ones_(network.head("O").classifier.weight)
    cells = network.backbone(torch.zeros(1, 3, size, size)).shape[-1]
    assert cells == config.feature_cells
    for row in range(cells):
        column = cells - 1 - row
        features = torch.zeros(1, network.backbone.channels, cells, cells)
        features[:, :, row, column] = 1
        with torch.inference_mode():
            found = network.look(torch.zeros(1, 3, size, size), features=features).response.response[0].numpy()
        for cell, line in ((row, found.max(axis=1)), (column, found.max(axis=0))):
            highest = np.flatnonzero(line > line.max() - 1e-6)
            place = (
                (highest[-1] if cell == 0 else highest[0]) / 126 * (size - 1)
            )  # R is constant beyond the outer cells
            expected = feature_to_pixel(cell, 32, config.cell_alignment)
            assert place == pytest.approx(expected, abs=1 + size / 126)  # a cell of R, and the half pixels at the edges
