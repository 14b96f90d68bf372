"""Overlays on images: peaks, grid lines and the frame of the view, drawn the same way everywhere."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from s3n_core.export.figures import tokens
from s3n_core.export.figures.canvas import Area, Canvas


def draw_peaks(
    canvas: Canvas,
    area: Area,
    places: NDArray[np.floating],
    response: NDArray[np.floating],
    weight_d: NDArray[np.floating],
    weight_c: NDArray[np.floating],
) -> None:
    """Draw peaks: a disc for T_d, a ring for T_c, both larger with R; a grey cross for a peak in neither set.

    A peak that partly belongs to both has a disc and a ring; the disc's area and the ring's width show the memberships.

    Args:
        canvas: The page.
        area: The panel.
        places: Positions (n, 2), (x, y) as fractions 0 ... 1 of the panel's width and height.
        response: R of the peaks, shape (n,), 0 ... 1.
        weight_d: Membership in T_d, shape (n,), 0 ... 1.
        weight_c: Membership in T_c.
    """
    order = np.argsort(-response, kind="stable")  # smallest last, so that none is hidden
    response, weight_d, weight_c = (np.asarray(v, dtype=np.float64)[order] for v in (response, weight_d, weight_c))
    centres = np.asarray(places, dtype=np.float64)[order] * (area.width, area.height) + (area.x, area.y)
    radius = mark_radius(area, response)
    both = np.minimum(weight_d, weight_c) > 0
    disc = radius * np.where(both, (1 - 0.42 * weight_c) * np.sqrt(weight_d), 1.0)
    ring_width = np.maximum(0.55, 0.42 * radius * weight_c)
    in_d, in_c, off = weight_d > 0.005, weight_c > 0.005, (weight_d <= 0.005) & (weight_c <= 0.005)
    # All halos first, so that no halo covers a neighbouring peak. Marks on the border are not clipped.
    canvas.circles(centres[in_c], radius[in_c], edge="#FFFFFF", edge_width=ring_width[in_c] + 1.1)
    canvas.circles(centres[in_d], disc[in_d] + 0.55, fill="#FFFFFF")
    canvas.circles(centres[in_c], radius[in_c], edge=tokens.BRANCH_COLOURS["C"], edge_width=ring_width[in_c])
    canvas.circles(centres[in_d], disc[in_d], fill=tokens.BRANCH_COLOURS["D"])
    for (x, y), r in zip(centres[off], 0.8 * radius[off], strict=True):
        cross = [[(x - r, y - r), (x + r, y + r)], [(x - r, y + r), (x + r, y - r)]]
        canvas.lines(cross, "#FFFFFF", width=2.2)
        canvas.lines(cross, tokens.BRANCH_COLOURS["O"], width=1.2)


def draw_outside_marks(
    canvas: Canvas, area: Area, places: NDArray[np.floating], response: NDArray[np.floating]
) -> None:
    """Draw an open diamond around peaks that lie outside the annotated box; the arguments are those of `draw_peaks`."""
    centres = np.asarray(places, dtype=np.float64).reshape(-1, 2) * (area.width, area.height) + (area.x, area.y)
    outlines = [_diamond(x, y, r) for (x, y), r in zip(centres, 1.35 * mark_radius(area, response) + 2.2, strict=True)]
    if outlines:
        canvas.lines(outlines, "#000000", width=2.0, alpha=0.6)
        canvas.lines(outlines, "#FFFFFF", width=1.0)


def draw_outside_key(canvas: Canvas, x: float, middle: float, *, size: float) -> None:
    """Draw the open diamond of `draw_outside_marks` in a legend, ``size`` points wide."""
    canvas.lines([_diamond(x + size / 2, middle, size / 2)], tokens.TEXT, width=0.8)


def draw_annotation(canvas: Canvas, area: Area, box: Area | None, parts: NDArray[np.floating]) -> None:
    """Draw the data set's box and key points.

    Args:
        canvas: The page.
        area: The panel, to which they are clipped.
        box: The box, in points of the page, or None.
        parts: Positions of the key points (n, 2), (x, y) as fractions 0 ... 1 of the panel's width and height.
    """
    if box is not None:
        corners = [(box.x, box.y), (box.right, box.y), (box.right, box.bottom), (box.x, box.bottom)]
        outline = [[*corners, corners[0], corners[1]]]
        canvas.lines(outline, "#000000", width=1.9, alpha=0.5, clip=area)
        canvas.lines(outline, tokens.ANNOTATION, width=0.9, clip=area)
    places = np.asarray(parts, dtype=np.float64).reshape(-1, 2) * (area.width, area.height) + (area.x, area.y)
    radius = np.full(len(places), 0.0085 * (area.width * area.height) ** 0.5)
    canvas.circles(places, radius + 0.5, fill="#000000", clip=area)
    canvas.circles(places, radius, fill=tokens.ANNOTATION, clip=area)


def draw_view_label(canvas: Canvas, area: Area, box: Area, labels: Sequence[str]) -> None:
    """Write what the network sees below its region if there is room, else into its lower edge.

    Args:
        canvas: The page.
        area: The panel.
        box: The region that the network sees, in points of the page.
        labels: The label and shorter ones, of which the first that fits is used; none if the last does not fit.
    """
    height = 1.45 * tokens.CAPTION
    below = area.bottom - box.bottom >= height
    room = area.width if below else box.width
    fitting = [text for text in labels if canvas.width_of(text, size=tokens.CAPTION) + 5 <= room]
    if not fitting:
        return
    width = canvas.width_of(fitting[0], size=tokens.CAPTION) + 5
    x = min(max(box.x, area.x), area.right - width)
    y = box.bottom if below else box.bottom - height
    canvas.rectangle(Area(x, y, width, height), "#14161AC8", radius=1.2)
    canvas.text(x + 2.5, y + 0.74 * height, fitting[0], size=tokens.CAPTION, colour="#FFFFFF")


def _diamond(x: float, y: float, radius: float) -> list[tuple[float, float]]:
    return [(x, y - radius), (x + radius, y), (x, y + radius), (x - radius, y), (x, y - radius), (x + radius, y)]


def mark_radius(area: Area, response: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the radius of the peaks' marks in points, which depends on R and the panel's size."""
    size = min((area.width * area.height) ** 0.5, 3 * min(area.width, area.height))
    radius: NDArray[np.float64] = size * (0.0095 + 0.0175 * np.clip(np.asarray(response, dtype=np.float64), 0, 1))
    return radius


