"""Curves and frames: smooth outlines through a few points, feather shapes, and affine frames of the bird's parts.

Points are float64 arrays of shape (..., 2), last axis (x, y), y pointing down. A frame is a (2, 3) affine matrix.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Points = NDArray[np.float64]
Frame = NDArray[np.float64]

_FEATHER_STATIONS = np.array([0.0, 0.12, 0.3, 0.5, 0.68, 0.82, 0.91, 0.97, 1.0])
_FEATHER_HALF_WIDTHS = np.array([0.3, 0.6, 0.86, 0.98, 1.0, 0.9, 0.7, 0.4, 0.0])


def smooth_closed(points: ArrayLike, steps: int = 8) -> Points:
    """Return the closed Catmull-Rom curve through ``points``, shape (n * steps, 2)."""
    p = np.asarray(points, dtype=np.float64)
    return _catmull_rom(np.roll(p, 1, 0), p, np.roll(p, -1, 0), np.roll(p, -2, 0), steps)


def smooth_open(points: ArrayLike, steps: int = 8) -> Points:
    """Return the open Catmull-Rom curve through ``points``, shape ((n - 1) * steps + 1, 2)."""
    p = np.asarray(points, dtype=np.float64)
    padded = np.concatenate([2 * p[:1] - p[1:2], p, 2 * p[-1:] - p[-2:-1]])
    curve = _catmull_rom(padded[:-3], padded[1:-2], padded[2:-1], padded[3:], steps)
    return np.concatenate([curve, p[-1:]])


def _catmull_rom(a: Points, b: Points, c: Points, d: Points, steps: int) -> Points:
    t = (np.arange(steps) / steps)[None, :, None]
    a, b, c, d = (x[:, None, :] for x in (a, b, c, d))
    curve = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    return np.asarray(curve.reshape(-1, 2))


def feathers(bases: ArrayLike, tips: ArrayLike, widths: ArrayLike, bend: float = 0.0) -> Points:
    """Return feather outlines.

    Args:
        bases: Base of each quill, shape (n, 2).
        tips: Tip of each feather, shape (n, 2).
        widths: Full widths, a number or shape (n,).
        bend: Sideways bend of the shaft, as a share of its length.

    Returns:
        Outlines, shape (n, 18, 2): down one side and back along the other.
    """
    base, tip = np.asarray(bases, dtype=np.float64), np.asarray(tips, dtype=np.float64)
    axis = tip - base
    length = np.linalg.norm(axis, axis=-1, keepdims=True)
    across = np.stack([-axis[:, 1], axis[:, 0]], -1) / np.maximum(length, 1e-9)
    half = 0.5 * np.broadcast_to(np.asarray(widths, dtype=np.float64), base.shape[:1])[:, None, None]
    t = _FEATHER_STATIONS[None, :, None]
    shaft = base[:, None] + axis[:, None] * t + (bend * length)[:, None] * across[:, None] * (4 * t * (1 - t))
    side = across[:, None] * half * _FEATHER_HALF_WIDTHS[None, :, None]
    return np.concatenate([shaft + side, (shaft - side)[:, ::-1]], axis=1)


def between(start: ArrayLike, end: ArrayLike, count: int) -> Points:
    """Return ``count`` evenly spaced points from ``start`` to ``end``, shape (count, 2)."""
    return np.linspace(np.asarray(start, dtype=np.float64), np.asarray(end, dtype=np.float64), count)


def frame(
    *, scale: tuple[float, float] = (1.0, 1.0), angle: float = 0.0, origin: tuple[float, float] = (0, 0)
) -> Frame:
    """Return the frame that scales, rotates by ``angle`` (radians, clockwise on screen), then moves to ``origin``."""
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos * scale[0], -sin * scale[1], origin[0]], [sin * scale[0], cos * scale[1], origin[1]]])


def inside(outer: Frame, inner: Frame) -> Frame:
    """Return the composed frame that applies ``inner`` first, then ``outer``."""
    matrix = outer[:, :2] @ inner[:, :2]
    return np.concatenate([matrix, (outer[:, :2] @ inner[:, 2] + outer[:, 2])[:, None]], axis=1)


def place(frame_: Frame, points: ArrayLike) -> Points:
    """Transform ``points`` (..., 2) from a frame's own coordinates to the outer ones."""
    return np.asarray(points, dtype=np.float64) @ frame_[:, :2].T + frame_[:, 2]
