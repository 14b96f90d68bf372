"""Places and magnification: from a map's cell to the original, through a grid into a warped image, and back. Free of torch.

Three frames meet here. *Original*: pixels of the upright image, (0, 0) the outer corner of its first pixel. *Grid*: (x, y)
in [-1, 1] over the square that the network sees (`method.alignment`). *Warped*: pixels of a D or C image, (0, 0) again the
outer corner of the first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from s3n_core.method.alignment import cell_to_grid, grid_to_cell, grid_to_share, share_to_grid

Place = tuple[float, float]
"""(x, y)."""

Values = TypeVar("Values", bound=Any)
"""A NumPy array or a tensor."""

TOLERANCE = 1e-6  # of a grid square's side: rounding at its edges must not lose a place between two squares

NO_AREA = 1e-6
"""A grid square with at most so much of an undeformed one's area shows one line of the original again and again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewFrame:
    """Where the square that a network sees lies in its original.

    Attributes:
        box: (x0, y0, x1, y1), the part of the original that the square shows, edge to edge, in original pixels.
        size: Side of the square, in pixels.
    """

    box: tuple[float, float, float, float]
    size: int

    def to_original(self, places: NDArray[np.floating]) -> NDArray[np.float64]:
        """Turn grid places (..., 2), (x, y) in [-1, 1], into original pixels."""
        x0, y0, x1, y1 = self.box
        share = grid_to_share(np.asarray(places, dtype=np.float64), self.size)
        original: NDArray[np.float64] = share * (x1 - x0, y1 - y0) + (x0, y0)
        return original

    def from_original(self, places: NDArray[np.floating]) -> NDArray[np.float64]:
        """Turn original pixels (..., 2), (x, y), into grid places; outside the square beyond [-1, 1]."""
        x0, y0, x1, y1 = self.box
        share = (np.asarray(places, dtype=np.float64) - (x0, y0)) / (x1 - x0, y1 - y0)
        return share_to_grid(share, self.size)

    def cell_to_original(self, row: float, column: float, shape: tuple[int, ...]) -> Place:
        """Return the place of a cell of a map of shape (h, w), in original pixels."""
        x, y = self.to_original(np.array([cell_to_grid(column, shape[1]), cell_to_grid(row, shape[0])]))
        return float(x), float(y)

    def original_to_cell(self, place: Place, shape: tuple[int, ...]) -> tuple[float, float] | None:
        """Return the (row, column), with fractions, of a place of the original; None outside the square."""
        if not self.shows(place):
            return None
        x, y = np.clip(self.from_original(np.array(place)), -1, 1)
        return float(grid_to_cell(y, shape[0])), float(grid_to_cell(x, shape[1]))

    def shows(self, place: Place) -> bool:
        """Say whether a place of the original lies in the square."""
        x0, y0, x1, y1 = self.box
        return x0 <= place[0] <= x1 and y0 <= place[1] <= y1


def cell_places(rows: int, columns: int) -> NDArray[np.float64]:
    """Return the grid places of a map's cells, shape (rows, columns, 2), (x, y)."""
    x, y = np.meshgrid(cell_to_grid(np.arange(columns), columns), cell_to_grid(np.arange(rows), rows))
    return np.stack([x, y], axis=-1)


def through_grid(grid: NDArray[np.floating], warped: Place, size: int) -> Place:
    """Say where a place of a warped image was taken from.

    Args:
        grid: The grid a cell, shape (H, W, 2), (x, y) in [-1, 1]; between its nodes it is bilinear.
        warped: Pixels of the warped image; beyond its edge the nearest place inside is taken.
        size: Side of the warped image in pixels.

    Returns:
        The grid place, (x, y) in [-1, 1].
    """
    rows, columns = grid.shape[:2]
    across, down = np.clip(share_to_grid(np.array(warped) / size, size), -1, 1).tolist()
    column, row = grid_to_cell(across, columns), grid_to_cell(down, rows)
    left, top = min(int(column), columns - 2), min(int(row), rows - 2)
    u, v = column - left, row - top
    nodes = np.asarray(grid[top : top + 2, left : left + 2], dtype=np.float64)
    upper, lower = nodes[:, 0] * (1 - u) + nodes[:, 1] * u
    x, y = upper * (1 - v) + lower * v
    return float(x), float(y)