def draw_grid(canvas: Canvas, area: Area, places: NDArray[np.floating]) -> None:
    """Draw a deformed grid as white lines (60 % opacity), one per row and column of the map.

    Args:
        canvas: The page.
        area: The panel.
        places: Where each cell of the warped image is sampled, (h, w, 2), (x, y) as fractions of the panel.
    """
    points = np.asarray(places, dtype=np.float64) * (area.width, area.height) + (area.x, area.y)
    lines = [*points, *points.swapaxes(0, 1)]
    width = min(0.6, max(0.3, 0.0035 * area.width))
    canvas.lines(lines, "#FFFFFF", width=width, alpha=0.6, clip=area)


def draw_view_frame(canvas: Canvas, area: Area, box: Area) -> None:
    """Draw a frame around the region of the original that the network sees."""
    canvas.outline(box, "#000000", width=1.4, alpha=0.35)
    canvas.outline(box, "#FFFFFF", width=0.7, alpha=0.9, dashed=True)


def draw_branch_mark(canvas: Canvas, x: float, middle: float, branch: str, *, size: float) -> None:
    """Draw the mark of a branch (a disc for D, a ring for C, a square for the others) of ``size`` points."""
    centre, radius = np.array([[x + size / 2, middle]]), np.array([size / 2])
    colour = tokens.BRANCH_COLOURS[branch]
    if branch == "D":
        canvas.circles(centre, radius, fill=colour)
    elif branch == "C":
        canvas.circles(centre, radius * 0.8, edge=colour, edge_width=size * 0.22)
    else:
        canvas.rectangle(Area(x, middle - size / 2, size, size), colour, radius=size * 0.18)
