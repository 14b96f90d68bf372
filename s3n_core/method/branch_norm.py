"""BatchNorm with separate running statistics per branch (METHOD.md, "BatchNorm"), since D and C see warped images."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

BRANCHES = ("O", "D", "C")

AnyBatchNorm = _BatchNorm
"""BatchNorm of maps or of tokens; torch has no public name for it."""


class BranchBatchNorm(AnyBatchNorm):
    """A BatchNorm with shared affine parameters and running statistics per branch; `branch` selects them.

    Args:
        source: The layer whose parameters and statistics it begins with.
    """

    def __init__(self, source: AnyBatchNorm) -> None:
        super().__init__(source.num_features, eps=source.eps, momentum=source.momentum)
        self.load_state_dict(source.state_dict())
        assert source.running_mean is not None
        assert source.running_var is not None
        for branch in BRANCHES[1:]:
            self.register_buffer(f"mean_{branch}", source.running_mean.clone())
            self.register_buffer(f"var_{branch}", source.running_var.clone())
            self.register_buffer(f"batches_{branch}", torch.tensor(0))
        self.branch = "O"

    def forward(self, input: Tensor) -> Tensor:
        """Normalise (B, C) or (B, C, ...) with the statistics of the current branch."""
        if self.branch == "O":
            return super().forward(input)
        mean, variance = self.get_buffer(f"mean_{self.branch}"), self.get_buffer(f"var_{self.branch}")
        momentum = 0.0 if self.momentum is None else self.momentum
        if self.training:
            batches = self.get_buffer(f"batches_{self.branch}").add_(1)
            if self.momentum is None:  # cumulative mean over all batches, used when statistics are recalibrated
                momentum = 1.0 / float(batches)
        return F.batch_norm(input, mean, variance, self.weight, self.bias, self.training, momentum, self.eps)

    def reset_running_stats(self) -> None:
        """Reset the statistics of all branches."""
        super().reset_running_stats()
        for branch in BRANCHES[1:]:
            if hasattr(self, f"mean_{branch}"):  # false while the layer is made
                self.get_buffer(f"mean_{branch}").zero_()
                self.get_buffer(f"var_{branch}").fill_(1)
                self.get_buffer(f"batches_{branch}").zero_()


class BranchBatchNorm1d(BranchBatchNorm, nn.BatchNorm1d):
    """The same for (B, C) or (B, C, L), as tokens have."""


class BranchBatchNorm2d(BranchBatchNorm, nn.BatchNorm2d):
    """The same for (B, C, h, w)."""

    def of_branch(self, branch: str) -> nn.BatchNorm2d:
        """Return a plain BatchNorm2d with the statistics of ``branch``, in evaluation mode."""
        plain = nn.BatchNorm2d(self.num_features, eps=self.eps).to(self.weight).eval()
        plain.weight, plain.bias = self.weight, self.bias
        mean, variance = ("running_mean", "running_var") if branch == "O" else (f"mean_{branch}", f"var_{branch}")
        plain.running_mean, plain.running_var = self.get_buffer(mean), self.get_buffer(variance)
        return plain


class BranchLayer(nn.Module):
    """One layer per branch: what a convolution becomes when a BranchBatchNorm2d is folded into it."""

    def __init__(self, layers: dict[str, nn.Module]) -> None:
        super().__init__()
        self.layers = nn.ModuleDict(layers)
        self.branch = "O"

    def forward(self, input: Tensor) -> Tensor:
        """Apply the current branch's layer to (B, C, h, w)."""
        result: Tensor = self.layers[self.branch](input)
        return result


def separate_statistics(module: nn.Module) -> None:
    """Replace every BatchNorm inside ``module`` with one per branch that starts from the same statistics."""
    for name, child in module.named_children():
        if type(child) is nn.BatchNorm2d:
            setattr(module, name, BranchBatchNorm2d(child))
        elif type(child) is nn.BatchNorm1d:
            setattr(module, name, BranchBatchNorm1d(child))
        else:
            separate_statistics(child)


@contextmanager
def statistics_of(module: nn.Module, branch: str) -> Iterator[None]:
    """Make the layers inside ``module`` use the statistics of ``branch``; no effect where they are shared."""
    layers = [layer for layer in module.modules() if isinstance(layer, BranchBatchNorm | BranchLayer)]
    for layer in layers:
        layer.branch = branch
    try:
        yield
    finally:
        for layer in layers:
            layer.branch = "O"
