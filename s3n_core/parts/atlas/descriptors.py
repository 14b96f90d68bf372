"""Descriptors of places: what an image looks like there to the middle of the backbone, in branch O's pass."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from s3n_core.inspection.geometry import ViewFrame
from s3n_core.method.alignment import grid_to_share
from s3n_core.method.backbones import measured_stage
from s3n_core.method.cell_geometry import CellGeometry
from s3n_core.models.opening import Model


@dataclass(frozen=True, eq=False)
class StageMaps:
    """The middle stage's features of branch O for a batch, on the model's device.

    Attributes:
        values: Shape (B, D, h, w).
        side: Side of what the backbone sees in O, in pixels.
        geometry: Where the cells lie, in pixels of that.
    """

    values: Tensor
    side: int
    geometry: CellGeometry

    def at(self, row: int, frame: ViewFrame, places: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return the descriptors of places in one image, read between cells by linear interpolation.

        Args:
            row: The image.
            frame: Where the network's square lies in its original.
            places: (x, y) in original pixels, shape (n, 2).

        Returns:
            L2-normalised, shape (n, D).
        """
        stage = self.values[row].float()
        share = grid_to_share(torch.from_numpy(frame.from_original(places)).float(), frame.size)
        cell = (share * self.side - 0.5 - self.geometry.offset) / self.geometry.stride
        sides = torch.tensor([stage.shape[2], stage.shape[1]], dtype=torch.float32)
        grid = (cell / (sides - 1).clip(min=1) * 2 - 1).clip(-1, 1).to(stage.device)
        read = F.grid_sample(stage[None], grid[None, None], align_corners=True)[0, :, 0].T
        descriptors: NDArray[np.float32] = F.normalize(read, dim=1).cpu().numpy()
        return descriptors

    def cell_places(self, row: int, frame: ViewFrame) -> NDArray[np.float64]:
        """Return where the stage's cells are centred, (x, y) in original pixels, shape (h * w, 2), row-major."""
        height, width = self.values.shape[2:]
        x0, y0, x1, y1 = frame.box
        stride, offset = self.geometry.stride, self.geometry.offset
        x, y = ((np.arange(cells) * stride + offset + 0.5) / self.side for cells in (width, height))
        across, down = np.meshgrid(x0 + x * (x1 - x0), y0 + y * (y1 - y0))
        return np.stack([across, down], axis=-1).reshape(-1, 2)


class StageFeatures:
    """Keeps the middle stage's features of branch O while a model runs; a context manager.

    Args:
        model: The model.
    """

    def __init__(self, model: Model) -> None:
        self._config = model.network.config
        layers = model.network.backbone.layers
        self._stage = measured_stage(self._config.backbone, layers, self.side)
        self._layer = layers.get_submodule(self._stage.layer)
        self._first: Tensor | None = None
        self._hook: Any = None

    def forget(self) -> None:
        """Forget what was kept; call it before each batch."""
        self._first = None

    @property
    def maps(self) -> StageMaps:
        """The features of the last batch."""
        assert self._first is not None
        return StageMaps(self._first, self.side, self._stage.geometry)

    def at(self, row: int, frame: ViewFrame, places: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return the descriptors of places in one image of the last batch, as `StageMaps.at` does."""
        return self.maps.at(row, frame, places)

    def cell_places(self, row: int, frame: ViewFrame) -> NDArray[np.float64]:
        """Return the places of an image's cells in the last batch, as `StageMaps.cell_places` does."""
        return self.maps.cell_places(row, frame)

    def __enter__(self) -> Self:
        def keep(layer: object, inputs: object, output: Tensor) -> None:
            if self._first is None:  # O runs before D and C
                self._first = self._stage.map_of(output)

        self._hook = self._layer.register_forward_hook(keep)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hook.remove()
        self._first = None

    @property
    def stride(self) -> int:
        """Input pixels per cell of the stage."""
        return self._stage.geometry.stride

    @property
    def side(self) -> int:
        """Side of what the backbone sees in O, in pixels."""
        return min(self._config.original_size, self._config.source_size)
