"""The device and the precision that are chosen, and a network that is placed on a device."""

import pytest
import torch
from torch import nn

from s3n_core.models.devices import choose_precision, place


@pytest.mark.parametrize("native", [True, False])
def test_bfloat16_is_not_chosen_where_it_is_only_emulated(monkeypatch: pytest.MonkeyPatch, native: bool) -> None:
    """Simulated: any CUDA card can hold a tensor of it, and so emulates it."""

    def supported(including_emulation: bool = True) -> bool:
        return native or including_emulation

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", supported)
    assert choose_precision("auto", "cuda") == ("bfloat16" if native else "float32")
    assert choose_precision("bfloat16", "cuda") == "bfloat16", "by name it is still to be had"
    assert choose_precision("auto", "cpu") == "float32"


def test_a_network_that_is_placed_again_makes_its_input_contiguous_once() -> None:
    layer = nn.Conv2d(3, 48, 1, 2)
    for _ in range(2):
        place(layer, "cpu")
    assert len(layer._forward_pre_hooks) == 1
    assert layer.weight.stride() == (3, 1, 1, 1)
