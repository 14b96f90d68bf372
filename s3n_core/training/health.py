"""The health report: figures that show in the first epoch what would otherwise be found after the last (METHOD.md, last section).

A few small sums stay on the device from batch to batch and are read once, at the epoch's end. Their state is exact through
JSON, so an epoch that was interrupted ends with the same report as one that was not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from s3n_core.inspection.geometry import NO_AREA, inner_squares, magnification, source_areas
from s3n_core.method.network import S3N, S3NOutput, SamplingTrace
from s3n_core.training.health_warnings import HealthWarning as HealthWarning
from s3n_core.training.health_warnings import health_warnings as health_warnings

Sums = dict[str, Tensor]


class HealthTally:
    """Sums of one epoch, or of one pass over a part of the data.

    Example:
        tally = HealthTally()
        for images, labels in batches:
            tally.add(network(images, trace=True), labels)
        values = tally.values() | radius_values(network)
        warnings = health_warnings(values, num_classes)
    """

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._names: dict[str, tuple[str, ...]] = {}

    def add(self, output: S3NOutput, labels: Tensor | None = None) -> None:
        """Count a batch; nothing is read back from the device.

        Args:
            output: The network's answers, with their trace where the warps are to be reported as well.
            labels: True classes, shape (B,), for the accuracies.
        """
        with torch.no_grad():
            answers = {name: logits.argmax(dim=1) for name, logits in _logits(output).items()}
            if len(answers) > 1:
                self._accumulate("agreement", _agreement(answers))
            if labels is not None:
                right = {f"accuracy_{name}": answer == labels for name, answer in answers.items()}
                self._accumulate("accuracy", _sums(right))
            if output.trace is not None:
                self._accumulate("trace", _trace(output.trace))

    def values(self) -> dict[str, float]:
        """Return the figures, reading the device once a group; empty before the first batch.

        Shares lie in [0, 1]. ``sure_share``: images under the top-1 rule of Eq. 3. ``entropy``: mean H in nats.
        ``peaks``: peaks an image. ``without_peaks_share``, ``empty_d_share``, ``empty_c_share``: images without any peak, or
        without one in the set. ``clamped_d_share``: grid squares pushed onto the border. ``magnification_d``: area ratio of an
        image's most magnified place, mean over images. ``magnification_d_mean``: the ratio averaged over the warped image.
        ``agreement_O`` ...: images where the branch gives the joint answer; ``agreement``: where all do.
        ``accuracy_joint`` ...: with labels. ``images``: how many were traced.
        """
        values: dict[str, float] = {}
        for group, sums in self._state_of_groups().items():
            count = sums["images"]
            values |= {name: total / count for name, total in sums.items() if name != "images" and count}
            if group == "trace":
                values["images"] = count
        return values

    def state(self) -> dict[str, Any]:
        """Return the sums as values that JSON holds exactly."""
        return self._state_of_groups()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state` returned, in place of what was counted here.

        Raises:
            ValueError: If it is not such a state.
        """
        try:
            groups = {str(group): {str(n): float(v) for n, v in sums.items()} for group, sums in state.items()}
        except (AttributeError, TypeError, ValueError) as error:
            raise ValueError(f"not the state of a health report: {error}") from error
        if any("images" not in sums for sums in groups.values()):
            raise ValueError("not the state of a health report: it does not say how many images it counts")
        self._names = {group: tuple(sums) for group, sums in groups.items()}
        self._sums = {group: torch.tensor(list(sums.values()), dtype=torch.float64) for group, sums in groups.items()}

    def _accumulate(self, group: str, sums: Sums) -> None:
        names = tuple(sums)
        # One tensor a group: one addition a batch. MPS has no float64, and counts of one epoch fit into float32.
        batch = torch.stack([value.to(_sum_dtype(value)) for value in sums.values()])
        held = self._sums.get(group)
        if held is None:
            self._names[group], self._sums[group] = names, batch
        elif self._names[group] != names:
            raise ValueError("a health report counts the outputs of one network")
        else:
            self._sums[group] = held.to(batch.device, batch.dtype) + batch

    def _state_of_groups(self) -> dict[str, dict[str, float]]:
        return {group: dict(zip(self._names[group], sums.tolist(), strict=True)) for group, sums in self._sums.items()}


def radius_values(network: S3N) -> dict[str, float]:
    """Return what the radii are: beta_1 and beta_2 in cells, and the radii's change relative to their configured start.

    Reads the device once. Keys: ``beta_d``, ``beta_c``, ``radius_d``, ``radius_c``, ``radius_d_drift``, ``radius_c_drift``.
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


def _logits(output: S3NOutput) -> dict[str, Tensor]:
    joint = {} if output.joint is None else {"joint": output.joint}
    return joint | output.branches()


def _agreement(answers: Mapping[str, Tensor]) -> Sums:
    same = {f"agreement_{name}": answer == answers["joint"] for name, answer in answers.items() if name != "joint"}
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
    """Return the share of cells that the clamp to [-1, 1] has pushed onto the border from outside it, shape (B,).

    The outermost ring of cells may lie on the border rightly, so what is counted are grid squares without area.
    """
    return (source_areas(grid) <= NO_AREA).float().mean(dim=(1, 2))


def _magnification(grid: Tensor) -> tuple[Tensor, Tensor]:
    """Largest and mean magnification of the inner squares of grids (B, H, W, 2), shape (B,) each; 1 where there is none."""
    ratio = magnification(grid)
    inside = inner_squares(grid) & torch.isfinite(ratio)
    ratio = torch.where(inside, ratio, 0.0)
    number = inside.sum(dim=(1, 2))
    mean = ratio.sum(dim=(1, 2)) / number.clamp(min=1)
    return torch.where(number > 0, ratio.amax(dim=(1, 2)), 1.0), torch.where(number > 0, mean, 1.0)


def _sums(each: Mapping[str, Tensor]) -> Sums:
    """Sum values an image (B,) over the batch, and count the images."""
    first = next(iter(each.values()))
    dtype = _sum_dtype(first)
    images = torch.full((), len(first), dtype=dtype, device=first.device)
    return {"images": images} | {name: value.to(dtype).sum() for name, value in each.items()}


def _sum_dtype(tensor: Tensor) -> torch.dtype:
    return torch.float32 if tensor.device.type == "mps" else torch.float64
