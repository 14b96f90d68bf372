"""Painting many points as one image, without OpenGL: fast enough to be moved by hand. Without Qt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FADED = 0.25
"""Opacity of points of other parts while one part is selected."""

_OPACITY = 0.55  # of a single point; more of them on a pixel hide what is below
_SIDES = ((4_000, 6), (20_000, 4), (150_000, 3))  # up to so many points, the side of one in pixels; above, 2
_SMALL = 2


@dataclass(frozen=True, slots=True)
class Window:
    """The part of the map that is shown.

    Attributes:
        x: The map's x at the middle.
        y: Alike; the y axis points upwards.
        scale: Pixels per unit of the map.
    """

    x: float
    y: float
    scale: float

    @classmethod
    def around(cls, points: NDArray[np.float32], size: tuple[int, int]) -> Window:
        """Return the window that shows all points (n, 2), with a margin, in a picture of (width, height) pixels."""
        if not len(points):
            return cls(0.0, 0.0, 1.0)
        low, high = points.min(axis=0).astype(float), points.max(axis=0).astype(float)
        spans = np.maximum(high - low, 1e-6)
        scale = 0.92 * float(np.min(np.array(size) / spans))
        x, y = ((low + high) / 2).tolist()
        return cls(x, y, scale)

    def to_pixels(self, points: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
        """Return the pixels of points (n, 2)."""
        found: NDArray[np.float32] = points * np.array([self.scale, -self.scale], dtype=np.float32) + np.array(
            [size[0] / 2 - self.x * self.scale, size[1] / 2 + self.y * self.scale], dtype=np.float32
        )
        return found

    def to_map(self, x: float, y: float, size: tuple[int, int]) -> tuple[float, float]:
        """Return the point of the map at a pixel."""
        return self.x + (x - size[0] / 2) / self.scale, self.y - (y - size[1] / 2) / self.scale

    def moved(self, right: float, down: float) -> Window:
        """Return the window after the picture was dragged by so many pixels."""
        return Window(self.x - right / self.scale, self.y + down / self.scale, self.scale)

    def zoomed(self, factor: float, x: float, y: float, size: tuple[int, int]) -> Window:
        """Return the window scaled by a factor, with the point below a pixel staying where it is."""
        at_x, at_y = self.to_map(x, y, size)
        scale = self.scale * factor
        return Window(at_x - (x - size[0] / 2) / scale, at_y + (y - size[1] / 2) / scale, scale)


def paint_points(
    points: NDArray[np.float32],
    groups: NDArray[np.integer],
    colours: NDArray[np.uint8],
    background: tuple[int, int, int],
    window: Window,
    size: tuple[int, int],
    *,
    faded: NDArray[np.bool_] | None = None,
    quick: bool = False,
) -> NDArray[np.uint8]:
    """Paint points; where many meet, the pixel has the colour of the last one and is more opaque.

    Args:
        points: Positions on the map, float32 (n, 2).
        groups: The group of each point, (n,), from 0.
        colours: The colour of each group, uint8 (groups, 3).
        background: The colour below.
        window: What is shown.
        size: (width, height) of the picture in pixels.
        faded: Groups whose points are faint and below the others, bool (groups,).
        quick: While the map moves: every point has one opacity.

    Returns:
        RGBA, uint8 (height, width, 4), opaque.
    """
    width, height = size
    ground = np.array([*background, 255], dtype=np.uint8)
    picture = np.empty(height * width, dtype=np.uint32)
    picture[:] = ground.view(np.uint32)[0]
    places = window.to_pixels(points, size)
    side = next((side for most, side in _SIDES if len(points) <= most), _SMALL)
    x, y = (np.floor(places[:, axis] - (side - 1) / 2).astype(np.int32) for axis in (0, 1))
    shown = (x >= 0) & (y >= 0) & (x <= width - side) & (y <= height - side)
    starts, of = y[shown] * np.int32(width) + x[shown], groups[shown]
    layers = [np.ones(len(of), dtype=bool)] if faded is None else [faded[of], ~faded[of]]
    shifts = _disc(side, width)
    for layer, opacity in zip(layers, (_OPACITY,) if faded is None else (_OPACITY * FADED, 0.8), strict=True):
        some = of[layer]
        pixels = (starts[layer] + shifts[:, None]).reshape(-1)
        if quick:
            flat = _mixed(np.broadcast_to(ground[:3], colours.shape), colours, np.float32(min(opacity * 1.5, 0.9)))
            picture[pixels] = np.tile(flat[some], len(shifts))
            continue
        last = np.zeros(height * width, dtype=np.int16)
        last[pixels] = np.tile(some.astype(np.int16), len(shifts))
        counts = np.bincount(pixels, minlength=height * width)
        touched = np.flatnonzero(counts)
        alpha = (1 - (1 - opacity) ** np.minimum(counts[touched], 12)).astype(np.float32)[:, None]
        below = picture[touched].view(np.uint8).reshape(-1, 4)[:, :3]
        picture[touched] = _mixed(below, colours[last[touched]], alpha)
    return picture.view(np.uint8).reshape(height, width, 4)


def _disc(side: int, width: int) -> NDArray[np.int32]:
    """Return the pixels of a point from its upper left one, in a picture of so many columns: a disc, a square if it is small."""
    rows = np.arange(side) - (side - 1) / 2
    near = np.hypot(rows[:, None], rows) <= (side / 2 if side > 3 else side)
    down, right = np.nonzero(near)
    return (down * width + right).astype(np.int32)


def _mixed(
    below: NDArray[np.uint8], above: NDArray[np.uint8], alpha: NDArray[np.float32] | np.float32
) -> NDArray[np.uint32]:
    """Return colours (n, 3) over others as packed RGBA, uint32 (n,)."""
    mixed = np.full((len(below), 4), 255, dtype=np.uint8)
    mixed[:, :3] = below + alpha * (above.astype(np.float32) - below)
    found: NDArray[np.uint32] = mixed.view(np.uint32)[:, 0]
    return found


def inside(polygon: NDArray[np.float64], points: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return which points (n, 2) lie inside a polygon (m, 2), by the even-odd rule."""
    found = np.zeros(len(points), dtype=bool)
    if len(polygon) < 3:
        return found
    low, high = polygon.min(axis=0), polygon.max(axis=0)
    near = np.flatnonzero(((points >= low) & (points <= high)).all(axis=1))
    x, y = points[near, 0], points[near, 1]
    crossed = np.zeros(len(near), dtype=bool)
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        if y0 == y1:
            continue
        between = (y0 > y) != (y1 > y)
        crossed ^= between & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0))
    found[near] = crossed
    return found
