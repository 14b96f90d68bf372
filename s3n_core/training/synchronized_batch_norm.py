"""BatchNorm over the images of all processes, so that a team learns as one process with all these images would.

torch's own SyncBatchNorm exists for cards only, does not know the statistics a branch, and cannot leave out a member that has
no images in a micro-batch. This is the same calculation (means, then gradients of the means, summed over the members) on any
device, a little slower on a card than torch's fused one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from s3n_core.method.branch_norm import BranchBatchNorm2d
from s3n_core.method.network import S3N
from s3n_core.system.distributed import Team


@dataclass
class SharedStatistics:
    """What the BatchNorm layers of one network share.

    Attributes:
        team: The processes.
        learned: Whether there are such layers and they learn.
        silent: Whether this member's images are only there to keep step, and do not count.
    """

    team: Team
    learned: bool
    silent: bool = False


def share_statistics(network: S3N, team: Team) -> SharedStatistics:
    """Let the BatchNorm layers of a network take their statistics over all members, wherever they take them at all."""
    layers = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]
    shared = SharedStatistics(team, learned=bool(layers) and network.config.batch_norm != "frozen")
    for layer in layers if team.size > 1 else ():
        # The class alone changes: parameters, buffers and their names stay, and with them checkpoints and optimiser.
        layer.__class__ = _TeamBranchNorm if isinstance(layer, BranchBatchNorm2d) else _TeamNorm
        layer.shared_statistics = shared  # type: ignore[assignment]
    return shared


class _TeamNorm(nn.BatchNorm2d):
    """A BatchNorm2d whose batch is that of all members."""

    shared_statistics: SharedStatistics

    def forward(self, input: Tensor) -> Tensor:
        """Normalise (B, C, h, w)."""
        if not self.training:
            return super().forward(input)
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        return _normalise(self, input, self.running_mean, self.running_var, self.num_batches_tracked)


class _TeamBranchNorm(BranchBatchNorm2d):
    """The same with statistics a branch."""

    shared_statistics: SharedStatistics

    def forward(self, input: Tensor) -> Tensor:
        """Normalise (B, C, h, w) with the statistics of the branch at hand."""
        if not self.training:
            return super().forward(input)
        if self.branch == "O":
            return _TeamNorm.forward(self, input)  # type: ignore[arg-type]
        mean, variance, batches = (self.get_buffer(f"{name}_{self.branch}") for name in ("mean", "var", "batches"))
        return _normalise(self, input, mean, variance, batches)


def _normalise(
    layer: _TeamNorm | _TeamBranchNorm, input: Tensor, mean: Tensor, variance: Tensor, batches: Tensor
) -> Tensor:
    """Normalise with the statistics of the batch and move the running ones towards them."""
    output, batch_mean, batch_variance, count = _Normalise.apply(
        input, layer.weight, layer.bias, layer.eps, layer.shared_statistics
    )
    with torch.no_grad():
        batches.add_(1)
        factor = layer.momentum if layer.momentum is not None else 1.0 / float(batches)
        mean.lerp_(batch_mean, factor)
        variance.lerp_(batch_variance * (count / (count - 1)), factor)
    result: Tensor = output
    return result


class _Normalise(torch.autograd.Function):
    """(x - mean) / sqrt(variance + eps) * weight + bias, with mean and variance over all members."""

    @staticmethod
    def forward(
        ctx: Any, input: Tensor, weight: Tensor, bias: Tensor, eps: float, shared: SharedStatistics
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        x = _exact(input)
        own_mean = x.mean(dim=(0, 2, 3))
        own_variance = (x - _wide(own_mean)).square().mean(dim=(0, 2, 3))
        own_count = own_mean.new_full((1,), 0.0 if shared.silent else x.numel() / x.shape[1])
        every = _every(torch.cat([own_mean, own_variance, own_count]), shared.team)
        means, variances, counts = torch.split(every, [len(own_mean), len(own_mean), 1], dim=1)
        count = counts.sum()
        mean = (means * counts).sum(dim=0) / count
        # Variance within the members and between them: no difference of large numbers.
        variance = ((variances + (means - mean).square()) * counts).sum(dim=0) / count
        scale = (variance + eps).rsqrt()
        output = (x - _wide(mean)).mul_(_wide(scale * weight)).add_(_wide(bias)).to(input.dtype)
        ctx.save_for_backward(input, weight, mean, scale, count)
        ctx.shared = shared
        ctx.mark_non_differentiable(mean, variance, count)
        return output, mean, variance, count

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> tuple[Tensor, Tensor, Tensor, None, None]:
        input, weight, mean, scale, count = ctx.saved_tensors
        slope = _exact(gradients[0])
        normal = (_exact(input) - _wide(mean)).mul_(_wide(scale))
        by_bias, by_weight = slope.sum(dim=(0, 2, 3)), (slope * normal).sum(dim=(0, 2, 3))
        total = torch.stack([by_bias, by_weight])
        if ctx.shared.silent:
            total.zero_()
        ctx.shared.team.add([total])
        average = total / count
        if not ctx.shared.silent:  # else these images had no part in the statistics
            slope = slope - _wide(average[0]) - normal * _wide(average[1])
        slope = slope * _wide(scale * weight)
        return slope.to(input.dtype), by_weight, by_bias, None, None


def _exact(tensor: Tensor) -> Tensor:
    """Half precision is too coarse for statistics."""
    return tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor


def _wide(channels: Tensor) -> Tensor:
    return channels.reshape(1, -1, 1, 1)


def _every(own: Tensor, team: Team) -> Tensor:
    """Gather a vector of every member into a matrix, a row a member."""
    rows = own.new_zeros(team.size, len(own))
    rows[team.rank] = own
    team.add([rows])
    return rows
