"""Places: from a map's cell to the original image, through a grid into a warped image, and back. NumPy only.

Three frames meet here. *Original*: pixels of the upright image, (0, 0) the outer corner of its first pixel. *Grid*: (x, y)
in [-1, 1] over the square that the network sees; with aligned corners, so -1 and 1, and a map's first and last cell, lie on
the centres of its first and last pixel. *Warped*: pixels of a D or C image, (0, 0) again the outer corner of the first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Place = tuple[float, float]
"""(x, y)."""

TOLERANCE = 1e-6  # of a grid square's side: rounding at its edges must not lose a place between two squares


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
        share = ((np.asarray(places, dtype=np.float64) + 1) / 2 * (self.size - 1) + 0.5) / self.size
        original: NDArray[np.float64] = share * (x1 - x0, y1 - y0) + (x0, y0)
        return original

    def from_original(self, places: NDArray[np.floating]) -> NDArray[np.float64]:
        """Turn original pixels (..., 2), (x, y), into grid places; outside the square beyond [-1, 1]."""
        x0, y0, x1, y1 = self.box
        share = (np.asarray(places, dtype=np.float64) - (x0, y0)) / (x1 - x0, y1 - y0)
        grid: NDArray[np.float64] = (share * self.size - 0.5) / max(self.size - 1, 1) * 2 - 1
        return grid

    def shows(self, place: Place) -> bool:
        """Say whether a place of the original lies in the square."""
        x0, y0, x1, y1 = self.box
        return x0 <= place[0] <= x1 and y0 <= place[1] <= y1


def cell_places(rows: int, columns: int) -> NDArray[np.float64]:
    """Return the grid places of a map's cells, shape (rows, columns, 2), (x, y)."""
    x, y = np.meshgrid(np.linspace(-1, 1, columns), np.linspace(-1, 1, rows))
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
    column = float(np.clip((warped[0] - 0.5) / max(size - 1, 1), 0, 1)) * (columns - 1)
    row = float(np.clip((warped[1] - 0.5) / max(size - 1, 1), 0, 1)) * (rows - 1)
    left, top = min(int(column), columns - 2), min(int(row), rows - 2)
    u, v = column - left, row - top
    nodes = np.asarray(grid[top : top + 2, left : left + 2], dtype=np.float64)
    upper, lower = nodes[:, 0] * (1 - u) + nodes[:, 1] * u
    x, y = upper * (1 - v) + lower * v
    return float(x), float(y)


def through_inverse(grid: NDArray[np.floating], place: Place, size: int) -> Place | None:
    """Say where a grid place lies in a warped image: the exact inverse of `through_grid` at one point, in microseconds.

    The grid cannot fold, so at most one of its squares holds the place; inside it the bilinear map is solved in closed form.

    Args:
        grid: The grid a cell, shape (H, W, 2).
        place: (x, y) in [-1, 1].
        size: Side of the warped image in pixels.

    Returns:
        Pixels of the warped image, or None where the warp has left the place out.
    """
    rows, columns = grid.shape[:2]
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
    column = (left[best] + np.clip(u[best], 0, 1)) / (columns - 1)
    row = (top[best] + np.clip(v[best], 0, 1)) / (rows - 1)
    return float(column * (size - 1) + 0.5), float(row * (size - 1) + 0.5)


def magnification_map(grid: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return how much larger each grid square is in the warped image than in its source, as an area ratio.

    Args:
        grid: Shape (H, W, 2).

    Returns:
        Shape (H - 1, W - 1), 1 where nothing changes; infinite where the grid is clamped, which repeats the border.
    """
    nodes = np.asarray(grid, dtype=np.float64)
    rows, columns = nodes.shape[:2]
    right = (nodes[:, 1:] - nodes[:, :-1]) * ((columns - 1) / 2)
    down = (nodes[1:] - nodes[:-1]) * ((rows - 1) / 2)
    right, down = (right[1:] + right[:-1]) / 2, (down[:, 1:] + down[:, :-1]) / 2
    area = right[..., 0] * down[..., 1] - right[..., 1] * down[..., 0]
    ratio: NDArray[np.float64] = np.divide(1.0, area, out=np.full_like(area, np.inf), where=area > TOLERANCE)
    return ratio


def area_at_nodes(grid: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the determinant of the grid's Jacobian at its nodes: the source's area a unit of the warped image's.

    Read bilinearly between the nodes it is smooth, where `magnification_map` gives one mean a square. Magnification is one over
    it.

    Args:
        grid: Shape (H, W, 2).

    Returns:
        Shape (H, W), 1 where nothing changes, 0 where the grid is clamped; central differences, at the border one-sided.
    """
    nodes = np.asarray(grid, dtype=np.float64)
    rows, columns = nodes.shape[:2]
    down = np.gradient(nodes, axis=0) * ((rows - 1) / 2)
    right = np.gradient(nodes, axis=1) * ((columns - 1) / 2)
    return np.maximum(_cross(right, down), 0.0)


def reading_matrix(places: NDArray[np.float64], nodes: int) -> NDArray[np.float64]:
    """Return the (n, nodes) matrix that reads values at nodes 0, 1, ... along one axis, linearly, at n places between them."""
    matrix: NDArray[np.float64] = np.maximum(0.0, 1 - np.abs(places[:, None] - np.arange(nodes)))
    return matrix


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
