import dataclasses

import pytest
import torch
from torch import Tensor

from s3n_core.models.devices import autocast
from s3n_core.models.network_outputs import BatchOutput, run_network
from s3n_core.models.opening import Model, open_model


def run(model: Model, precision: str, *, stop_below: float | None = None) -> tuple[BatchOutput, list[torch.dtype]]:
    """Return the output for four images, and the type of each pass's features."""
    images = torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(3))
    types: list[torch.dtype] = []

    def note(_: object, __: object, features: Tensor) -> None:
        types.append(features.dtype)

    hook = model.network.backbone.register_forward_hook(note)
    try:
        with torch.inference_mode(), autocast("cpu", precision):
            return run_network(model.network, images, sampling="expected", stop_below=stop_below), types
    finally:
        hook.remove()


def test_o_is_that_of_float32_to_the_last_bit_and_d_and_c_are_bfloat16(model: Model) -> None:
    exact, exact_types = run(model, "float32")
    mixed, types = run(model, "float32+bfloat16")
    assert exact_types == [torch.float32] * 3
    assert types == [torch.float32, torch.bfloat16, torch.bfloat16]
    for name in ("entropy", "sure", "peaks", "peak_map", "response", "weight_d", "weight_c"):
        assert torch.equal(getattr(mixed, name), getattr(exact, name)), name
    assert torch.equal(mixed.output.original, exact.output.original)
    assert mixed.output.discriminative is not None
    assert exact.output.discriminative is not None
    assert not torch.equal(mixed.output.discriminative, exact.output.discriminative)
    torch.testing.assert_close(mixed.output.discriminative, exact.output.discriminative, atol=0.2, rtol=0.1)


def test_images_that_stop_after_o_are_those_of_float32(model: Model) -> None:
    whole, _ = run(model, "float32")
    threshold = float(whole.entropy.median())
    exact, _ = run(model, "float32", stop_below=threshold)
    mixed, _ = run(model, "float32+bfloat16", stop_below=threshold)
    assert exact.stopped is not None
    assert mixed.stopped is not None
    assert torch.equal(mixed.stopped, exact.stopped)


def test_the_precision_ends_with_its_block(model: Model) -> None:
    run(model, "float32+bfloat16")
    assert run(model, "bfloat16")[1] == [torch.bfloat16] * 3
    assert not torch.is_autocast_enabled("cpu")


@pytest.mark.parametrize("precision", ["float32+bfloat16", "bfloat16"])
def test_a_model_is_opened_in_the_precision_that_is_named(model: Model, precision: str) -> None:
    opened = open_model(model.path, device="cpu", precision=precision)
    assert opened.precision == precision
    assert dataclasses.replace(opened, precision="float32").digest == model.digest
