"""Five training steps compared with stored losses, in float64 and without torch's randomness."""

import math
from collections.abc import Callable

import pytest
import torch

from s3n_core.method.network import S3N
from s3n_core.method.objective import objective

STORED = {
    "paper random": (7.721025467, 7.565649033, 7.418780804, 7.290710926, 7.186171532),
    "paper expected": (7.728367805, 7.523086548, 7.438992500, 7.351572514, 7.254611492),
    "release all": (8.089542389, 7.915848732, 7.565433502, 7.541672707, 7.314812660),
}


def _set_by_formula(network: S3N) -> None:
    """Set every weight by a formula, independent of random generators."""
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
