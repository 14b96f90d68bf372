"""Training metrics of a batch: losses, accuracies, and the health report (METHOD.md, last section).

The health report reveals problems in the first epoch instead of after the last; `health_warnings` judges it. Everything
is summed on the device; `RunningMean` converts the sums to means.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from s3n_core.inspection.geometry import NO_AREA, inner_squares, magnification, source_areas
from s3n_core.method.network import S3N, S3NOutput, SamplingTrace
from s3n_core.method.objective import Losses

Sums = dict[str, Tensor]


def loss_sums(output: S3NOutput, losses: Losses, labels: Tensor) -> Sums:
    """Sum losses and correct predictions over a batch.

    Args:
        output: The network's output.
        losses: Mean losses of the batch.
        labels: True classes, shape (B,).

    Returns:
        ``loss``, ``loss_joint``, ``loss_O`` ..., and the numbers of correct predictions, ``accuracy_joint``,
        ``accuracy_O`` ...
    """
    terms = {"loss": losses.total, **{f"loss_{name}": part for name, part in losses.parts.items()}}
    hits = {
        f"accuracy_{name}": (logits.detach().argmax(dim=1) == labels).sum()
        for name, logits in output.reported().items()
    }
    return {name: term.detach() * len(labels) for name, term in terms.items()} | hits


def health_sums(output: S3NOutput) -> Sums:
    """Sum the health report over a batch; empty for a network with branch O only.

    Divided by B, shares are in [0, 1]. ``sure_share``: images under the top-1 rule of Eq. 3. ``entropy``: H in nats.
    ``peaks``: peaks per image. ``without_peaks_share``, ``empty_d_share``, ``empty_c_share``: images without any peak,
    or without one in the set. ``clamped_d_share``: grid squares clamped to the border. ``magnification_d``: largest
    magnification in an image, as an area ratio. ``magnification_d_mean``: mean magnification of the warped image.
    ``agreement_O`` ...: images whose branch prediction equals the joint one; ``agreement``: images where all do.

    Args:
        output: The network's output; peaks and warps are reported only if it has a trace.
    """
    with torch.no_grad():
        sums: Sums = {}
        if output.joint is not None:
            sums |= _agreement(output)
        if output.trace is not None:
            sums |= _trace(output.trace)
        return sums


def radius_values(network: S3N) -> dict[str, float]:
    """Return beta_1 and beta_2 in cells, the radii, and their relative change from the configured initial values.

    Synchronises with the device once. Keys: ``beta_d``, ``beta_c``, ``radius_d``, ``radius_c``,
    ``radius_d_drift``, ``radius_c_drift``.
    """
    sampler, config = network.sampler, network.config
    with torch.no_grad():
        stacked = torch.stack([sampler.radius_d, sampler.radius_c, sampler.beta_d, sampler.beta_c])
    radius_d, radius_c, beta_d, beta_c = stacked.double().cpu().tolist()
    return {
        "beta_d": beta_d,
        "beta_c": beta_c,
        "radius_d": radius_d,
        "radius_c": radius_c,
        "radius_d_drift": radius_d / config.radius_d - 1,
        "radius_c_drift": radius_c / config.radius_c - 1,
    }


def _agreement(output: S3NOutput) -> Sums:
    joint = output.prediction.argmax(dim=1)
    same = {f"agreement_{name}": logits.argmax(dim=1) == joint for name, logits in output.branches().items()}
    return _sums(same | {"agreement": torch.stack(list(same.values())).all(dim=0)})


def _trace(trace: SamplingTrace) -> Sums:
    response, samples = trace.response, trace.samples
    count = response.peaks.sum(dim=(1, 2))
    each: dict[str, Tensor] = {
        "sure_share": response.sure,
        "entropy": response.entropy.detach(),
        "peaks": count,
        "without_peaks_share": count == 0,
    }
    sets = (("d", samples.weight_d, samples.grid_d), ("c", samples.weight_c, samples.grid_c))
    for letter, weight, grid in sets:
        each[f"empty_{letter}_share"] = weight.detach().amax(dim=(1, 2)) <= 0
        each[f"clamped_{letter}_share"] = clamped_share(grid.detach())
        largest, mean = _magnification(grid.detach())
        each[f"magnification_{letter}"], each[f"magnification_{letter}_mean"] = largest, mean
    return _sums(each)


def clamped_share(grid: Tensor) -> Tensor:
    """Return the share of cells that the clamp to [-1, 1] has moved onto the border, shape (B,).

    Cells of the outermost ring may be on the border without being clamped, so grid squares without area are counted.
    """
    return (source_areas(grid) <= NO_AREA).float().mean(dim=(1, 2))


def _magnification(grid: Tensor) -> tuple[Tensor, Tensor]:
    """Return largest and mean magnification of the inner squares of grids (B, H, W, 2), shape (B,); 1 without any."""
    ratio = magnification(grid)
    inside = inner_squares(grid) & torch.isfinite(ratio)
    ratio = torch.where(inside, ratio, 0.0)
    number = inside.sum(dim=(1, 2))
    mean = ratio.sum(dim=(1, 2)) / number.clamp(min=1)
    return torch.where(number > 0, ratio.amax(dim=(1, 2)), 1.0), torch.where(number > 0, mean, 1.0)


def _sums(each: Mapping[str, Tensor]) -> Sums:
    """Sum per-image values (B,) over the batch."""
    return {name: value.to(_sum_dtype(value)).sum() for name, value in each.items()}


def _sum_dtype(tensor: Tensor) -> torch.dtype:
    return torch.float32 if tensor.device.type == "mps" else torch.float64
