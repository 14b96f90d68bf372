"""Attributions that a network gives for one image: contributions in several forms, the response map and Q_d."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from s3n_core.inspection.contribution_rows import Splat, splat_of
from s3n_core.inspection.geometry import ViewFrame, read_between
from s3n_core.inspection.inspector import Inspector
from s3n_core.inspection.placed_contributions import Contributions
from s3n_core.inspection.stages import Resampled, to_array
from s3n_core.method.alignment import grid_to_cell
from s3n_core.method.network import S3NOutput
from s3n_core.parts.truth.intervention_result import GRAD_CAM, PLACED, Q_D, RESPONSE, SIGNED, UNPLACED


class NetworkAttributions:
    """The attributions of one image, painted over the whole original.

    The weights of a class are those of its head less the mean over all classes, which changes no probability and no
    difference between classes, but makes each logit a statement about this class among the others.

    Attributes:
        names: The attributions that this network has, in the order of a table.
    """

    def __init__(self, inspector: Inspector, resampled: Resampled, output: S3NOutput) -> None:
        """Collect the attributions of a pass over a single image.

        Args:
            inspector: The model.
            resampled: The result of `Inspector.resample`.
            output: The result of `Inspector.classify` for it.
        """
        classes = range(len(inspector.model.classes))
        found = [inspector.contributions(resampled, output, index)[0] for index in classes]
        (unwarped,) = inspector.contributions(resampled, output, 0, warped=False)
        self._size = found[0].image_size
        self._branches = tuple(found[0].values)
        values = {branch: np.stack([of.values[branch] for of in found]).astype(np.float64) for branch in self._branches}
        self._values = {branch: of - of.mean(axis=0) for branch, of in values.items()}
        self._placed, self._unplaced = _share_of_cells(found[0]), _share_of_cells(unwarped)
        frame = resampled.found.prepared.frame(0)
        self._maps = {RESPONSE: _painted(to_array(resampled.response.response[0]), frame, self._size)}
        names = [GRAD_CAM, SIGNED] if "O" in self._branches else []
        if len(self._branches) > 1:
            names += [PLACED, UNPLACED]
            self._maps[Q_D] = _painted(to_array(resampled.samples.map_d[0]), frame, self._size)
        self.names = (*names, *self._maps)

    def picture(self, name: str, target: int) -> NDArray[np.float64]:
        """Return an attribution of a class, per pixel of the original, shape (height, width)."""
        if name in self._maps:
            return self._maps[name]
        if name == PLACED:
            return self._sum(self._placed, self._branches, target)
        if name == UNPLACED:
            return self._sum(self._unplaced, self._branches, target)
        signed = self._sum(self._placed, ("O",), target)
        return np.maximum(signed, 0) if name == GRAD_CAM else signed

    @property
    def cells(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The pixels (row-major) that the cells of the unwarped image cover, and the cell of each."""
        branch = self._branches[0]
        return self._unplaced.pixels[branch], self._unplaced.cells[branch]

    def _sum(self, share: Splat, branches: tuple[str, ...], target: int) -> NDArray[np.float64]:
        width, height = self._size
        flat = np.zeros(width * height)
        for branch in branches:
            of_cells = self._values[branch][target].reshape(-1)
            flat += np.bincount(
                share.pixels[branch], share.shares[branch] * of_cells[share.cells[branch]], width * height
            )
        return flat.reshape(height, width)


def _share_of_cells(found: Contributions) -> Splat:
    """Return which share of its cell's contribution each pixel of the original gets."""
    ones = {branch: np.ones_like(values) for branch, values in found.values.items()}
    return splat_of(ones, found.places, found.corners, found.image_size, found.image_size)


def _painted(values: NDArray[np.float32], frame: ViewFrame, size: tuple[int, int]) -> NDArray[np.float64]:
    """Return a map (h, w) over the whole original of (width, height) pixels: bilinear, 0 where the network sees nothing."""
    x, y = np.meshgrid(*(np.arange(0.5, side) for side in size))
    places = frame.from_original(np.stack([x, y], axis=-1).reshape(-1, 2)).clip(-1, 1)
    rows, columns = (grid_to_cell(places[:, axis], values.shape[1 - axis]) for axis in (1, 0))
    x0, y0, x1, y1 = frame.box
    shown = (x0 <= x) & (x <= x1) & (y0 <= y) & (y <= y1)
    picture: NDArray[np.float64] = read_between(values.astype(np.float64), rows, columns).reshape(x.shape) * shown
    return picture
