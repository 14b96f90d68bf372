"""The layout of the charts: columns, height and grid positions."""

from __future__ import annotations

from s3n_gui.appearance.theme import px
from s3n_gui.appearance.tokens import INSIDE_GROUP
from s3n_gui.training.curves.charts import CHARTS

_WIDE, _MIDDLE = 720, 480
_ROWS = {3: 3, 2: 4, 1: 8}
_SMALLEST_HEIGHTS, _LARGEST_HEIGHT = {3: 112, 2: 158, 1: 158}, 420


def columns_for(width: int) -> int:
    """Return the number of columns of small charts for a width in pixels."""
    return 3 if width >= px(_WIDE) else 2 if width >= px(_MIDDLE) else 1


def height_for(columns: int, room: int) -> int:
    """Return the height of every chart, in pixels: fill the room, within limits of legibility and aspect ratio."""
    rows = _ROWS[columns]
    height = (room - (rows - 1) * INSIDE_GROUP) // rows
    return min(max(height, px(_SMALLEST_HEIGHTS[columns])), px(_LARGEST_HEIGHT))


def chart_places(columns: int) -> dict[str, tuple[int, int, int]]:
    """Return row, column and column span of every chart in a six-column grid; large charts span at least half a row."""
    places, row, column = {}, 0, 0
    for chart in CHARTS:
        span = 6 // min(columns, 2) if chart.large else 6 // columns
        if column + span > 6:
            row, column = row + 1, 0
        places[chart.name] = (row, column, span)
        column += span
    return places
