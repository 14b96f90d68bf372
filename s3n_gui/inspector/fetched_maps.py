"""Class maps that an inspection did not bring and that were fetched after it, for one image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from s3n_core.inspection.inspection import Inspection


class FetchedMaps:
    """M of some classes, float32 (h, w), by the class's index."""

    def __init__(self) -> None:
        self._maps: dict[int, NDArray[np.float32]] = {}

    def __contains__(self, index: int) -> bool:
        return index in self._maps

    def take(self, index: int, values: NDArray[np.float32]) -> None:
        """Keep a map."""
        self._maps[index] = values

    def clear(self) -> None:
        """Forget all: another image or model is there."""
        self._maps.clear()

    def added_to(self, inspection: Inspection) -> Inspection:
        """Return an inspection with the maps that it lacks."""
        response = inspection.response
        shape = response.class_maps.shape[1:]
        missing = [
            index
            for index, values in self._maps.items()
            if index not in response.mapped_classes and values.shape == shape
        ]
        if not missing:
            return inspection
        maps = np.concatenate([response.class_maps, np.stack([self._maps[index] for index in missing])])
        mapped = (*response.mapped_classes, *missing)
        return replace(inspection, response=replace(response, class_maps=maps, mapped_classes=mapped))
