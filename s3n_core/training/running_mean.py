"""Sums of losses and hits over an epoch, kept on the device and read only when somebody wants to know."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from s3n_core.method.network import S3NOutput
from s3n_core.method.objective import Losses


def sum_states(states: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Add up the states of several tallies: numbers by their name, groups of numbers each for itself."""
    total: dict[str, Any] = {}
    for state in states:
        for name, value in state.items():
            if isinstance(value, Mapping):
                total[name] = sum_states([total.get(name, {}), value])
            else:
                total[name] = total.get(name, 0.0) + value
    return total


class LossTally:
    """Adds up losses and hits; its values and its state are exact, so a resumed epoch ends as an uninterrupted one."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._restored: dict[str, float] = {}
        self.count = 0

    def add(self, output: S3NOutput, losses: Losses, labels: Tensor) -> None:
        """Add a batch: mean losses, weighted by its size, and hits of every answer that is reported."""
        size = len(labels)
        self.count += size
        terms = {"loss": losses.total, **{f"loss_{name}": part for name, part in losses.parts.items()}}
        for name, term in terms.items():
            self._add(name, term.detach() * size)
        for name, logits in output.reported().items():
            self._add(f"accuracy_{name}", (logits.detach().argmax(dim=1) == labels).sum())

    def values(self) -> dict[str, float]:
        """Return the means so far: `loss`, `loss_joint`, `loss_O` ..., `accuracy_joint`, `accuracy_O` ... in [0, 1]."""
        return {name: total / self.count for name, total in self._totals().items()} if self.count else {}

    def finite(self) -> bool:
        """Whether all losses so far are finite numbers."""
        return all(math.isfinite(total) for total in self._totals().values())

    def state(self) -> dict[str, float]:
        """Return what `restore` needs, as JSON holds it."""
        return {"count": float(self.count), **self._totals()}

    def restore(self, state: Mapping[str, float]) -> None:
        """Go on from a state."""
        self._restored = {name: value for name, value in state.items() if name != "count"}
        self._sums = {}
        self.count = int(state["count"])

    def _add(self, name: str, value: Tensor) -> None:
        # Apple's GPUs have no float64; its sums over an epoch are good enough for a curve.
        value = value.to(torch.float32 if value.device.type == "mps" else torch.float64)
        if name not in self._sums:
            self._sums[name] = torch.full_like(value, self._restored.pop(name, 0.0))
        self._sums[name] += value

    def _totals(self) -> dict[str, float]:
        if not self._sums:
            return dict(self._restored)
        totals = torch.stack(list(self._sums.values())).tolist()
        return {**self._restored, **dict(zip(self._sums, totals, strict=True))}
