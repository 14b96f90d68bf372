"""The layout of the charts: which ones are shown, their positions in the grid and their heights."""

from __future__ import annotations

from dataclasses import dataclass

from s3n_gui.appearance.theme import px
from s3n_gui.appearance.tokens import INSIDE_GROUP
from s3n_gui.training.curves.charts import CHARTS

UNITS = 6
"""Columns of the grid; a chart spans several of them."""
_WIDE, _MIDDLE = 720, 480
_LEAST_BESIDE, _LEAST_SHAPE = 400, 0.8
"""Least width of both large charts beside each other, and least ratio of width to height of each."""
LEAST_LARGE = 150
"""Least height of a large chart, in pixels at normal text size."""
_LEAST_DETAIL, _MOST_DETAIL = 124, 220
_SHARE_WITH_DETAILS = 0.62
"""Share of the room that the two large charts have while the details are shown below them."""


@dataclass(frozen=True, slots=True)
class ChartPlace:
    """Where a chart is.

    Attributes:
        row: Row of the grid.
        column: Column of the grid.
        span: Number of columns.
        height: Its height, in pixels.
    """

    row: int
    column: int
    span: int
    height: int


def detail_columns(width: int) -> int:
    """Return the number of columns of the small charts for a width in pixels."""
    return 3 if width >= px(_WIDE) else 2 if width >= px(_MIDDLE) else 1


def large_columns(width: int, room: int) -> int:
    """Return whether the two large charts are beside each other (2) or one above the other (1).

    They are beside each other where that gives them the better shape, or where the height does not suffice for both.

    Args:
        width: Width of the grid, in pixels.
        room: Visible height of the grid, in pixels.
    """
    if width < px(_LEAST_BESIDE):
        return 1
    return 2 if room < 2 * px(LEAST_LARGE) + INSIDE_GROUP or width >= 2 * _LEAST_SHAPE * room else 1


def chart_places(width: int, room: int, *, details: bool) -> dict[str, ChartPlace]:
    """Return the place of every chart that is shown, by name: loss and accuracy large, all others with the details.

    The large charts fill the room; with the details below them, they leave some of it.

    Args:
        width: Width of the grid, in pixels.
        room: Visible height of the grid, in pixels.
        details: Whether all charts are shown.
    """
    large, small = [c for c in CHARTS if c.large], [c for c in CHARTS if not c.large]
    columns = large_columns(width, room)
    rows = -(-len(large) // columns)
    share = _SHARE_WITH_DETAILS if details else 1.0
    height = max((round(share * room) - (rows - 1) * INSIDE_GROUP) // rows, px(LEAST_LARGE))
    places = _rows([c.name for c in large], columns, 0, height)
    if details:
        rest = room - rows * (height + INSIDE_GROUP)
        low = min(max(rest, px(_LEAST_DETAIL)), px(_MOST_DETAIL))
        places |= _rows([c.name for c in small], detail_columns(width), rows, low)
    return places


def _rows(names: list[str], columns: int, first: int, height: int) -> dict[str, ChartPlace]:
    span = UNITS // columns
    return {
        name: ChartPlace(first + index // columns, index % columns * span, span, height)
        for index, name in enumerate(names)
    }
