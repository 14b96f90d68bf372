"""The layout of convolutions: channels last, except where oneDNN would write beyond its memory."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from s3n_core.models.devices import place

TRAINED = """
import torch
from torch import nn
from s3n_core.models.devices import place
torch.manual_seed(0)
layer = nn.Conv2d({channels}, 48, 1, 2, bias=False)
place(layer, "cpu")
for _ in range(40):
    images = torch.rand(5, {channels}, 112, 112).contiguous(memory_format=torch.channels_last)
    layer(images).square().mean().backward()
    others = [torch.rand(5, 56, 56, 2).abs().sum() for _ in range(50)]
print("alive")
"""


def seen_by(layer: nn.Conv2d) -> torch.Tensor:
    """Return what a placed layer is given for images in channels-last layout."""
    given = []
    place(layer, "cpu")
    layer.register_forward_hook(lambda layer, inputs, output: given.append(inputs[0]))
    layer(torch.rand(2, layer.in_channels, 8, 8).contiguous(memory_format=torch.channels_last))
    return given[0]


@pytest.mark.parametrize("channels", [3, 8])
def test_weights_of_a_narrow_strided_layer_can_learn(channels: int) -> None:
    """Without care the process dies here on processors with AVX-512, and FastViT, MobileOne and RepVGG cannot be trained."""
    done = subprocess.run(
        [sys.executable, "-c", TRAINED.format(channels=channels)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, "alive"), done.stderr[-500:]


def test_only_such_layers_are_contiguous() -> None:
    narrow = nn.Conv2d(3, 48, 1, 2)
    assert seen_by(narrow).is_contiguous()
    assert narrow.weight.stride() == (3, 1, 1, 1)
    for layer in (nn.Conv2d(3, 48, 3, 2), nn.Conv2d(3, 48, 1, 1), nn.Conv2d(64, 48, 1, 2)):
        assert seen_by(layer).is_contiguous(memory_format=torch.channels_last)
        assert layer.weight.is_contiguous(memory_format=torch.channels_last)


def test_the_layout_changes_no_number() -> None:
    torch.manual_seed(0)
    layer, images = nn.Conv2d(3, 8, 1, 2), torch.rand(2, 3, 9, 9)
    before = layer(images)
    before.square().sum().backward()
    assert layer.weight.grad is not None
    gradient, layer.weight.grad = layer.weight.grad.clone(), None
    place(layer, "cpu")
    after = layer(images.contiguous(memory_format=torch.channels_last))
    after.square().sum().backward()
    torch.testing.assert_close(after, before)
    torch.testing.assert_close(layer.weight.grad, gradient)
