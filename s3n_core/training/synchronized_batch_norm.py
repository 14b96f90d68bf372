"""BatchNorm with statistics over all processes, so that distributed training equals training in a single process.

torch's own SyncBatchNorm works on GPUs only, does not support separate statistics per branch, and cannot exclude a
process without images in a micro-batch. This is the same calculation (means, then gradients of the means, summed over
the processes) on any device, slightly slower on a GPU than torch's fused kernel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from s3n_core.method.branch_norm import (
    AnyBatchNorm,
    BranchBatchNorm,
    BranchBatchNorm1d,
    BranchBatchNorm2d,
)
from s3n_core.method.network import S3N
from s3n_core.system.distributed import Team


@dataclass
class SharedStatistics:
    """State shared by the BatchNorm layers of a network.

    Attributes:
        team: The processes that train together.
        learned: Whether the network has BatchNorm layers that are not frozen.
        silent: Whether this process's batch is a placeholder that must not count.
    """

    team: Team
    learned: bool
    silent: bool = False


def share_statistics(network: S3N, team: Team, *, frozen: bool = False) -> SharedStatistics:
    """Make the BatchNorm layers of a network compute their batch statistics over all processes.

    Args:
        network: The network.
        team: The processes that train together.
        frozen: Whether its backbone is frozen.
    """
    layers = [layer for layer in network.modules() if isinstance(layer, AnyBatchNorm)]
    kept = set(network.backbone.modules()) if frozen or network.config.batch_norm == "frozen" else set()
    shared = SharedStatistics(team, learned=any(layer not in kept for layer in layers))
    for layer in layers if team.size > 1 else ():
        # Only the class changes: parameters, buffers and their names stay valid for checkpoints and the optimiser.
        layer.__class__ = _team_class(layer)
        layer.shared_statistics = shared  # type: ignore[assignment]
    return shared


def _team_class(layer: AnyBatchNorm) -> type[AnyBatchNorm]:
    tokens = isinstance(layer, nn.BatchNorm1d)
    if isinstance(layer, BranchBatchNorm):
        return _TeamBranchNorm1d if tokens else _TeamBranchNorm2d
    return _TeamNorm1d if tokens else _TeamNorm2d


class _TeamNorm(AnyBatchNorm):
    """A BatchNorm with batch statistics over all processes."""

    shared_statistics: SharedStatistics

    def forward(self, input: Tensor) -> Tensor:
        """Normalise (B, C) or (B, C, ...)."""
        if not self.training:
            return super().forward(input)
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        return _normalise(self, input, self.running_mean, self.running_var, self.num_batches_tracked)


class _TeamBranchNorm(BranchBatchNorm):
    """The same with separate statistics per branch."""

    shared_statistics: SharedStatistics

    def forward(self, input: Tensor) -> Tensor:
        """Normalise (B, C) or (B, C, ...) with the statistics of the current branch."""
        if not self.training:
            return super().forward(input)
        if self.branch == "O":
            return _TeamNorm.forward(self, input)  # type: ignore[arg-type]
        mean, variance, batches = (self.get_buffer(f"{name}_{self.branch}") for name in ("mean", "var", "batches"))
        return _normalise(self, input, mean, variance, batches)


class _TeamNorm1d(_TeamNorm, nn.BatchNorm1d):
    pass


class _TeamNorm2d(_TeamNorm, nn.BatchNorm2d):
    pass


class _TeamBranchNorm1d(_TeamBranchNorm, BranchBatchNorm1d):
    pass


class _TeamBranchNorm2d(_TeamBranchNorm, BranchBatchNorm2d):
    pass


def _normalise(
    layer: _TeamNorm | _TeamBranchNorm, input: Tensor, mean: Tensor, variance: Tensor, batches: Tensor
) -> Tensor:
    """Normalise with the batch statistics and update the running ones."""
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
    """(x - mean) / sqrt(variance + eps) * weight + bias, with mean and variance over all processes."""

    @staticmethod
    def forward(
        ctx: Any, input: Tensor, weight: Tensor, bias: Tensor, eps: float, shared: SharedStatistics
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        x = _exact(input)
        others = _others(x)
        own_mean = x.mean(dim=others)
        own_variance = (x - _wide(own_mean, x)).square().mean(dim=others)
        own_count = own_mean.new_full((1,), 0.0 if shared.silent else x.numel() / x.shape[1])
        every = _every(torch.cat([own_mean, own_variance, own_count]), shared.team)
        means, variances, counts = torch.split(every, [len(own_mean), len(own_mean), 1], dim=1)
        count = counts.sum()
        mean = (means * counts).sum(dim=0) / count
        # The variance within plus between processes avoids the difference of large numbers.
        variance = ((variances + (means - mean).square()) * counts).sum(dim=0) / count
        scale = (variance + eps).rsqrt()
        output = (x - _wide(mean, x)).mul_(_wide(scale * weight, x)).add_(_wide(bias, x)).to(input.dtype)
        ctx.save_for_backward(input, weight, mean, scale, count)
        ctx.shared = shared
        ctx.mark_non_differentiable(mean, variance, count)
        return output, mean, variance, count

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> tuple[Tensor, Tensor, Tensor, None, None]:
        input, weight, mean, scale, count = ctx.saved_tensors
        slope = _exact(gradients[0])
        normal = (_exact(input) - _wide(mean, slope)).mul_(_wide(scale, slope))
        by_bias, by_weight = slope.sum(dim=_others(slope)), (slope * normal).sum(dim=_others(slope))
        total = torch.stack([by_bias, by_weight])
        if ctx.shared.silent:
            total.zero_()
        ctx.shared.team.add([total])
        average = total / count
        if not ctx.shared.silent:  # else this batch did not contribute to the statistics
            slope = slope - _wide(average[0], slope) - normal * _wide(average[1], slope)
        slope = slope * _wide(scale * weight, slope)
        return slope.to(input.dtype), by_weight, by_bias, None, None


def _exact(tensor: Tensor) -> Tensor:
    """Return half precision as float32: it is too coarse for statistics."""
    return tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor


def _others(values: Tensor) -> tuple[int, ...]:
    """Return all axes but the channels'."""
    return (0, *range(2, values.ndim))


def _wide(channels: Tensor, values: Tensor) -> Tensor:
    return channels.reshape(1, -1, *(1 for _ in range(2, values.ndim)))


def _every(own: Tensor, team: Team) -> Tensor:
    """Gather a vector from each process into a matrix, one row per process."""
    rows = own.new_zeros(team.size, len(own))
    rows[team.rank] = own
    team.add([rows])
    return rows
