"""The control with true places: a data set's key points as peaks of R, for measuring what better places would be worth.

Nothing else uses key points: with this control a network is told where to look, in training and when `s3n reproduce`
measures it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from s3n_core.datasets.loading import Batch
from s3n_core.datasets.records import ImageRecord, Part
from s3n_core.datasets.transforms import PixelBox, Preprocess, source_box
from s3n_core.errors import DataSetError
from s3n_core.method.alignment import grid_to_cell, share_to_grid
from s3n_core.method.configuration import NetworkChoices


class TruePlaces:
    """The key points of a data set's images, by image name.

    Args:
        records: The images.
        choices: The network; ``control_places`` names the key points to use (none: all).
        preprocess: The model's preprocessing.

    Raises:
        DataSetError: No image has such a key point.
    """

    def __init__(self, records: Iterable[ImageRecord], choices: NetworkChoices, preprocess: Preprocess) -> None:
        self._cells, self._preprocess = choices.map_size, preprocess
        self._named = frozenset(choices.control_places)
        self._parts = {record.name: self._of(record.parts) for record in records}
        if not any(self._parts.values()):
            raise DataSetError(
                "The control true_places needs images with key points"
                + (f" named {', '.join(sorted(self._named))}" if self._named else "")
                + ", and this data set has none; choose another control."
            )

    def peaks(self, names: Sequence[str], boxes: Sequence[tuple[PixelBox, bool]]) -> NDArray[np.bool_]:
        """Return the cells of R that hold a key point, shape (B, H, W); none for images of unknown names.

        Args:
            names: The images' names in the data set, length B.
            boxes: What each view shows: the region of the original, and whether the view is mirrored.
        """
        peaks = np.zeros((len(names), self._cells, self._cells), dtype=bool)
        for row, (name, ((x0, y0, x1, y1), mirrored)) in enumerate(zip(names, boxes, strict=True)):
            for part in self._parts.get(name, ()):
                across, down = (part.x - x0) / (x1 - x0), (part.y - y0) / (y1 - y0)
                if 0 <= across <= 1 and 0 <= down <= 1:
                    column = self._cell(1 - across if mirrored else across)
                    peaks[row, self._cell(down), column] = True
        return peaks

    def in_test_views(self, batch: Batch, *, mirrored: bool = False) -> NDArray[np.bool_]:
        """Return the same for a batch of test views, or of their mirror images."""
        boxes = [(source_box((width, height), self._preprocess), mirrored) for width, height in batch.sizes.tolist()]
        return self.peaks(batch.names, boxes)

    def _of(self, parts: Sequence[Part]) -> tuple[Part, ...]:
        return tuple(part for part in parts if not self._named or part.name in self._named)

    def _cell(self, share: float) -> int:
        cell = grid_to_cell(share_to_grid(share, self._preprocess.source_size), self._cells)
        return int(min(max(round(cell), 0), self._cells - 1))
