"""Coordinates and magnification: between map cells, the original and warped images. Does not import torch.

There are three frames. *Original*: pixels of the upright image; (0, 0) is the outer corner of its first pixel. *Grid*:
(x, y) in [-1, 1] over the square that the network sees (`method.alignment`). *Warped*: pixels of a D or C image; (0, 0)
is again the outer corner of the first pixel.
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

TOLERANCE = 1e-6  # fraction of a grid square's side, so that rounding loses no point between two squares

NO_AREA = 1e-6
"""A grid square with at most this fraction of an undeformed square's area repeats a single line of the original."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewFrame:
    """The position of the network's square input in the original.

    Attributes:
        box: (x0, y0, x1, y1), the region of the original that the square shows, edge to edge, in original pixels.
        size: Side of the square, in pixels.
    """

    box: tuple[float, float, float, float]
    size: int

    def to_original(self, places: NDArray[np.floating]) -> NDArray[np.float64]:
        """Convert grid coordinates (..., 2), (x, y) in [-1, 1], to original pixels."""
        x0, y0, x1, y1 = self.box
        share = grid_to_share(np.asarray(places, dtype=np.float64), self.size)
        original: NDArray[np.float64] = share * (x1 - x0, y1 - y0) + (x0, y0)
        return original

    def from_original(self, places: NDArray[np.floating]) -> NDArray[np.float64]:
        """Convert original pixels (..., 2), (x, y), to grid coordinates; outside [-1, 1] beyond the square."""
        x0, y0, x1, y1 = self.box
        share = (np.asarray(places, dtype=np.float64) - (x0, y0)) / (x1 - x0, y1 - y0)
        return share_to_grid(share, self.size)

    def cell_to_original(self, row: float, column: float, shape: tuple[int, ...]) -> Place:
        """Convert a cell of a map of shape (h, w) to original pixels."""
        x, y = self.to_original(np.array([cell_to_grid(column, shape[1]), cell_to_grid(row, shape[0])]))
        return float(x), float(y)

    def original_to_cell(self, place: Place, shape: tuple[int, ...]) -> tuple[float, float] | None:
        """Convert original pixels to a fractional (row, column) of a map; None outside the square."""
        if not self.shows(place):
            return None
        x, y = np.clip(self.from_original(np.array(place)), -1, 1)
        return float(grid_to_cell(y, shape[0])), float(grid_to_cell(x, shape[1]))

    def share_of(self, image_size: tuple[int, int]) -> float:
        """Return the share of an original's area, (width, height) in pixels, that the square shows; 1 is all of it."""
        x0, y0, x1, y1 = self.box
        return (x1 - x0) * (y1 - y0) / (image_size[0] * image_size[1])

    def shows(self, place: Place) -> bool:
        """Return whether a point of the original lies in the square."""
        x0, y0, x1, y1 = self.box
        return x0 <= place[0] <= x1 and y0 <= place[1] <= y1


def cell_places(rows: int, columns: int) -> NDArray[np.float64]:
    """Return the grid coordinates of a map's cells, shape (rows, columns, 2), (x, y)."""
    x, y = np.meshgrid(cell_to_grid(np.arange(columns), columns), cell_to_grid(np.arange(rows), rows))
    return np.stack([x, y], axis=-1)


def through_grid(grid: NDArray[np.floating], warped: Place, size: int) -> Place:
    """Return where a point of a warped image was sampled.

    Args:
        grid: The sampling grid, shape (H, W, 2), (x, y) in [-1, 1]; bilinear between its nodes.
        warped: Pixels of the warped image; clamped to the image.
        size: Side of the warped image in pixels.

    Returns:
        Grid coordinates, (x, y) in [-1, 1].
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
    """Return where a point lies in a warped image: the exact inverse of `through_grid` at one point, in microseconds.

    Args:
        grid: The sampling grid, shape (H, W, 2).
        place: Grid coordinates, (x, y) in [-1, 1].
        size: Side of the warped image in pixels.

    Returns:
        Pixels of the warped image, or None if the warped image does not show the point.
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
    """Return the source area that each grid square shows, relative to an undeformed square: A of `magnification`.

    Args:
        grid: Shape (..., H, W, 2), an array or a tensor.

    Returns:
        Shape (..., H - 1, W - 1): the area of the square's quadrilateral, which equals the determinant of the Jacobian
        of the bilinear (f, g) at the square's centre; 1 in an undeformed grid, 0 where the grid is clamped.
    """
    rows, columns = grid.shape[-3:-1]
    right = (grid[..., 1:, :] - grid[..., :-1, :]) * ((columns - 1) / 2)
    down = (grid[..., 1:, :, :] - grid[..., :-1, :, :]) * ((rows - 1) / 2)
    right = (right[..., 1:, :, :] + right[..., :-1, :, :]) / 2
    down = (down[..., 1:, :] + down[..., :-1, :]) / 2
    areas: Values = right[..., 0] * down[..., 1] - right[..., 1] * down[..., 0]
    return areas


