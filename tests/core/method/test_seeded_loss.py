"""A refactor must not change the loss: five training steps against stored numbers, in float64 and without torch's randomness."""

import math
from collections.abc import Callable

import pytest
import torch

from s3n_core.method.network import S3N
from s3n_core.method.objective import objective

STORED = {
    "paper random": (7.755687237, 7.638289928, 7.171112061, 7.218376160, 7.064976692),
    "paper expected": (7.666250229, 7.531747818, 7.384491444, 7.325291157, 7.220993519),
    "release all": (8.089542389, 7.915848732, 7.565433502, 7.541672707, 7.314812660),
}


def _set_by_formula(network: S3N) -> None:
    """Give every weight a value that no random generator has a say in."""
    with torch.no_grad():
        for number, (name, parameter) in enumerate(network.named_parameters()):
            if name.endswith("bias"):
                parameter.zero_()
            elif parameter.dim() >= 2 and parameter.shape != (61, 61):
                count = torch.arange(parameter.numel(), dtype=torch.float64)
                wave = torch.sin(count * 12.9898 + number * 78.233) * math.sqrt(2 / parameter[0].numel())
                parameter.copy_(wave.view_as(parameter))


def _losses(network: S3N, mode: str) -> list[float]:
    _set_by_formula(network.double())
    place = torch.arange(48, dtype=torch.float64) / 8
    images = torch.stack(
        [
            torch.sin(place[:, None] * (1 + image) + channel) * torch.cos(place * (2 - 0.4 * image))
            for image in range(4)
            for channel in range(3)
        ]
    ).view(4, 3, 48, 48)
    draws = (torch.sin(torch.arange(4 * 15 * 15, dtype=torch.float64) * 3.7) * 43758.5453 % 1).view(4, 15, 15)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.02, momentum=0.9)
    losses = []
    for _ in range(5):
        total = objective(network(images, sampling=mode, draws=draws), torch.arange(4), smoothing=0.15).total
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        losses.append(float(total.detach()))
    return losses


@pytest.mark.parametrize(("form", "mode"), [("paper", "random"), ("paper", "expected"), ("release", "all")])
def test_five_steps_give_the_stored_losses(small_network: Callable[..., S3N], form: str, mode: str) -> None:
    losses = _losses(small_network(form=form, input_size=48, source_size=48), mode)
    assert losses == pytest.approx(STORED[f"{form} {mode}"], rel=1e-5)
    assert losses[-1] < losses[0]