def through_inverse(grid: NDArray[np.floating], place: Place, size: int) -> Place | None:
    """Say where a grid place lies in a warped image: the exact inverse of `through_grid` at one point, in microseconds.

    Args:
        grid: The grid a cell, shape (H, W, 2).
        place: (x, y) in [-1, 1].
        size: Side of the warped image in pixels.

    Returns:
        Pixels of the warped image, or None where the warp has left the place out.
    """
    node = _among_nodes(grid, place)
    if node is None:
        return None
    rows, columns = grid.shape[:2]
    row, column = node
    return (
        grid_to_share(cell_to_grid(column, columns), size) * size,
        grid_to_share(cell_to_grid(row, rows), size) * size,
    )


def source_areas(grid: Values) -> Values:
    """Return how much of the source each grid square shows, relative to an undeformed square: A of `magnification`.

    Args:
        grid: Shape (..., H, W, 2), an array or a tensor.

    Returns:
        Shape (..., H - 1, W - 1): the area of the square's quadrilateral, and at the same time the determinant of the Jacobian
        of the bilinear (f, g) at the square's centre; 1 where nothing changes, 0 where the grid is clamped.
    """
    rows, columns = grid.shape[-3:-1]
    right = (grid[..., 1:, :] - grid[..., :-1, :]) * ((columns - 1) / 2)
    down = (grid[..., 1:, :, :] - grid[..., :-1, :, :]) * ((rows - 1) / 2)
    right = (right[..., 1:, :, :] + right[..., :-1, :, :]) / 2
    down = (down[..., 1:, :] + down[..., :-1, :]) / 2
    areas: Values = right[..., 0] * down[..., 1] - right[..., 1] * down[..., 0]
    return areas


def magnification(grid: Values) -> Values:
    """Return how many times larger each grid square is in the warped image than in an undeformed one: the magnification.

    With n rows and m columns of nodes P = (f, g), and a, b, c, d the square's corners in order around it,

        magnification = 1 / A,   A = (n - 1) (m - 1) / 4 * area(a, b, c, d) = det J(f, g) at the square's centre.

    It is a ratio of areas: something that is enlarged 4 times is twice as wide and twice as high. Of the possible definitions
    this is the one that a person can check with a ruler, because the warp reads the grid bilinearly between its nodes, so a
    square of the warped image shows its quadrilateral of the source, no more and no less; a derivative at the nodes would
    average over four squares and blunt what is enlarged most. Window, figures and the training's health report show this
    number and no other.

    Args:
        grid: Shape (..., H, W, 2), an array or a tensor.

    Returns:
        Shape (..., H - 1, W - 1), 1 where nothing changes; infinite in squares without area, where the clamp to [-1, 1]
        has laid several nodes onto the border and the warped image repeats it.
    """
    areas = source_areas(grid)
    with np.errstate(divide="ignore"):
        ratio: Values = 1 / (areas.clip(0) * (areas > NO_AREA))
    return ratio


def inner_squares(grid: Values) -> Values:
    """Say which grid squares have no corner on the border of the source, shape (..., H - 1, W - 1), bool.

    A square on the border may have been cut off by the clamp: it is stretched, as much as one likes, but nothing of the image
    is enlarged by it. So what is said of a whole grid (`largest_magnification`, ranges, means) leaves these squares out.
    """
    inside = (abs(grid[..., 0]) < 1) & (abs(grid[..., 1]) < 1)
    squares: Values = inside[..., 1:, 1:] & inside[..., :-1, 1:] & inside[..., 1:, :-1] & inside[..., :-1, :-1]
    return squares


