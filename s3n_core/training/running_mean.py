"""Running means over images, summed on the device and read back only on request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from s3n_core.system.distributed import Team


class RunningMean:
    """Means of several metrics over the images so far.

    Its state survives JSON exactly, so an interrupted epoch ends with the same means as an uninterrupted one. A shallow
    copy is a snapshot: the sums are replaced, never changed in place.

    Example:
        mean = RunningMean()
        for images, labels in batches:
            output = network(images, trace=True)
            mean.add(health_sums(output), len(images))
        values = mean.values()

    Attributes:
        count: Number of images so far.
    """

    def __init__(self) -> None:
        self.count = 0
        self._names: tuple[str, ...] = ()
        self._sums = torch.zeros(0)

    def add(self, sums: Mapping[str, Tensor], count: int) -> None:
        """Add a batch without reading anything back from the device.

        Args:
            sums: Sum of each metric over the batch's images: scalars, with the same names in every call.
            count: Number of images in the batch.

        Raises:
            ValueError: If the names differ from those of the first call.
        """
        if not self.count:
            self._names = tuple(sums)
        elif self._names != tuple(sums) and set(self._names) != set(sums):
            raise ValueError(f"a running mean of {', '.join(self._names)} cannot take {', '.join(sums)}")
        # One addition per batch. Apple's GPUs have no float64; float32 sums are precise enough for curves.
        values = [sums[name].detach() for name in self._names]
        dtype = torch.float32 if values[0].device.type == "mps" else torch.float64
        batch = torch.stack([value.to(dtype) for value in values])
        self._sums = self._sums.to(batch.device, dtype) + batch if self.count else batch
        self.count += count

    def values(self) -> dict[str, float]:
        """Return the means by name, with a single read from the device; empty before the first image."""
        if not self.count:
            return {}
        return {name: total / self.count for name, total in zip(self._names, self._sums.tolist(), strict=True)}

    def state(self) -> dict[str, float]:
        """Return the state for `restore`: the sums by name and, as ``count``, the number of images."""
        return {"count": float(self.count), **dict(zip(self._names, self._sums.tolist(), strict=True))}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Replace all sums by a state from `state`.

        Raises:
            ValueError: If it is not such a state.
        """
        try:
            sums = {str(name): float(value) for name, value in state.items()}
            self.count = int(sums.pop("count"))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"not the state of a running mean: {error!r}") from error
        self._names = tuple(sums)
        self._sums = torch.tensor(list(sums.values()), dtype=torch.float64)

    def over(self, team: Team) -> RunningMean:
        """Return the means over the images of all processes (collective: all processes must call it together)."""
        total: dict[str, float] = {}
        for state in team.gather(self.state()):
            for name, value in state.items():
                total[name] = total.get(name, 0.0) + value
        mean = RunningMean()
        mean.restore(total)
        return mean
