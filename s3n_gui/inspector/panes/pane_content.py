"""What a pane shows of an inspected image, resolved from its kind into a `PaneContent`. No widgets.

All panes except D and C show the plane of the original, in pixels of the original. D and C each have their own plane.
It keeps the aspect ratio and the unit size of the original, but equal coordinates are different places in each plane.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF

from s3n_core.datasets.records import Annotation, displayed_class
from s3n_core.inspection.contribution_view import ContributionView
from s3n_core.inspection.geometry import cell_places, magnification_raster
from s3n_core.inspection.inspection import Inspection, is_same
from s3n_core.inspection.ledger import ledger_of
from s3n_core.inspection.map_display import (
    RESPONSE_RANGE,
    ValueRange,
    class_map_range,
    contribution_range,
    magnification_range,
    sampling_map_range,
)
from s3n_core.inspection.peak import Peak
from s3n_core.method.alignment import grid_to_cell, grid_to_share, share_to_grid
from s3n_core.parts.atlas.part_place import PartPlace
from s3n_gui.inspector.panes.pane_kinds import Kind, Plane, plane_of, warped_of
from s3n_gui.inspector.why_state import WhyState
from s3n_gui.widgets.images.marks import PartTag, PeakMark
from s3n_gui.widgets.part_swatch import place_colour

Base = Literal["colour", "grey", "D", "C"]

# Samples per map cell, dense enough that the screen's interpolation is not visible. Magnification is smooth across
# cells and goes through the inverse of the grid, which is about forty times as slow, so it uses fewer.
_CELL_PIXELS, _MAGNIFIED_CELL_PIXELS = 8, 6


@dataclass(frozen=True, kw_only=True, eq=False)
class PaneContent:
    """What one pane shows.

    Attributes:
        kind: The kind of the pane.
        plane: The plane that the pane's units belong to.
        base: The image.
        rect: Where the image is, in the pane's units.
        values: The map as the engine computed it, (rows, columns); None without a map.
        shares: The map upsampled and scaled from ``limits`` to [0, 1], float32; None without a map.
        map_rect: Where the map is, in the pane's units.
        limits: The values at the ends of the palette.
        class_name: The class of a class map, or the classes of contributions, for display.
        note: Why an expected map is missing; otherwise empty.
        missing: The index of the class whose map is still to be requested, or None.
        contributions: The contributions, if the pane shows them.
    """

    kind: Kind
    plane: Plane
    base: Base
    rect: QRectF
    values: NDArray[np.floating] | None = None
    shares: NDArray[np.float32] | None = None
    map_rect: QRectF
    limits: ValueRange | None = None
    class_name: str = ""
    note: str = ""
    missing: int | None = None
    contributions: ContributionView | None = None


def seen_rect(inspection: Inspection) -> QRectF:
    """Return the region that the network sees, in pixels of the original."""
    x0, y0, x1, y1 = inspection.response.source_box
    return QRectF(x0, y0, x1 - x0, y1 - y0)


def resolve_contributions(inspection: Inspection, why: WhyState, last: PaneContent | None = None) -> PaneContent:
    """Return what a pane shows of the contributions: their map over the whole original, or why there is none.

    Args:
        inspection: The inspection.
        why: The question and its reply.
        last: What the pane showed before, whose scaled map is used again where it is the same.
    """
    width, height = inspection.response.image_size
    whole = QRectF(0, 0, width, height)
    view = why.view
    values = None if view is None else view.density
    limits = None if values is None else contribution_range(values)
    shares = None
    if values is not None and limits is not None:
        kept = last is not None and last.values is values and last.shares is not None
        shares = last.shares if kept and last is not None else limits.share(values).astype(np.float32)
    return PaneContent(
        kind="contributions",
        plane="original",
        base="grey",
        rect=whole,
        values=values,
        shares=shares,
        map_rect=whole,
        limits=limits,
        class_name="" if view is None else ledger_of(view).question,
        note=why.note,
        contributions=view,
    )


def resolve(
    kind: Kind, inspection: Inspection, class_name: str | None = None, last: PaneContent | None = None
) -> PaneContent:
    """Return what a pane of a kind other than contributions shows of an image.

    Args:
        kind: The kind of the pane.
        inspection: The image's inspection.
        class_name: The class of a class map; None for the predicted class.
        last: The pane's previous content; an unchanged map in it is reused.
    """
    seen = seen_rect(inspection)
    if kind in ("image_d", "image_c"):
        rect = QRectF(0, 0, seen.width(), seen.height())
        return PaneContent(
            kind=kind, plane=plane_of(kind), base="D" if kind == "image_d" else "C", rect=rect, map_rect=rect
        )
    width, height = inspection.response.image_size
    whole = QRectF(0, 0, width, height)
    if kind == "peaks":
        return PaneContent(kind=kind, plane="original", base="colour", rect=whole, map_rect=seen)
    name, note, missing = "", "", None
    values: NDArray[np.floating] | None
    if kind == "response":
        values, limits = inspection.response.map, RESPONSE_RANGE
    elif kind == "class_map":
        classes = inspection.response.classes
        wanted = inspection.prediction.name if class_name is None else class_name
        index = classes.index(wanted) if wanted in classes else None
        values = None if index is None else inspection.response.class_support(index)
        name, limits = displayed_class(wanted), class_map_range(inspection.response.class_maps)
        if index is None:
            note = f"{name} is not one of this model's classes."
        elif values is None:
            note, missing = "Loading this class's map …", index
    elif kind in ("map_d", "map_c"):
        values = inspection.warps.map_d if kind == "map_d" else inspection.warps.map_c
        limits = sampling_map_range(inspection.warps.map_d, inspection.warps.map_c)
    else:
        values = inspection.warps.magnification(warped_of(kind))
        limits = magnification_range(inspection.warps.grid_d, inspection.warps.grid_c)
    shares = None
    if values is not None:
        if kind in ("magnified_d", "magnified_c"):
            rows, columns = (
                _places_along(cells * _MAGNIFIED_CELL_PIXELS, inspection.response.source_size)
                for cells in inspection.response.map.shape
            )
            ratios = magnification_raster(inspection.warps.grid(warped_of(kind)), columns, rows)
            shares = limits.share(ratios).astype(np.float32)  # what the warp has cut off gets the lowest colour
        elif last is not None and is_same(last.values, values) and (last.limits, last.map_rect) == (limits, seen):
            shares = last.shares
        else:
            shares = limits.share(_read_finely(values, inspection.response.source_size)).astype(np.float32)
    return PaneContent(
        kind=kind,
        plane="original",
        base="grey",
        rect=whole,
        values=values,
        shares=shares,
        map_rect=seen,
        limits=limits,
        class_name=name,
        note=note,
        missing=missing,
    )


def grid_lines(inspection: Inspection, kind: Kind) -> list[NDArray[np.float64]]:
    """Return the grid lines of a kind, in the units of its pane: (points, 2) arrays of (x, y).

    On the original they are the deformed lines of Figure 1, one per row and one per column of Q. In D and C the same
    lines are straight.
    """
    branch = warped_of(kind)
    if plane_of(kind) == "original":
        nodes = inspection.grid_in_original(branch)
    else:
        seen = seen_rect(inspection)
        rows, columns = inspection.response.map.shape
        side = len(inspection.warps.image(branch))
        share = grid_to_share(cell_places(rows, columns), side)
        nodes = share * (seen.width(), seen.height())
    return [*nodes, *nodes.swapaxes(0, 1)]


def peak_marks(
    inspection: Inspection,
    plane: Plane,
    selected: tuple[int, int] | None,
    annotation: Annotation | None = None,
    part_of: Callable[[Peak], PartPlace | None] | None = None,
) -> tuple[PeakMark, ...]:
    """Return the peaks as marks in a plane's units, without those that the warp has cut off.

    Args:
        inspection: The inspection.
        plane: The plane.
        selected: The cell of the selected peak.
        annotation: The image's box, outside which peaks get a mark.
        part_of: Returns a peak's part, where an atlas knows it.
    """
    annotation = annotation or Annotation()
    marks = []
    for peak in inspection.warps.peaks:
        place = to_plane(inspection, plane, (peak.x, peak.y))
        if place is not None:
            part = None if part_of is None else part_of(peak)
            marks.append(
                PeakMark(
                    key=peak.found_at,
                    x=place[0],
                    y=place[1],
                    strength=peak.response,
                    weight_d=peak.weight_d,
                    weight_c=peak.weight_c,
                    selected=peak.found_at == selected,
                    outside=annotation.is_outside(peak.x, peak.y),
                    part=None if part is None else PartTag(name=part.name, colour=place_colour(part)),
                )
            )
    return tuple(marks)


def to_plane(inspection: Inspection, plane: Plane, place: tuple[float, float]) -> tuple[float, float] | None:
    """Convert a place in the original to a plane's units; None if the plane does not show it."""
    if plane == "original":
        width, height = inspection.response.image_size
        return place if 0 <= place[0] <= width and 0 <= place[1] <= height else None
    warped = inspection.original_to_warped(plane, *place)
    if warped is None:
        return None
    seen, side = seen_rect(inspection), len(inspection.warps.image(plane))
    return warped[0] / side * seen.width(), warped[1] / side * seen.height()


