"""The pixels of each panel: the original, maps over it, and the branches' images."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from s3n_core.datasets.records import Annotation
from s3n_core.export.figures import tokens
from s3n_core.export.figures.panels import PanelName
from s3n_core.export.figures.placement import Placement
from s3n_core.inspection.contribution_view import ContributionView
from s3n_core.inspection.inspection import Inspection
from s3n_core.inspection.map_display import (
    RESPONSE_RANGE,
    ValueRange,
    coloured,
    contribution_range,
    overlaid,
    sampling_map_range,
)
from s3n_core.inspection.palettes import DIVERGING, DivergingName, PaletteName

_SURROUND = np.array([int(tokens.SURROUND[i : i + 2], 16) for i in (1, 3, 5)], dtype=np.float32)
_OUTSIDE = 0.62  # how far the region outside the network's view is faded to the background


@dataclass(frozen=True, eq=False)
class Rasters:
    """Renders the pixels of the panels of one inspected image.

    Attributes:
        inspection: The inspected image.
        palette: Name of the colour map.
        opacity: Opacity of maps over the grey image, 0 ... 1.
        annotation: The box and the key points to draw over the original.
        contributions: What to show of the contributions; only their panel needs them.
    """

    inspection: Inspection
    palette: PaletteName
    opacity: float
    annotation: Annotation = field(default_factory=Annotation)
    contributions: ContributionView | None = None

    @functools.cached_property
    def placement(self) -> Placement:
        """The position of the network's view in the original."""
        return Placement(self.inspection.response.image_size, self.inspection.response.frame)

    @functools.cached_property
    def shared_range(self) -> ValueRange:
        """The common range of Q_d and Q_c, so that their colours are comparable."""
        return sampling_map_range(self.inspection.warps.map_d, self.inspection.warps.map_c)

    def range_of(self, panel: PanelName) -> ValueRange | None:
        """Return the value range of a panel's colours; None for a panel without a map."""
        if panel == "response":
            return RESPONSE_RANGE
        if panel == "contributions":
            return contribution_range(self.explained.density)
        return self.shared_range if panel in ("map_d", "map_c") else None

    def palette_of(self, panel: PanelName) -> PaletteName | DivergingName:
        """Return the palette of a panel's colours."""
        return DIVERGING if panel == "contributions" else self.palette

    @property
    def explained(self) -> ContributionView:
        """The contributions.

        Raises:
            ValueError: There are none.
        """
        if self.contributions is None:
            raise ValueError("the panel contributions needs contributions of the image")
        return self.contributions

    def draw(self, panel: PanelName, size: tuple[int, int]) -> NDArray[np.uint8]:
        """Return a panel's pixels without marks.

        Args:
            panel: The panel.
            size: (width, height) in pixels.

        Returns:
            RGB, shape (height, width, 3).
        """
        match panel:
            case "original" | "peaks":
                return self._faded(self._original(size), size)
            case "contributions":
                return self._contributions(size)
            case "response":
                return self._map(self.inspection.response.map, RESPONSE_RANGE, size)
            case "map_d":
                return self._map(self.inspection.warps.map_d, self.shared_range, size)
            case "map_c":
                return self._map(self.inspection.warps.map_c, self.shared_range, size)
            case "grid_d" | "grid_c":
                return self._faded(_darkened(self._original(size)), size)
            case "image_d":
                return self._branch_image(self.inspection.warps.image_d, size)
            case "image_c":
                return self._branch_image(self.inspection.warps.image_c, size)

    def _original(self, size: tuple[int, int]) -> NDArray[np.uint8]:
        if size not in self._scaled:
            self._scaled[size] = resized(self.inspection.response.image, size)
        return self._scaled[size]

    @functools.cached_property
    def _scaled(self) -> dict[tuple[int, int], NDArray[np.uint8]]:
        return {}

    def _map(self, values: NDArray[np.floating], limits: ValueRange, size: tuple[int, int]) -> NDArray[np.uint8]:
        share = limits.share(self.placement.on_picture(values, size))
        picture = overlaid(self._original(size), coloured(share, self.palette), self.opacity)
        return self._faded(picture, size)

    def _contributions(self, size: tuple[int, int]) -> NDArray[np.uint8]:
        """Show the map of contributions, which covers the whole original, over the grey image."""
        density = Image.fromarray(self.explained.density).resize(size, Image.Resampling.BILINEAR)
        share = contribution_range(self.explained.density).share(np.asarray(density))
        return self._faded(overlaid(self._original(size), coloured(share, DIVERGING), self.opacity), size)

    def _faded(self, picture: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
        """Fade the region outside the network's view, where the plain original is shown without a map."""
        if self.placement.sees_all:
            return picture
        outside = (1 - _OUTSIDE) * self._original(size).astype(np.float32) + _OUTSIDE * _SURROUND
        result = np.rint(outside).astype(np.uint8)
        seen = self.placement.seen(size)
        result[seen] = picture[seen]
        return result

    def _branch_image(self, pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
        """Show a branch's square image in the aspect ratio of the view, centred on the background colour."""
        x0, y0, x1, y1 = self.inspection.response.source_box
        aspect = (x1 - x0) / (y1 - y0)
        width = min(size[0], max(1, round(size[1] * aspect)))
        height = min(size[1], max(1, round(size[0] / aspect)))
        result = np.empty((size[1], size[0], 3), dtype=np.uint8)
        result[:] = _SURROUND.astype(np.uint8)
        left, top = (size[0] - width) // 2, (size[1] - height) // 2
        result[top : top + height, left : left + width] = resized(pixels, (width, height))
        return result


def resized(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return an RGB image (h, w, 3) resized to (width, height) pixels."""
    image = Image.fromarray(pixels)
    # reducing_gap lets Pillow shrink a huge photograph cheaply before the exact filter.
    return np.asarray(image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0))


def _darkened(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Darken an image slightly, so that white lines are visible on bright regions."""
    darker: NDArray[np.uint8] = np.rint(picture.astype(np.float32) * 0.78).astype(np.uint8)
    return darker