def magnification(grid: Values) -> Values:
    """Return the magnification of each grid square: how many times its content is enlarged in area by the warp.

    With n rows and m columns of nodes P = (f, g), and the square's corners a, b, c, d in order,

        magnification = 1 / A,   A = (n - 1) (m - 1) / 4 * area(a, b, c, d) = det J(f, g) at the square's centre.

    It is a ratio of areas: at a magnification of 4, things are twice as wide and twice as high. This definition can be
    checked with a ruler: the warp interpolates the grid bilinearly, so a square of the warped image shows exactly its
    quadrilateral of the source. A derivative at the nodes would average over four squares and understate the largest
    magnification. The window, the figures and the training's health report all show this value.

    Args:
        grid: Shape (..., H, W, 2), an array or a tensor.

    Returns:
        Shape (..., H - 1, W - 1); 1 in an undeformed grid, infinite in squares without area, where the clamp to [-1, 1]
        has moved several nodes onto the border and the warped image repeats it.
    """
    areas = source_areas(grid)
    with np.errstate(divide="ignore"):
        ratio: Values = 1 / (areas.clip(0) * (areas > NO_AREA))
    return ratio


def inner_squares(grid: Values) -> Values:
    """Return which grid squares have no corner on the border of the source, shape (..., H - 1, W - 1), bool.

    A square on the border may have been cut off by the clamp: its magnification can be arbitrarily large although it
    enlarges nothing. Statistics of a whole grid (`largest_magnification`, ranges, means) exclude these squares.
    """
    inside = (abs(grid[..., 0]) < 1) & (abs(grid[..., 1]) < 1)
    squares: Values = inside[..., 1:, 1:] & inside[..., :-1, 1:] & inside[..., 1:, :-1] & inside[..., :-1, :-1]
    return squares


