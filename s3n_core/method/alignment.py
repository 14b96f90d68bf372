"""Which cell lies where on the square that the network sees: the only place that says so. Free of torch.

A place along one side of the square has four names, and these functions turn one into another:

- *cell*: of a map or grid with n cells, 0 ... n - 1, with fractions between them;
- *grid*: -1 ... 1 with aligned corners, as `grid_sample(align_corners=True)` takes it: -1 and 1, and so a map's first and last
  cell, lie on the centres of the square's first and last pixel;
- *share*: 0 ... 1 of the side, edge to edge: 0 is the outer edge of the first pixel;
- *feature*: of a row of feature cells, which `configuration.Alignment` places below the cells of R.

Only arithmetic, so numbers, NumPy arrays and tensors are all welcome; what comes back is of the same kind.
"""

from __future__ import annotations

from typing import Any, TypeVar

from s3n_core.method.configuration import Alignment

Values = TypeVar("Values", bound=Any)
"""A number, a NumPy array or a tensor."""


def cell_to_grid(cell: Values, cells: int) -> Values:
    """Return the grid places of cells: cell / (cells - 1) * 2 - 1."""
    place: Values = cell / max(cells - 1, 1) * 2 - 1
    return place


def grid_to_cell(place: Values, cells: int) -> Values:
    """Return the cells, with fractions, at grid places; the inverse of `cell_to_grid`."""
    cell: Values = (place + 1) / 2 * (cells - 1)
    return cell


def grid_to_share(place: Values, pixels: int) -> Values:
    """Return grid places as shares of the side of a square of so many pixels."""
    share: Values = ((place + 1) / 2 * (pixels - 1) + 0.5) / pixels
    return share


def share_to_grid(share: Values, pixels: int) -> Values:
    """Return shares of a side as grid places; the half pixel at either end lies beyond [-1, 1]."""
    place: Values = (share * pixels - 0.5) / max(pixels - 1, 1) * 2 - 1
    return place


def cell_to_feature(cell: Values, cells: int, features: int, alignment: Alignment) -> Values:
    """Say where along a row of features the cells of R are read.

    Args:
        cell: Cells of R, an array or a tensor.
        cells: How many R has along this side.
        features: How many feature cells there are.
        alignment: "corners": the outer cells of both lie on one another. "origins", "centres": a feature cell is
            (cells - 1) / features cells wide, and what is read at it lies at its beginning or in its middle; beyond the outer
            feature cells these are repeated.

    Returns:
        Places among the features, 0 ... features - 1, with fractions.
    """
    # Multiplied before it is divided, so that a cell that lies on a feature reads this one alone, without a trace of the next.
    if alignment == "corners":
        place: Values = cell * (features - 1) / max(cells - 1, 1)
    else:
        shift = 0.5 if alignment == "centres" else 0.0
        place = (cell * features / max(cells - 1, 1) - shift).clip(0, features - 1)
    return place


def reading_matrix(places: Values, nodes: Any) -> Values:
    """Return the matrix that reads values at nodes 0, 1, ... along one side, linearly, at places between them.

    Args:
        places: (n,), within the nodes.
        nodes: (m,), the numbers 0 ... m - 1, of the same kind.

    Returns:
        Shape (n, m); the rows sum to 1.
    """
    matrix: Values = (1 - abs(places[:, None] - nodes[None, :])).clip(min=0)
    return matrix