def inner_magnification(grid: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the finite magnifications of a grid's inner squares, shape (n,); of a grid that has none, one 1."""
    nodes = np.asarray(grid, dtype=np.float64)
    ratios: NDArray[np.float64] = magnification(nodes)[inner_squares(nodes)]
    finite = ratios[np.isfinite(ratios)]
    return finite if finite.size else np.ones(1)


def largest_magnification(grid: NDArray[np.floating]) -> float:
    """Return the magnification of the inner square that is enlarged most; 1 where nothing changes."""
    return float(inner_magnification(grid).max())


def magnification_at(grid: NDArray[np.floating], place: Place) -> float | None:
    """Return the magnification at a place of the source.

    At a square's centre it is the square's; between centres the areas are read bilinearly, so that it has no steps, and is
    nowhere larger than the largest of the squares around.

    Args:
        grid: Shape (H, W, 2).
        place: (x, y) in [-1, 1].

    Returns:
        The ratio of areas, infinite where the warped image repeats the border; None where the warp has left the place out.
    """
    node = _among_nodes(grid, place)
    if node is None:
        return None
    return float(_magnification_among_nodes(grid, np.array(node))[()])


def magnification_raster(
    grid: NDArray[np.floating], xs: NDArray[np.float64], ys: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return `magnification_at` at every place of a raster of the source.

    Args:
        grid: Shape (H, W, 2).
        xs: The raster's columns, in [-1, 1], rising evenly.
        ys: Its rows.

    Returns:
        Shape (len(ys), len(xs)); NaN where the warp has left the place out.
    """
    nodes = through_inverse_at_all(grid, xs, ys)
    ratios = np.full(nodes.shape[:2], np.nan)
    shown = np.isfinite(nodes[..., 0])
    ratios[shown] = _magnification_among_nodes(grid, nodes[shown])
    return ratios


def read_between(
    values: NDArray[np.floating], rows: NDArray[np.float64], columns: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Read values at nodes (H, W) bilinearly at places between them, (n,) rows and columns with fractions."""
    top = np.minimum(rows.astype(np.intp), values.shape[0] - 2)
    left = np.minimum(columns.astype(np.intp), values.shape[1] - 2)
    v, u = rows - top, columns - left
    upper = values[top, left] * (1 - u) + values[top, left + 1] * u
    lower = values[top + 1, left] * (1 - u) + values[top + 1, left + 1] * u
    read: NDArray[np.float64] = upper * (1 - v) + lower * v
    return read


def through_inverse_at_all(
    grid: NDArray[np.floating], xs: NDArray[np.float64], ys: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Say where every place of a raster lies between the grid's nodes: `through_inverse` for many places at once.

    Args:
        grid: Shape (H, W, 2).
        xs: The raster's columns, in [-1, 1], rising evenly.
        ys: Its rows.

    Returns:
        (row, column) among the nodes, with fractions, shape (len(ys), len(xs), 2); NaN where the warp has left the place out.
    """
    nodes = np.asarray(grid, dtype=np.float64)
    squares = np.stack([nodes[:-1, :-1], nodes[:-1, 1:], nodes[1:, :-1], nodes[1:, 1:]]).reshape(4, -1, 2)
    columns = nodes.shape[1] - 1
    # Every square is asked for the raster's places in its bounding box.
    first_x = np.searchsorted(xs, squares[..., 0].min(axis=0) - TOLERANCE)
    first_y = np.searchsorted(ys, squares[..., 1].min(axis=0) - TOLERANCE)
    width = np.searchsorted(xs, squares[..., 0].max(axis=0) + TOLERANCE) - first_x
    count = width * (np.searchsorted(ys, squares[..., 1].max(axis=0) + TOLERANCE) - first_y)
    square = np.repeat(np.arange(len(count)), count)
    within = np.arange(len(square)) - np.repeat(np.cumsum(count) - count, count)
    x, y = first_x[square] + within % width[square], first_y[square] + within // width[square]
    u, v, miss = _inside_squares(squares[:, square], np.stack([xs[x], ys[y]], axis=-1))
    hit = miss <= TOLERANCE
    places = np.full((len(ys), len(xs), 2), np.nan)
    places[y[hit], x[hit], 0] = square[hit] // columns + np.clip(v[hit], 0, 1)
    places[y[hit], x[hit], 1] = square[hit] % columns + np.clip(u[hit], 0, 1)
    return places


def _among_nodes(grid: NDArray[np.floating], place: Place) -> tuple[float, float] | None:
    """Return the (row, column) among the grid's nodes, with fractions, that shows a place; None where none does.

    The grid cannot fold, so at most one of its squares holds the place; inside it the bilinear map is solved in closed form.
    """
    nodes = np.asarray(grid, dtype=np.float64)
    squares = np.stack([nodes[:-1, :-1], nodes[:-1, 1:], nodes[1:, :-1], nodes[1:, 1:]])  # (4, H - 1, W - 1, 2)
    point = np.asarray(place, dtype=np.float64)
    around = (squares.min(axis=0) <= point + TOLERANCE) & (squares.max(axis=0) >= point - TOLERANCE)
    top, left = np.nonzero(around.all(axis=-1))
    if len(top) == 0:
        return None
    u, v, miss = _inside_squares(squares[:, top, left], point)
    best = int(miss.argmin())
    if not miss[best] <= TOLERANCE:
        return None
    return float(top[best] + np.clip(v[best], 0, 1)), float(left[best] + np.clip(u[best], 0, 1))


def _magnification_among_nodes(grid: NDArray[np.floating], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the magnification at places (..., 2), (row, column) among the grid's nodes."""
    areas = np.maximum(source_areas(np.asarray(grid, dtype=np.float64)), 0.0)
    # A square's centre lies half a square behind its first node; beyond the outermost centres the squares there count.
    row, column = (np.clip(places[..., axis] - 0.5, 0, areas.shape[axis] - 1) for axis in (0, 1))
    area = read_between(areas, row, column)
    ratio: NDArray[np.float64] = np.divide(1.0, area, out=np.full_like(area, np.inf), where=area > NO_AREA)
    return ratio


def _inside_squares(
    squares: NDArray[np.float64], point: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Solve for the place (u, v) of a point in each of n squares (4, n, 2), and how far outside [0, 1] it lies; (n,) each.

    With p(u, v) = a + b u + c v + d u v, u follows from v, and v from the quadratic cross(a + c v, b + d v) = 0.
    """
    upper_left, upper_right, lower_left, lower_right = squares
    a, b, c = upper_left - point, upper_right - upper_left, lower_left - upper_left
    d = upper_left - upper_right - lower_left + lower_right
    second, first, constant = _cross(c, d), _cross(a, d) + _cross(c, b), _cross(a, b)
    with np.errstate(all="ignore"):  # a square without area has no solution and drops out as NaN
        root = np.sqrt(first**2 - 4 * second * constant)
        # The stable form of both roots: it holds for a parallelogram too, whose quadratic term is 0.
        half = -0.5 * (first + np.where(first < 0, -root, root))
        v = np.stack([half / second, constant / half])
        along = b + d * v[..., None]
        u = -((a + c * v[..., None]) * along).sum(axis=-1) / (along**2).sum(axis=-1)
    miss = np.maximum(np.maximum(-u, u - 1), np.maximum(-v, v - 1))
    miss = np.where(np.isfinite(miss), np.maximum(miss, 0), np.inf)
    better = miss.argmin(axis=0)[None]
    return tuple(np.take_along_axis(values, better, axis=0)[0] for values in (u, v, miss))


def _cross(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    product: NDArray[np.float64] = a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    return product
