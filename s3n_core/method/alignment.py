"""Coordinate conversions between the cells, grids and pixels of the network's square input. Does not import torch.

This is the only module that defines them. A position along one side of the square has four coordinates:

- *cell*: index into a map or grid of n cells, 0 ... n - 1, may be fractional;
- *grid*: -1 ... 1 with aligned corners, as in `grid_sample(align_corners=True)`: -1 and 1, and hence the first and the
  last cell of a map, lie on the centres of the first and the last pixel of the square;
- *share*: fraction of the side, 0 ... 1, edge to edge: 0 is the outer edge of the first pixel;
- *feature*: index into a row of feature cells, which `configuration.Alignment` relates to the cells of R.

The functions use plain arithmetic: they take numbers, NumPy arrays or tensors and return the same type.
"""

from __future__ import annotations

from typing import Any, TypeVar

from s3n_core.method.configuration import Alignment

Values = TypeVar("Values", bound=Any)
"""A number, a NumPy array or a tensor."""


def cell_to_grid(cell: Values, cells: int) -> Values:
    """Convert cell indices to grid coordinates: cell / (cells - 1) * 2 - 1."""
    place: Values = cell / max(cells - 1, 1) * 2 - 1
    return place


def grid_to_cell(place: Values, cells: int) -> Values:
    """Convert grid coordinates to fractional cell indices; the inverse of `cell_to_grid`."""
    cell: Values = (place + 1) / 2 * (cells - 1)
    return cell


def grid_to_share(place: Values, pixels: int) -> Values:
    """Convert grid coordinates to fractions of the side of a square with ``pixels`` pixels per side."""
    share: Values = ((place + 1) / 2 * (pixels - 1) + 0.5) / pixels
    return share


def share_to_grid(share: Values, pixels: int) -> Values:
    """Convert fractions of a side to grid coordinates; the outer half pixel at either end lies outside [-1, 1]."""
    place: Values = (share * pixels - 0.5) / max(pixels - 1, 1) * 2 - 1
    return place


def cell_to_feature(cell: Values, cells: int, features: int, alignment: Alignment, span: float | None = None) -> Values:
    """Convert cell indices of R to fractional indices into a row of feature cells.

    Args:
        cell: Cell indices of R, an array or a tensor.
        cells: Number of cells of R along this side.
        features: Number of feature cells along this side.
        alignment: "corners": the outer cells of both coincide. "origins", "centres", a number: a feature cell is
            (cells - 1) / span cells wide, and its value lies at its start, at its centre or at that share of it; the outer
            feature cells extend to the border.
        span: How many feature cells wide the input is: its side over the stride. None: ``features``, as where the stride
            divides the side; elsewhere the last feature cell reaches over the border, or ends before it.

    Returns:
        Fractional feature indices in [0, features - 1].
    """
    # Multiply before dividing: a cell that coincides with a feature then gets an exact integer, so only that feature.
    if alignment == "corners":
        place: Values = cell * (features - 1) / max(cells - 1, 1)
    else:
        shift = cell_shift(alignment)
        wide = features if span is None else span
        place = (cell * wide / max(cells - 1, 1) - shift).clip(0, features - 1)
    return place


def feature_to_pixel(feature: Values, stride: int, alignment: Alignment) -> Values:
    """Convert indices of feature cells to the pixels of the backbone's input on which they are centred.

    Args:
        feature: Feature indices, 0 ... n - 1.
        stride: Input pixels per feature cell.
        alignment: "origins", "centres" or a number (`configuration.NetworkChoices.cell_alignment`).

    Returns:
        Pixel indices; 0 is the centre of the first pixel.
    """
    pixel: Values = feature * stride + (stride - 1) * cell_shift(alignment)
    return pixel


def cell_shift(alignment: Alignment) -> float:
    """Return where the value of a feature cell lies in it, 0 at its first pixel and 1 at its last."""
    return alignment if isinstance(alignment, int | float) else {"origins": 0.0, "centres": 0.5}[alignment]


def reading_matrix(places: Values, nodes: Any) -> Values:
    """Return the matrix of linear interpolation along one side, from values at nodes 0, 1, ... to positions in between.

    Args:
        places: Positions, shape (n,), within [0, m - 1].
        nodes: The numbers 0 ... m - 1, shape (m,), of the same type.

    Returns:
        Shape (n, m); the rows sum to 1.
    """
    matrix: Values = (1 - abs(places[:, None] - nodes[None, :])).clip(min=0)
    return matrix
