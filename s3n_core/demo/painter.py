"""Brushes: antialiased and soft-edged shapes on a canvas that is larger than the final image.

All geometry is in pixels of the final image, where pixel i covers [i, i + 1). The canvas has ``SUPERSAMPLE`` times as
many pixels along both sides, so that edges stay smooth when it is reduced.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from s3n_core.demo.curves import Points

SUPERSAMPLE = 2
Canvas = NDArray[np.uint8]
Mask = NDArray[np.uint8]
Colour = tuple[float, float, float]

_SHIFT = 4  # fractional bits of OpenCV's fixed-point coordinates


def fixed(points: Points) -> NDArray[np.int32]:
    """Convert image coordinates to OpenCV's fixed-point canvas coordinates."""
    return np.rint((points * SUPERSAMPLE - 0.5) * (1 << _SHIFT)).astype(np.int32)


def fill(canvas: NDArray[np.uint8], outline: Points, colour: Colour | float) -> None:
    """Fill one outline, shape (n, 2)."""
    cv2.fillPoly(canvas, [fixed(outline)], _scalar(colour), cv2.LINE_AA, _SHIFT)


def stroke(canvas: NDArray[np.uint8], lines: Sequence[Points] | Points, colour: Colour | float, width: float) -> None:
    """Draw open lines, each of shape (n, 2), ``width`` image pixels wide (at least one canvas pixel)."""
    thickness = max(1, round(width * SUPERSAMPLE))
    cv2.polylines(canvas, [fixed(line) for line in lines], False, _scalar(colour), thickness, cv2.LINE_AA, _SHIFT)


def disc(canvas: NDArray[np.uint8], centre: Points, radius: float, colour: Colour | float) -> None:
    """Fill a disc of ``radius`` image pixels."""
    x, y = fixed(centre)
    cv2.circle(
        canvas, (int(x), int(y)), round(radius * SUPERSAMPLE * (1 << _SHIFT)), _scalar(colour), -1, cv2.LINE_AA, _SHIFT
    )


def soft_fill(
    canvas: Canvas,
    outlines: Sequence[Points],
    colour: Colour,
    *,
    blur: float,
    opacity: float = 1.0,
) -> None:
    """Fill outlines with soft edges.

    Args:
        canvas: The canvas to paint on.
        outlines: Outlines (n, 2) that are painted as one shape.
        colour: Red, green and blue, 0 to 255.
        blur: Standard deviation of the edge's blur, in image pixels.
        opacity: 0 to 1.
    """
    low = np.floor(np.min([o.min(0) for o in outlines], 0) - 3 * blur) * SUPERSAMPLE
    high = np.ceil(np.max([o.max(0) for o in outlines], 0) + 3 * blur) * SUPERSAMPLE
    x0, y0 = (max(0, int(v)) for v in low)
    x1, y1 = (min(limit, int(v)) for v, limit in zip(high, canvas.shape[1::-1], strict=True))
    if x1 <= x0 or y1 <= y0:
        return
    mask = np.zeros((y1 - y0, x1 - x0), dtype=np.uint8)
    offset = np.array([x0, y0], dtype=np.float64) / SUPERSAMPLE
    for outline in outlines:
        fill(mask, outline - offset, 255)
    mask = soften(mask, blur)
    tint(canvas[y0:y1, x0:x1], colour, mask, opacity)


def soften(mask: Mask, blur: float) -> Mask:
    """Blur a mask by ``blur`` image pixels; a wide blur uses a reduced copy, which is faster and looks the same."""
    sigma = blur * SUPERSAMPLE
    if sigma < 0.3:
        return mask
    reduction = max(1, int(sigma / 2.5))
    if reduction == 1:
        return blurred(mask, sigma)
    height, width = mask.shape[:2]
    small = resized(mask, (max(1, width // reduction), max(1, height // reduction)), cv2.INTER_AREA)
    return resized(blurred(small, sigma / reduction), (width, height))


def blurred(image: Canvas, sigma: float) -> Canvas:
    """Return ``image`` with a Gaussian blur of ``sigma`` of its own pixels."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE), dtype=np.uint8)


def resized(image: Canvas, size: tuple[int, int], how: int = cv2.INTER_LINEAR) -> Canvas:
    """Return ``image`` resized to ``size`` (width, height)."""
    return np.asarray(cv2.resize(image, size, interpolation=how), dtype=np.uint8)


def tint(canvas: Canvas, colour: Colour, mask: Mask, opacity: float = 1.0) -> None:
    """Blend ``colour`` into ``canvas`` through ``mask``, in place."""
    painted = np.empty_like(canvas)
    painted[:] = np.rint(np.asarray(colour)).astype(np.uint8)
    over(canvas, painted, mask, opacity)


def over(canvas: Canvas, painted: Canvas, mask: Mask, opacity: float = 1.0) -> None:
    """Blend ``painted`` into ``canvas`` through ``mask``, in place."""
    alpha = mask.astype(np.float32) * np.float32(opacity / 255)
    canvas[:] = cv2.blendLinear(painted, canvas, alpha, 1 - alpha)


def _scalar(colour: Colour | float) -> Colour | tuple[float]:
    return (float(colour),) if isinstance(colour, int | float) else colour