def from_plane(inspection: Inspection, plane: Plane, place: tuple[float, float]) -> tuple[float, float] | None:
    """Convert a place in a plane's units to one in the original; None outside the image."""
    if plane == "original":
        return to_plane(inspection, plane, place)
    seen, side = seen_rect(inspection), len(inspection.warps.image(plane))
    if not (0 <= place[0] <= seen.width() and 0 <= place[1] <= seen.height()):
        return None
    return inspection.warped_to_original(plane, place[0] / seen.width() * side, place[1] / seen.height() * side)


def value_at(inspection: Inspection, content: PaneContent, place: tuple[float, float]) -> float | None:
    """Return a map's value at a place in the original, interpolated bilinearly; None outside the map.

    Contributions are not interpolated: each pixel of their map has the sum of what falls on it.
    """
    if content.contributions is not None:
        return content.contributions.density_at(*place)
    if content.values is None:
        return None
    if content.kind in ("magnified_d", "magnified_c"):
        return inspection.magnification_at(warped_of(content.kind), *place)
    cell = inspection.response.original_to_cell(*place)
    return None if cell is None else _bilinear(content.values, *cell)


def _bilinear(values: NDArray[np.floating], row: float, column: float) -> float:
    top, left = min(int(row), values.shape[0] - 2), min(int(column), values.shape[1] - 2)
    v, u = row - top, column - left
    corners = np.asarray(values[top : top + 2, left : left + 2], dtype=np.float64)
    upper, lower = corners[:, 0] * (1 - u) + corners[:, 1] * u
    return float(upper * (1 - v) + lower * v)


def _read_finely(values: NDArray[np.floating], source_size: int) -> NDArray[np.float32]:
    """Upsample a map bilinearly over the seen square, edge to edge; this interpolates values, not colours.

    Uses indexing instead of a matrix product: for arrays this small, BLAS threads cost a hundred times what they save
    while a training keeps the cores busy.
    """
    read: NDArray[np.float32] = np.clip(np.nan_to_num(np.asarray(values, dtype=np.float32)), -1e6, 1e6)
    for _ in range(2):  # columns first, then rows
        cells = read.shape[1]
        place = grid_to_cell(_places_along(cells * _CELL_PIXELS, source_size), cells)
        left = np.minimum(place.astype(np.intp), cells - 2)
        part = (place - left).astype(np.float32)
        read = np.asarray((read[:, left] * (1 - part) + read[:, left + 1] * part).T, dtype=np.float32)
    return np.ascontiguousarray(read)


def _places_along(count: int, source_size: int) -> NDArray[np.float64]:
    """Return ``count`` evenly spaced grid coordinates along the seen square, edge to edge, clipped to [-1, 1]."""
    return np.clip(share_to_grid((np.arange(count) + 0.5) / count, source_size), -1, 1)
