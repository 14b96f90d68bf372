"""How much D and C enlarge each place, brought home to the original."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPolygonF

from s3n_core.analysis.inspection import Inspection, Warped
from s3n_core.analysis.places import magnification_map
from s3n_gui.widgets.value_range import ValueRange

_CELL_PIXELS = 8  # of the raster, a cell of R


def magnification_range(inspection: Inspection) -> ValueRange:
    """Return one range for both branches, without the squares that the clamp at the border has cut off."""
    inner = np.concatenate([inner_magnification(inspection, "D"), inner_magnification(inspection, "C")])
    return ValueRange.of(np.clip(inner, 1 / 64, 64), logarithmic=True)


def inner_magnification(inspection: Inspection, branch: Warped) -> NDArray[np.float64]:
    """Return the magnification of a grid's squares inside the image, (n,); those that the clamp has cut off are missing."""
    at_border = np.abs(inspection.grid(branch)).max(axis=-1) >= 1 - 1e-6
    touching = at_border[:-1, :-1] | at_border[1:, :-1] | at_border[:-1, 1:] | at_border[1:, 1:]
    values = inspection.magnification(branch)
    inner: NDArray[np.float64] = values[~touching & np.isfinite(values)]
    return inner if inner.size else np.ones(1)


def painted_in_original(inspection: Inspection, branch: Warped, limits: ValueRange) -> NDArray[np.float32]:
    """Return the magnification on a raster of the seen square, as shares 0 ... 1 of its range.

    Every square of the grid, quartered, is filled where it lies in the original. What no square covers the warp has left
    out: it is shown nowhere, which the least colour stands for.
    """
    rows, columns = inspection.response.shape
    width, height = columns * _CELL_PIXELS, rows * _CELL_PIXELS
    fine = _halved(inspection.grid(branch).astype(np.float64))
    pixels = (fine + 1) / 2 * (width - 1, height - 1) + 0.5
    shares = limits.share(magnification_map(fine))
    picture = QImage(width, height, QImage.Format.Format_Grayscale8)
    picture.fill(0)
    painter = QPainter(picture)
    painter.setPen(Qt.PenStyle.NoPen)
    greys = np.rint(255 * shares).astype(int).tolist()
    points = [[QPointF(x, y) for x, y in row] for row in pixels.tolist()]
    for i, row_of_greys in enumerate(greys):
        upper, lower = points[i], points[i + 1]
        for j, grey in enumerate(row_of_greys):
            painter.setBrush(QColor(grey, grey, grey))
            painter.drawPolygon(QPolygonF([upper[j], upper[j + 1], lower[j + 1], lower[j]]))
    painter.end()
    raster: NDArray[np.uint8] = np.frombuffer(picture.constBits(), dtype=np.uint8).reshape(
        height, picture.bytesPerLine()
    )[:, :width]
    result: NDArray[np.float32] = (raster / 255).astype(np.float32)
    return result


def _halved(grid: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a grid with a node more between each two, in both directions."""
    for _ in range(2):
        longer = np.empty((2 * len(grid) - 1, *grid.shape[1:]))
        longer[::2], longer[1::2] = grid, (grid[1:] + grid[:-1]) / 2
        grid = longer.swapaxes(0, 1)
    return grid
