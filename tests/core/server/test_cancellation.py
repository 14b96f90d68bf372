"""Cancellation of a forward pass that is no longer needed."""

import pytest
import torch
from torch import nn

from s3n_core.server.cancellation import Cancelled, given_up_when


def test_a_pass_is_given_up_between_two_layers():
    seen: list[int] = []

    class Layer(nn.Module):
        def forward(self, values: torch.Tensor) -> torch.Tensor:
            seen.append(len(seen))
            return values

    network = nn.Sequential(*(Layer() for _ in range(5)))
    with given_up_when(lambda: False):
        network(torch.zeros(1))
    assert len(seen) == 5
    with pytest.raises(Cancelled), given_up_when(lambda: len(seen) == 7):
        network(torch.zeros(1))
    assert len(seen) == 7
    network(torch.zeros(1))  # not checked outside the context
    assert len(seen) == 12