def inner_magnification(grid: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the finite magnifications of a grid's inner squares, shape (n,); a single 1 if there are none."""
    nodes = np.asarray(grid, dtype=np.float64)
    ratios: NDArray[np.float64] = magnification(nodes)[inner_squares(nodes)]
    finite = ratios[np.isfinite(ratios)]
    return finite if finite.size else np.ones(1)


def largest_magnification(grid: NDArray[np.floating]) -> float:
    """Return the largest magnification of the inner squares; 1 for an undeformed grid."""
    return float(inner_magnification(grid).max())


def magnification_at(grid: NDArray[np.floating], place: Place) -> float | None:
    """Return the magnification at a point of the source.

    At a square's centre it is that of the square. Between centres the areas are interpolated bilinearly: the result is
    continuous and never exceeds that of the surrounding squares.

    Args:
        grid: Shape (H, W, 2).
        place: Grid coordinates, (x, y) in [-1, 1].

    Returns:
        The ratio of areas, infinite where the warped image repeats the border; None if it does not show the point.
    """
    node = _among_nodes(grid, place)
    if node is None:
        return None
    return float(_magnification_among_nodes(grid, np.array(node))[()])


def magnification_raster(
    grid: NDArray[np.floating], xs: NDArray[np.float64], ys: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return `magnification_at` for every point of a raster over the source.

    Args:
        grid: Shape (H, W, 2).
        xs: The raster's columns, in [-1, 1], evenly increasing.
        ys: Its rows.

    Returns:
        Shape (len(ys), len(xs)); NaN where the warped image does not show the point.
    """
    nodes = through_inverse_at_all(grid, xs, ys)
    ratios = np.full(nodes.shape[:2], np.nan)
    shown = np.isfinite(nodes[..., 0])
    ratios[shown] = _magnification_among_nodes(grid, nodes[shown])
    return ratios


def read_between(
    values: NDArray[np.floating], rows: NDArray[np.float64], columns: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Interpolate values at nodes (H, W) bilinearly at fractional rows and columns, shape (n,) each."""
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
    """Return where every point of a raster lies between the grid's nodes: `through_inverse` for many points at once.

    Args:
        grid: Shape (H, W, 2).
        xs: The raster's columns, in [-1, 1], evenly increasing.
        ys: Its rows.

    Returns:
        Fractional (row, column) of the nodes, shape (len(ys), len(xs), 2); NaN where the warped image does not show the
        point.
    """
    squares, columns = _squares(grid)
    square, x, y = _candidates(squares, xs, ys)
    u, v, miss = _inside_squares(squares[:, square], np.stack([xs[x], ys[y]], axis=-1))
    hit = miss <= TOLERANCE
    places = np.full((len(ys), len(xs), 2), np.nan)
    places[y[hit], x[hit], 0] = square[hit] // columns + np.clip(v[hit], 0, 1)
    places[y[hit], x[hit], 1] = square[hit] % columns + np.clip(u[hit], 0, 1)
    return places


def squares_at_all(grid: NDArray[np.floating], xs: NDArray[np.float64], ys: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return which square of the grid each point of a raster lies in: `through_inverse_at_all` without the place in it.

    A convex square holds the points on the inner side of its four edges, which is several times cheaper than to invert its
    bilinear map; that is done where the clamp to the border has folded or flattened one.

    Args:
        grid: Shape (H, W, 2).
        xs: The raster's columns, evenly increasing, in the grid's coordinates.
        ys: Its rows.

    Returns:
        The square, row-major among (H - 1, W - 1), shape (len(ys), len(xs)); -1 where the warped image does not show the point.
    """
    squares, _ = _squares(grid)
    square, x, y = _candidates(squares, xs, ys)
    around = squares[[0, 1, 3, 2]]
    edges = np.roll(around, -1, axis=0) - around
    turns = _cross(edges, np.roll(edges, -1, axis=0))
    area = turns.sum(axis=0) / 4  # of a parallelogram; of any other square, near enough for a tolerance
    convex = (turns > NO_AREA * np.abs(area)).all(axis=0)
    # A point is inside if cross(edge, point - corner) >= 0 for every edge.
    least = _cross(edges, around) - TOLERANCE * area
    hit = np.ones(len(square), dtype=bool)
    across, down = xs[x], ys[y]
    for (along_x, along_y), offset in zip(np.moveaxis(edges, -1, 1), least, strict=True):
        hit &= along_x[square] * down - along_y[square] * across >= offset[square]
    if not convex.all():
        other = np.flatnonzero(~convex[square])
        miss = _inside_squares(squares[:, square[other]], np.stack([across[other], down[other]], axis=-1))[2]
        hit[other] = miss <= TOLERANCE
    found = np.full((len(ys), len(xs)), -1, dtype=np.intp)
    found[y[hit], x[hit]] = square[hit]
    return found


def _squares(grid: NDArray[np.floating]) -> tuple[NDArray[np.float64], int]:
    """Return the corners of a grid's squares, row-major, shape (4, n, 2), and the number of squares in a row."""
    nodes = np.asarray(grid, dtype=np.float64)
    squares = np.stack([nodes[:-1, :-1], nodes[:-1, 1:], nodes[1:, :-1], nodes[1:, 1:]]).reshape(4, -1, 2)
    return squares, nodes.shape[1] - 1


def _candidates(
    squares: NDArray[np.float64], xs: NDArray[np.float64], ys: NDArray[np.float64]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Return every square (4, n, 2) with every raster point of its bounding box: square, column, row, in the squares' order."""
    first_x = np.searchsorted(xs, squares[..., 0].min(axis=0) - TOLERANCE)
    first_y = np.searchsorted(ys, squares[..., 1].min(axis=0) - TOLERANCE)
    width = np.searchsorted(xs, squares[..., 0].max(axis=0) + TOLERANCE) - first_x
    count = width * (np.searchsorted(ys, squares[..., 1].max(axis=0) + TOLERANCE) - first_y)
    square = np.repeat(np.arange(len(count)), count)
    within = np.arange(len(square)) - np.repeat(np.cumsum(count) - count, count)
    return square, first_x[square] + within % width[square], first_y[square] + within // width[square]


def _among_nodes(grid: NDArray[np.floating], place: Place) -> tuple[float, float] | None:
    """Return the fractional (row, column) of the grid's nodes that samples a point; None if none does.

    At most one square contains the point, but for those that the clamp to the border has folded or flattened; in it the
    bilinear map is inverted in closed form.
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
    """Return the magnification at fractional (row, column) positions of the grid's nodes, shape (..., 2)."""
    areas = np.maximum(source_areas(np.asarray(grid, dtype=np.float64)), 0.0)
    # A square's centre lies half a square after its first node; beyond the outermost centres, use the outer squares.
    row, column = (np.clip(places[..., axis] - 0.5, 0, areas.shape[axis] - 1) for axis in (0, 1))
    area = read_between(areas, row, column)
    ratio: NDArray[np.float64] = np.divide(1.0, area, out=np.full_like(area, np.inf), where=area > NO_AREA)
    return ratio


def _inside_squares(
    squares: NDArray[np.float64], point: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Solve for (u, v) of a point in each of n squares (4, n, 2), and how far outside [0, 1] they lie; (n,) each.

    With p(u, v) = a + b u + c v + d u v, u follows from v, and v from the quadratic cross(a + c v, b + d v) = 0. A square
    that the clamp to the image's border has flattened has no area to solve in; its points are those of its edges.
    """
    upper_left, upper_right, lower_left, lower_right = squares
    a, b, c = upper_left - point, upper_right - upper_left, lower_left - upper_left
    d = upper_left - upper_right - lower_left + lower_right
    second, first, constant = _cross(c, d), _cross(a, d) + _cross(c, b), _cross(a, b)
    with np.errstate(all="ignore"):  # a square without area has no solution: NaN
        root = np.sqrt(first**2 - 4 * second * constant)
        # The numerically stable form of both roots; also valid for a parallelogram, whose quadratic term is 0.
        half = -0.5 * (first + np.where(first < 0, -root, root))
        v = np.stack([half / second, constant / half])
        along = b + d * v[..., None]
        u = -((a + c * v[..., None]) * along).sum(axis=-1) / (along**2).sum(axis=-1)
    miss = np.maximum(np.maximum(-u, u - 1), np.maximum(-v, v - 1))
    miss = np.where(np.isfinite(miss), np.maximum(miss, 0), np.inf)
    better = miss.argmin(axis=0)[None]
    u, v, miss = (np.take_along_axis(values, better, axis=0)[0] for values in (u, v, miss))
    flat = ~np.isfinite(miss)
    if flat.any():
        u[flat], v[flat], miss[flat] = _on_edges(squares[:, flat], np.broadcast_to(point, a.shape)[flat])
    return u, v, miss


def _on_edges(
    squares: NDArray[np.float64], point: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return (u, v) of the nearest point on the edges of each of n squares (4, n, 2), and its distance; (n,) each."""
    upper_left, upper_right, lower_left, lower_right = squares
    zero, one = np.zeros(len(point)), np.ones(len(point))
    us, vs, distances = [], [], []
    for start, end, horizontal, other in (
        (upper_left, upper_right, True, zero),
        (lower_left, lower_right, True, one),
        (upper_left, lower_left, False, zero),
        (upper_right, lower_right, False, one),
    ):
        edge, length = end - start, ((end - start) ** 2).sum(axis=-1)
        along = ((point - start) * edge).sum(axis=-1)
        t = np.clip(np.divide(along, length, out=np.zeros_like(along), where=length > 0), 0, 1)
        us.append(t if horizontal else other)
        vs.append(other if horizontal else t)
        distances.append(np.hypot(*np.moveaxis(start + edge * t[:, None] - point, -1, 0)))
    nearest = np.argmin(distances, axis=0)[None]
    u, v, distance = (np.take_along_axis(np.stack(values), nearest, axis=0)[0] for values in (us, vs, distances))
    return u, v, distance


def _cross(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    product: NDArray[np.float64] = a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    return product
