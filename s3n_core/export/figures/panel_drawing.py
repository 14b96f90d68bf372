"""Drawing a panel on a page: pixels, marks, and below them the colour bar or the legend."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from s3n_core.export.figures import tokens
from s3n_core.export.figures.canvas import Area, Canvas
from s3n_core.export.figures.marks import (
    draw_annotation,
    draw_branch_mark,
    draw_grid,
    draw_outside_key,
    draw_outside_marks,
    draw_peaks,
    draw_view_frame,
    draw_view_label,
)
from s3n_core.export.figures.panels import PANEL_TEXTS, PanelName
from s3n_core.export.figures.rasters import Rasters
from s3n_core.inspection.geometry import largest_magnification
from s3n_core.inspection.ledger import ledger_of
from s3n_core.inspection.map_display import ValueRange, coloured
from s3n_core.inspection.number_text import magnification_text
from s3n_core.inspection.palettes import DivergingName, PaletteName
from s3n_core.inspection.peak import Peak
from s3n_core.inspection.view import view_labels

ABOVE = 14.5
"""Height of a panel's title, in points."""

BELOW = 21.0
"""Height of its colour bar or legend, in points."""

_QUESTION = 7.0
"""Height of the line that names the margin of contributions; on a sheet, it uses the gap between rows."""


def draw_panel(canvas: Canvas, area: Area, rasters: Rasters, panel: PanelName) -> None:
    """Draw a panel on a snapped area; a map has a colour bar below it."""
    inspection = rasters.inspection
    canvas.image(area, rasters.draw(panel, canvas.size_of(area)))
    size = np.array(rasters.placement.image_size, dtype=np.float64)
    if panel in ("grid_d", "grid_c"):
        grid = inspection.warps.grid_d if panel == "grid_d" else inspection.warps.grid_c
        draw_grid(canvas, area, rasters.placement.shares(grid))
    if panel not in ("image_d", "image_c") and not rasters.placement.sees_all:
        box = _on_panel(area, *rasters.placement.frame.box, size)
        draw_view_frame(canvas, area, box)
        if panel in ("original", "peaks"):
            draw_view_label(canvas, area, box, view_labels(inspection.response.view_share))
    if panel in ("original", "peaks") and (annotation := rasters.annotation):
        found = annotation.box
        box_area = None
        if found is not None:
            box_area = _on_panel(area, found.x, found.y, found.x + found.width, found.y + found.height, size)
        parts = np.array([(part.x, part.y) for part in annotation.parts], dtype=np.float64).reshape(-1, 2) / size
        draw_annotation(canvas, area, box_area, parts)
    if panel == "peaks":
        peaks = inspection.warps.peaks
        places = np.array([(peak.x, peak.y) for peak in peaks], dtype=np.float64).reshape(-1, 2) / size
        draw_peaks(
            canvas,
            area,
            places,
            np.array([peak.response for peak in peaks]),
            np.array([peak.weight_d for peak in peaks]),
            np.array([peak.weight_c for peak in peaks]),
        )
        outside = outside_peaks(rasters)
        places = np.array([(peak.x, peak.y) for peak in outside], dtype=np.float64).reshape(-1, 2) / size
        draw_outside_marks(canvas, area, places, np.array([peak.response for peak in outside]))
    if (limits := rasters.range_of(panel)) is not None:
        draw_colour_bar(canvas, area, limits, rasters.palette_of(panel))
    if panel == "contributions":
        _draw_question(canvas, area, rasters)


def height_below(rasters: Rasters, panel: PanelName) -> float:
    """Return the height of what is drawn below a panel by `draw_panel`, in points."""
    if rasters.range_of(panel) is None:
        return 0.0
    return BELOW + (_QUESTION if panel == "contributions" else 0.0)


def _draw_question(canvas: Canvas, area: Area, rasters: Rasters) -> None:
    """Write below the colour bar which logit or margin the contributions sum to, and its value."""
    ledger = ledger_of(rasters.explained)
    baseline, size = area.bottom + BELOW + 4.5, tokens.CAPTION
    value = f"{'margin' if ledger.versus else 'logit'} {ledger.total_text}"
    room = area.width - canvas.width_of(value, size=size, bold=True) - 5
    canvas.text(area.x, baseline, ledger.question, size=size, colour=tokens.QUIET, room=room)
    canvas.text(area.right, baseline, value, size=size, bold=True, align="right")


def outside_peaks(rasters: Rasters) -> list[Peak]:
    """Return the peaks that lie outside the annotated box; none without a box."""
    return [peak for peak in rasters.inspection.warps.peaks if rasters.annotation.is_outside(peak.x, peak.y)]


def _on_panel(area: Area, x0: float, y0: float, x1: float, y1: float, size: NDArray[np.float64]) -> Area:
    """Return a rectangle of the original, in its pixels, in points of the page."""
    width, height = area.width / size[0], area.height / size[1]
    return Area(area.x + x0 * width, area.y + y0 * height, (x1 - x0) * width, (y1 - y0) * height)


