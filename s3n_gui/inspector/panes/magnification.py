"""How much D and C enlarge each place, brought home to the original.

What is shown is one over the determinant of the Jacobian of (f, g): taken at the grid's nodes by central differences, read
between them bilinearly as the warp reads the grid itself, at the place of D or C that each place of the original is taken to by
the exact inverse. Map, value under the cursor and colour bar are all read from it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from s3n_core.inspection.geometry import area_at_nodes, read_between, through_inverse_at_all
from s3n_core.inspection.inspection import Inspection, Warped
from s3n_gui.widgets.value_range import ValueRange

_CELL_PIXELS = 6  # of the raster, a cell of R; the screen smooths between them
_MOST = 64.0


def magnification_range(inspection: Inspection) -> ValueRange:
    """Return one range for both branches, without the places that the clamp at the border has cut off."""
    inner = np.concatenate([inner_magnification(inspection, "D"), inner_magnification(inspection, "C")])
    return ValueRange.of(np.clip(inner, 1 / _MOST, _MOST), steps="ratio")


def inner_magnification(inspection: Inspection, branch: Warped) -> NDArray[np.float64]:
    """Return the magnification at a grid's nodes inside the image, (n,); those beside clamped ones are missing."""
    grid = inspection.warps.grid(branch)
    at_border = np.pad(np.abs(grid).max(axis=-1) >= 1 - 1e-6, 1, mode="edge")
    beside = (
        at_border[:-2, 1:-1] | at_border[2:, 1:-1] | at_border[1:-1, :-2] | at_border[1:-1, 2:] | at_border[1:-1, 1:-1]
    )
    areas = area_at_nodes(grid)
    inner: NDArray[np.float64] = 1 / areas[~beside & (areas > 1e-9)]
    return inner if inner.size else np.ones(1)


def magnification_at(inspection: Inspection, branch: Warped, place: tuple[float, float]) -> float | None:
    """Return the magnification at a place of the original; None where the warp has left it out."""
    warped = inspection.original_to_warped(branch, *place)
    if warped is None:
        return None
    areas = area_at_nodes(inspection.warps.grid(branch))
    side = max(len(inspection.warps.image(branch)) - 1, 1)
    row, column = (
        np.array([min(max((value - 0.5) / side, 0.0), 1.0) * (count - 1)])
        for value, count in zip(warped[::-1], areas.shape, strict=True)
    )
    area = float(read_between(areas, row, column)[0])
    return 1 / area if area > 1e-9 else float("inf")


def painted_in_original(inspection: Inspection, branch: Warped, limits: ValueRange) -> NDArray[np.float32]:
    """Return the magnification on a raster of the seen square, as shares 0 ... 1 of its range.

    What the warp has left out is shown nowhere, which the least colour stands for.
    """
    rows, columns = inspection.response.map.shape
    size = inspection.response.source_size
    ys, xs = (
        np.clip(((np.arange(_CELL_PIXELS * n) + 0.5) / (_CELL_PIXELS * n) * size - 0.5) / max(size - 1, 1), 0, 1) * 2
        - 1
        for n in (rows, columns)
    )
    places = through_inverse_at_all(inspection.warps.grid(branch), xs, ys)
    shown = np.isfinite(places[..., 0])
    shares = np.zeros(shown.shape, dtype=np.float32)
    areas = read_between(area_at_nodes(inspection.warps.grid(branch)), places[shown][:, 0], places[shown][:, 1])
    shares[shown] = limits.share(1 / np.maximum(areas, 1e-9))
    return shares