def draw_title(canvas: Canvas, area: Area, panel: PanelName) -> None:
    """Write a panel's title above it: its name, its symbol, and the mark of its branch."""
    words = PANEL_TEXTS[panel]
    x, baseline = area.x, area.y - 6.0
    if words.branch:
        draw_branch_mark(canvas, x, baseline - 2.9, words.branch, size=6)
        x += 9.5
    symbol_room = canvas.width_of(words.symbol.replace("_", ""), size=tokens.BODY) + 12
    x += canvas.text(x, baseline, words.title, size=tokens.BODY, bold=True, room=area.right - x - symbol_room)
    canvas.symbol(x + 3.5, baseline, f"({words.symbol})", size=tokens.BODY)


def draw_key(canvas: Canvas, area: Area, rasters: Rasters, panel: PanelName) -> None:
    """Draw the legend of a panel's marks below it; panels with a colour bar need none."""
    inspection = rasters.inspection
    baseline = area.bottom + 10
    if panel == "peaks":
        _draw_peak_key(canvas, area, baseline, rasters)
        return
    texts = [""]
    if panel in ("grid_d", "grid_c"):
        grid = inspection.warps.grid_d if panel == "grid_d" else inspection.warps.grid_c
        most = magnification_text(largest_magnification(grid))
        cells = f"{grid.shape[1]} × {grid.shape[0]} cells"
        texts = [f"{cells}; area enlarged up to {most} times", f"{cells}, area up to {most}×", f"area up to {most}×"]
        if most == "1":
            texts = [f"{cells}; nothing is enlarged", cells]
    elif panel in ("image_d", "image_c"):
        side = f"{inspection.warps.image_d.shape[0]} × {inspection.warps.image_d.shape[0]} px"
        texts = [
            f"sampled at {side}, shown in the original's proportions",
            f"{side} in the original's proportions",
            side,
        ]
    elif panel == "original":
        texts = [f"{rasters.placement.image_size[0]} × {rasters.placement.image_size[1]} px"]
    fitting = [text for text in texts if canvas.width_of(text, size=tokens.CAPTION) <= area.width]
    canvas.text(area.x, baseline, (fitting or texts[-1:])[0], size=tokens.CAPTION, colour=tokens.QUIET, room=area.width)


def _draw_peak_key(canvas: Canvas, area: Area, baseline: float, rasters: Rasters) -> None:
    peaks = rasters.inspection.warps.peaks
    if rasters.annotation.box is not None:
        outside = len(outside_peaks(rasters))
        draw_outside_key(canvas, area.x, baseline + 8.5 - 2.4, size=5.5)
        text = f"{outside} of {len(peaks)} outside the annotated box"
        canvas.text(area.x + 8.5, baseline + 8.5, text, size=tokens.CAPTION, colour=tokens.QUIET, room=area.width - 8.5)
    if rasters.inspection.response.attention != "sparse":
        text = f"{len(peaks)} peaks; the maps do not depend on them"
        canvas.text(area.x, baseline, text, size=tokens.CAPTION, colour=tokens.QUIET, room=area.width)
        return
    mixed = any(0 < peak.weight_d < 1 for peak in peaks)
    in_d, in_c = sum(peak.weight_d > 0 for peak in peaks), sum(peak.weight_c > 0 for peak in peaks)
    if mixed:
        words = (("D", "strong (D)"), ("C", f"supporting (C); {len(peaks)} peaks"))
    else:
        words = (("D", f"{in_d} strong (D)"), ("C", f"{in_c} supporting (C)"))
    x = area.x
    for branch, text in words:
        draw_branch_mark(canvas, x, baseline - 2.4, branch, size=5.5)
        x += 8.5
        x += canvas.symbol(x, baseline, text, size=tokens.CAPTION) + 8
    rest = "larger: stronger R"
    if x + canvas.width_of(rest, size=tokens.CAPTION) <= area.right:
        canvas.text(x, baseline, rest, size=tokens.CAPTION, colour=tokens.QUIET)


def draw_colour_bar(canvas: Canvas, area: Area, limits: ValueRange, palette: PaletteName | DivergingName) -> None:
    """Draw the colour bar of a map, with its values, below the map's area."""
    bar = canvas.snapped(Area(area.x, area.bottom + 4.5, area.width, 4.5))
    width, height = canvas.size_of(bar)
    ramp = np.zeros(width) if limits.flat else (np.arange(width) + 0.5) / width
    canvas.image(bar, np.broadcast_to(coloured(ramp, palette), (height, width, 3)))
    for value, text in limits.ticks(4 if area.width > 110 else 2):
        x = bar.x + float(limits.share(np.array(value))) * bar.width
        half = canvas.width_of(text, size=tokens.CAPTION) / 2
        canvas.lines([[(x, bar.bottom), (x, bar.bottom + 1.8)]], tokens.QUIET, width=0.5)
        middle = min(max(x, area.x + half), area.right - half)
        canvas.text(middle, bar.bottom + 8.6, text, size=tokens.CAPTION, colour=tokens.QUIET, align="center")
